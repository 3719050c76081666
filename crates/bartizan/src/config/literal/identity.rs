use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
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
    /// The server that mail is sent by: verification of addresses, and links for people who have forgotten their password. Without it
    /// such links are made by `bartizan user recover` and handed over.
    pub smtp: Option<Smtp>,
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

/// A mail server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port. Without it, 465 for TLS from the first byte, 587 for `STARTTLS`, 25 without TLS.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: SmtpTls,
    /// The user, where the server asks for one.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<SecretSource>,
    /// The sender: `"login@example.com"`, or `"Example <login@example.com>"`.
    pub from: String,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpTls {
    /// By TLS from its first byte.
    #[default]
    Implicit,
    /// By `STARTTLS`, without which nothing is sent.
    Starttls,
    /// Not at all: links that open accounts can be read on the way. For a server on this machine.
    Off,
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
