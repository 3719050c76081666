use aws_lc_rs::digest::{SHA256, digest};

/// The certificate that a client showed, after its chain was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    der: Vec<u8>,
    thumbprint: [u8; 32],
}

impl ClientCertificate {
    /// Keeps a verified leaf, in DER.
    pub fn from_der(der: &[u8]) -> Self {
        let mut thumbprint = [0; 32];
        for (byte, computed) in thumbprint.iter_mut().zip(digest(&SHA256, der).as_ref()) {
            *byte = *computed;
        }
        Self { der: der.to_owned(), thumbprint }
    }

    /// As it was shown.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of it: what `x5t#S256` says in base64url (`RFC 8705 §3.1`).
    pub const fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }
}
