use std::{net::IpAddr, time::Duration};

use bartizan_vault::Secret;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _,
    postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode},
};
use tokio::time::timeout;

use crate::{
    Fault, Migrations, Outcome, Place, Query, StoreError, Write,
    connection::{Connection, failure},
    migrations::migrate,
    writer::run_all,
};

/// `PostgreSQL`, shared by any number of nodes.
pub(crate) struct Postgres {
    pool: PgPool,
    place: Place,
}

const CONNECTIONS: u32 = 16;
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a write is tried that `PostgreSQL` undid for a conflict with others.
const ATTEMPTS: usize = 4;

impl Postgres {
    pub(crate) async fn open(url: &Secret<String>, rooms: &[Migrations], now: i64) -> Result<Self, StoreError> {
        let options = options(url.expose())?;
        let place = Place::Postgres(address(&options).into());
        // By itself, the pool hides why it cannot connect behind a time-out.
        let connected = timeout(PATIENCE, options.connect()).await;
        let unanswered = |_| StoreError::Engine {
            place: place.clone(),
            fault: Fault::Unreachable(format!("no answer in {} s", PATIENCE.as_secs())),
        };
        let mut connection = connected.map_err(unanswered)?.map_err(|error| failure(&place, &error))?;
        upgrade(&mut connection, &place, rooms, now).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(|connection, _| Box::pin(async move { connection.execute(SESSION).await.map(|_| ()) }))
            .connect_lazy_with(options);
        Ok(Self { pool, place })
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) async fn write(&self, write: &Write) -> Result<Vec<Outcome>, StoreError> {
        let mut attempt = 1;
        loop {
            match self.attempt(write).await {
                Err(StoreError::Engine { fault: Fault::Contention, .. }) if attempt < ATTEMPTS => attempt += 1,
                answer => return answer,
            }
        }
    }

    async fn attempt(&self, write: &Write) -> Result<Vec<Outcome>, StoreError> {
        let failure = |error| failure(&self.place, &error);
        let mut transaction = self.pool.begin().await.map_err(failure)?;
        // Dropped without a commit, the transaction is rolled back.
        let outcomes = run_all(&mut Connection::Postgres(&mut transaction), &self.place, write).await?;
        transaction.commit().await.map_err(|error| self.uncertain(&error))?;
        Ok(outcomes)
    }

    /// A commit whose answer never came may have happened.
    fn uncertain(&self, error: &sqlx::Error) -> StoreError {
        match failure(&self.place, error) {
            StoreError::Engine { place, fault: Fault::Unreachable(reason) } => {
                StoreError::Engine { place, fault: Fault::OutcomeUnknown(reason) }
            }
            other => other,
        }
    }
}

/// What holds for every session: no statement and no forgotten transaction blocks others for ever.
const SESSION: &str = "SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'";

/// Nodes that start together upgrade one after the other. The lock ends with the transaction, however it ends.
const ONE_AT_A_TIME: Query = Query::new("SELECT CAST(pg_advisory_xact_lock(7161986544127463781) AS TEXT)");
const WAIT_FOR_OTHERS: &str = "SET LOCAL lock_timeout = '120s'";

async fn upgrade(
    connection: &mut PgConnection,
    place: &Place,
    rooms: &[Migrations],
    now: i64,
) -> Result<(), StoreError> {
    let failure = |error| failure(place, &error);
    let mut transaction = connection.begin().await.map_err(failure)?;
    let mut session = Connection::Postgres(&mut transaction);
    session.script(place, WAIT_FOR_OTHERS).await?;
    session.run(place, ONE_AT_A_TIME, &[]).await?;
    migrate(&mut session, place, rooms, now).await?;
    transaction.commit().await.map_err(failure)
}

/// The options in `url`, with TLS made strict.
///
/// `PostgreSQL`'s own default, `sslmode=prefer`, goes on in the clear if somebody on the way says so, and `require` believes any
/// certificate. So to another host the server is always verified, unless `disable` or `verify-ca` is written in the URL itself.
fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let fault = |fault: &str| StoreError::Url { fault: fault.to_owned() };
    let (scheme, rest) = url.split_once("://").ok_or_else(|| fault("does not begin with `postgres://`"))?;
    if scheme != "postgres" && scheme != "postgresql" {
        return Err(fault("does not begin with `postgres://`"));
    }
    let parameters = rest.split_once('?').map_or("", |(_, parameters)| parameters);
    let mut mode = None;
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        // Checked here since the driver would pass over a misspelt name, and write its value, perhaps a password, to the log.
        if !PARAMETERS.contains(&name) {
            return Err(StoreError::Url {
                fault: format!("has a parameter that is not known; known are {}", PARAMETERS.join(", ")),
            });
        }
        if name == "sslmode" {
            mode = Some(value);
        }
    }
    let options: PgConnectOptions =
        url.parse().map_err(|_| fault("is not of the form postgres://user:password@host:port/database"))?;
    let options = options.application_name("bartizan").disable_statement_logging();
    let mode = match mode {
        Some("disable") => PgSslMode::Disable,
        Some("verify-ca") => PgSslMode::VerifyCa,
        None | Some("prefer" | "allow") if is_local(&options) => PgSslMode::Prefer,
        _ => PgSslMode::VerifyFull,
    };
    Ok(options.ssl_mode(mode))
}

const PARAMETERS: [&str; 11] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "options",
];

/// Whether the connection cannot leave the machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_start_matches('[').trim_end_matches(']');
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Where it is, without user and password.
fn address(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{}:{}/{database}", socket.display(), options.get_port()),
        None => format!("{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_another_host_is_verified_unless_the_url_says_otherwise() {
        let mode = |url: &str| options(url).unwrap().get_ssl_mode();
        for url in [
            "postgres://db/x",
            "postgres://db/x?sslmode=prefer",
            "postgres://db/x?sslmode=allow",
            "postgres://db/x?sslmode=require",
        ] {
            assert!(matches!(mode(url), PgSslMode::VerifyFull), "{url}");
        }
        assert!(matches!(mode("postgres://db/x?sslmode=disable"), PgSslMode::Disable));
        assert!(matches!(mode("postgres://db/x?sslmode=verify-ca"), PgSslMode::VerifyCa));
    }

    #[test]
    fn a_connection_that_stays_on_the_machine_may_go_without() {
        for url in [
            "postgres://localhost/x",
            "postgres://127.0.0.9/x",
            "postgres://[::1]/x",
            "postgres:///x?host=/run/postgresql",
        ] {
            assert!(matches!(options(url).unwrap().get_ssl_mode(), PgSslMode::Prefer), "{url}");
        }
        assert!(matches!(
            options("postgres://localhost/x?host=db.example").unwrap().get_ssl_mode(),
            PgSslMode::VerifyFull
        ));
    }

    #[test]
    fn a_fault_in_the_url_never_repeats_it() {
        for url in [
            "hunter2",
            "mysql://a:hunter2@b/c",
            "postgres://a:hunter2@b:port/c",
            "postgres://a@b/c?pasword=hunter2",
            "postgres://a:hunter2@b/c?sslmode=hunter2",
        ] {
            let Err(error) = options(url) else { panic!("{url} was accepted") };
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn the_address_shows_no_credentials() {
        let options = options("postgres://admin:hunter2@db.example:5433/gate").unwrap();
        assert_eq!(address(&options), "db.example:5433/gate");
    }
}
