//! **A deliberately vulnerable shop.** It is what the gate is shown on: a small API as many a team runs one, over a real
//! `SQLite` database, with the faults that such back ends really have. Never put it on a network: it refuses to listen on
//! anything but loopback.
//!
//! Every deliberate fault is marked `VULNERABLE (…)` with its place in the OWASP API Security Top 10 (2023), and listed in
//! the README with a request that shows it. What is not marked is meant to be right: orders are placed in a
//! transaction, stock falls, balances are charged.
#![forbid(unsafe_code)]

mod admin;
mod answer;
mod caller;
mod database;
mod debug;
mod error;
mod extract;
mod fetch;
mod login;
mod orders;
mod products;
mod seed;
mod token;
mod users;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use sqlx::SqlitePool;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Where the shop listens and keeps its data.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the data lives.
    pub database: Database,
    /// The secret that signs the shop's own HS256 tokens.
    pub token_secret: String,
}

/// Where the shop's data lives.
#[derive(Clone, Debug)]
pub enum Database {
    /// In memory, gone when the shop stops.
    Throwaway,
    /// In this file, made and filled with the sample data when it is missing.
    File(PathBuf),
}

/// Why the shop did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is reachable from elsewhere.
    #[error("the shop is vulnerable on purpose and listens on loopback only, not on `{0}`; use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The address is taken or not allowed.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database cannot be opened or filled.
    #[error("cannot prepare the database: {0}")]
    Database(#[from] sqlx::Error),
}

/// The sample API.
#[derive(Debug)]
pub struct Shop;

impl Shop {
    /// Starts the shop on the current runtime and returns once it accepts connections.
    ///
    /// # Errors
    /// [`StartError`] when the address is not loopback or taken, or when the database cannot be prepared.
    pub async fn start(settings: Settings) -> Result<Running, StartError> {
        let Settings { listen, database, token_secret } = settings;
        if !listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(listen));
        }
        let pool = database::open(&database).await?;
        let in_listening = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(in_listening)?;
        let address = listener.local_addr().map_err(in_listening)?;
        let app = router(Arc::new(State { pool: pool.clone(), database, token_secret, address }));
        let to_restore = pool.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let until_stopped = async move {
                // A dropped sender means the owner is gone, which is as good a reason to stop.
                let _ = stopped.await;
            };
            let outcome = axum::serve(listener, app).with_graceful_shutdown(until_stopped).await;
            pool.close().await;
            outcome
        });
        Ok(Running { address, pool: to_restore, stop, server })
    }
}

/// A shop that is serving; dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    pool: SqlitePool,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// The address it listens on, with the real port.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Throws away what was changed and lays the sample data again.
    ///
    /// # Errors
    /// What the database said.
    pub async fn restore(&self) -> Result<(), StartError> {
        Ok(seed::restore(&self.pool).await?)
    }

    /// Stops accepting, finishes what is open and closes the database.
    ///
    /// # Errors
    /// What the listener or its task failed with.
    pub async fn stop(self) -> std::io::Result<()> {
        // The receiver is gone only when the server has ended already; its outcome follows.
        let _ = self.stop.send(());
        self.server.await.map_err(std::io::Error::other)?
    }
}

/// What every handler shares.
#[derive(Debug)]
struct State {
    pool: SqlitePool,
    database: Database,
    token_secret: String,
    address: SocketAddr,
}

type Shared = axum::extract::State<Arc<State>>;

/// The routes; `openapi.yaml` declares all of them but `/debug/env`.
fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/health", get(admin::health))
        .route("/login", post(login::login))
        .route("/search", get(products::page))
        .route("/products", get(products::list))
        .route("/products/{id}", get(products::show))
        .route("/products/import-image", post(products::import_image))
        .route("/orders", get(orders::list).post(orders::place))
        .route("/orders/{id}", get(orders::show).put(orders::change))
        .route("/users/{id}", get(users::show).patch(users::change).delete(users::remove))
        .route("/admin/report", get(admin::report))
        .route("/debug/env", get(debug::environment))
        .fallback(answer::not_found)
        .layer(middleware::map_response_with_state(state.clone(), answer::add_banners))
        .with_state(state)
}
