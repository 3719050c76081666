//! The Layer around an axum service: the same decisions, the same event, the principal for handlers.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Path};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bartizan_evidence::{Config as EvidenceConfig, Recorder, WriterHandle};
use bartizan_gateway::Gate;
use bartizan_gateway::config::{Config, Route};
use bartizan_gateway::layer::{Caller, GateLayer};
use bartizan_policy::{Access, OwnerSource};
use bartizan_testkit::{Algorithm, Answered, HttpClient, Issuer};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower_layer::Layer;

use crate::harness::{AUDIENCE, config, guarded, owner, ports, request, route, rule, trusting};

/// A service behind the Layer.
struct Service {
    address: SocketAddr,
    layer: GateLayer,
    writer: WriterHandle,
    state: TempDir,
}

fn app() -> Router {
    Router::new()
        .route("/whoami", get(async |caller: Option<Extension<Caller>>, request: Request<axum::body::Body>| {
            let forged = request.headers().get("x-real-ip").is_some();
            let subject = caller.map(|Extension(caller)| caller.subject.to_string());
            Json(json!({ "subject": subject, "forged": forged, "id": request.headers()["x-request-id"].to_str().unwrap() }))
        }))
        .route("/echo", post(async |body: String| body))
        .route("/notes/{id}", get(async |Path(id): Path<String>| Json(json!({ "id": id, "owner": "alice" }))).delete(async || "gone"))
        .route("/fails", get(async || (StatusCode::INTERNAL_SERVER_ERROR, "at main.rs:7 password=1")))
}

impl Service {
    async fn start(rules: Config) -> Self {
        Self::with(rules, |extensions| extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.into())).await
    }

    async fn with(
        rules: Config,
        peer: impl Fn(&http::Extensions) -> Option<bartizan_gateway::layer::Peer> + Send + Sync + 'static,
    ) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (recorder, writer) = Recorder::start(EvidenceConfig::in_state(state.path())).unwrap();
        let gate = Gate::build(rules.clone(), &ports(&rules, &recorder)).unwrap();
        let layer = GateLayer::new(gate, recorder, peer);
        let guarded = Router::new().fallback_service(layer.layer(app()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            axum::serve(listener, guarded.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
        });
        Self { address, layer, writer, state }
    }

    async fn send(&self, method: Method, path: &str, fields: &[(&str, &str)], body: &str) -> Answered {
        HttpClient::plain()
            .send(request(method, &format!("http://{}{path}", self.address), fields, body))
            .await
            .unwrap()
    }

    async fn get(&self, path: &str, fields: &[(&str, &str)]) -> Answered {
        self.send(Method::GET, path, fields, "").await
    }

    fn events(self) -> Vec<Value> {
        self.writer.shutdown().unwrap();
        let records = bartizan_evidence::read(&self.state.path().join("audit")).unwrap().map(Result::unwrap);
        records.filter(|record| record["event"]["action"] == "request").collect()
    }
}

/// Nothing is ever connected to.
fn nowhere() -> SocketAddr {
    "127.0.0.1:9".parse().unwrap()
}

fn rules(issuer: &Issuer, routes: Vec<Route>) -> Config {
    let mut rules = config(routes);
    rules.issuers = vec![trusting(issuer)];
    rules
}

#[tokio::test]
async fn a_handler_learns_who_calls_from_the_layer_and_nobody_else() {
    let issuer = Issuer::start(Algorithm::Es256);
    let routes = vec![guarded("/whoami", nowhere(), Access::SignedIn)];
    let service = Service::start(rules(&issuer, routes)).await;
    let token = issuer.token(json!({ "aud": AUDIENCE, "sub": "alice" }));
    let bearer = format!("Bearer {token}");
    let answer = service.get("/whoami", &[("authorization", &bearer), ("x-real-ip", "10.0.0.1")]).await;
    assert_eq!((&answer.json()["subject"], &answer.json()["forged"]), (&"alice".into(), &false.into()));
    assert!(answer.header("content-security-policy").is_some(), "the answer went through the filter");
    assert_eq!(service.get("/whoami", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.get("/other", &[]).await.status, StatusCode::NOT_FOUND, "not declared, not reached");
    let events = service.events();
    let outcomes: Vec<_> = events.iter().map(|event| event["bartizan"]["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["answered", "refused", "refused"]);
    assert_eq!(events[0]["user"]["id"], "alice");
}

#[tokio::test]
async fn what_routes_sees_the_path_that_was_judged() {
    let service = Service::start(config(vec![route("/notes/{id}", nowhere())])).await;
    assert_eq!(service.get("/x/../notes/%37", &[]).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(service.get("/notes/%37", &[]).await.json()["id"], "7");
}

#[tokio::test]
async fn ownership_is_asked_of_the_service_itself() {
    let issuer = Issuer::start(Algorithm::Es256);
    let lookup = OwnerSource::Lookup { path: "/notes/{id}".into(), field: "/owner".into() };
    let routes = vec![guarded("/notes/{id}", nowhere(), owner(lookup))];
    let service = Service::start(rules(&issuer, routes)).await;
    for (subject, status) in [("alice", StatusCode::OK), ("mallory", StatusCode::FORBIDDEN)] {
        let token = issuer.token(json!({ "aud": AUDIENCE, "sub": subject }));
        let answer =
            service.send(Method::DELETE, "/notes/1", &[("authorization", &format!("Bearer {token}"))], "").await;
        assert_eq!(answer.status, status, "{subject}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_and_faults_of_the_service_tell_nothing() {
    let mut echo = route("/echo", nowhere());
    echo.body_bytes = 10;
    let service = Service::start(config(vec![echo, route("/fails", nowhere())])).await;
    assert_eq!(service.send(Method::POST, "/echo", &[], "0123456789").await.text(), "0123456789");
    let chunked = service.send(Method::POST, "/echo", &[], "0123456789a").await;
    assert_eq!(chunked.status, StatusCode::PAYLOAD_TOO_LARGE);
    let failed = service.get("/fails", &[]).await;
    assert!(failed.status.is_server_error() && !failed.text().contains("password"), "{}", failed.text());
}

#[tokio::test]
async fn a_request_from_nowhere_is_refused() {
    let service = Service::with(config(vec![route("/whoami", nowhere())]), |_| None).await;
    assert_eq!(service.get("/whoami", &[]).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(service.events().len(), 1);
}

#[tokio::test]
async fn another_configuration_holds_for_the_next_request() {
    let before = config(vec![route("/whoami", nowhere())]);
    let service = Service::start(before).await;
    assert_eq!(service.get("/whoami", &[]).await.status, StatusCode::OK);
    let after = config(vec![guarded("/whoami", nowhere(), rule(|rule| rule.roles = vec!["staff".into()]))]);
    let state = tempfile::tempdir().unwrap();
    let (recorder, _writer) = Recorder::start(EvidenceConfig::in_state(state.path())).unwrap();
    service.layer.replace(Gate::build(after.clone(), &ports(&after, &recorder)).unwrap());
    assert_eq!(service.get("/whoami", &[]).await.status, StatusCode::UNAUTHORIZED);
}
