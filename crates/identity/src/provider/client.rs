//! A client: an application that asks for tokens, and what it may ask for.

use std::fmt;
use std::sync::Arc;

use bartizan_token::KeySet;
use bartizan_vault::{Secret, TokenAlgorithm, sha256};
use serde::{Deserialize, Serialize};

use super::redirect::{RedirectUri, RedirectUriError};
use crate::Moment;

/// What a client calls itself in every request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// An id of one to 128 letters, digits and `-._~:/`: it stands in queries, in `Basic` credentials and in logs. `None` for anything else,
    /// and for 32 hexadecimal digits: that is what accounts' ids look like, and a client must not be taken for a person
    /// (`RFC 9700 §4.15`).
    pub fn new(id: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
        let is_an_accounts = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fits = (1..=128).contains(&id.len()) && id.bytes().all(is_plain) && !is_an_accounts;
        fits.then(|| Self(id.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a client is, where that changes what it may do (`RFC 8252`, `OpenID Connect Dynamic Client Registration §2`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientKind {
    /// A site, or an application in a browser.
    #[default]
    Web,
    /// An application on somebody's device.
    Native,
}

/// How a client can come to tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A person signs in, and the browser brings the client a code (`RFC 6749 §4.1`).
    AuthorizationCode,
    /// A token that was obtained so is renewed (`RFC 6749 §6`).
    RefreshToken,
    /// The client acts for itself (`RFC 6749 §4.4`).
    ClientCredentials,
    /// A person types, elsewhere, the code that a device shows (`RFC 8628`).
    DeviceCode,
}

impl GrantType {
    /// All of them. `implicit` and `password` do not exist here (`RFC 9700 §2.1.2, §2.4`).
    pub const ALL: [Self; 4] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials, Self::DeviceCode];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }
}

/// Whether people are asked before a client learns who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// They are, once for each thing that the client wants.
    #[default]
    Ask,
    /// The client belongs to whoever runs the gate: nobody is asked.
    FirstParty,
}

/// What a client may do: its registration, as it is stored and as the configuration declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// What people are shown.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: ClientKind,
    /// Where answers of the authorization endpoint may go.
    #[serde(default)]
    pub redirect_uris: Vec<RedirectUri>,
    /// Where a browser may go after signing out; compared as they stand.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// How it comes to tokens.
    pub grants: Vec<GrantType>,
    /// What it may ask for; anything else is left out of what it gets.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whom its access tokens are for; empty stands for the gate.
    #[serde(default)]
    pub audience: Vec<String>,
    /// Whether people are asked.
    #[serde(default)]
    pub consent: Consent,
    /// What its ID tokens are signed with.
    #[serde(default = "es256", with = "algorithm")]
    pub id_token_algorithm: TokenAlgorithm,
    /// Its public keys, if it proves itself by them (`private_key_jwt`): a JWKS as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
}

const fn es256() -> TokenAlgorithm {
    TokenAlgorithm::Es256
}

mod algorithm {
    use bartizan_vault::TokenAlgorithm;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(algorithm: &TokenAlgorithm, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(algorithm.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<TokenAlgorithm, D::Error> {
        let name = String::deserialize(input)?;
        TokenAlgorithm::from_name(&name).ok_or_else(|| D::Error::custom("no such algorithm"))
    }
}

/// The hash of a client's secret. Secrets have 256 bits of randomness or are as long as if they had: a slow hash would add nothing but
/// load (`NIST SP 800-63B §3.1.2.2`, look-up secrets).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The fewest bytes that a secret may have.
    pub const SHORTEST: usize = 32;

    /// The hash of `secret`; `None` if it is short enough to be guessed.
    pub fn of(secret: &[u8]) -> Option<Self> {
        (secret.len() >= Self::SHORTEST).then(|| Self(sha256(secret)))
    }

    /// The hash that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn fits(&self, secret: &[u8]) -> bool {
        // Hashes are compared in constant time too: how much of one is right must not show.
        Secret::new(self.0).matches(&sha256(secret))
    }
}

/// How a client proves that it is itself.
#[derive(Clone)]
pub enum ClientAuthentication {
    /// It cannot: whatever runs in a browser or on a device holds no secret (`RFC 6749 §2.1`).
    None,
    /// By a secret; two while one takes the other's place.
    Secret {
        /// The one to use.
        current: SecretHash,
        /// The one before it, and when that ends.
        previous: Option<(SecretHash, Moment)>,
    },
    /// By a token that it signs with a key of its own (`RFC 7523 §2.2`).
    PrivateKeyJwt(KeySet),
}

/// Where a client is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientOrigin {
    /// In the configuration.
    Declared,
    /// In the store, by `bartizan client`.
    Stored,
}

/// A client.
#[derive(Clone)]
pub struct Client {
    /// What it calls itself.
    pub id: ClientId,
    /// What it may do.
    pub registration: Registration,
    /// How it proves itself.
    pub authentication: ClientAuthentication,
    /// Whether it gets anything at all at present.
    pub is_enabled: bool,
    /// Where it is registered.
    pub origin: ClientOrigin,
}

/// Why a registration does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// Nothing to show to people.
    #[error("a client needs a name that people know it by, of at most 100 characters without control characters")]
    Name,
    /// A redirect URI that cannot be one.
    #[error("`{uri}` {fault}")]
    RedirectUri {
        /// As it was written.
        uri: String,
        /// What is wrong.
        fault: RedirectUriError,
    },
    /// Codes need somewhere to go.
    #[error("the grant `authorization_code` needs at least one redirect URI")]
    NoRedirectUri,
    /// A client without a grant can do nothing.
    #[error("a client needs at least one grant: `authorization_code`, `client_credentials`, `device_code`")]
    NoGrant,
    /// `RFC 6749 §4.4`.
    #[error("the grant `client_credentials` is for clients that can prove themselves: give it a secret or keys")]
    PublicServiceClient,
    /// Nothing to renew.
    #[error("the grant `refresh_token` renews what `authorization_code` or `device_code` gave: add one of them")]
    NothingToRefresh,
    /// A scope that cannot stand in a list of scopes.
    #[error("`{scope}` is no scope: printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3)")]
    Scope {
        /// As it was written.
        scope: String,
    },
    /// Its keys cannot be read, or none of them is of use.
    #[error("the client's `jwks` holds no public key that signatures can be verified with")]
    Keys,
    /// A secret that could be guessed.
    #[error("a client's secret has at least 32 bytes; `openssl rand -base64 32` makes one")]
    WeakSecret,
}

impl Registration {
    /// Everything that contradicts.
    ///
    /// # Errors
    /// The first [`RegistrationError`].
    pub fn check(&self, can_prove_itself: bool) -> Result<(), RegistrationError> {
        use RegistrationError as E;
        let fits = (1..=100).contains(&self.name.chars().count()) && !self.name.chars().any(char::is_control);
        if !fits {
            return Err(E::Name);
        }
        for uri in self
            .redirect_uris
            .iter()
            .map(RedirectUri::as_str)
            .chain(self.post_logout_redirect_uris.iter().map(String::as_str))
        {
            RedirectUri::new(uri, self.kind).map_err(|fault| E::RedirectUri { uri: uri.to_owned(), fault })?;
        }
        if let Some(scope) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(E::Scope { scope: scope.clone() });
        }
        let has = |grant| self.grants.contains(&grant);
        match () {
            () if self.grants.is_empty() => Err(E::NoGrant),
            () if has(GrantType::AuthorizationCode) && self.redirect_uris.is_empty() => Err(E::NoRedirectUri),
            () if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) && !has(GrantType::DeviceCode) => {
                Err(E::NothingToRefresh)
            }
            () if has(GrantType::ClientCredentials) && !can_prove_itself => Err(E::PublicServiceClient),
            () => Ok(()),
        }
    }
}

/// `RFC 6749 §3.3`, one `scope-token`.
pub(crate) fn is_scope(scope: &str) -> bool {
    !scope.is_empty()
        && scope.len() <= 128
        && scope.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

impl Client {
    /// Whether it can prove that it is itself.
    pub const fn is_confidential(&self) -> bool {
        !matches!(self.authentication, ClientAuthentication::None)
    }

    /// Whether it may come to tokens in this way.
    pub fn may(&self, grant: GrantType) -> bool {
        self.registration.grants.contains(&grant)
    }

    /// The registered URI that fits what a request asks for.
    pub fn admits_redirect(&self, asked: &str) -> bool {
        self.registration.redirect_uris.iter().any(|uri| uri.admits(asked, self.registration.kind))
    }

    /// Whether `secret` is its secret as of `now`.
    pub fn knows_secret(&self, secret: &[u8], now: Moment) -> bool {
        let ClientAuthentication::Secret { current, previous } = &self.authentication else { return false };
        let is_previous = previous.is_some_and(|(hash, until)| hash.fits(secret) && now < until);
        current.fits(secret) || is_previous
    }

    /// Of the scopes asked for, those that it may have, each once.
    pub fn granted<'a>(&self, asked: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut granted: Vec<String> = Vec::new();
        for scope in asked {
            if self.registration.scopes.iter().any(|known| known == scope)
                && !granted.iter().any(|known| known == scope)
            {
                granted.push(scope.to_owned());
            }
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration() -> Registration {
        Registration {
            name: "Shop".to_owned(),
            kind: ClientKind::Web,
            redirect_uris: vec![RedirectUri::new("https://shop.example/cb", ClientKind::Web).unwrap()],
            post_logout_redirect_uris: Vec::new(),
            grants: vec![GrantType::AuthorizationCode],
            scopes: vec!["openid".to_owned(), "orders:read".to_owned()],
            audience: Vec::new(),
            consent: Consent::Ask,
            id_token_algorithm: TokenAlgorithm::Es256,
            jwks: None,
        }
    }

    #[test]
    fn a_registration_that_contradicts_itself_is_refused() {
        use RegistrationError as E;
        assert_eq!(registration().check(false), Ok(()));
        assert_eq!(Registration { redirect_uris: Vec::new(), ..registration() }.check(false), Err(E::NoRedirectUri));
        assert_eq!(Registration { grants: Vec::new(), ..registration() }.check(false), Err(E::NoGrant));
        let service = Registration { grants: vec![GrantType::ClientCredentials], ..registration() };
        assert_eq!((service.check(false), service.check(true)), (Err(E::PublicServiceClient), Ok(())));
        let refresh = Registration { grants: vec![GrantType::RefreshToken], ..registration() };
        assert_eq!(refresh.check(true), Err(E::NothingToRefresh));
        let scope = "two words".to_owned();
        assert_eq!(
            Registration { scopes: vec![scope.clone()], ..registration() }.check(false),
            Err(E::Scope { scope })
        );
    }

    #[test]
    fn a_stored_registration_is_read_back_whole() {
        let text = serde_json::to_string(&registration()).unwrap();
        assert_eq!(serde_json::from_str::<Registration>(&text).unwrap(), registration());
    }

    #[test]
    fn a_secret_counts_while_it_is_current_and_the_one_before_it_until_its_end() {
        let hash = |text: &str| SecretHash::of(text.as_bytes()).unwrap();
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let client = Client {
            id: ClientId::new("shop").unwrap(),
            registration: registration(),
            authentication: ClientAuthentication::Secret {
                current: hash(&new),
                previous: Some((hash(&old), Moment::from_micros(100))),
            },
            is_enabled: true,
            origin: ClientOrigin::Stored,
        };
        let knows = |secret: &str, at| client.knows_secret(secret.as_bytes(), Moment::from_micros(at));
        assert!(knows(&new, 100) && knows(&old, 99));
        assert!(!knows(&old, 100) && !knows("", 0));
        assert!(SecretHash::of(b"short").is_none());
    }

    #[test]
    fn a_client_gets_no_scope_that_it_was_not_registered_for() {
        let client = Client {
            id: ClientId::new("shop").unwrap(),
            registration: registration(),
            authentication: ClientAuthentication::None,
            is_enabled: true,
            origin: ClientOrigin::Declared,
        };
        assert_eq!(client.granted("orders:read admin orders:read openid".split(' ')), ["orders:read", "openid"]);
    }
}
