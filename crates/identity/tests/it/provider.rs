//! The provider: what clients get, and what attackers do not.

mod attacks;
mod clients;
mod cors;
pub(crate) mod device;
mod flow;
mod keys;
mod refresh;
mod sessions;

use bartizan_identity::provider::ProviderConfig;
use bartizan_identity::provider::client::{Client, ClientId, ClientKind, Consent, GrantType, Registration};
use bartizan_identity::provider::redirect::RedirectUri;
use bartizan_vault::{Secret, TokenAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

use crate::node::{Browser, Node, hidden, json, location, parameter, text};

pub(crate) const CALLBACK: &str = "https://app.example/cb";
pub(crate) const SECRET: &str = "a-secret-of-the-app-that-nobody-guesses";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) fn registration() -> Registration {
    Registration {
        name: "The App".to_owned(),
        kind: ClientKind::Web,
        redirect_uris: vec![RedirectUri::new(CALLBACK, ClientKind::Web).unwrap()],
        post_logout_redirect_uris: vec!["https://app.example/bye".to_owned()],
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials],
        scopes: ["openid", "profile", "email", "offline_access", "orders:read"].map(str::to_owned).to_vec(),
        audience: Vec::new(),
        consent: Consent::FirstParty,
        id_token_algorithm: TokenAlgorithm::Es256,
        jwks: None,
    }
}

pub(crate) fn app(id: &str, change: impl FnOnce(&mut Registration)) -> Client {
    let mut registration = registration();
    change(&mut registration);
    let secret = Secret::new(SECRET.as_bytes().to_vec());
    Client::declared(ClientId::new(id).unwrap(), registration, Some(&secret)).unwrap()
}

pub(crate) fn config(clients: Vec<Client>) -> ProviderConfig {
    ProviderConfig { clients, ..ProviderConfig::default() }
}

/// A node with one client, `app`, and one person, `ada`.
pub(crate) async fn node() -> (Node, String) {
    let node = Node::start(config(vec![app("app", |_| {})])).await;
    let ada = node.user("ada").await;
    (node, ada)
}

/// The path of an authorization request, with some of its parameters changed.
pub(crate) fn request(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let mut query = form_urlencoded::Serializer::new(String::new());
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    query.extend_pairs(usual.iter().filter(|(name, _)| !is_changed(name)));
    query.extend_pairs(changes.iter().filter(|(_, value)| !value.is_empty()));
    format!("/auth/authorize?{}", query.finish())
}

/// The code that a signed-in browser brings back.
pub(crate) async fn code(node: &Node, browser: &mut Browser, changes: &[(&str, &str)]) -> String {
    let answer = browser.get(node, &request(changes)).await;
    let back = location(&answer).unwrap_or_else(|| panic!("no redirect: {answer:?}"));
    parameter(&back, "code").unwrap_or_else(|| panic!("no code in {back}"))
}

pub(crate) async fn exchange(node: &Node, code: &str, changes: &[(&str, &str)]) -> Response<Bytes> {
    let usual = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("client_secret", SECRET),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    let form: Vec<_> = usual.into_iter().filter(|(name, _)| !is_changed(name)).chain(changes.iter().copied()).collect();
    node.post("/auth/token", &form, &[]).await
}

pub(crate) async fn refresh(node: &Node, token: &str) -> Response<Bytes> {
    let form =
        [("grant_type", "refresh_token"), ("client_id", "app"), ("client_secret", SECRET), ("refresh_token", token)];
    node.post("/auth/token", &form, &[]).await
}

/// The tokens of a whole flow.
pub(crate) async fn tokens(node: &Node, browser: &mut Browser, changes: &[(&str, &str)]) -> Value {
    let code = code(node, browser, changes).await;
    let answer = exchange(node, &code, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text(&answer));
    json(&answer)
}

pub(crate) async fn introspect(node: &Node, token: &str) -> Value {
    let form = [("client_id", "app"), ("client_secret", SECRET), ("token", token)];
    json(&node.post("/auth/introspect", &form, &[]).await)
}

/// The claims of a token, without a look at its signature.
pub(crate) fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub(crate) fn error(answer: &Response<Bytes>) -> String {
    json(answer)["error"].as_str().unwrap().to_owned()
}

/// Answers the question whether the client may, as the page's form does.
pub(crate) async fn answered(
    node: &Node,
    browser: &mut Browser,
    page: &Response<Bytes>,
    decision: &str,
) -> Response<Bytes> {
    let [form, request] = ["form", "request"].map(|name| hidden(page, name).unwrap());
    browser.post(node, "/auth/consent", &[("form", &form), ("request", &request), ("decision", decision)]).await
}
