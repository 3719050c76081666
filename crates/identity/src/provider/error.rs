//! Why a request is not answered as it asks, and whose fault that is.

use super::oauth_error::OAuthError;
use super::parameters::ParametersError;
use crate::IdentityError;

/// Why a request of a client's does not get what it asks for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// It is at fault.
    #[error(transparent)]
    Client(#[from] OAuthError),
    /// This node is.
    #[error(transparent)]
    Node(#[from] IdentityError),
}

impl From<bartizan_store::StoreError> for Refused {
    fn from(fault: bartizan_store::StoreError) -> Self {
        Self::Node(fault.into())
    }
}

impl From<bartizan_vault::VaultError> for Refused {
    fn from(fault: bartizan_vault::VaultError) -> Self {
        Self::Node(fault.into())
    }
}

impl From<ParametersError> for Refused {
    fn from(fault: ParametersError) -> Self {
        Self::Client(fault.into())
    }
}
