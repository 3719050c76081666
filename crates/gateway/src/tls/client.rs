//! Certificates that clients show (mutual TLS): who may have issued them, and which of them were revoked.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::{TlsError, certificates, fault};
use crate::config::{CertificateDemand, ClientCertificates, UnknownRevocation};

/// What verifies each certificate that a client shows: its chain, its time, its purpose, and the revocation of every certificate of
/// the chain but the root (`RFC 5280 §6`).
pub(super) fn verifier(
    rules: &ClientCertificates,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(&rules.authorities)? {
        roots.add(authority).map_err(|cause| fault(&rules.authorities, cause.to_string()))?;
    }
    let mut lists = Vec::new();
    for file in &rules.revocation_lists {
        lists.extend(revocation_lists(file)?);
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).with_crls(lists);
    if rules.demand == CertificateDemand::Optional {
        builder = builder.allow_unauthenticated();
    }
    builder = match rules.unknown_revocation {
        UnknownRevocation::Accept => builder.allow_unknown_revocation_status(),
        // A list that is past its next update says nothing of what was revoked since.
        UnknownRevocation::Refuse => builder.enforce_revocation_expiration(),
    };
    builder.build().map_err(|cause| {
        let file = rules.revocation_lists.first().unwrap_or(&rules.authorities);
        fault(file, cause.to_string())
    })
}

/// The lists of a file: PEM, as `openssl ca -gencrl` writes it, or DER, as authorities publish it (`RFC 5280 §4.2.1.13`).
fn revocation_lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let content = fs::read(file).map_err(|cause| fault(file, cause.to_string()))?;
    if !content.windows(11).any(|window| window == b"-----BEGIN ") {
        return Ok(vec![content.into()]);
    }
    let lists = CertificateRevocationListDer::pem_slice_iter(&content).collect::<Result<Vec<_>, _>>();
    let lists = lists.map_err(|cause| fault(file, cause.to_string()))?;
    if lists.is_empty() { Err(fault(file, "holds no revocation list".to_owned())) } else { Ok(lists) }
}
