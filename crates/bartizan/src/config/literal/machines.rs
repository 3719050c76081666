use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
use crate::config::units::{Name, Period, Url};

/// Whom a client's certificate speaks for, on routes with `credentials = ["mtls"]`. Exactly one of `subject`, `dns`, `uri`, `email`
/// and `thumbprint` says which certificates; one that no section fits speaks for nobody.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateCaller {
    /// The subject of requests made with it; without it, the name by which it was found.
    #[schemars(length(min = 1, max = 512))]
    pub name: Option<String>,
    /// The subject's distinguished name (RFC 4514), most specific first: `CN=billing,O=Example`.
    #[schemars(length(min = 1, max = 1024))]
    pub subject: Option<String>,
    /// One of its DNS names.
    #[schemars(length(min = 1, max = 255))]
    pub dns: Option<String>,
    /// One of its URIs, such as a SPIFFE ID; with `/*` at the end, every one below.
    #[schemars(length(min = 1, max = 2048))]
    pub uri: Option<String>,
    /// One of its mail addresses.
    #[schemars(length(min = 1, max = 320))]
    pub email: Option<String>,
    /// The SHA-256 of the certificate in base64url, as `x5t#S256` has it (RFC 8705): this certificate and no other.
    #[schemars(length(min = 43, max = 43))]
    pub thumbprint: Option<String>,
    /// Roles of requests made with it.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Scopes of requests made with it.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// A sender of webhooks. A route takes its messages with `webhook = "<name>"`: only those that it signed, over exactly the body that
/// is forwarded, within `tolerance`, and each once.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its name: what routes call it, and the subject of its messages.
    pub name: Name,
    /// How it signs.
    pub form: WebhookForm,
    /// The secrets as the sender shows them: one, or, while one is replaced, the new one and the old. For Standard Webhooks `whsec_…`,
    /// or `whpk_…` for signatures by Ed25519.
    #[schemars(length(min = 1, max = 4))]
    pub secrets: Vec<SecretSource>,
    /// How far the time of signing may lie in the past or the future. GitHub signs none.
    #[serde(default = "tolerance")]
    pub tolerance: Period,
    /// How long a message that bears no signed time (GitHub's) is refused a second time.
    #[serde(default = "remember")]
    pub remember: Period,
}

const fn tolerance() -> Period {
    Period::new(Duration::from_mins(5))
}

const fn remember() -> Period {
    Period::new(Duration::from_hours(24))
}

/// How a sender signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookForm {
    /// Standard Webhooks, and Svix.
    Standard,
    /// Stripe.
    Stripe,
    /// GitHub.
    #[serde(rename = "github")]
    GitHub,
    /// Slack.
    Slack,
}

/// How an issuer is asked about its tokens (RFC 7662), instead of checking their signatures. If it cannot be asked, its tokens get 503.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Introspection {
    /// Where: an `https` URL.
    pub endpoint: Url,
    /// As whom the gate asks.
    #[schemars(length(min = 1, max = 512))]
    pub client_id: String,
    /// The secret that goes with it (`client_secret_basic`).
    pub client_secret: SecretSource,
    /// How long what the issuer said of a token counts, at most: a token that was revoked there passes for so long. `"0s"` asks every time.
    #[serde(default = "cache")]
    pub cache: Period,
    /// What the issuer's opaque tokens begin with. Without it, every token that is no JWT is one of this issuer's.
    #[schemars(length(min = 1, max = 64))]
    pub prefix: Option<String>,
}

const fn cache() -> Period {
    Period::new(Duration::from_secs(30))
}

/// What is asked of tokens that are bound to a key of their holder (DPoP, RFC 9449). One that is bound always needs its proof.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Dpop {
    /// Whether tokens have to be bound.
    Word(DpopWord),
    /// More than that.
    Rules(DpopRules),
}

impl Default for Dpop {
    fn default() -> Self {
        Self::Word(DpopWord::Accepted)
    }
}

/// Whether tokens have to be bound to a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DpopWord {
    /// Bearer tokens pass as well.
    #[default]
    Accepted,
    /// Bearer tokens are refused.
    Required,
}

/// Whether proofs need a nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DpopNonce {
    /// A proof is told apart by its own id and time.
    #[default]
    Off,
    /// Each proof carries a nonce of the gate's, so that none can be made in advance.
    Required,
}

/// What is asked of bound tokens and their proofs.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DpopRules {
    /// Whether tokens have to be bound.
    pub tokens: DpopWord,
    /// Whether proofs need a nonce.
    pub nonce: DpopNonce,
    /// How old a proof may be.
    pub max_age: Period,
}

impl Default for DpopRules {
    fn default() -> Self {
        Self { tokens: DpopWord::default(), nonce: DpopNonce::default(), max_age: Period::new(Duration::from_mins(1)) }
    }
}
