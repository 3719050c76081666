//! An identity provider for the length of a demo: discovery, a key set, and tokens for the shop's sample users without any
//! password. Its key exists in memory only; whoever reaches the loopback address may be anybody, which is what a demo needs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bartizan_vault::{SigningKey, VaultError, random};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The `aud` of its tokens.
pub(super) const AUDIENCE: &str = "https://shop.example";

const LIFETIME: Duration = Duration::from_mins(15);

/// A sample user of the shop, as the issuer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    Alice,
    Bob,
    Mallory,
    Admin,
}

impl User {
    pub(super) const ALL: [Self; 4] = [Self::Alice, Self::Bob, Self::Mallory, Self::Admin];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
            Self::Mallory => "mallory",
            Self::Admin => "admin",
        }
    }

    /// The user's id in the shop.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Alice => "1",
            Self::Bob => "2",
            Self::Mallory => "3",
            Self::Admin => "4",
        }
    }

    const fn role(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Alice | Self::Bob | Self::Mallory => "customer",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|user| user.name() == name)
    }
}

/// Signs tokens for the sample users.
pub(super) struct Issuer {
    url: String,
    kid: String,
    key: SigningKey,
}

impl Issuer {
    fn new(address: SocketAddr) -> Result<Self, VaultError> {
        let kid = URL_SAFE_NO_PAD.encode(random::bytes::<9>(&SystemRandom::new())?);
        Ok(Self { url: format!("http://{address}"), kid, key: SigningKey::generate()? })
    }

    /// The `iss` of its tokens, and where it answers.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A token for `user`, issued at `now` and good for a quarter of an hour.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub(super) fn token(&self, user: User, now: SystemTime) -> Result<String, VaultError> {
        let issued = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let claims = json!({
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": user.id(),
            "name": user.name(),
            "roles": [user.role()],
            "iat": issued.as_secs(),
            "exp": (issued + LIFETIME).as_secs(),
            "jti": URL_SAFE_NO_PAD.encode(random::bytes::<12>(&SystemRandom::new())?),
        });
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.kid });
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// OpenID Connect Discovery §3, as far as an issuer has it that nobody signs in to.
    fn metadata(&self) -> Value {
        json!({
            "issuer": self.url,
            "jwks_uri": format!("{}/jwks", self.url),
            "token_endpoint": format!("{}/token", self.url),
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    /// RFC 7517 §5.
    fn key_set(&self) -> Value {
        let public = self.key.public();
        json!({ "keys": [{
            "kty": "EC",
            "crv": "P-256",
            "use": "sig",
            "alg": "ES256",
            "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(public.x),
            "y": URL_SAFE_NO_PAD.encode(public.y),
        }] })
    }
}

/// A part of a token that says something, as JSON in base64url (RFC 7515 §3.1).
pub(super) fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// An issuer that answers; dropping it stops it.
pub(super) struct RunningIssuer {
    issuer: Arc<Issuer>,
    server: JoinHandle<std::io::Result<()>>,
}

impl RunningIssuer {
    /// Serves an issuer with a new key on `listener`.
    ///
    /// # Errors
    /// When the listener has no address or no key can be made.
    pub(super) fn start(listener: TcpListener) -> anyhow::Result<Self> {
        let issuer = Arc::new(Issuer::new(listener.local_addr()?)?);
        let app = router(issuer.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { issuer, server })
    }

    /// The one that signs.
    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }
}

impl Drop for RunningIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn router(issuer: Arc<Issuer>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/jwks", get(key_set))
        .route("/token", get(bare_token).post(token))
        .with_state(issuer)
}

#[derive(Debug, Deserialize)]
struct Wanted {
    user: String,
}

async fn metadata(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    Json(issuer.metadata())
}

async fn key_set(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    Json(issuer.key_set())
}

/// The token alone, as a shell wants it: `TOKEN=$(curl …)`.
async fn bare_token(State(issuer): State<Arc<Issuer>>, Query(wanted): Query<Wanted>) -> Response {
    answer(&issuer, &wanted, IntoResponse::into_response)
}

/// The token as OAuth answers it (RFC 6749 §5.1).
async fn token(State(issuer): State<Arc<Issuer>>, Form(wanted): Form<Wanted>) -> Response {
    answer(&issuer, &wanted, |token| {
        let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": LIFETIME.as_secs() });
        Json(body).into_response()
    })
}

fn answer(issuer: &Issuer, wanted: &Wanted, form: impl FnOnce(String) -> Response) -> Response {
    let Some(user) = User::named(&wanted.user) else {
        let names = User::ALL.map(User::name).join(", ");
        return (StatusCode::BAD_REQUEST, format!("`user` is one of {names}\n")).into_response();
    };
    match issuer.token(user, SystemTime::now()) {
        Ok(token) => ([(CACHE_CONTROL, "no-store")], form(token)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use bartizan_policy::Timestamp;
    use bartizan_token::{Discovery, KeySet};

    use super::*;
    use crate::demo::client::{Call, send};

    async fn running() -> (RunningIssuer, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (RunningIssuer::start(listener).unwrap(), address)
    }

    #[tokio::test]
    async fn its_metadata_and_keys_are_what_the_gate_reads() {
        let (running, address) = running().await;
        let metadata = send(address, Call::get("/.well-known/openid-configuration")).await.unwrap();
        let found = Discovery::parse(metadata.body.as_bytes(), &running.issuer().url().into()).unwrap();
        assert_eq!(found.jwks_uri, format!("http://{address}/jwks"));
        let keys = send(address, Call::get("/jwks")).await.unwrap();
        assert_eq!(KeySet::parse(keys.body.as_bytes()).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn it_knows_the_sample_users_and_nobody_else() {
        let (_running, address) = running().await;
        for user in User::ALL {
            let token = send(address, Call::get(format!("/token?user={}", user.name()))).await.unwrap();
            assert_eq!(token.body.split('.').count(), 3);
        }
        assert_eq!(send(address, Call::get("/token?user=eve")).await.unwrap().status, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn a_token_of_an_hour_ago_has_expired() {
        let (running, _) = running().await;
        let token = running.issuer().token(User::Alice, SystemTime::now() - Duration::from_hours(1)).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert!(Timestamp::from_unix(claims["exp"].as_i64().unwrap()) < Timestamp::from(SystemTime::now()));
    }
}
