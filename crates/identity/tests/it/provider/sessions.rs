//! Sessions and what they gave to clients: what ends together, and what the gate hears of it.

use std::time::Duration;

use bartizan_identity::people::UserCommand;
use bartizan_policy::{Authentication, CredentialKind, Principal, PrincipalKind, Strength};
use http::StatusCode;
use serde_json::{Map, json};

use super::*;

/// The caller that the gate makes of an access token.
fn principal(token: &Value) -> Principal {
    let claims = claims(token);
    let text = |name: &str| claims[name].as_str().unwrap().to_owned();
    Principal {
        subject: text("sub").into(),
        issuer: text("iss").into(),
        kind: PrincipalKind::User,
        credential: CredentialKind::Bearer,
        strength: Strength::Full,
        token_id: Some(text("jti").into()),
        client: None,
        roles: Vec::new(),
        scopes: Vec::new(),
        attributes: Map::new(),
        authentication: Authentication::default(),
        issued_at: None,
        expires_at: None,
    }
}

#[tokio::test]
async fn a_client_signs_its_user_out_and_what_the_session_gave_ends() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let ended = tokens(&node, &mut browser, &[]).await;
    let kept = tokens(&node, &mut browser, &[("scope", "openid offline_access")]).await;
    let id_token = ended["id_token"].as_str().unwrap();
    let bye = "https://app.example/bye";
    let path = format!("/auth/logout?id_token_hint={id_token}&post_logout_redirect_uri={bye}&state=s");
    let answer = browser.get(&node, &path).await;
    assert_eq!(location(&answer).as_deref(), Some("https://app.example/bye?state=s"));
    assert!(
        location(&browser.get(&node, &request(&[])).await).unwrap().starts_with("/auth/login"),
        "nobody is signed in"
    );
    assert_eq!(error(&refresh(&node, ended["refresh_token"].as_str().unwrap()).await), "invalid_grant");
    assert!(node.identity.provider().stops(&principal(&ended["access_token"])), "the gate hears of it at once");
    assert!(!node.identity.provider().stops(&principal(&kept["access_token"])));
    assert_eq!(
        refresh(&node, kept["refresh_token"].as_str().unwrap()).await.status(),
        StatusCode::OK,
        "allowed to outlive it"
    );
}

#[tokio::test]
async fn another_site_cannot_sign_anybody_out_unasked() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    node.user("eve").await;
    let mut eve = Browser::signed_in(&node, "eve").await;
    let hers = tokens(&node, &mut eve, &[]).await["id_token"].as_str().unwrap().to_owned();
    for path in ["/auth/logout?client_id=app".to_owned(), format!("/auth/logout?id_token_hint={hers}")] {
        let answer = browser.get(&node, &path).await;
        assert_eq!(location(&answer).as_deref(), Some("/auth/account/sign-out"), "she may, herself");
    }
    assert!(location(&browser.get(&node, &request(&[])).await).unwrap().contains("code="), "and is still signed in");
}

#[tokio::test]
async fn a_disabled_account_gives_nothing_more() {
    let (node, ada) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let given = tokens(&node, &mut browser, &[("scope", "openid offline_access")]).await;
    let code = code(&node, &mut browser, &[]).await;
    node.identity.people().administer(UserCommand::Disable { who: ada }).await.unwrap();
    assert_eq!(error(&refresh(&node, given["refresh_token"].as_str().unwrap()).await), "invalid_grant");
    assert_eq!(error(&exchange(&node, &code, &[]).await), "invalid_grant");
    let provider = node.identity.provider().clone();
    let keeping = tokio::spawn(async move { provider.keep_up(|_| {}).await });
    tokio::time::timeout(Duration::from_secs(20), async {
        while !node.identity.provider().stops(&principal(&given["access_token"])) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    keeping.abort();
}

#[tokio::test]
async fn a_page_learns_who_is_signed_in_and_never_by_what() {
    let (node, ada) = node().await;
    assert_eq!(json(&node.get("/auth/session").await), json!({ "signed_in": false }));
    let mut browser = Browser::signed_in(&node, "ada").await;
    let told = json(&browser.get(&node, "/auth/session").await);
    assert_eq!((&told["sub"], &told["roles"]), (&json!(ada), &json!(["staff"])));
    assert_eq!(told["csrf_token"].as_str().unwrap().len(), 43);
}

#[tokio::test]
async fn what_an_application_was_allowed_is_shown_and_taken_back() {
    let node = Node::start(config(vec![app("app", |it| it.consent = Consent::Ask)])).await;
    node.user("ada").await;
    node.user("eve").await;
    let (mut ada, mut eve) = (Browser::signed_in(&node, "ada").await, Browser::signed_in(&node, "eve").await);
    let scope = [("scope", "openid offline_access")];
    let question = ada.get(&node, &request(&scope)).await;
    answered(&node, &mut ada, &question, "allow").await;
    let given = tokens(&node, &mut ada, &scope).await;

    let page = ada.get(&node, "/auth/account/applications").await;
    assert!(text(&page).contains("The App"), "{}", text(&page));
    assert!(!text(&eve.get(&node, "/auth/account/applications").await).contains("The App"), "others see nothing of it");
    let form = hidden(&eve.get(&node, "/auth/account").await, "form").unwrap();
    eve.post(&node, "/auth/account/applications", &[("form", &form), ("client", "app")]).await;
    assert!(!node.identity.provider().stops(&principal(&given["access_token"])), "and take nothing of hers back");

    let form = hidden(&page, "form").unwrap();
    let answer = ada.post(&node, "/auth/account/applications", &[("form", &form), ("client", "app")]).await;
    assert_eq!(location(&answer).as_deref(), Some("/auth/account/applications?done=taken-back"));
    assert!(node.identity.provider().stops(&principal(&given["access_token"])), "the gate hears of it at once");
    assert_eq!(error(&refresh(&node, given["refresh_token"].as_str().unwrap()).await), "invalid_grant");
    assert!(location(&ada.get(&node, &request(&scope)).await).is_none(), "it has to ask again");
}
