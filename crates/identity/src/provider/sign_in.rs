//! How somebody signed in, as tokens tell it.

use serde::{Deserialize, Serialize};

use crate::IdentityError;

/// How and when the holder of a grant signed in (`OpenID Connect Core §2`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignIn {
    /// `auth_time`, in seconds since 1970.
    pub(super) auth_time: i64,
    /// The authentication context class.
    pub(super) acr: String,
    /// The methods used (`RFC 8176`).
    pub(super) amr: Vec<String>,
}

impl SignIn {
    pub(super) fn stored(&self) -> String {
        serde_json::json!(self).to_string()
    }

    pub(super) fn read(text: &str) -> Result<Self, IdentityError> {
        serde_json::from_str(text).map_err(|_| IdentityError::Damaged { what: "grant" })
    }
}

/// Somebody who is signed in, as the provider sees it.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    /// The session's id: no secret.
    pub(super) session: String,
    /// Whose it is.
    pub(super) subject: String,
    /// How.
    pub(super) sign_in: SignIn,
}
