//! What an honest client gets.

use bartizan_identity::provider::client::Consent;
use bartizan_token::{Jws, KeySet};
use bartizan_vault::sha256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_person_signs_in_and_the_client_learns_who_they_are() {
    let (node, ada) = node().await;
    let mut browser = Browser::default();
    let to_sign_in = location(&browser.get(&node, &request(&[("login_hint", "ada")])).await).unwrap();
    assert!(to_sign_in.starts_with("/auth/login?return_to="), "{to_sign_in}");
    let led = browser.sign_in(&node, "ada", &to_sign_in).await;
    let (_, resume) = led.headers()["refresh"].to_str().unwrap().split_once("url=").unwrap();
    let back = location(&browser.get(&node, resume).await).unwrap();
    assert!(back.starts_with(CALLBACK), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("the-state"));

    let answer = exchange(&node, &parameter(&back, "code").unwrap(), &[]).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let tokens = json(&answer);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));

    let keys = KeySet::parse(node.get("/auth/jwks").await.body()).unwrap();
    let id_token = tokens["id_token"].as_str().unwrap();
    assert!(Jws::parse(id_token).unwrap().verify(&keys).is_ok());
    let id = claims(&tokens["id_token"]);
    let hash = sha256(tokens["access_token"].as_str().unwrap().as_bytes());
    assert_eq!(id["at_hash"], URL_SAFE_NO_PAD.encode(&hash[..16]));
    assert_eq!((&id["iss"], &id["aud"]), (&json!("https://gate.example/auth"), &json!("app")));
    assert_eq!((&id["sub"], &id["nonce"], &id["auth_time"]), (&json!(ada), &json!("the-nonce"), &json!(node.now())));

    let access = claims(&tokens["access_token"]);
    assert_eq!((&access["aud"], &access["client_id"]), (&json!("https://gate.example"), &json!("app")));
    assert_eq!((&access["scope"], &access["roles"]), (&json!("openid email"), &json!(["staff"])));

    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let userinfo = http::Request::builder().uri("/auth/userinfo").header("authorization", bearer).body(Bytes::new());
    let userinfo = json(&node.send(userinfo.unwrap()).await);
    assert_eq!(userinfo, json!({ "sub": ada, "email": "ada@example.com", "email_verified": false }));
    let posted = node.post("/auth/userinfo", &[("access_token", tokens["access_token"].as_str().unwrap())], &[]).await;
    assert_eq!(json(&posted), userinfo);
    assert!(node.has_event("authorization-code-issued", None) && node.has_event("tokens-issued", None));
}

#[tokio::test]
async fn what_the_provider_says_of_itself_names_endpoints_that_answer() {
    let (node, _) = node().await;
    let metadata = json(&node.get("/auth/.well-known/openid-configuration").await);
    assert_eq!(metadata, json(&node.get("/.well-known/oauth-authorization-server/auth").await));
    assert_eq!(metadata["issuer"], "https://gate.example/auth");
    for (name, value) in metadata.as_object().unwrap() {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            let path = value.as_str().unwrap().strip_prefix("https://gate.example").unwrap();
            assert_ne!(node.get(path).await.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }
    for absent in ["implicit", "password"] {
        assert!(!metadata["grant_types_supported"].as_array().unwrap().iter().any(|grant| grant == absent));
    }
}

#[tokio::test]
async fn a_person_is_asked_once_for_what_a_client_wants_and_again_for_more() {
    let node = Node::start(config(vec![app("app", |it| it.consent = Consent::Ask)])).await;
    node.user("ada").await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let silent = location(&browser.get(&node, &request(&[("prompt", "none")])).await).unwrap();
    assert_eq!(parameter(&silent, "error").as_deref(), Some("consent_required"));

    let page = browser.get(&node, &request(&[])).await;
    assert!(page.status() == StatusCode::OK && text(&page).contains("The App"), "{}", text(&page));
    let denied = text(&answered(&node, &mut browser, &page, "deny").await);
    assert!(denied.contains("error=access_denied"), "{denied}");

    let page = browser.get(&node, &request(&[])).await;
    let sealed = hidden(&page, "request").unwrap();
    // Another person's browser cannot answer in her place, and no page of another site can make her browser do it.
    node.user("eve").await;
    let mut eve = Browser::signed_in(&node, "eve").await;
    let token = hidden(&eve.get(&node, "/auth/account").await, "form").unwrap();
    let form = [("form", token.as_str()), ("request", &sealed), ("decision", "allow")];
    assert_eq!(eve.post(&node, "/auth/consent", &form).await.status(), StatusCode::BAD_REQUEST);
    let forged = browser.post(&node, "/auth/consent", &[("request", &sealed), ("decision", "allow")]).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);

    let allowed = text(&answered(&node, &mut browser, &page, "allow").await);
    assert!(allowed.contains("https://app.example/cb?code="), "{allowed}");
    assert!(location(&browser.get(&node, &request(&[])).await).unwrap().contains("code="), "remembered");
    let more = browser.get(&node, &request(&[("scope", "openid email orders:read")])).await;
    assert_eq!(more.status(), StatusCode::OK, "more is asked for again");
    assert!(node.has_event("consent-given", None));
}

#[tokio::test]
async fn prompt_and_max_age_are_kept() {
    let (node, _) = node().await;
    let mut browser = Browser::default();
    let silent = location(&browser.get(&node, &request(&[("prompt", "none")])).await).unwrap();
    assert_eq!(parameter(&silent, "error").as_deref(), Some("login_required"));
    let mut browser = Browser::signed_in(&node, "ada").await;
    node.wait(std::time::Duration::from_secs(100));
    assert!(location(&browser.get(&node, &request(&[("max_age", "100")])).await).unwrap().contains("code="));
    for (name, value) in [("max_age", "99"), ("prompt", "login"), ("prompt", "select_account")] {
        let to_sign_in = location(&browser.get(&node, &request(&[(name, value)])).await).unwrap();
        assert!(to_sign_in.starts_with("/auth/login?") && to_sign_in.contains("prompt=login"), "{to_sign_in}");
        // Coming back without having proven anything anew does not help.
        let resume = parameter(&to_sign_in, "return_to").unwrap();
        let refused = location(&browser.get(&node, &resume).await).unwrap();
        assert_eq!(parameter(&refused, "error").as_deref(), Some("login_required"), "{name}={value}");
        let mut fresh = Browser::default();
        let led = fresh.sign_in(&node, "ada", &to_sign_in).await;
        let (_, resume) = led.headers()["refresh"].to_str().unwrap().split_once("url=").unwrap();
        assert!(location(&fresh.get(&node, resume).await).unwrap().contains("code="), "{name}={value}");
        node.wait(std::time::Duration::from_secs(100));
    }
}

#[tokio::test]
async fn a_client_that_asks_for_a_stronger_sign_in_gets_no_weaker_one() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let single = request(&[("acr_values", "urn:bartizan:acr:single-factor")]);
    assert!(location(&browser.get(&node, &single).await).unwrap().contains("code="));
    let strong = [("acr_values", "urn:bartizan:acr:multi-factor")];
    let to_sign_in = location(&browser.get(&node, &request(&strong)).await).unwrap();
    assert!(to_sign_in.contains("acr_values=urn"), "{to_sign_in}");
    let resume = parameter(&to_sign_in, "return_to").unwrap();
    let refused = location(&browser.get(&node, &resume).await).unwrap();
    assert_eq!(parameter(&refused, "error").as_deref(), Some("unmet_authentication_requirements"));
}

#[tokio::test]
async fn an_answer_can_be_posted_and_then_it_stands_in_no_url() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let page = browser.get(&node, &request(&[("response_mode", "form_post")])).await;
    assert_eq!((page.status(), location(&page)), (StatusCode::OK, None));
    assert_eq!(hidden(&page, "state").as_deref(), Some("the-state"));
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action https://app.example;") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(exchange(&node, &hidden(&page, "code").unwrap(), &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_client_gets_tokens_for_itself() {
    let (node, _) = node().await;
    let form = [("grant_type", "client_credentials"), ("scope", "orders:read admin")];
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("app:{SECRET}")));
    let tokens = json(&node.post("/auth/token", &form, &[("authorization", &basic)]).await);
    let access = claims(&tokens["access_token"]);
    assert_eq!((&access["sub"], &access["scope"]), (&json!("app"), &json!("orders:read")));
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
}

#[tokio::test]
async fn what_a_client_sends_is_text_on_our_pages_and_never_markup() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let state = "\"><script>alert(1)</script>";
    let page = text(&browser.get(&node, &request(&[("response_mode", "form_post"), ("state", state)])).await);
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;"), "{page}");
}

#[tokio::test]
async fn every_page_has_the_same_frame_in_the_readers_language() {
    let node = Node::start(config(vec![app("app", |it| it.consent = Consent::Ask)])).await;
    node.user("ada").await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let sign_in = text(&browser.get(&node, "/auth/account").await);
    let style =
        |page: &str| page.split_once("rel=\"stylesheet\" href=\"").unwrap().1.split('"').next().unwrap().to_owned();
    browser.language = "de";
    for (path, says) in [
        (request(&[]), "Zugriff erlauben?"),
        (request(&[("client_id", "unknown")]), "nicht bekannt"),
        (request(&[("response_mode", "form_post")]), "Zugriff erlauben?"),
        ("/auth/logout?post_logout_redirect_uri=https://evil.example".to_owned(), "Das ging nicht"),
        ("/auth/account/sign-out".to_owned(), "Abmelden?"),
    ] {
        let page = text(&browser.get(&node, &path).await);
        assert!(page.contains("<html lang=\"de\">") && page.contains(says), "{path}: {page}");
        assert_eq!(style(&page), style(&sign_in), "{path}");
    }
    assert_eq!(browser.get(&node, &style(&sign_in)).await.status(), StatusCode::OK);
}
