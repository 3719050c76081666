//! Clients: how they prove themselves, and how they are administered.

use bartizan_identity::provider::ClientCommand;
use bartizan_testkit::{Algorithm, KeyPair};
use http::StatusCode;
use serde_json::json;

use super::*;

async fn service_token(node: &Node, form: &[(&str, &str)]) -> Response<Bytes> {
    let form: Vec<_> = form.iter().copied().chain([("grant_type", "client_credentials")]).collect();
    node.post("/auth/token", &form, &[]).await
}

#[tokio::test]
async fn a_client_that_could_prove_itself_has_to() {
    let (node, _) = node().await;
    for form in [
        &[("client_id", "app")][..],
        &[("client_id", "app"), ("client_secret", "wrong")],
        &[("client_id", "nobody"), ("client_secret", SECRET)],
        &[("client_secret", SECRET)],
    ] {
        let answer = service_token(&node, form).await;
        assert_eq!(
            (answer.status(), error(&answer).as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_client"),
            "{form:?}"
        );
        assert!(answer.headers().contains_key("www-authenticate"));
    }
    assert!(node.has_event("tokens-issued", Some("client-proof-wrong")));
}

#[tokio::test]
async fn a_client_proves_itself_by_a_key_of_its_own_once_with_each_assertion() {
    let key = KeyPair::generate(Algorithm::Es256, "k1");
    let mut registration = registration();
    registration.jwks = Some(json!({ "keys": [key.jwk()] }).to_string());
    let client = Client::declared(ClientId::new("signer").unwrap(), registration, None).unwrap();
    let node = Node::start(config(vec![client])).await;
    let assertion = |id: &str, audience: &str, expires_in: i64| {
        key.token(
            &json!({ "iss": "signer", "sub": "signer", "aud": audience, "jti": id, "exp": node.now() + expires_in }),
        )
    };
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let issuer = "https://gate.example/auth";
    let sound = assertion("1", issuer, 60);
    assert_eq!(service_token(&node, &[kind, ("client_assertion", &sound)]).await.status(), StatusCode::OK);
    let stranger = KeyPair::generate(Algorithm::Es256, "k1");
    let forged =
        stranger.token(&json!({ "iss": "signer", "sub": "signer", "aud": issuer, "jti": "2", "exp": node.now() + 60 }));
    let refused = [
        ("shown again", sound),
        ("another key", forged),
        ("another audience", assertion("3", "https://other.example", 60)),
        ("expired", assertion("4", issuer, -60)),
        ("good for a day", assertion("5", issuer, 86_400)),
        ("no token", "x.y.z".to_owned()),
    ];
    for (name, assertion) in refused {
        let answer = service_token(&node, &[kind, ("client_assertion", &assertion)]).await;
        assert_eq!((answer.status(), error(&answer).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{name}");
    }
}

#[tokio::test]
async fn a_client_is_registered_gets_a_secret_once_and_can_be_shut_out() {
    let node = Node::start(config(vec![app("app", |_| {})])).await;
    let provider = node.identity.provider();
    let id = ClientId::new("stored").unwrap();
    let create =
        |id: &ClientId| ClientCommand::Create { id: Some(id.clone()), registration: registration(), with_secret: true };
    let made = provider.administer(create(&id)).await.unwrap();
    let secret = made["secret"].as_str().unwrap().to_owned();
    let works = async |secret: &str| {
        service_token(&node, &[("client_id", "stored"), ("client_secret", secret)]).await.status() == StatusCode::OK
    };
    assert!(works(&secret).await);
    let shown = provider.administer(ClientCommand::Show { id: id.clone() }).await.unwrap();
    assert!(!shown.to_string().contains(&secret), "shown once");
    assert!(provider.administer(create(&id)).await.is_err(), "the id is taken");

    let rotated = provider.administer(ClientCommand::RotateSecret { id: id.clone(), overlap: 60 }).await.unwrap();
    let next = rotated["secret"].as_str().unwrap().to_owned();
    assert!(works(&secret).await && works(&next).await);
    node.wait(std::time::Duration::from_mins(1));
    assert!(!works(&secret).await && works(&next).await);

    provider.administer(ClientCommand::Disable { id: id.clone() }).await.unwrap();
    assert!(!works(&next).await);
    provider.administer(ClientCommand::Enable { id: id.clone() }).await.unwrap();
    assert!(works(&next).await);
    provider.administer(ClientCommand::Delete { id: id.clone() }).await.unwrap();
    assert!(!works(&next).await);
    let declared = ClientCommand::Disable { id: ClientId::new("app").unwrap() };
    let refusal = provider.administer(declared).await.unwrap_err().to_string();
    assert!(refusal.contains("configuration"), "{refusal}");
    for action in ["client-created", "client-secret-rotated", "client-disabled", "client-enabled", "client-deleted"] {
        assert!(node.has_event(action, None), "{action}");
    }
}

#[tokio::test]
async fn a_token_is_explained_to_whom_it_concerns_and_to_nobody_else() {
    let node = Node::start(config(vec![app("app", |_| {}), app("other", |_| {})])).await;
    let token = json(&service_token(&node, &[("client_id", "app"), ("client_secret", SECRET)]).await);
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(introspect(&node, token).await["sub"], "app");
    let form = [("client_id", "other"), ("client_secret", SECRET), ("token", token)];
    assert_eq!(json(&node.post("/auth/introspect", &form, &[]).await), json!({ "active": false }));
    let revoke = node.post("/auth/revoke", &form, &[]).await;
    assert_eq!(revoke.status(), StatusCode::OK);
    assert_eq!(introspect(&node, token).await["active"], json!(true), "another client cannot revoke it");
    let own = [("client_id", "app"), ("client_secret", SECRET), ("token", token)];
    assert_eq!(node.post("/auth/revoke", &own, &[]).await.status(), StatusCode::OK);
    assert_eq!(introspect(&node, token).await, json!({ "active": false }));
}
