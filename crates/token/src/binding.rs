use serde_json::Value;

use crate::{CertificateThumbprint, KeyThumbprint, TokenError};

/// What a token is bound to (`RFC 7800 §3.1`): whoever shows the token has to show all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// A key, of which each request brings a proof (`jkt`, `RFC 9449 §6.1`).
    pub key: Option<KeyThumbprint>,
    /// The certificate of the connection (`x5t#S256`, `RFC 8705 §3.1`).
    pub certificate: Option<CertificateThumbprint>,
}

impl Binding {
    /// Whether the token is bound to nothing: a bearer token.
    pub const fn is_none(&self) -> bool {
        self.key.is_none() && self.certificate.is_none()
    }

    /// Reads `cnf`. What is not understood refuses the token: what it asks for would go unproven.
    pub(crate) fn parse(confirmation: Option<&Value>) -> Result<Self, TokenError> {
        let Some(confirmation) = confirmation else { return Ok(Self::default()) };
        let members = confirmation.as_object().ok_or(TokenError::SenderConstrained)?;
        let mut binding = Self::default();
        for (name, value) in members {
            let text = value.as_str().ok_or(TokenError::SenderConstrained)?;
            match name.as_str() {
                "jkt" => binding.key = Some(KeyThumbprint::from_base64url(text).ok_or(TokenError::SenderConstrained)?),
                "x5t#S256" => {
                    binding.certificate =
                        Some(CertificateThumbprint::from_base64url(text).ok_or(TokenError::SenderConstrained)?);
                }
                _ => return Err(TokenError::SenderConstrained),
            }
        }
        // An empty `cnf` says that the token is bound, and not to what.
        if binding.is_none() { Err(TokenError::SenderConstrained) } else { Ok(binding) }
    }
}
