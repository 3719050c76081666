use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions as _,
    sqlite::{
        SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
    },
};

use crate::{
    Migrations, Outcome, Place, StoreError, Write,
    connection::{Connection, failure},
    migrations::migrate,
    state_directory::StateDirectory,
    writer::{BEGIN, COMMIT, ROLLBACK, Writer},
};

/// `SQLite` in the state directory: any number of readers, one writer.
pub(crate) struct Sqlite {
    readers: SqlitePool,
    writer: Writer,
}

const READERS: u32 = 4;

impl Sqlite {
    pub(crate) fn place(directory: &Path) -> Place {
        Place::Sqlite(directory.join("bartizan.db").to_string_lossy().into())
    }

    pub(crate) async fn open(
        directory: &Path,
        place: &Place,
        rooms: &[Migrations],
        now: i64,
    ) -> Result<Self, StoreError> {
        let directory = StateDirectory::open(directory)?;
        let options = SqliteConnectOptions::new()
            .filename(&directory.database)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            // With NORMAL, a commit could be lost when the power fails: WAL is then synced at checkpoints only.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            // A damaged or planted schema must not run code (https://www.sqlite.org/security.html).
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            .pragma("cache_size", "-2048")
            .pragma("journal_size_limit", "67108864")
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(|error| failure(place, &error))?;
        upgrade(&mut connection, place, rooms, now).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            .connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self { readers, writer: Writer::start(connection, place.clone(), directory) })
    }

    pub(crate) const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) async fn write(&self, write: Write) -> Result<Vec<Outcome>, StoreError> {
        self.writer.write(write).await
    }

    pub(crate) async fn close(&self) {
        // The writer last: the last connection to close folds the journal into the database file.
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn upgrade(
    connection: &mut SqliteConnection,
    place: &Place,
    rooms: &[Migrations],
    now: i64,
) -> Result<(), StoreError> {
    let mut connection = Connection::Sqlite(connection);
    connection.run(place, BEGIN, &[]).await?;
    let migrated = migrate(&mut connection, place, rooms, now).await;
    let end = if migrated.is_ok() { COMMIT } else { ROLLBACK };
    let ended = connection.run(place, end, &[]).await;
    migrated.and(ended.map(|_| ()))
}
