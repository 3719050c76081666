//! Answers to an authority that checks whether a name is ours, for as long as an order is open.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Where an authority asks for a document (`RFC 8555 §8.3`).
const DOCUMENTS: &str = "/.well-known/acme-challenge/";

/// What is answered now.
#[derive(Default)]
pub(super) struct Challenges {
    /// By name.
    handshakes: RwLock<HashMap<String, Arc<CertifiedKey>>>,
    /// By token.
    documents: RwLock<HashMap<String, String>>,
}

/// Takes an order's answers away when the order ends, however it ends.
pub(super) struct Answering<'a>(pub(super) &'a Challenges);

/// A challenge's certificate that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the certificate that answers the challenge cannot be made: {0}")]
pub(super) struct NotMade(String);

impl Challenges {
    /// Answers with a document.
    pub(super) fn answer_by_document(&self, token: &str, key_authorization: &str) {
        let mut documents = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        documents.insert(token.to_owned(), key_authorization.to_owned());
    }

    /// Answers with a certificate that holds the digest of the key authorization (`RFC 8737 §3`).
    pub(super) fn answer_by_handshake(&self, name: &str, digest: &[u8]) -> Result<(), NotMade> {
        let key = certificate(name, digest)?;
        let mut handshakes = self.handshakes.write().unwrap_or_else(PoisonError::into_inner);
        handshakes.insert(name.to_ascii_lowercase(), Arc::new(key));
        Ok(())
    }

    pub(super) fn document(&self, path: &str) -> Option<String> {
        let token = path.strip_prefix(DOCUMENTS)?;
        self.documents.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.handshakes.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.0.documents.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn certificate(name: &str, digest: &[u8]) -> Result<CertifiedKey, NotMade> {
    let fault = |cause: &dyn fmt::Display| NotMade(cause.to_string());
    let mut parameters = CertificateParams::new([name.to_owned()]).map_err(|cause| fault(&cause))?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(|cause| fault(&cause))?;
    let certificate = parameters.self_signed(&key).map_err(|cause| fault(&cause))?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let key = default_provider().key_provider.load_private_key(key.into()).map_err(|cause| fault(&cause))?;
    // Not held against each other: webpki does not read a certificate with an extension that is critical and that it does not know.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

impl ResolvesServerCert for Challenges {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.to_ascii_lowercase();
        self.handshakes.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned()
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Challenges")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_answered_under_its_token_alone_and_only_while_its_order_is_open() {
        let challenges = Challenges::default();
        {
            let _answering = Answering(&challenges);
            challenges.answer_by_document("token", "token.thumbprint");
            let asked = |path| challenges.document(path);
            assert_eq!(asked("/.well-known/acme-challenge/token").as_deref(), Some("token.thumbprint"));
            assert_eq!(asked("/.well-known/acme-challenge/"), None);
            assert_eq!(asked("/.well-known/acme-challenge/token/.."), None);
            assert_eq!(asked("/token"), None);
        }
        assert_eq!(challenges.document("/.well-known/acme-challenge/token"), None);
    }
}
