//! Signing keys: the same over restarts, published before they sign, kept until nothing needs them.

use std::time::Duration;

use bartizan_token::{Jws, KeySet};
use bartizan_vault::TokenAlgorithm;

use super::*;

const DAY: Duration = Duration::from_hours(24);

async fn key_ids(node: &Node) -> Vec<String> {
    let document = json(&node.get("/auth/jwks").await);
    let keys = document["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == "ES256");
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn service_token(node: &Node) -> String {
    let form = [("grant_type", "client_credentials"), ("client_id", "app"), ("client_secret", SECRET)];
    json(&node.post("/auth/token", &form, &[]).await)["access_token"].as_str().unwrap().to_owned()
}

fn key_of(token: &str) -> String {
    Jws::parse(token).unwrap().key_id().unwrap().to_owned()
}

/// A restart looks at the schedule, as the running node does every ten minutes.
async fn later(node: Node, time: Duration) -> Node {
    node.restarted(config(vec![app("app", |_| {})]), time).await
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_kept_until_its_last_token_has_ended() {
    let (node, _) = node().await;
    let first = key_ids(&node).await;
    assert_eq!(first.len(), 1);
    assert_eq!(key_of(&service_token(&node).await), first[0], "the first of all signs at once");
    let node = later(node, Duration::from_mins(1)).await;
    assert_eq!(key_ids(&node).await, first, "the same over a restart");

    let node = later(node, DAY * 29).await;
    let both = key_ids(&node).await;
    assert_eq!(both.len(), 2);
    let token = service_token(&node).await;
    assert_eq!(key_of(&token), first[0], "the next one is published, and does not sign yet");

    let node = later(node, DAY).await;
    let successor = key_of(&service_token(&node).await);
    assert!(successor != first[0] && both.contains(&successor));
    let keys = KeySet::parse(node.get("/auth/jwks").await.body()).unwrap();
    assert!(Jws::parse(&token).unwrap().verify(&keys).is_ok(), "what the old one signed still verifies");

    let node = later(node, DAY * 29).await;
    let third = key_ids(&node).await;
    assert!(!third.contains(&first[0]) && third.contains(&successor), "nothing needs the first one any more");
}

#[tokio::test]
async fn id_tokens_are_signed_as_the_client_wants_them_once_the_keys_are_made() {
    let clients = TokenAlgorithm::ALL.map(|algorithm| app(algorithm.as_str(), |it| it.id_token_algorithm = algorithm));
    let node = Node::start(config(clients.to_vec())).await;
    node.user("ada").await;
    let provider = node.identity.provider().clone();
    let (told, mut made) = tokio::sync::mpsc::unbounded_channel();
    let keeping = tokio::spawn(async move { provider.keep_up(move |keys| told.send(keys.len()).unwrap()).await });
    assert_eq!(made.recv().await, Some(3), "the gate is told of the new keys");
    keeping.abort();
    let mut browser = Browser::signed_in(&node, "ada").await;
    let keys = KeySet::parse(node.get("/auth/jwks").await.body()).unwrap();
    for algorithm in TokenAlgorithm::ALL {
        let code = code(&node, &mut browser, &[("client_id", algorithm.as_str())]).await;
        let tokens = json(&exchange(&node, &code, &[("client_id", algorithm.as_str())]).await);
        let jws = Jws::parse(tokens["id_token"].as_str().unwrap()).unwrap();
        assert_eq!(jws.algorithm().as_str(), algorithm.as_str());
        assert!(jws.verify(&keys).is_ok(), "{algorithm}");
    }
}
