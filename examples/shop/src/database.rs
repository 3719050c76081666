use std::time::Duration;

use serde_json::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow};
use sqlx::{Column, Row, SqlitePool, TypeInfo, ValueRef};

use crate::{Database, seed};

pub(crate) async fn open(database: &Database) -> Result<SqlitePool, sqlx::Error> {
    let pool = match database {
        // A database in memory lives as long as its one connection: it must neither be closed nor doubled.
        Database::Throwaway => {
            let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
            SqlitePoolOptions::new()
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_with(options)
                .await?
        }
        Database::File(path) => {
            let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).foreign_keys(true);
            SqlitePoolOptions::new()
                .max_connections(4)
                .acquire_timeout(Duration::from_secs(5))
                .connect_with(options)
                .await?
        }
    };
    seed::fill(&pool).await?;
    Ok(pool)
}

/// A row as a JSON object, whatever its columns: handy, and the reason why too much leaves this shop.
pub(crate) fn to_json(row: &SqliteRow) -> Result<Value, sqlx::Error> {
    let mut object = Map::new();
    for column in row.columns() {
        object.insert(column.name().to_owned(), value(row, column.ordinal())?);
    }
    Ok(Value::Object(object))
}

pub(crate) fn all_to_json(rows: &[SqliteRow]) -> Result<Vec<Value>, sqlx::Error> {
    rows.iter().map(to_json).collect()
}

fn value(row: &SqliteRow, ordinal: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(ordinal)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    // SQLite types values, not columns: ask the value, since an expression or a UNION can put a text where numbers stood.
    match raw.type_info().name() {
        "INTEGER" => row.try_get_unchecked::<i64, _>(ordinal).map(Value::from),
        "REAL" => row.try_get_unchecked::<f64, _>(ordinal).map(Value::from),
        _ => row.try_get_unchecked::<String, _>(ordinal).map(Value::from),
    }
}
