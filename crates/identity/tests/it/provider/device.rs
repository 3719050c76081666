//! Devices that show a code, which somebody types elsewhere (`RFC 8628`).

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::*;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn clients() -> ProviderConfig {
    let television = app("tv", |it| {
        it.name = "The Television".into();
        it.redirect_uris = Vec::new();
        it.grants = vec![GrantType::DeviceCode, GrantType::RefreshToken];
    });
    config(vec![television, app("app", |_| {})])
}

async fn node_with_device() -> (Node, String) {
    let node = Node::start(clients()).await;
    let ada = node.user("ada").await;
    (node, ada)
}

/// The whole way, on another store than the usual one.
pub(crate) async fn serves_a_device_on(store: bartizan_store::Config) {
    let node = Node::on(store, std::sync::Arc::new(tempfile::tempdir().unwrap()), clients(), 0).await;
    node.user("eve").await;
    let begun = begin(&node).await;
    assert_eq!(error(&poll(&node, &begun).await), "authorization_pending");
    assert_eq!(error(&poll(&node, &begun).await), "slow_down");
    let mut browser = Browser::signed_in(&node, "eve").await;
    let question = typed(&node, &mut browser, begun["user_code"].as_str().unwrap()).await;
    decide(&node, &mut browser, &question, "allow").await;
    node.wait(Duration::from_secs(15));
    assert_eq!(poll(&node, &begun).await.status(), StatusCode::OK);
    assert_eq!(error(&poll(&node, &begun).await), "invalid_grant");
    node.store.close().await;
}

async fn begin(node: &Node) -> Value {
    let form = [("client_id", "tv"), ("client_secret", SECRET), ("scope", "openid email admin")];
    let answer = node.post("/auth/device", &form, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text(&answer));
    json(&answer)
}

async fn poll(node: &Node, begun: &Value) -> Response<Bytes> {
    let code = begun["device_code"].as_str().unwrap();
    let form = [("grant_type", GRANT), ("client_id", "tv"), ("client_secret", SECRET), ("device_code", code)];
    node.post("/auth/token", &form, &[]).await
}

/// Types the code, as somebody at a browser does.
async fn typed(node: &Node, browser: &mut Browser, code: &str) -> Response<Bytes> {
    let page = browser.get(node, "/auth/device").await;
    let form = hidden(&page, "form").unwrap_or_else(|| panic!("no form: {page:?}"));
    browser.post(node, "/auth/device/code", &[("form", &form), ("user_code", code)]).await
}

async fn decide(node: &Node, browser: &mut Browser, page: &Response<Bytes>, decision: &str) -> Response<Bytes> {
    let [form, question] = ["form", "question"].map(|name| hidden(page, name).unwrap());
    let fields = [("form", form.as_str()), ("question", &question), ("decision", decision)];
    browser.post(node, "/auth/device/decision", &fields).await
}

#[tokio::test]
async fn a_device_gets_tokens_for_whoever_types_its_code_once() {
    let (node, ada) = node_with_device().await;
    let begun = begin(&node).await;
    assert_eq!(begun["verification_uri"], "https://gate.example/auth/device");
    assert_eq!(error(&poll(&node, &begun).await), "authorization_pending");
    let mut browser = Browser::default();
    let code = begun["user_code"].as_str().unwrap();
    let prefilled = format!("/auth/device?user_code={code}");
    let to_sign_in = location(&browser.get(&node, &prefilled).await).unwrap();
    assert_eq!(parameter(&to_sign_in, "return_to").as_deref(), Some(prefilled.as_str()));
    assert_eq!(location(&browser.sign_in(&node, "ada", &to_sign_in).await).as_deref(), Some(prefilled.as_str()));

    let question = typed(&node, &mut browser, &code.to_lowercase().replace('-', " ")).await;
    for shown in ["The Television", code, "The ada", "see your e-mail address"] {
        assert!(text(&question).contains(shown), "{shown}");
    }
    let done = decide(&node, &mut browser, &question, "allow").await;
    assert!(text(&done).contains("is connected"), "{}", text(&done));
    node.wait(Duration::from_secs(5));
    let answer = poll(&node, &begun).await;
    let tokens = json(&answer);
    let access = claims(&tokens["access_token"]);
    assert_eq!((&access["sub"], &access["scope"]), (&serde_json::json!(ada), &serde_json::json!("openid email")));
    assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string());
    node.wait(Duration::from_secs(5));
    assert_eq!(error(&poll(&node, &begun).await), "invalid_grant", "a code counts once");
    assert!(node.has_event("device-code-issued", None) && node.has_event("consent-given", None));
}

#[tokio::test]
async fn a_device_is_told_to_slow_down_that_it_was_refused_or_that_it_took_too_long() {
    let (node, _) = node_with_device().await;
    let begun = begin(&node).await;
    assert_eq!(error(&poll(&node, &begun).await), "authorization_pending");
    assert_eq!(error(&poll(&node, &begun).await), "slow_down");
    node.wait(Duration::from_secs(5));
    assert_eq!(error(&poll(&node, &begun).await), "slow_down", "five seconds more by now");
    node.wait(Duration::from_secs(15));
    assert_eq!(error(&poll(&node, &begun).await), "authorization_pending");
    let mut browser = Browser::signed_in(&node, "ada").await;
    let question = typed(&node, &mut browser, begun["user_code"].as_str().unwrap()).await;
    decide(&node, &mut browser, &question, "deny").await;
    node.wait(Duration::from_secs(20));
    assert_eq!(error(&poll(&node, &begun).await), "access_denied");

    let late = begin(&node).await;
    node.wait(Duration::from_secs(601));
    assert_eq!(error(&poll(&node, &late).await), "expired_token");
    let page = typed(&node, &mut browser, late["user_code"].as_str().unwrap()).await;
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn codes_cannot_be_tried_one_after_another() {
    let (node, _) = node_with_device().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(typed(&node, &mut browser, "BCDF-GHJK").await.status());
    }
    assert!(statuses[..5].iter().all(|it| *it == StatusCode::UNPROCESSABLE_ENTITY), "{statuses:?}");
    assert!(statuses[5..].iter().all(|it| *it == StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
}

#[tokio::test]
async fn nobody_else_answers_and_no_other_page_makes_a_browser_answer() {
    let (node, _) = node_with_device().await;
    node.user("eve").await;
    let begun = begin(&node).await;
    let (mut ada, mut eve) = (Browser::signed_in(&node, "ada").await, Browser::signed_in(&node, "eve").await);
    let question = typed(&node, &mut ada, begun["user_code"].as_str().unwrap()).await;
    let sealed = hidden(&question, "question").unwrap();
    let forged = ada.post(&node, "/auth/device/decision", &[("question", &sealed), ("decision", "allow")]).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN, "without the form's token");
    let form = hidden(&eve.get(&node, "/auth/account").await, "form").unwrap();
    let fields = [("form", form.as_str()), ("question", &sealed), ("decision", "allow")];
    assert_eq!(eve.post(&node, "/auth/device/decision", &fields).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(error(&poll(&node, &begun).await), "authorization_pending");
}

#[tokio::test]
async fn what_was_allowed_ends_with_the_session_that_allowed_it_even_before_the_device_asks() {
    let (node, _) = node_with_device().await;
    let begun = begin(&node).await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let question = typed(&node, &mut browser, begun["user_code"].as_str().unwrap()).await;
    decide(&node, &mut browser, &question, "allow").await;
    let form = hidden(&browser.get(&node, "/auth/account").await, "form").unwrap();
    browser.post(&node, "/auth/account/sign-out", &[("form", &form)]).await;
    assert_eq!(error(&poll(&node, &begun).await), "invalid_grant");
}

#[tokio::test]
async fn only_a_client_that_declares_it_gets_codes_for_devices() {
    let (node, _) = node_with_device().await;
    let form = [("client_id", "app"), ("client_secret", SECRET)];
    assert_eq!(error(&node.post("/auth/device", &form, &[]).await), "unauthorized_client");
    let form = [("client_id", "tv"), ("client_secret", "wrong")];
    assert_eq!(node.post("/auth/device", &form, &[]).await.status(), StatusCode::UNAUTHORIZED);
}
