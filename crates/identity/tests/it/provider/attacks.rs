//! The attacks of `RFC 9700 §4`: a test for each section that concerns an authorization server.

use http::StatusCode;
use serde_json::json;

use super::*;

async fn told(browser: &mut Browser, node: &Node, changes: &[(&str, &str)]) -> (StatusCode, Option<String>) {
    let answer = browser.get(node, &request(changes)).await;
    (answer.status(), location(&answer))
}

#[tokio::test]
async fn rfc_9700_4_1_a_code_goes_to_the_registered_uri_and_nowhere_else() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    for uri in [
        "https://app.example/cb/",
        "https://app.example/cb?x=1",
        "https://app.example.evil.example/cb",
        "//app.example/cb",
    ] {
        let (status, location) = told(&mut browser, &node, &[("redirect_uri", uri)]).await;
        assert_eq!((status, location), (StatusCode::BAD_REQUEST, None), "{uri}");
    }
}

#[tokio::test]
async fn rfc_9700_4_2_nothing_on_the_way_back_sends_a_referrer() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    for changes in [&[][..], &[("response_mode", "form_post")]] {
        let answer = browser.get(&node, &request(changes)).await;
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    }
}

#[tokio::test]
async fn rfc_9700_4_3_no_token_stands_in_a_url_or_is_read_from_one() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let (_, back) = told(&mut browser, &node, &[("response_type", "token")]).await;
    let back = back.unwrap();
    assert!(!back.contains('#') && parameter(&back, "error").as_deref() == Some("unsupported_response_type"), "{back}");
    let tokens = tokens(&node, &mut browser, &[]).await;
    let path = format!("/auth/userinfo?access_token={}", tokens["access_token"].as_str().unwrap());
    assert_eq!(node.get(&path).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn rfc_9700_4_4_every_answer_says_whose_it_is() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    for changes in [&[][..], &[("response_type", "token")], &[("code_challenge", "")]] {
        let (_, back) = told(&mut browser, &node, changes).await;
        assert_eq!(parameter(&back.unwrap(), "iss").as_deref(), Some("https://gate.example/auth"), "{changes:?}");
    }
}

#[tokio::test]
async fn rfc_9700_4_5_a_code_that_is_used_twice_ends_what_it_gave() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let code = code(&node, &mut browser, &[]).await;
    let first = json(&exchange(&node, &code, &[]).await);
    let again = exchange(&node, &code, &[]).await;
    assert_eq!((again.status(), error(&again).as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    assert_eq!(error(&refresh(&node, first["refresh_token"].as_str().unwrap()).await), "invalid_grant");
    assert_eq!(introspect(&node, first["access_token"].as_str().unwrap()).await, json!({ "active": false }));
    assert!(node.has_event("authorization-code-reused", Some("code-reused")));
}

#[tokio::test]
async fn rfc_9700_4_5_an_injected_code_is_worth_nothing_and_is_spent_by_the_attempt() {
    let node = Node::start(config(vec![app("app", |_| {}), app("other", |_| {})])).await;
    node.user("ada").await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let attempts: [&[(&str, &str)]; 4] = [
        &[("client_id", "other")],
        &[("redirect_uri", "https://app.example/other")],
        &[("code_verifier", "another-verifier-that-is-long-enough-to-be-one")],
        &[("code_verifier", "")],
    ];
    for attempt in attempts {
        let code = code(&node, &mut browser, &[]).await;
        assert_eq!(error(&exchange(&node, &code, attempt).await), "invalid_grant", "{attempt:?}");
        assert_eq!(
            error(&exchange(&node, &code, &[]).await),
            "invalid_grant",
            "one attempt is all there is: {attempt:?}"
        );
    }
}

#[tokio::test]
async fn rfc_9700_4_5_a_code_lives_for_a_minute() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let code = code(&node, &mut browser, &[]).await;
    node.wait(std::time::Duration::from_mins(1));
    assert_eq!(error(&exchange(&node, &code, &[]).await), "invalid_grant");
    assert!(node.has_event("tokens-issued", Some("code-expired")));
}

#[tokio::test]
async fn rfc_9700_4_7_state_comes_back_as_it_was_sent() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let state = "a b&c=d#é\"'<";
    for changes in [[("state", state), ("scope", "openid")], [("state", state), ("response_type", "token")]] {
        let (_, back) = told(&mut browser, &node, &changes).await;
        assert_eq!(parameter(&back.unwrap(), "state").as_deref(), Some(state));
    }
}

#[tokio::test]
async fn rfc_9700_4_8_a_request_without_pkce_gets_no_code() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    for change in [("code_challenge", ""), ("code_challenge_method", "plain"), ("code_challenge_method", "")] {
        let (_, back) = told(&mut browser, &node, &[change]).await;
        let back = back.unwrap();
        assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"), "{change:?}");
        assert_eq!(parameter(&back, "code"), None);
    }
}

#[tokio::test]
async fn rfc_9700_4_10_an_access_token_names_whom_it_is_for_and_ends_soon() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let tokens = tokens(&node, &mut browser, &[]).await;
    let access = claims(&tokens["access_token"]);
    assert_eq!(access["aud"], "https://gate.example");
    assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), 900);
    let id_token = tokens["id_token"].as_str().unwrap();
    let shown = node.post("/auth/userinfo", &[("access_token", id_token)], &[]).await;
    assert_eq!(shown.status(), StatusCode::UNAUTHORIZED, "an ID token opens nothing");
}

#[tokio::test]
async fn rfc_9700_4_11_neither_errors_nor_sign_outs_lead_to_a_place_that_is_not_registered() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let evil = "https://evil.example/";
    let changes = [("redirect_uri", evil), ("response_type", "token")];
    assert_eq!(told(&mut browser, &node, &changes).await, (StatusCode::BAD_REQUEST, None));
    assert_eq!(told(&mut browser, &node, &[("client_id", "nobody")]).await, (StatusCode::BAD_REQUEST, None));
    for path in [
        format!("/auth/logout?client_id=app&post_logout_redirect_uri={evil}"),
        format!("/auth/logout?post_logout_redirect_uri={evil}"),
    ] {
        let answer = browser.get(&node, &path).await;
        assert_eq!((answer.status(), location(&answer)), (StatusCode::BAD_REQUEST, None), "{path}");
    }
}

#[tokio::test]
async fn rfc_9700_4_12_no_redirect_repeats_what_was_posted() {
    let (node, _) = node().await;
    let mut browser = Browser::default();
    assert_eq!(told(&mut browser, &node, &[]).await.0, StatusCode::SEE_OTHER);
    let mut browser = Browser::signed_in(&node, "ada").await;
    assert_eq!(told(&mut browser, &node, &[]).await.0, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn rfc_9700_4_14_a_refresh_token_that_is_shown_again_later_ends_the_family() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let first = tokens(&node, &mut browser, &[]).await;
    let second = json(&refresh(&node, first["refresh_token"].as_str().unwrap()).await);
    node.wait(std::time::Duration::from_secs(11));
    assert_eq!(error(&refresh(&node, first["refresh_token"].as_str().unwrap()).await), "invalid_grant");
    assert_eq!(
        error(&refresh(&node, second["refresh_token"].as_str().unwrap()).await),
        "invalid_grant",
        "the thief's too"
    );
    assert_eq!(introspect(&node, second["access_token"].as_str().unwrap()).await, json!({ "active": false }));
    assert!(node.has_event("refresh-token-reused", Some("refresh-token-reused")));
}

#[tokio::test]
async fn rfc_9700_4_15_no_client_can_be_taken_for_a_person() {
    let (_, ada) = node().await;
    assert!(ClientId::new(&ada).is_none(), "an account's id is no client's");
    assert!(ClientId::new("app").is_some());
}

#[tokio::test]
async fn rfc_9700_4_16_no_page_can_be_framed() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    for changes in [&[("prompt", "consent")][..], &[("response_mode", "form_post")], &[("client_id", "nobody")]] {
        let answer = browser.get(&node, &request(changes)).await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{changes:?}: {policy}");
    }
}

#[tokio::test]
async fn the_grants_that_do_not_exist_are_refused() {
    let (node, _) = node().await;
    for grant in ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", ""] {
        let form = [("grant_type", grant), ("client_id", "app"), ("client_secret", SECRET), ("username", "ada")];
        assert_eq!(error(&node.post("/auth/token", &form, &[]).await), "unsupported_grant_type", "{grant}");
    }
}
