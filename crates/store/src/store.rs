use std::{
    path::PathBuf,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use bartizan_vault::Secret;

use crate::{
    Migrations, Outcome, Place, Query, Row, StoreError, Value, Write,
    connection::{Connection, failure},
    postgres::Postgres,
    sqlite::Sqlite,
};

/// Which engine keeps the state, and where.
pub enum Config {
    /// `SQLite` in the file `bartizan.db` of this directory: the embedded default, for one node.
    Sqlite {
        /// The state directory. It is made if it is not there.
        directory: PathBuf,
    },
    /// `PostgreSQL`, for any number of nodes.
    Postgres {
        /// `postgres://user:password@host:port/database`. TLS is verified unless the host is local or `sslmode=disable` is said.
        url: Secret<String>,
    },
}

/// An open store with an up-to-date schema. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Engine>);

enum Engine {
    Sqlite { sqlite: Sqlite, place: Place },
    Postgres(Postgres),
}

impl Store {
    /// Opens the store and brings the schema of `rooms` up to date. `rooms` are all that the program has, in the order in which their
    /// tables may refer to each other; `now` is written down with each step.
    ///
    /// It has to be called, and the store used, on the runtime that will drive its connections.
    ///
    /// # Errors
    /// [`StoreError`] names what is in the way, and the remedy. Nothing is half-open or half-upgraded afterwards.
    pub async fn open(config: &Config, rooms: &[Migrations], now: SystemTime) -> Result<Self, StoreError> {
        let now = microseconds(now);
        let engine = match config {
            Config::Sqlite { directory } => {
                let place = Sqlite::place(directory);
                Engine::Sqlite { sqlite: Sqlite::open(directory, &place, rooms, now).await?, place }
            }
            Config::Postgres { url } => Engine::Postgres(Postgres::open(url, rooms, now).await?),
        };
        Ok(Self(Arc::new(engine)))
    }

    /// Which engine, and where.
    pub fn place(&self) -> &Place {
        match &*self.0 {
            Engine::Sqlite { place, .. } => place,
            Engine::Postgres(postgres) => postgres.place(),
        }
    }

    /// All rows that `query` returns. It must not change anything.
    ///
    /// # Errors
    /// [`StoreError::Engine`] if the engine fails, [`StoreError::TooManyRows`] beyond 100,000 rows.
    pub async fn rows(&self, query: Query, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let place = self.place();
        let outcome = match &*self.0 {
            Engine::Sqlite { sqlite, .. } => {
                let mut connection = sqlite.readers().acquire().await.map_err(|error| failure(place, &error))?;
                Connection::Sqlite(&mut connection).run(place, query, values).await?
            }
            Engine::Postgres(postgres) => {
                let mut connection = postgres.pool().acquire().await.map_err(|error| failure(place, &error))?;
                Connection::Postgres(&mut connection).run(place, query, values).await?
            }
        };
        Ok(outcome.rows)
    }

    /// The one row that `query` returns, if there is one.
    ///
    /// # Errors
    /// As [`rows`](Self::rows), and [`StoreError::NotOneRow`] if there are several.
    pub async fn row(&self, query: Query, values: &[Value]) -> Result<Option<Row>, StoreError> {
        let mut rows = self.rows(query, values).await?.into_iter();
        let first = rows.next();
        if rows.next().is_some() { Err(StoreError::NotOneRow { query }) } else { Ok(first) }
    }

    /// Makes all changes of `write`, or none; once this returns, they are on disk. One [`Outcome`] comes back for each statement.
    ///
    /// A write that has been accepted runs to its end, also if the caller does not wait for it.
    ///
    /// # Errors
    /// [`StoreError::Unmet`] and [`StoreError::Constraint`] if a condition did not hold, [`StoreError::Engine`] if the engine failed. Nothing
    /// has changed then, except where [`Fault::OutcomeUnknown`](crate::Fault::OutcomeUnknown) says that it cannot be known.
    pub async fn write(&self, write: Write) -> Result<Vec<Outcome>, StoreError> {
        let store = self.clone();
        match &*self.0 {
            Engine::Sqlite { sqlite, .. } => sqlite.write(write).await,
            // In a task of its own, so that a caller who leaves does not leave half of a transaction behind.
            Engine::Postgres(_) => tokio::spawn(async move {
                let Engine::Postgres(postgres) = &*store.0 else { return Err(StoreError::Closed) };
                postgres.write(&write).await
            })
            .await
            .unwrap_or(Err(StoreError::Closed)),
        }
    }

    /// Tries whether this engine accepts all of `queries`, without executing them: for a test in each room, on both engines.
    ///
    /// # Errors
    /// [`StoreError::Query`] names the first that it does not accept.
    pub async fn prepare(&self, queries: &[Query]) -> Result<(), StoreError> {
        let place = self.place();
        for query in queries {
            match &*self.0 {
                Engine::Sqlite { sqlite, .. } => {
                    let mut connection = sqlite.readers().acquire().await.map_err(|error| failure(place, &error))?;
                    Connection::Sqlite(&mut connection).prepare(place, *query).await?;
                }
                Engine::Postgres(postgres) => {
                    let mut connection = postgres.pool().acquire().await.map_err(|error| failure(place, &error))?;
                    Connection::Postgres(&mut connection).prepare(place, *query).await?;
                }
            }
        }
        Ok(())
    }

    /// Finishes the writes that wait and closes all connections, for this and all clones. Later calls get [`StoreError::Closed`].
    pub async fn close(&self) {
        match &*self.0 {
            Engine::Sqlite { sqlite, .. } => sqlite.close().await,
            Engine::Postgres(postgres) => postgres.pool().close().await,
        }
    }
}

/// `time` as it is stored: microseconds since 1970.
fn microseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
