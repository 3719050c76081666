use bartizan_vault::sha256;

use crate::{MigrationFault, Place, Query, StoreError, Value, connection::Connection};

/// The schema of one room, as the steps that lead to it. Steps are only ever added.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// The room that owns the tables; their names begin with it.
    pub room: &'static str,
    /// Its steps, numbered from 1 without gaps.
    pub steps: &'static [Step],
}

/// One change of a room's schema. Once released it is never edited: what was applied is compared by checksum.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its number.
    pub number: u32,
    /// What it does, in a few words.
    pub name: &'static str,
    /// Its statements for `SQLite`.
    pub sqlite: &'static str,
    /// Its statements for `PostgreSQL`.
    pub postgres: &'static str,
}

/// Brings the schema of `rooms` up to date, in the transaction that the caller has begun and will commit only if this succeeds.
///
/// `rooms` are all that this program has: a recorded room that is not among them was written by a newer version.
pub(crate) async fn migrate(
    connection: &mut Connection<'_>,
    place: &Place,
    rooms: &[Migrations],
    now: i64,
) -> Result<(), StoreError> {
    connection.script(place, TABLE.of(connection)).await?;
    let applied = applied(connection, place).await?;
    let fault = |room: &str, fault| StoreError::Migration { place: place.clone(), room: room.to_owned(), fault };
    if let Some(unknown) = applied.iter().find(|step| rooms.iter().all(|room| room.room != step.room)) {
        return Err(fault(&unknown.room, MigrationFault::UnknownRoom));
    }
    for room in rooms {
        let applied: Vec<_> = applied.iter().filter(|step| step.room == room.room).collect();
        let pending = pending(room, &applied, connection).map_err(|reason| fault(room.room, reason))?;
        for step in pending {
            let done = apply(connection, place, room.room, step, now).await;
            done.map_err(|error| {
                let (number, name) = (step.number.into(), step.name.to_owned());
                fault(room.room, MigrationFault::Failed { number, name, reason: error.to_string() })
            })?;
            tracing::info!(room = room.room, step = step.number, name = step.name, "migrated the schema");
        }
    }
    Ok(())
}

struct Applied {
    room: String,
    number: i64,
    checksum: Vec<u8>,
}

const TABLE: Step = Step {
    number: 0,
    name: "the record of migrations",
    sqlite: "CREATE TABLE IF NOT EXISTS bartizan_migration (
        room TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, checksum BLOB NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (room, number)) STRICT, WITHOUT ROWID",
    postgres: "CREATE TABLE IF NOT EXISTS bartizan_migration (
        room TEXT NOT NULL, number BIGINT NOT NULL, name TEXT NOT NULL, checksum BYTEA NOT NULL, at BIGINT NOT NULL,
        PRIMARY KEY (room, number))",
};
const APPLIED: Query = Query::new("SELECT room, number, checksum FROM bartizan_migration ORDER BY room, number");
const RECORD: Query =
    Query::new("INSERT INTO bartizan_migration (room, number, name, checksum, at) VALUES ($1, $2, $3, $4, $5)");

impl Step {
    const fn of(&self, connection: &Connection<'_>) -> &'static str {
        match connection {
            Connection::Sqlite(_) => self.sqlite,
            Connection::Postgres(_) => self.postgres,
        }
    }
}

async fn applied(connection: &mut Connection<'_>, place: &Place) -> Result<Vec<Applied>, StoreError> {
    let rows = connection.run(place, APPLIED, &[]).await?.rows;
    let steps = rows.iter().map(|row| {
        Ok(Applied { room: row.read("room")?, number: row.read("number")?, checksum: row.read("checksum")? })
    });
    steps.collect()
}

/// The steps of `room` that remain, once those that were applied are known to be the same ones.
fn pending(
    room: &Migrations,
    applied: &[&Applied],
    connection: &Connection<'_>,
) -> Result<&'static [Step], MigrationFault> {
    if room.steps.iter().zip(1..).any(|(step, number)| step.number != number) {
        return Err(MigrationFault::Misnumbered);
    }
    let known = i64::from(room.steps.last().map_or(0, |step| step.number));
    if let Some(newest) = applied.last().filter(|newest| newest.number > known) {
        return Err(MigrationFault::Newer { found: newest.number, known });
    }
    for (step, applied) in room.steps.iter().zip(applied) {
        let number = i64::from(step.number);
        if applied.number != number {
            return Err(MigrationFault::Gap { number });
        }
        if applied.checksum != sha256(step.of(connection).as_bytes()) {
            return Err(MigrationFault::Changed { number, name: step.name.to_owned() });
        }
    }
    Ok(room.steps.get(applied.len()..).unwrap_or_default())
}

async fn apply(
    connection: &mut Connection<'_>,
    place: &Place,
    room: &str,
    step: &Step,
    now: i64,
) -> Result<(), StoreError> {
    let sql = step.of(connection);
    connection.script(place, sql).await?;
    let values: [Value; 5] =
        [room.into(), step.number.into(), step.name.into(), sha256(sql.as_bytes()).into(), now.into()];
    connection.run(place, RECORD, &values).await.map(|_| ())
}
