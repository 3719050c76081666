use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::ocsp::Staple;
use super::{TlsError, fault};

/// A certificate as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    plain: Arc<CertifiedKey>,
    stapled: Option<Stapled>,
}

/// The same with its authority's word that it is not revoked.
#[derive(Debug)]
struct Stapled {
    key: Arc<CertifiedKey>,
    until: SystemTime,
}

impl Shown {
    pub(super) fn new(key: CertifiedKey, ocsp: Option<&Path>) -> Result<Self, TlsError> {
        let stapled = match ocsp {
            None => None,
            Some(file) => {
                let der = std::fs::read(file).map_err(|cause| fault(file, cause.to_string()))?;
                let leaf = key.end_entity_cert().map_err(TlsError::Config)?;
                let staple = Staple::read(&der, leaf).map_err(|cause| fault(file, cause.to_string()))?;
                let mut key = key.clone();
                key.ocsp = Some(der);
                Some(Stapled { key: Arc::new(key), until: staple.until })
            }
        };
        Ok(Self { plain: Arc::new(key), stapled })
    }

    /// A response that is out of date is not stapled: clients take it for an attack, and ask the authority themselves without one.
    fn key(&self) -> &Arc<CertifiedKey> {
        match &self.stapled {
            Some(stapled) if SystemTime::now() < stapled.until => &stapled.key,
            _ => &self.plain,
        }
    }
}

/// The certificate whose names include the one that the client asks for; the first for a client that asks for none of them.
#[derive(Debug)]
pub(super) struct ByName(pub(super) Vec<Shown>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.0.iter().find(|shown| is_for(&shown.plain, name)));
        named.or(self.0.first()).map(|shown| shown.key().clone())
    }
}

fn is_for(key: &CertifiedKey, name: &str) -> bool {
    let Ok(name) = rustls::pki_types::ServerName::try_from(name) else { return false };
    key.end_entity_cert()
        .and_then(ParsedCertificate::try_from)
        .and_then(|certificate| rustls::client::verify_server_name(&certificate, &name))
        .is_ok()
}
