use bartizan_policy::IssuerName;
use serde_json::Value;

use crate::json;

/// What the gate needs from an issuer's metadata (`RFC 8414 §2`, `OpenID Connect Discovery §3`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Where the issuer's key set is.
    pub jwks_uri: String,
}

/// Why a metadata document is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Longer than 256 KiB.
    #[error("the metadata is longer than 256 KiB")]
    TooLong,
    /// Not one strict JSON object, or a member is missing or of the wrong type; names it.
    #[error("the metadata is malformed: {0}")]
    Malformed(&'static str),
    /// The document speaks for another issuer: whoever answered here could have its tokens taken for that one's
    /// (mix-up, `RFC 8414 §3.3`).
    #[error("the metadata is of another issuer")]
    WrongIssuer,
    /// The keys of an issuer on `https` would be fetched in the clear.
    #[error("`jwks_uri` is no `https` address")]
    InsecureKeys,
}

impl Discovery {
    /// The longest document that is read.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Reads the metadata of `expected`.
    ///
    /// # Errors
    /// A [`DiscoveryError`], naming the culprit.
    pub fn parse(document: &[u8], expected: &IssuerName) -> Result<Self, DiscoveryError> {
        if document.len() > Self::MAX_BYTES {
            return Err(DiscoveryError::TooLong);
        }
        let members = json::object(document).map_err(|_| DiscoveryError::Malformed("not one strict JSON object"))?;
        let text = |name| members.get(name).and_then(Value::as_str);
        let issuer = text("issuer").ok_or(DiscoveryError::Malformed("`issuer`"))?;
        if issuer != expected.as_str() {
            return Err(DiscoveryError::WrongIssuer);
        }
        let jwks_uri = text("jwks_uri").ok_or(DiscoveryError::Malformed("`jwks_uri`"))?;
        let is_plain_development_issuer = issuer.starts_with("http://") && jwks_uri.starts_with("http://");
        if !jwks_uri.starts_with("https://") && !is_plain_development_issuer {
            return Err(DiscoveryError::InsecureKeys);
        }
        Ok(Self { jwks_uri: jwks_uri.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(document: &str, issuer: &str) -> Result<Discovery, DiscoveryError> {
        Discovery::parse(document.as_bytes(), &issuer.into())
    }

    #[test]
    fn the_keys_address_is_taken_from_the_issuers_own_metadata() {
        let document = r#"{"issuer":"https://a.example","jwks_uri":"https://keys.example/a"}"#;
        assert_eq!(
            parse(document, "https://a.example"),
            Ok(Discovery { jwks_uri: "https://keys.example/a".to_owned() })
        );
    }

    #[test]
    fn metadata_of_another_issuer_is_refused() {
        let document = r#"{"issuer":"https://a.example","jwks_uri":"https://keys.example/a"}"#;
        for other in ["https://a.example/", "https://A.example", "https://b.example", ""] {
            assert_eq!(parse(document, other), Err(DiscoveryError::WrongIssuer), "{other}");
        }
    }

    #[test]
    fn an_https_issuer_cannot_have_its_keys_fetched_in_the_clear() {
        for uri in ["http://a.example/jwks", "file:///etc/passwd", "data:,{}", "//a.example", ""] {
            let document = format!(r#"{{"issuer":"https://a.example","jwks_uri":"{uri}"}}"#);
            assert_eq!(parse(&document, "https://a.example"), Err(DiscoveryError::InsecureKeys), "{uri}");
        }
    }

    #[test]
    fn metadata_of_any_length_is_not_read() {
        let document = r#"{"issuer":"https://a.example","jwks_uri":"https://keys.example/a"}"#;
        let padded = format!("{document}{}", " ".repeat(Discovery::MAX_BYTES));
        assert_eq!(parse(&padded, "https://a.example"), Err(DiscoveryError::TooLong));
    }

    #[test]
    fn metadata_with_two_issuers_is_refused() {
        let document =
            r#"{"issuer":"https://b.example","issuer":"https://a.example","jwks_uri":"https://a.example/k"}"#;
        assert!(matches!(parse(document, "https://a.example"), Err(DiscoveryError::Malformed(_))));
    }
}
