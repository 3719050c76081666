//! Refresh tokens: many at once log nobody out, and a stolen one ends all.

use std::sync::Arc;
use std::time::Duration;

use bartizan_store::Config as StoreConfig;
use bartizan_testkit::Postgres;
use bartizan_vault::Secret;
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use super::*;

/// One token, shown by this many at once.
const AT_ONCE: usize = 50;

async fn parallel_refreshes_log_nobody_out(node: Node, rounds: usize) {
    node.user("ada").await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let mut token = tokens(&node, &mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    let node = Arc::new(node);
    for round in 0..rounds {
        let mut requests = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (node, token) = (node.clone(), token.clone());
            requests.spawn(async move {
                let answer = refresh(&node, &token).await;
                assert_eq!(answer.status(), StatusCode::OK, "round {round}: {}", text(&answer));
                json(&answer)["refresh_token"].as_str().unwrap().to_owned()
            });
        }
        let mut successors = requests.join_all().await;
        successors.dedup();
        assert_eq!(successors.len(), 1, "round {round}: all get the same successor");
        assert_ne!(successors[0], token);
        token.clone_from(&successors[0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_refreshes_of_one_token_at_once_log_nobody_out_on_sqlite() {
    parallel_refreshes_log_nobody_out(Node::start(config(vec![app("app", |_| {})])).await, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_refreshes_of_one_token_at_once_log_nobody_out_on_postgresql() {
    // `./test` sets it where it has installed PostgreSQL, and fails where it could not.
    if std::env::var_os("BARTIZAN_TEST_POSTGRES").is_none() {
        return;
    }
    let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let state = Arc::new(tempfile::tempdir().unwrap());
    let store = StoreConfig::Postgres { url: Secret::new(postgres.url()) };
    let node = Node::on(store, state, config(vec![app("app", |_| {})]), 0).await;
    node.store.prepare(&bartizan_identity::queries()).await.unwrap();
    parallel_refreshes_log_nobody_out(node, 10).await;
}

#[tokio::test]
async fn every_query_is_understood_by_sqlite() {
    let node = Node::start(config(Vec::new())).await;
    node.store.prepare(&bartizan_identity::queries()).await.unwrap();
}

#[tokio::test]
async fn a_request_that_was_on_its_way_while_its_client_went_on_is_no_theft() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let first = tokens(&node, &mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    let mut latest = first.clone();
    for _ in 0..3 {
        latest = json(&refresh(&node, &latest).await)["refresh_token"].as_str().unwrap().to_owned();
        node.wait(Duration::from_secs(3));
    }
    let late = json(&refresh(&node, &first).await);
    assert_eq!(late["refresh_token"].as_str(), Some(latest.as_str()), "it gets the one that counts");
    assert_eq!(refresh(&node, &latest).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_that_nobody_issued_is_refused_and_harms_nobody() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let token = tokens(&node, &mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    let mut forged = token.clone().into_bytes();
    let at = forged.len() - 5;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    for bad in
        [String::from_utf8(forged).unwrap(), token.chars().take(40).collect(), "btz_rt_".to_owned(), "x".to_owned()]
    {
        assert_eq!(error(&refresh(&node, &bad).await), "invalid_grant", "{bad}");
    }
    assert_eq!(refresh(&node, &token).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_in_another_clients_hands_ends_the_family() {
    let node = Node::start(config(vec![app("app", |_| {}), app("other", |_| {})])).await;
    node.user("ada").await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let token = tokens(&node, &mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    let form =
        [("grant_type", "refresh_token"), ("client_id", "other"), ("client_secret", SECRET), ("refresh_token", &token)];
    assert_eq!(error(&node.post("/auth/token", &form, &[]).await), "invalid_grant");
    assert_eq!(error(&refresh(&node, &token).await), "invalid_grant");
}

#[tokio::test]
async fn a_family_ends_when_nobody_refreshes_it_and_in_the_end_anyway() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let idle = tokens(&node, &mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    let mut kept = tokens(&node, &mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    for _ in 0..4 {
        node.wait(Duration::from_hours(20 * 24));
        let answer = refresh(&node, &kept).await;
        assert_eq!(answer.status(), StatusCode::OK);
        kept = json(&answer)["refresh_token"].as_str().unwrap().to_owned();
    }
    assert_eq!(error(&refresh(&node, &idle).await), "invalid_grant");
    node.wait(Duration::from_hours(10 * 24));
    assert_eq!(error(&refresh(&node, &kept).await), "invalid_grant", "90 days are all there are");
}

#[tokio::test]
async fn tokens_outlive_a_restart_and_a_revoked_one_stays_revoked() {
    let (node, _) = node().await;
    let mut browser = Browser::signed_in(&node, "ada").await;
    let kept = tokens(&node, &mut browser, &[]).await;
    let revoked = tokens(&node, &mut browser, &[]).await;
    let form = [("client_id", "app"), ("client_secret", SECRET), ("token", revoked["refresh_token"].as_str().unwrap())];
    assert_eq!(node.post("/auth/revoke", &form, &[]).await.status(), StatusCode::OK);
    let node = node.restarted(config(vec![app("app", |_| {})]), Duration::from_secs(1)).await;
    assert_eq!(introspect(&node, kept["access_token"].as_str().unwrap()).await["active"], json!(true));
    assert_eq!(introspect(&node, revoked["access_token"].as_str().unwrap()).await, json!({ "active": false }));
    assert_eq!(refresh(&node, kept["refresh_token"].as_str().unwrap()).await.status(), StatusCode::OK);
    assert_eq!(error(&refresh(&node, revoked["refresh_token"].as_str().unwrap()).await), "invalid_grant");
}
