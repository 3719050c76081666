//! What connections bring before the first byte of HTTP.

use bartizan_gateway::config as gateway;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{CertificateMode, ClientCertificates, ProxyProtocol, Server, UnknownRevocation};
use crate::config::tree::Place;

impl Resolver<'_> {
    pub(super) fn listening(&mut self, server: &Server, plain: bool, place: &Place) -> Option<gateway::Listening> {
        let proxy_protocol = match server.proxy_protocol {
            ProxyProtocol::Off => gateway::ProxyProtocol::Off,
            ProxyProtocol::Required => gateway::ProxyProtocol::Required,
        };
        if server.proxy_protocol == ProxyProtocol::Required && server.trusted_proxies.is_empty() {
            let message = "every connection has to begin with a PROXY header, but nobody may write one";
            let remedy = "name your proxies in `trusted_proxies`; those on Unix sockets count as `127.0.0.1`";
            self.error(FaultKind::Contradiction, &place.key("proxy_protocol"), message, remedy);
        }
        let client_certificates = match &server.client_certificates {
            Some(rules) => Some(self.client_certificates(rules, plain, &place.key("client_certificates"))?),
            None => None,
        };
        let unix_sockets = gateway::UnixSockets { mode: server.socket_mode.get() };
        Some(gateway::Listening { proxy_protocol, unix_sockets, client_certificates })
    }

    fn client_certificates(
        &mut self,
        rules: &ClientCertificates,
        plain: bool,
        place: &Place,
    ) -> Option<gateway::ClientCertificates> {
        if plain {
            let message = "clients show certificates in the TLS handshake, but `tls` is \"off\"";
            self.error(FaultKind::Contradiction, place, message, "leave them out, or configure `tls`");
        }
        let ca = place.key("ca");
        let authorities = self.content(&rules.ca, &ca, "authorities' file")?;
        if !holds_an_authority(&authorities) {
            let message = format!("`{}` holds no certificate of an authority", rules.ca.display());
            let remedy = "it must hold certificates in PEM form, beginning `-----BEGIN CERTIFICATE-----`";
            self.error(FaultKind::Certificate, &ca, message, remedy);
        }
        self.contents.push(authorities);
        let mut revocation_lists = Vec::new();
        for (index, file) in rules.crl.iter().enumerate() {
            // Part of the configuration's content, so that a new list is in force when it comes.
            let list = self.content(file, &place.key("crl").index(index), "revocation list")?;
            self.contents.push(list);
            revocation_lists.push(self.beside(file));
        }
        Some(gateway::ClientCertificates {
            authorities: self.beside(&rules.ca),
            demand: match rules.mode {
                CertificateMode::Required => gateway::CertificateDemand::Required,
                CertificateMode::Optional => gateway::CertificateDemand::Optional,
            },
            revocation_lists,
            unknown_revocation: match rules.unknown_revocation {
                UnknownRevocation::Refuse => gateway::UnknownRevocation::Refuse,
                UnknownRevocation::Accept => gateway::UnknownRevocation::Accept,
            },
        })
    }
}

fn holds_an_authority(pem: &[u8]) -> bool {
    let mut roots = RootCertStore::empty();
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).any(|authority| roots.add(authority).is_ok())
}
