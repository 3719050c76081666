//! An axum service that carries the gate's decisions inside itself. It prints an address and an API key:
//!
//! ```console
//! $ cargo run -p bartizan-gateway --example axum
//! $ curl -i http://127.0.0.1:PORT/notes                       # 401: who are you?
//! $ curl -i -H 'x-api-key: KEY' http://127.0.0.1:PORT/notes   # 200, and the handler knows
//! $ curl -i http://127.0.0.1:PORT/elsewhere                   # 404: not declared
//! ```
#![expect(clippy::print_stdout, reason = "an example tells what to try")]

use std::net::SocketAddr;

use aws_lc_rs::rand::SystemRandom;
use axum::extract::ConnectInfo;
use axum::routing::get;
use axum::{Extension, Router};
use bartizan_evidence::{Config as EvidenceConfig, Recorder};
use bartizan_gateway::config::{Config, Route};
use bartizan_gateway::layer::{Caller, GateLayer};
use bartizan_gateway::{Gate, Ports};
use bartizan_policy::Access;
use bartizan_token::{ApiKey, ApiKeyRecord};
use http::Method;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tower_layer::Layer;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let (recorder, _writer) = Recorder::start(EvidenceConfig::in_state(state.path()))?;

    // What is served, and to whom; nothing else is.
    let routes = vec![
        Route::inside("/", vec![Method::GET], Access::Public),
        Route::inside("/notes", vec![Method::GET], Access::SignedIn),
    ];
    let mut config = Config::inside("http://localhost".parse()?, routes);
    let key = ApiKey::generate(&SystemRandom::new())?;
    config.api_keys.push(ApiKeyRecord {
        id: key.id,
        hash: key.hash,
        subject: "integration".into(),
        owner: None,
        roles: Vec::new(),
        scopes: Vec::new(),
        expires_at: None,
    });
    let ports = Ports::inside(config.limits, &recorder, Handle::current())?;
    let gate = Gate::build(config, &ports)?;
    let layer = GateLayer::new(gate, recorder, |extensions| {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.into())
    });

    let app = Router::new()
        .route("/", get(async || "hello"))
        .route("/notes", get(async |Extension(caller): Extension<Caller>| format!("notes of {}", caller.subject)));
    // Around the router: what routes has to see the path that was judged.
    let guarded = Router::new().fallback_service(layer.layer(app));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{} with x-api-key: {}", listener.local_addr()?, key.text.expose());
    axum::serve(listener, guarded.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
