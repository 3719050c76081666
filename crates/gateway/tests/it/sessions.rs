//! Browsers with a session: the way to sign in, and what pages of other sites cannot make them do.

use std::sync::Arc;
use std::time::Duration;

use bartizan_gateway::config::{Route, SignIn};
use bartizan_gateway::ports::{Reply, Sessions};
use bartizan_gateway::{Cors, Credentials, Origins};
use bartizan_policy::{Access, Authentication, CredentialKind, Principal, PrincipalKind, StepUp, Strength, Timestamp};
use bartizan_testkit::Upstream;
use bartizan_token::form_token;
use http::{Method, StatusCode};
use serde_json::Map;

use crate::harness::{Gated, config, route, rule};

/// One session, of one person.
struct OneSession;

impl Sessions for OneSession {
    fn principal(&self, cookie: &str) -> Reply<'_, Option<Arc<Principal>>> {
        Reply::Now((cookie == "ada").then(|| {
            Arc::new(Principal {
                subject: "ada".into(),
                issuer: "https://gate.test/auth".into(),
                kind: PrincipalKind::User,
                credential: CredentialKind::Session,
                strength: Strength::Full,
                token_id: None,
                client: None,
                roles: Vec::new(),
                scopes: Vec::new(),
                attributes: Map::new(),
                authentication: Authentication { time: Some(Timestamp::from_unix(1)), acr: None, amr: Vec::new() },
                issued_at: None,
                expires_at: None,
            })
        }))
    }
}

const COOKIE: (&str, &str) = ("cookie", "theme=dark; __Host-bartizan=ada; __Host-bartizan-form=x");

fn gate(upstream: &Upstream, access: Access, change: impl FnOnce(&mut Route)) -> Gated {
    let mut guarded =
        Route { access, credentials: vec![CredentialKind::Session], ..route("/{*rest}", upstream.address()) };
    change(&mut guarded);
    let mut rules = config(vec![guarded]);
    rules.sign_in = Some(SignIn { path: "/auth/login".into(), multi_factor: "two".into() });
    Gated::with_sessions(rules, Arc::new(OneSession))
}

#[tokio::test]
async fn a_browser_without_a_session_is_sent_to_sign_in_and_a_script_is_told_401() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let gate = gate(&upstream, Access::SignedIn, |_| {});
    let navigate = ("sec-fetch-mode", "navigate");
    let stale = ("cookie", "__Host-bartizan=ended");
    for fields in [&[navigate][..], &[("accept", "text/html")], &[navigate, stale]] {
        let answer = gate.send(Method::GET, "/orders?page=2", fields, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{fields:?}");
        assert_eq!(answer.header("location"), Some("/auth/login?return_to=/orders%3Fpage%3D2"));
    }
    for (method, fields) in [
        (Method::GET, &[("sec-fetch-mode", "cors"), ("accept", "text/html")][..]),
        (Method::GET, &[("accept", "application/json")]),
        (Method::POST, &[navigate]),
    ] {
        let answer = gate.send(method, "/orders", fields, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{fields:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_browser_whose_sign_in_is_too_weak_or_too_old_is_sent_for_a_better_one() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let step_up = StepUp { multi_factor: true, acr: Vec::new(), max_age: Some(Duration::from_mins(5)) };
    let gate = gate(&upstream, rule(|rule| rule.step_up = step_up), |_| {});
    let answer = gate.send(Method::GET, "/orders", &[COOKIE, ("sec-fetch-mode", "navigate")], "").await;
    assert_eq!(answer.header("location"), Some("/auth/login?return_to=/orders&max_age=300&acr_values=two"));
    assert_eq!(gate.send(Method::GET, "/orders", &[COOKIE], "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_upstream_learns_who_calls_and_never_sees_the_session() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let gate = gate(&upstream, Access::SignedIn, |_| {});
    assert_eq!(gate.send(Method::GET, "/orders", &[COOKIE], "").await.status, StatusCode::OK);
    let received = upstream.received().remove(0);
    assert_eq!(received.headers["cookie"], "theme=dark");
    assert!(received.headers.contains_key("bartizan-assertion"));
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_the_session_to_change_anything() {
    let upstream = Upstream::answering(StatusCode::OK, "done");
    let gate = gate(&upstream, Access::SignedIn, |_| {});
    let forged: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://other.api.test")],
        &[("origin", "https://evil.test")],
        &[("origin", "null")],
        &[],
        &[("x-csrf-token", "a-guess")],
    ];
    for fields in forged {
        let fields: Vec<_> = fields.iter().copied().chain([COOKIE]).collect();
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert_eq!(gate.send(method, "/orders", &fields, "").await.status, StatusCode::FORBIDDEN, "{fields:?}");
        }
    }
    assert!(upstream.received().is_empty());
    let token = form_token("ada");
    let honest = [("sec-fetch-site", "same-origin"), ("origin", "http://api.test"), ("x-csrf-token", token.as_str())];
    for field in honest {
        assert_eq!(gate.send(Method::POST, "/orders", &[COOKIE, field], "").await.status, StatusCode::OK, "{field:?}");
    }
    let event = &gate.events()[0];
    assert_eq!((&event["event"]["code"], &event["event"]["reason"]), (&"cross-site".into(), &"sec-fetch-site".into()));
}

#[tokio::test]
async fn a_page_of_an_origin_that_is_trusted_with_cookies_may() {
    let upstream = Upstream::answering(StatusCode::OK, "done");
    let gate = gate(&upstream, Access::SignedIn, |route| {
        let origins = vec!["https://app.test".parse().unwrap()];
        let origins = Origins::Listed(origins, Credentials::Include);
        let cors = Cors { origins, methods: vec![Method::POST], ..Cors::default() };
        route.answer.cors = Some(cors);
    });
    let status = async |origin| {
        let fields = [COOKIE, ("sec-fetch-site", "same-site"), ("origin", origin)];
        gate.send(Method::POST, "/orders", &fields, "").await.status
    };
    assert_eq!(status("https://app.test").await, StatusCode::OK);
    assert_eq!(status("https://evil.test").await, StatusCode::FORBIDDEN);
}
