use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use bartizan_store::{Config, Migrations, Query, Step, Store, StoreError};
use bartizan_vault::{
    Secret,
    random::{self, SystemRandom},
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, postgres::PgConnection};
use tempfile::TempDir;

pub(crate) const SCHEMA: Migrations = Migrations {
    room: "ledger",
    steps: &[Step {
        number: 1,
        name: "entries",
        sqlite: "CREATE TABLE ledger_entry (
                id INTEGER PRIMARY KEY, owner TEXT NOT NULL, amount INTEGER CHECK (amount >= 0), proof BLOB) STRICT;
            CREATE TABLE ledger_note (entry INTEGER NOT NULL REFERENCES ledger_entry, text TEXT NOT NULL) STRICT;",
        postgres: "CREATE TABLE ledger_entry (
                id BIGINT PRIMARY KEY, owner TEXT NOT NULL, amount BIGINT CHECK (amount >= 0), proof BYTEA);
            CREATE TABLE ledger_note (entry BIGINT NOT NULL REFERENCES ledger_entry, text TEXT NOT NULL);",
    }],
};
pub(crate) const INSERT: Query =
    Query::new("INSERT INTO ledger_entry (id, owner, amount, proof) VALUES ($1, $2, $3, $4)");
pub(crate) const NOTE: Query = Query::new("INSERT INTO ledger_note (entry, text) VALUES ($1, $2)");
pub(crate) const SPEND: Query =
    Query::new("UPDATE ledger_entry SET amount = amount - $2 WHERE id = $1 AND amount >= $2 RETURNING amount");
pub(crate) const ENTRY: Query = Query::new("SELECT id, owner, amount, proof FROM ledger_entry WHERE id = $1");
pub(crate) const ALL: Query = Query::new("SELECT id FROM ledger_entry ORDER BY id");

/// A database of one test's own.
pub(crate) struct Database {
    pub(crate) config: Config,
    _directory: Option<TempDir>,
}

impl Database {
    pub(crate) async fn open(&self) -> Store {
        self.try_open(&[SCHEMA]).await.unwrap()
    }

    pub(crate) async fn try_open(&self, rooms: &[Migrations]) -> Result<Store, StoreError> {
        Store::open(&self.config, rooms, at(1_700_000_000)).await
    }
}

/// Runs `test` with an empty `SQLite` database, and with an empty `PostgreSQL` one if there is an instance.
pub(crate) async fn on_each_engine(test: impl AsyncFn(Database)) {
    let directory = TempDir::new().unwrap();
    test(Database { config: sqlite(&directory.path().join("state")), _directory: Some(directory) }).await;
    if let Some(server) = postgres() {
        test(Database { config: Config::Postgres { url: Secret::new(new_database(&server).await) }, _directory: None })
            .await;
    }
}

pub(crate) fn sqlite(directory: &Path) -> Config {
    Config::Sqlite { directory: directory.to_owned() }
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn postgres() -> Option<String> {
    let server = std::env::var("BARTIZAN_TEST_POSTGRES").ok();
    if server.is_none() {
        println!("skipped: BARTIZAN_TEST_POSTGRES is not set");
    }
    server
}

pub(crate) async fn new_database(server: &str) -> String {
    let name = format!("test_{:016x}", u64::from_be_bytes(random::bytes(&SystemRandom::new()).unwrap()));
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
    with_database(server, &name)
}

/// `server` with its path replaced.
pub(crate) fn with_database(server: &str, name: &str) -> String {
    let (scheme, rest) = server.split_once("://").unwrap();
    let (rest, parameters) = rest.split_once('?').map_or((rest, String::new()), |(rest, p)| (rest, format!("?{p}")));
    let authority = rest.split('/').next().unwrap();
    format!("{scheme}://{authority}/{name}{parameters}")
}

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
