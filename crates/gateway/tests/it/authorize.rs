//! Who may: nobody, until a rule says so.

use std::time::Duration;

use bartizan_policy::{Access, OwnerSource, StepUp, Timestamp};
use bartizan_testkit::{Algorithm, Answer, Answered, Issuer, Received, Upstream};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{AUDIENCE, Gated, config, guarded, owner, rule, trusting};

/// A backend of orders that belong to somebody, and that checks nothing itself.
fn orders() -> Upstream {
    Upstream::start(|request: &Received| {
        let (status, body) = match request.target.as_str() {
            "/orders/1" => (200, json!({ "id": 1, "user_id": "ada", "card": "secret-of-ada" }).to_string()),
            "/orders/2" => (200, json!({ "id": 2, "user_id": 42 }).to_string()),
            "/orders" => (200, json!([{ "user_id": "ada" }, { "user_id": "ada" }]).to_string()),
            "/mixed" => (200, json!([{ "user_id": "ada" }, { "user_id": "bob", "card": "secret-of-bob" }]).to_string()),
            "/orders/500" => (500, "{}".to_owned()),
            "/orders/text" => (200, "user_id: ada".to_owned()),
            "/orders/empty" => (200, String::new()),
            "/orders/unowned" => (200, "{}".to_owned()),
            _ => (404, "{}".to_owned()),
        };
        let response = Response::builder().status(status).header("content-type", "application/json");
        Answer::Respond(response.body(Bytes::from(body)).unwrap())
    })
}

struct Shop {
    issuer: Issuer,
    upstream: Upstream,
    gate: Gated,
}

impl Shop {
    fn with(path: &str, access: Access) -> Self {
        let (issuer, upstream) = (Issuer::start(Algorithm::Es256), orders());
        let mut rules = config(vec![guarded(path, upstream.address(), access)]);
        rules.issuers = vec![trusting(&issuer)];
        let gate = Gated::start(rules);
        Self { issuer, upstream, gate }
    }

    async fn ask(&self, method: Method, path: &str, mut claims: Value) -> Answered {
        claims.as_object_mut().unwrap().insert("aud".to_owned(), AUDIENCE.into());
        let token = format!("Bearer {}", self.issuer.token(claims));
        self.gate.send(method, path, &[("authorization", &token)], "").await
    }

    async fn get(&self, path: &str, claims: Value) -> Answered {
        self.ask(Method::GET, path, claims).await
    }
}

#[tokio::test]
async fn without_a_credential_a_guarded_route_asks_for_one() {
    let shop = Shop::with("/orders", Access::SignedIn);
    let answer = shop.gate.get("/orders").await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (StatusCode::UNAUTHORIZED, Some("Bearer")));
    assert!(shop.upstream.received().is_empty());
}

#[tokio::test]
async fn a_role_is_needed_and_which_one_is_not_told() {
    let shop = Shop::with("/orders", rule(|rule| rule.roles = vec!["staff".into(), "admin".into()]));
    assert_eq!(shop.get("/orders", json!({ "sub": "ada", "roles": ["admin"] })).await.status, StatusCode::OK);
    let refused = shop.get("/orders", json!({ "sub": "ada", "roles": ["customer"] })).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!refused.text().contains("staff") && !refused.text().contains("admin"), "{}", refused.text());
    let events = shop.gate.events();
    assert_eq!((&events[1]["event"]["code"], &events[1]["user"]["id"]), (&"role-missing".into(), &"ada".into()));
    assert!(events[1]["rule"]["id"].is_string(), "{}", events[1]);
}

#[tokio::test]
async fn a_missing_scope_is_named_in_the_challenge() {
    let shop = Shop::with("/orders", rule(|rule| rule.scopes = vec!["orders:read".into()]));
    assert_eq!(shop.get("/orders", json!({ "sub": "ada", "scope": "a orders:read" })).await.status, StatusCode::OK);
    let refused = shop.get("/orders", json!({ "sub": "ada", "scope": "orders:write" })).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.header("www-authenticate"), Some(r#"Bearer error="insufficient_scope", scope="orders:read""#));
}

#[tokio::test]
async fn a_parameter_that_names_the_owner_must_name_the_caller() {
    let shop = Shop::with("/users/{id}/orders", owner(OwnerSource::Parameter("id".into())));
    // The backend has no such path: 404 shows that the request got there.
    assert_eq!(shop.get("/users/ada/orders", json!({ "sub": "ada" })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.get("/users/%61da/orders", json!({ "sub": "ada" })).await.status, StatusCode::NOT_FOUND);
    for path in ["/users/bob/orders", "/users/Ada/orders", "/users/ada%20/orders"] {
        assert_eq!(shop.get(path, json!({ "sub": "ada" })).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let support = json!({ "sub": "eve", "roles": ["support"] });
    assert_eq!(shop.get("/users/bob/orders", support).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.upstream.received().len(), 3);
}

#[tokio::test]
async fn an_answer_that_belongs_to_another_is_not_shown() {
    let shop = Shop::with("/{*rest}", owner(OwnerSource::Field("/user_id".into())));
    let own = shop.get("/orders/1", json!({ "sub": "ada" })).await;
    assert_eq!((own.status, &own.json()["card"]), (StatusCode::OK, &"secret-of-ada".into()));
    assert_eq!(shop.get("/orders", json!({ "sub": "ada" })).await.json().as_array().unwrap().len(), 2);
    assert_eq!(shop.get("/orders/2", json!({ "sub": "42" })).await.status, StatusCode::OK, "a number names a user");
    for path in ["/orders/1", "/orders", "/mixed", "/orders/text", "/orders/empty", "/orders/unowned"] {
        let refused = shop.get(path, json!({ "sub": "eve" })).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        let everything = format!("{:?} {}", refused.headers, refused.text());
        assert!(!everything.contains("secret-of") && !everything.contains("user_id"), "{everything}");
    }
    assert_eq!(shop.get("/mixed", json!({ "sub": "ada" })).await.status, StatusCode::FORBIDDEN, "one is another's");
    let support = json!({ "sub": "eve", "roles": ["support"] });
    assert_eq!(shop.get("/orders/1", support).await.status, StatusCode::OK);
    // What another's HEAD shows, and what an unsafe method does, could not be taken back.
    for method in [Method::HEAD, Method::DELETE] {
        assert_eq!(shop.ask(method, "/orders/1", json!({ "sub": "ada" })).await.status, StatusCode::FORBIDDEN);
    }
    assert!(shop.upstream.received().iter().all(|request| request.method == Method::GET));
}

#[tokio::test]
async fn before_an_unsafe_method_the_upstream_is_asked_whose_it_is() {
    let lookup = OwnerSource::Lookup { path: "/orders/{id}".into(), field: "/user_id".into() };
    let shop = Shop::with("/orders/{id}/cancel", owner(lookup));
    let put = async |id: &str, who: Value| shop.ask(Method::PUT, &format!("/orders/{id}/cancel"), who).await;
    let unsafe_requests = || shop.upstream.received().iter().filter(|request| request.method == Method::PUT).count();
    for id in ["1", "404", "500", "text", "empty", "unowned", "1%3Fx", "..%20"] {
        let refused = put(id, json!({ "sub": "eve" })).await;
        assert!(refused.status.is_client_error(), "{id}: {}", refused.status);
        assert!(!refused.text().contains("secret-of"), "{}", refused.text());
    }
    assert_eq!(unsafe_requests(), 0);
    assert_eq!(put("1", json!({ "sub": "ada" })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(put("2", json!({ "sub": "42" })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(unsafe_requests(), 2);
    let asked = shop.upstream.received();
    let (first, then) = (&asked[asked.len() - 2], &asked[asked.len() - 1]);
    assert_eq!((first.method.as_str(), first.target.as_str()), ("GET", "/orders/2"));
    assert_eq!(first.headers["authorization"], then.headers["authorization"], "asked as the caller");
    assert_eq!(first.headers["x-request-id"], then.headers["x-request-id"]);
}

#[tokio::test]
async fn a_look_up_asks_for_one_object_whatever_the_parameter_holds() {
    let lookup = OwnerSource::Lookup { path: "/orders/{id}".into(), field: "/user_id".into() };
    let shop = Shop::with("/orders/{id}/cancel", owner(lookup));
    let refused = shop.ask(Method::PUT, "/orders/a%20b%26c/cancel", json!({ "sub": "ada" })).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.upstream.only_request().target, "/orders/a%20b%26c");
}

#[tokio::test]
async fn a_stronger_or_more_recent_sign_in_is_asked_for_as_rfc_9470_says() {
    let step_up = StepUp { multi_factor: true, acr: vec!["urn:gold".into()], max_age: Some(Duration::from_mins(5)) };
    let shop = Shop::with("/orders", rule(|rule| rule.step_up = step_up));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let strong = json!({ "sub": "ada", "amr": ["pwd", "otp"], "acr": "urn:gold", "auth_time": now });
    assert_eq!(shop.get("/orders", strong.clone()).await.status, StatusCode::OK);
    for (claim, value) in [("amr", json!(["pwd"])), ("acr", json!("urn:silver")), ("auth_time", json!(now - 3600))] {
        let mut weak = strong.clone();
        weak[claim] = value;
        let answer = shop.get("/orders", weak).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{claim}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with(r#"Bearer error="insufficient_user_authentication""#), "{challenge}");
        assert!(challenge.contains(r#"acr_values="urn:gold""#) && challenge.contains("max_age=300"), "{challenge}");
    }
    assert_eq!(shop.upstream.received().len(), 1);
}

#[tokio::test]
async fn network_and_end_of_a_grant_hold() {
    let now = Timestamp::from(std::time::SystemTime::now());
    let cases = [
        (rule(|rule| rule.networks = vec!["127.0.0.0/8".parse().unwrap()]), StatusCode::OK),
        (rule(|rule| rule.networks = vec!["10.0.0.0/8".parse().unwrap()]), StatusCode::FORBIDDEN),
        (rule(|rule| rule.until = Some(now.after(Duration::from_hours(1)))), StatusCode::OK),
        (rule(|rule| rule.until = Some(now)), StatusCode::FORBIDDEN),
    ];
    for (access, status) in cases {
        let shop = Shop::with("/orders", access);
        assert_eq!(shop.get("/orders", json!({ "sub": "ada" })).await.status, status);
    }
}
