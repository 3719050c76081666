use bartizan_gateway::config::CertificateFiles;
use bartizan_vault::Secret;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::Resolver;
use super::validity::Validity;
use crate::config::faults::FaultKind;
use crate::config::literal::Certificate;
use crate::config::tree::Place;
use crate::config::units::Time;

/// How long before its end a certificate is warned about: what renews by itself (at two thirds of 90 days) has failed by then.
const RENEW_BEFORE: std::time::Duration = std::time::Duration::from_hours(21 * 24);

impl Resolver<'_> {
    /// A certificate and its key, read and held against each other, so that a renewal gone wrong is found here and not by
    /// clients.
    pub(super) fn certificate(&mut self, files: &Certificate, place: &Place) -> Option<CertificateFiles> {
        let (cert_place, key_place) = (place.key("cert"), place.key("key"));
        let chain = self.content(&files.cert, &cert_place, "certificate");
        let key = self.private_content(&files.key, &key_place, "key");
        let chain = chain.and_then(|pem| {
            let chain = self.chain(&pem, files, &cert_place);
            self.contents.push(pem);
            chain
        });
        let key = key.and_then(|pem| {
            let key = self.private_key(&pem, files, &key_place);
            self.secrets.push(Secret::new(pem));
            key
        });
        let (chain, key) = chain.zip(key)?;
        self.validity(&chain, files, &cert_place);
        if CertifiedKey::new(chain, key).keys_match().is_err() {
            let message = format!("the key `{}` does not belong to the certificate", files.key.display());
            self.error(FaultKind::Certificate, &key_place, message, "name the key that the certificate was issued for");
            return None;
        }
        let ocsp = match &files.ocsp {
            None => None,
            Some(file) => {
                // Part of the configuration's content, so that a new response is read when it comes.
                let response = self.content(file, &place.key("ocsp"), "OCSP response")?;
                self.contents.push(response);
                Some(self.beside(file))
            }
        };
        Some(CertificateFiles { certificate: self.beside(&files.cert), key: self.beside(&files.key), ocsp })
    }

    fn chain(&mut self, pem: &[u8], files: &Certificate, place: &Place) -> Option<Vec<CertificateDer<'static>>> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect();
        if chain.is_empty() {
            let message = format!("`{}` holds no certificate", files.cert.display());
            let remedy = "it must hold the chain in PEM form, beginning `-----BEGIN CERTIFICATE-----`";
            self.error(FaultKind::Certificate, place, message, remedy);
            return None;
        }
        Some(chain)
    }

    fn private_key(
        &mut self,
        pem: &[u8],
        files: &Certificate,
        place: &Place,
    ) -> Option<std::sync::Arc<dyn rustls::sign::SigningKey>> {
        let key = PrivateKeyDer::from_pem_slice(pem).ok();
        let Some(key) = key.and_then(|key| default_provider().key_provider.load_private_key(key).ok()) else {
            let message = format!("`{}` holds no key that can be used", files.key.display());
            let encrypted = pem.windows(9).any(|window| window == b"ENCRYPTED");
            let remedy = if encrypted {
                "it is encrypted: write it without a passphrase, readable by the gate's user only"
            } else {
                "it must hold an RSA or ECDSA key, or Ed25519, in PEM form, beginning `-----BEGIN PRIVATE KEY-----`"
            };
            self.error(FaultKind::Certificate, place, message, remedy);
            return None;
        };
        Some(key)
    }

    fn validity(&mut self, chain: &[CertificateDer<'_>], files: &Certificate, place: &Place) {
        let Some(validity) = chain.first().and_then(|leaf| Validity::of(leaf)) else {
            let message = format!("the certificate `{}` cannot be read", files.cert.display());
            self.error(FaultKind::Certificate, place, message, "see that its first certificate is the gate's own");
            return;
        };
        let now = self.environment.now();
        let (name, ends) = (files.cert.display(), Time::written(validity.not_after));
        if validity.not_after < now {
            let message = format!("the certificate `{name}` expired at {ends}");
            self.error(FaultKind::Certificate, place, message, "renew it: every client refuses it");
        } else if now < validity.not_before {
            let begins = Time::written(validity.not_before);
            let message = format!("the certificate `{name}` is not valid before {begins}");
            self.error(FaultKind::Certificate, place, message, "check the clock of this machine, or wait until then");
        } else if validity.not_after < now.after(RENEW_BEFORE) {
            let message = format!("the certificate `{name}` expires at {ends}");
            self.warning(
                FaultKind::Expired,
                place,
                message,
                "see that it is renewed; the gate reads it again by itself",
            );
        }
    }
}
