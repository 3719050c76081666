use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretSource, Tokens};
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
    /// The server that takes mail to people: links for those who forgot their password, invitations, the proof that an address is its
    /// holder's. Without it, links are handed over.
    pub smtp: Option<Smtp>,
    /// Which authenticators holders of the role `admin` may have passkeys in: `"any"`, or a list of their kinds (AAGUIDs).
    #[serde(default)]
    pub admin_passkeys: AdminPasskeys,
}

/// A mail server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name, which its certificate has to show.
    pub host: String,
    /// Its port. Without it, the usual one: 587 with `"starttls"`, 465 with `"implicit"`, 25 with `"off"`.
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// How the way there is secured. `"off"` is taken for a server on this machine only: whoever reads the mails gets into accounts.
    #[serde(default)]
    pub tls: SmtpTls,
    /// PEM file of the authorities to trust, instead of the system's.
    pub ca: Option<PathBuf>,
    /// Who hands mail in. Needs `password`.
    pub username: Option<String>,
    /// The password of that name.
    pub password: Option<SecretSource>,
    /// Whom mail is from: `"name@example.com"`, or `"Example <name@example.com>"`.
    pub from: String,
}

/// How the way to a mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpTls {
    /// `STARTTLS`, without which nothing is sent.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// None.
    Off,
}

/// Authenticators that administrators may have passkeys in.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum AdminPasskeys {
    /// All of them.
    Word(AnyAuthenticator),
    /// These kinds: AAGUIDs, such as `"cb69481e-8ff7-4039-93ec-0a2729a154a8"`.
    Kinds(Vec<String>),
}

/// All of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnyAuthenticator {
    /// Whatever its maker.
    Any,
}

impl Default for AdminPasskeys {
    fn default() -> Self {
        Self::Word(AnyAuthenticator::Any)
    }
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
