//! The provider: clients, the authorization code flow, tokens and the keys that sign them (OAuth 2.1, OpenID Connect).
//!
//! Each endpoint is a file; what it decides by, without I/O, stands beside it ([`authorization`], [`redirect`], [`client`]). Tokens that
//! open something at the gate are signed and need no look-up; what ends before its time is told to the gate at once ([`Provider::stops`]).
//!
//! Invariants: no token travels through a browser's URL; a redirect goes to a registered URI or not at all; codes count once, refresh
//! tokens lead to one successor each, and whatever is shown a second time ends all that came of it; there is no `implicit` and no `password`.
//!
//! # Attacks of `RFC 9700 §4`, and where they stop
//!
//! | section | defence |
//! |---|---|
//! | 4.1 redirect URIs that are matched loosely | [`redirect::RedirectUri::admits`] |
//! | 4.2 codes in `Referer` | pages send none; codes count once and for a minute |
//! | 4.3 codes and tokens in a browser's history | [`authorization::ResponseMode`] has no `fragment`, userinfo reads no query |
//! | 4.4 mix-up | `iss` in every answer (`RFC 9207`) |
//! | 4.5 injected codes | bound to client, redirect URI and verifier; a second use ends what the first gave |
//! | 4.6 injected access tokens | no tokens in the authorization answer; `at_hash` |
//! | 4.7 forged requests | `state` comes back as it was sent; PKCE is required |
//! | 4.8 downgraded PKCE | `S256` or nothing, and no verifier where there was no challenge |
//! | 4.10 stolen access tokens | an audience each, a quarter of an hour |
//! | 4.11 open redirects | errors go to registered URIs, or stay here |
//! | 4.12 307 | redirects are 303 |
//! | 4.14 stolen refresh tokens | rotation; reuse ends the family |
//! | 4.15 a client that is taken for a person | ids of accounts are 32 hexadecimal digits, ids of clients never are |
//! | 4.16 clickjacking | `frame-ancestors 'none'` |

mod access_token;
mod administration;
mod applications_page;
pub mod authorization;
mod authorize;
pub mod client;
mod client_authentication;
mod clients;
mod codes;
mod consent;
mod cors;
mod device;
mod device_page;
mod discovery;
mod error;
mod families;
pub(crate) mod grants;
mod interaction;
mod keys;
mod logout;
mod mint;
mod oauth_error;
mod pages;
pub mod parameters;
pub mod redirect;
mod response;
mod revocation;
mod revoked;
mod session;
mod sign_in;
mod tables;
mod token_endpoint;
mod userinfo;

use std::sync::Arc;
use std::time::Duration;

use bartizan_policy::Principal;
use bartizan_store::{Expect, Write};
use bartizan_token::KeySet;
use bartizan_vault::{Purpose, Root, SealingKey};
use bytes::Bytes;
use http::{Method, Request, Response};

pub use administration::ClientCommand;
pub use clients::{ClientError, NewSecret};
pub use consent::Allowed;
pub use families::RefreshRules;
pub use mint::Lifetimes;
pub use oauth_error::OAuthError;
pub(crate) use tables::{MIGRATIONS, queries};

use self::client::{Client, ClientId, Registration};
use self::families::{FamilyId, Whose};
use crate::ground::Ground;
use crate::pages::{self as people_pages, Ask, Assets};
use crate::people::People;
use crate::{Context, IdentityError};

/// How often the store is asked what other nodes, or the command line, have changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often the keys' schedule is looked at, and what has ended is forgotten: every so many looks.
const LOOKS_PER_ROUND: u32 = 300;

/// What the provider is told.
#[derive(Clone, Default)]
pub struct ProviderConfig {
    /// How long tokens are good for.
    pub lifetimes: Lifetimes,
    /// How long refresh tokens are.
    pub refresh: RefreshRules,
    /// The clients that the configuration declares.
    pub clients: Vec<Client>,
}

/// The OAuth 2.1 and OpenID Connect provider.
pub struct Provider {
    ground: Arc<Ground>,
    people: Arc<People>,
    assets: Arc<Assets>,
    issuer: Arc<str>,
    clients: clients::Clients,
    keys: keys::Keys,
    families: families::Families,
    revoked: revoked::Revoked,
    sealing: SealingKey,
    rules: Rules,
}

struct Rules {
    lifetimes: Lifetimes,
}

impl Provider {
    /// Loads keys, clients and revocations from the store, which has this room's tables.
    ///
    /// # Errors
    /// If the store fails, or was sealed under another root.
    pub(crate) async fn open(
        ground: Arc<Ground>,
        people: Arc<People>,
        assets: Arc<Assets>,
        root: &Root,
        config: ProviderConfig,
    ) -> Result<Self, IdentityError> {
        let provider = Self {
            issuer: ground.config.issuer().into(),
            clients: clients::Clients::load(&ground, config.clients).await?,
            keys: keys::Keys::load(&ground, root).await?,
            families: families::Families::new(root, config.refresh)?,
            revoked: revoked::Revoked::default(),
            sealing: root.sealing_key(Purpose("authorization-requests"))?,
            rules: Rules { lifetimes: config.lifetimes },
            ground,
            people,
            assets,
        };
        provider.revoked.look(&provider.ground, provider.rules.lifetimes.access).await?;
        Ok(provider)
    }

    /// Answers a request to one of the provider's endpoints; `None` if its path is another one.
    pub(crate) async fn answer(&self, request: &Request<Bytes>, context: &Context) -> Option<Response<Bytes>> {
        let path = request.uri().path();
        if path == self.root_metadata_path() {
            return Some(published(request, self.metadata(), "application/json"));
        }
        let endpoint = path.strip_prefix(&*self.ground.config.path)?;
        if *request.method() == Method::OPTIONS {
            return self.preflight(endpoint, request);
        }
        let answer = self.answer_at(endpoint, request, context).await?;
        Some(self.share(endpoint, request.headers(), answer))
    }

    async fn answer_at(&self, endpoint: &str, request: &Request<Bytes>, context: &Context) -> Option<Response<Bytes>> {
        let response = match endpoint {
            "/device" if request.method() == Method::POST => self.device_authorization(request, context).await,
            page @ ("/authorize"
            | "/authorize/resume"
            | "/consent"
            | "/logout"
            | "/device"
            | "/device/code"
            | "/device/decision"
            | "/account/applications") => self.page(page, request, context).await,
            "/token" => self.token(request, context).await,
            "/userinfo" => self.userinfo(request).await,
            "/revoke" => self.revoke(request, context).await,
            "/introspect" => self.introspect(request, context).await,
            "/session" => self.session(request).await,
            "/jwks" => published(request, self.keys.ring().jwks.clone(), "application/jwk-set+json"),
            "/.well-known/openid-configuration" => published(request, self.metadata(), "application/json"),
            _ => return None,
        };
        Some(response)
    }

    /// Answers what people meet in their browsers.
    async fn page(&self, path: &str, request: &Request<Bytes>, context: &Context) -> Response<Bytes> {
        let ask = match Ask::of(request, context, &self.people, &self.assets) {
            Ok(ask) => ask,
            Err(cause) => return people_pages::failed(&cause),
        };
        let answer = match path {
            "/authorize/resume" => self.resume(&ask).await,
            "/consent" => self.consent(&ask).await,
            "/logout" => self.logout(&ask).await,
            "/account/applications" => self.applications_page(&ask).await.unwrap_or_else(|cause| ask.failed(&cause)),
            "/device" | "/device/code" | "/device/decision" => {
                self.device_page(path, &ask).await.unwrap_or_else(|cause| ask.failed(&cause))
            }
            _ => self.authorize(&ask).await,
        };
        ask.finish(answer)
    }

    /// Where `RFC 8414 §3.1` puts the metadata: between the host and the issuer's path.
    pub fn root_metadata_path(&self) -> String {
        format!("/.well-known/oauth-authorization-server{}", self.ground.config.path)
    }

    fn endpoint(&self, name: &str) -> String {
        format!("{}/{name}", self.issuer)
    }

    /// What the tokens' `iss` is.
    pub fn issuer(&self) -> &Arc<str> {
        &self.issuer
    }

    /// The keys that verify its tokens, for the gate: it asks nobody else for them.
    pub fn key_set(&self) -> KeySet {
        self.keys.ring().set.clone()
    }

    /// Whether a token of this provider was revoked. Asked for every request; never waits.
    pub fn stops(&self, principal: &Principal) -> bool {
        principal.issuer.as_str() == &*self.issuer && self.revoked.stops(principal)
    }

    /// Follows what changes with time, for as long as the node runs: keys, clients, revocations. `keys_changed` is told of new keys.
    pub async fn keep_up(&self, keys_changed: impl Fn(KeySet) + Send + Sync) {
        let mut looks = 0_u32;
        loop {
            if let Err(cause) = self.look(looks.is_multiple_of(LOOKS_PER_ROUND), &keys_changed).await {
                tracing::warn!(%cause, "the provider's state could not be looked at; what is known stays in force");
            }
            looks = looks.wrapping_add(1);
            // What ended with a session at this node is heard of at once.
            let _ = tokio::time::timeout(LOOK_EVERY, self.ground.grants_ended.notified()).await;
        }
    }

    async fn look(&self, is_round: bool, keys_changed: &(impl Fn(KeySet) + Send + Sync)) -> Result<(), IdentityError> {
        self.clients.look(&self.ground).await?;
        self.revoked.look(&self.ground, self.rules.lifetimes.access).await?;
        if !is_round {
            return Ok(());
        }
        if self.keys.look(&self.ground).await? {
            tracing::info!("the keys that sign tokens have changed");
            keys_changed(self.key_set());
        }
        // A family is kept for as long as one of its access tokens may be shown.
        let ended = self.ground.now().before(self.rules.lifetimes.access);
        for query in tables::FORGET {
            self.ground.write(Write::new(query, [ended.into()], Expect::Any)).await?;
        }
        Ok(())
    }

    /// Puts what a changed configuration declares in force.
    pub fn declare(&self, clients: Vec<Client>) {
        self.clients.declare(clients);
    }

    /// What an account's holder allowed clients.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn allowed(&self, subject: &str) -> Result<Vec<Allowed>, IdentityError> {
        consent::all(&self.ground, subject).await
    }

    /// Takes back what an account's holder allowed a client, and ends what came of it.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn withdraw(&self, subject: &str, client: &str) -> Result<(), IdentityError> {
        consent::withdraw(&self.ground, subject, client).await?;
        self.end_families(Whose::Consent(subject, client), "consent-withdrawn").await
    }

    async fn end_family(&self, family: FamilyId, why: &'static str) -> Result<(), IdentityError> {
        self.families.revoke(&self.ground, family, why).await?;
        self.revoked.family(family, self.ground.now(), self.rules.lifetimes.access);
        Ok(())
    }

    async fn end_families(&self, whose: Whose<'_>, why: &'static str) -> Result<(), IdentityError> {
        let now = self.ground.now();
        for family in self.families.revoke_all(&self.ground, whose, why).await? {
            self.revoked.family(family, now, self.rules.lifetimes.access);
        }
        Ok(())
    }
}

/// A document that everybody may read, and keep for five minutes: far less than a key is published before it signs.
fn published(request: &Request<Bytes>, document: String, content_type: &'static str) -> Response<Bytes> {
    match *request.method() {
        Method::GET | Method::HEAD => response::public_json(document, content_type, 300),
        _ => response::method_not_allowed("GET"),
    }
}

/// The administration of clients.
impl Provider {
    /// All clients, in the order of their ids.
    pub fn all_clients(&self) -> Vec<Arc<Client>> {
        self.clients.all()
    }

    /// The client of that id.
    pub fn client(&self, id: &ClientId) -> Option<Arc<Client>> {
        self.clients.find(id)
    }

    /// Registers a client.
    ///
    /// # Errors
    /// A [`ClientError`]; nothing has changed then.
    pub async fn create_client(
        &self,
        id: &ClientId,
        registration: &Registration,
        secret: Option<&NewSecret>,
    ) -> Result<(), ClientError> {
        self.clients.create(&self.ground, id, registration, secret).await
    }

    /// Lets a client in, or lets it in no more: what it was given ends as well.
    ///
    /// # Errors
    /// A [`ClientError`].
    pub async fn set_client_enabled(&self, id: &ClientId, enabled: bool) -> Result<(), ClientError> {
        self.clients.set_enabled(&self.ground, id, enabled).await?;
        if !enabled {
            self.end_families(Whose::Client(id.as_str()), "client-disabled").await?;
        }
        Ok(())
    }

    /// Forgets a client, what people allowed it, and ends what it was given.
    ///
    /// # Errors
    /// A [`ClientError`].
    pub async fn delete_client(&self, id: &ClientId) -> Result<(), ClientError> {
        self.clients.delete(&self.ground, id).await?;
        Ok(self.end_families(Whose::Client(id.as_str()), "client-deleted").await?)
    }

    /// Gives a client a new secret; the one before it counts for `overlap` more.
    ///
    /// # Errors
    /// A [`ClientError`].
    pub async fn rotate_client_secret(
        &self,
        id: &ClientId,
        secret: &NewSecret,
        overlap: Duration,
    ) -> Result<(), ClientError> {
        self.clients.rotate_secret(&self.ground, id, secret, overlap).await
    }
}
