//! How many tokens a second the provider gives, through its own endpoints and on a real store:
//! `cargo run --release -p bartizan-identity --example tokens [DIRECTORY | postgres://…] [ROUNDS]`.
//!
//! Three parts: tokens for clients themselves; durable rotations of refresh tokens, each of another family; and 50 refreshes of one token at
//! once, again and again (1,000 rounds), of which none may log anybody out. The peer, measured in the same run, is the key that signs them.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bartizan_evidence::{Config as EvidenceConfig, Recorder};
use bartizan_identity::people::UserCommand;
use bartizan_identity::provider::ProviderConfig;
use bartizan_identity::provider::client::{Client, ClientId, ClientKind, Consent, GrantType, Registration};
use bartizan_identity::provider::redirect::RedirectUri;
use bartizan_identity::{Config, Identity, MIGRATIONS, Parts};
use bartizan_store::{Config as StoreConfig, Store};
use bartizan_vault::random::SystemRandom;
use bartizan_vault::{Root, RootSource, Secret, TokenAlgorithm, TokenKey};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request, Response};
use serde_json::{Map, Value};
use tokio::task::JoinSet;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SECRET: &str = "a-secret-of-the-app-that-nobody-guesses";
const PASSWORD: &str = "plum orbit lantern gravel";
const CALLBACK: &str = "https://app.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const TIME: Duration = Duration::from_secs(5);
/// Families that are refreshed at the same time.
const FAMILIES: usize = 256;
/// Requests with one token at the same time.
const AT_ONCE: usize = 50;

#[tokio::main]
async fn main() -> Outcome<()> {
    let place = std::env::args().nth(1).unwrap_or_else(|| "tokens-state".to_owned());
    let rounds = std::env::args().nth(2).map_or(Ok(1000), |text| text.parse())?;
    let state = if place.starts_with("postgres") { PathBuf::from("tokens-state") } else { PathBuf::from(&place) };
    let config = if place.starts_with("postgres") {
        StoreConfig::Postgres { url: Secret::new(place) }
    } else {
        StoreConfig::Sqlite { directory: state.clone() }
    };
    let store = Store::open(&config, MIGRATIONS, SystemTime::now()).await?;
    let root = Root::load(&RootSource::Automatic(state.clone()), &SystemRandom::new())?;
    let (recorder, writer) = Recorder::start(EvidenceConfig::in_state(&state))?;
    let parts = Parts { store: store.clone(), root: &root, recorder, clock: Arc::new(SystemTime::now) };
    let provider = ProviderConfig { clients: vec![app()?], ..ProviderConfig::default() };
    let identity = Identity::open(Config::for_origin("https://gate.example"), provider, &parts).await?;
    let browser = signed_in(&identity).await?;

    println!("| what | a second |\n|---|---|");
    println!("| ES256 signatures, one core | {:.0} |", signatures()?);
    println!("| tokens for clients themselves, 64 in flight | {:.0} |", service_tokens(&identity).await?);
    let mut tokens = Vec::new();
    for _ in 0..FAMILIES {
        tokens.push(refresh_token(&identity, &browser).await?);
    }
    println!("| durable rotations, {FAMILIES} in flight | {:.0} |", rotations(&identity, tokens).await?);
    let token = refresh_token(&identity, &browser).await?;
    let (logged_out, took) = storm(&identity, token, rounds).await?;
    println!(
        "\n{rounds} rounds of {AT_ONCE} refreshes of one token at once: {logged_out} false logouts, {:.1} s",
        took.as_secs_f64()
    );
    store.close().await;
    drop(writer);
    std::fs::remove_dir_all(state)?;
    Ok(())
}

fn app() -> Outcome<Client> {
    let registration = Registration {
        name: "The App".to_owned(),
        kind: ClientKind::Web,
        redirect_uris: vec![RedirectUri::new(CALLBACK, ClientKind::Web)?],
        post_logout_redirect_uris: Vec::new(),
        grants: GrantType::ALL.to_vec(),
        scopes: vec!["openid".to_owned(), "orders:read".to_owned()],
        audience: Vec::new(),
        consent: Consent::FirstParty,
        id_token_algorithm: TokenAlgorithm::Es256,
        jwks: None,
    };
    let id = ClientId::new("app").ok_or("no id")?;
    Ok(Client::declared(id, registration, Some(&Secret::new(SECRET.as_bytes().to_vec())))?)
}

fn signatures() -> Outcome<f64> {
    let key = TokenKey::generate(TokenAlgorithm::Es256)?;
    let (begun, mut done) = (Instant::now(), 0_u32);
    while begun.elapsed() < Duration::from_secs(1) {
        std::hint::black_box(key.sign(&[7; 600])?);
        done += 1;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

async fn service_tokens(identity: &Arc<Identity>) -> Outcome<f64> {
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..64 {
        let identity = identity.clone();
        clients.spawn(async move {
            let mut done = 0_u32;
            while begun.elapsed() < TIME {
                token(&identity, &[("grant_type", "client_credentials"), ("scope", "orders:read")]).await?;
                done += 1;
            }
            Outcome::Ok(done)
        });
    }
    total(clients, begun).await
}

async fn rotations(identity: &Arc<Identity>, tokens: Vec<String>) -> Outcome<f64> {
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for mut shown in tokens {
        let identity = identity.clone();
        clients.spawn(async move {
            let mut done = 0_u32;
            while begun.elapsed() < TIME {
                shown = refreshed(&identity, &shown).await?;
                done += 1;
            }
            Outcome::Ok(done)
        });
    }
    total(clients, begun).await
}

async fn storm(identity: &Arc<Identity>, mut shown: String, rounds: usize) -> Outcome<(usize, Duration)> {
    let (begun, mut logged_out) = (Instant::now(), 0);
    for _ in 0..rounds {
        let mut requests = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (identity, shown) = (identity.clone(), shown.clone());
            requests.spawn(async move { refreshed(&identity, &shown).await });
        }
        let mut next = None;
        for answer in requests.join_all().await {
            match answer {
                Ok(successor) if next.as_ref().is_none_or(|known| *known == successor) => next = Some(successor),
                _ => logged_out += 1,
            }
        }
        shown = next.ok_or("everybody was logged out")?;
    }
    Ok((logged_out, begun.elapsed()))
}

async fn total(mut clients: JoinSet<Outcome<u32>>, begun: Instant) -> Outcome<f64> {
    let mut done = 0;
    while let Some(client) = clients.join_next().await {
        done += client??;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

async fn refreshed(identity: &Identity, shown: &str) -> Outcome<String> {
    let tokens = token(identity, &[("grant_type", "refresh_token"), ("refresh_token", shown)]).await?;
    Ok(tokens.get("refresh_token").and_then(Value::as_str).ok_or("no refresh token")?.to_owned())
}

async fn token(identity: &Identity, form: &[(&str, &str)]) -> Outcome<Value> {
    let client = [("client_id", "app"), ("client_secret", SECRET)];
    let body = encoded(client.into_iter().chain(form.iter().copied()));
    let answer = identity.answer(post("/auth/token", body, "")?).await;
    if answer.status() != 200 {
        return Err(format!("{} {}", answer.status(), String::from_utf8_lossy(answer.body())).into());
    }
    Ok(serde_json::from_slice(answer.body())?)
}

fn encoded<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn post(path: &str, body: String, cookies: &str) -> Outcome<Request<Bytes>> {
    let request = Request::builder().method(Method::POST).uri(path).header(COOKIE, cookies);
    Ok(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.into())?)
}

/// The cookies of somebody who has signed in.
async fn signed_in(identity: &Identity) -> Outcome<String> {
    let command = UserCommand::Create {
        username: "ada".to_owned(),
        name: None,
        email: None,
        roles: Vec::new(),
        groups: Vec::new(),
        attributes: Map::new(),
        password: Some(PASSWORD.to_owned()),
        password_hash: None,
    };
    identity.people().administer(command).await?;
    let page = identity.answer(Request::builder().uri("/auth/login").body(Bytes::new())?).await;
    let text = String::from_utf8(page.body().to_vec())?;
    let (_, after) = text.split_once(r#"name="form" value=""#).ok_or("no form")?;
    let form = after.split('"').next().unwrap_or_default();
    let fields = [("form", form), ("username", "ada"), ("password", PASSWORD)];
    let body = encoded(fields);
    let cookies = cookies(&page);
    Ok(self::cookies(&identity.answer(post("/auth/login", body, &cookies)?).await))
}

fn cookies(answer: &Response<Bytes>) -> String {
    let cookies =
        answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    cookies.collect::<Vec<_>>().join("; ")
}

async fn refresh_token(identity: &Identity, cookies: &str) -> Outcome<String> {
    let query = [
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let query = encoded(query);
    let request = Request::builder().uri(format!("/auth/authorize?{query}")).header(COOKIE, cookies);
    let answer = identity.answer(request.body(Bytes::new())?).await;
    let location = answer.headers().get(LOCATION).ok_or("no redirect")?.to_str()?;
    let back = location.split_once("code=").ok_or("no code")?.1;
    let code = back.split('&').next().unwrap_or_default();
    let form =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    let tokens = token(identity, &form).await?;
    Ok(tokens.get("refresh_token").and_then(Value::as_str).ok_or("no refresh token")?.to_owned())
}
