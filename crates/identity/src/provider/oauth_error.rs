//! What clients are told when something does not hold: the registered error codes, and a sentence for whoever reads their log.

use super::parameters::ParametersError;

/// An error of the protocol (`RFC 6749 §4.1.2.1, §5.2`, `OpenID Connect Core §3.1.2.6`, `RFC 9470 §5`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    /// Its registered name.
    pub code: &'static str,
    /// What is wrong, without anything that was sent.
    pub description: &'static str,
    /// The word for the audit log.
    pub reason: &'static str,
}

impl OAuthError {
    pub(super) const fn new(code: &'static str, reason: &'static str, description: &'static str) -> Self {
        Self { code, description, reason }
    }

    pub(super) const fn invalid_request(reason: &'static str, description: &'static str) -> Self {
        Self::new("invalid_request", reason, description)
    }

    pub(super) const fn invalid_grant(reason: &'static str, description: &'static str) -> Self {
        Self::new("invalid_grant", reason, description)
    }

    /// Whether a device is told to ask again (`RFC 8628 §3.5`).
    pub(super) fn is_for_now(&self) -> bool {
        ["authorization_pending", "slow_down"].contains(&self.code)
    }

    pub(super) const fn invalid_client(reason: &'static str) -> Self {
        Self::new("invalid_client", reason, "the client is not known, or did not prove that it is itself")
    }
}

impl From<ParametersError> for OAuthError {
    fn from(fault: ParametersError) -> Self {
        match fault {
            ParametersError::TooMany => Self::invalid_request("too-many-parameters", "there are too many parameters"),
            ParametersError::Repeated => Self::invalid_request("repeated-parameter", "a parameter is there twice"),
            ParametersError::NotText => Self::invalid_request("parameter-no-text", "a parameter is no text"),
        }
    }
}
