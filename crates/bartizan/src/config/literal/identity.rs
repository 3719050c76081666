use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tokens;
use crate::config::units::Period;

/// The gate's own sign-in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Where its endpoints and pages are: `public_url` and this path together are the issuer.
    #[serde(default = "default_path")]
    pub path: String,
    /// What the pages and authenticator apps call this place. Without it, the host of `public_url`.
    pub name: Option<String>,
    /// Roles whose holders get into nothing before they have a second factor. An empty list has to be said.
    #[serde(default = "default_mfa_roles")]
    pub mfa_roles: Vec<String>,
    /// How long a session stands.
    #[serde(default)]
    pub session: Session,
    /// What a password must be, and what hashing one costs.
    #[serde(default)]
    pub password: Password,
    /// How long tokens are good for.
    #[serde(default)]
    pub tokens: Tokens,
    /// How the pages look.
    #[serde(default)]
    pub theme: Theme,
}

fn default_path() -> String {
    "/auth".to_owned()
}

fn default_mfa_roles() -> Vec<String> {
    vec!["admin".to_owned()]
}

/// How long a session stands.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    /// Without a request.
    pub idle: Period,
    /// At most, whatever its holder does.
    pub absolute: Period,
}

impl Default for Session {
    fn default() -> Self {
        let rules = bartizan_identity::SessionRules::default();
        Self { idle: Period::new(rules.idle), absolute: Period::new(rules.absolute) }
    }
}

/// What a password must be, and what hashing one costs. There are no rules about letters and digits; guessable ones are refused.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Password {
    /// Characters, where a second factor is asked for as well.
    #[schemars(range(min = 8, max = 64))]
    pub min_length: usize,
    /// Characters, where the password is all that is asked for.
    #[schemars(range(min = 8, max = 64))]
    pub min_length_alone: usize,
    /// Memory of Argon2id, in KiB. Stored passwords are hashed anew at the next sign-in when this changes.
    #[schemars(range(min = 7168, max = 262_144))]
    pub memory: u32,
    /// Passes of Argon2id.
    #[schemars(range(min = 1, max = 16))]
    pub passes: u32,
    /// Lanes of Argon2id.
    #[schemars(range(min = 1, max = 16))]
    pub lanes: u32,
    /// How many sign-ins may wait for their password to be hashed; more get 503.
    #[schemars(range(min = 1, max = 4096))]
    pub queue: usize,
}

impl Default for Password {
    fn default() -> Self {
        let rules = bartizan_identity::PasswordRules::default();
        Self {
            min_length: rules.min_length,
            min_length_alone: rules.min_length_alone,
            memory: rules.cost.memory,
            passes: rules.cost.passes,
            lanes: rules.cost.lanes,
            queue: rules.queue.get(),
        }
    }
}

/// How the pages look.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Theme {
    /// The picture above each page: a PNG, JPEG, WebP or SVG file of at most 256 KiB.
    pub logo: Option<PathBuf>,
    /// The colour of buttons and links, `"#0b5cad"`.
    #[schemars(regex(pattern = "^#[0-9A-Fa-f]{6}$"))]
    pub accent: Option<String>,
    /// The same in the dark form of the pages.
    #[schemars(regex(pattern = "^#[0-9A-Fa-f]{6}$"))]
    pub accent_dark: Option<String>,
}
