use std::{io, sync::Arc};

use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{
    Arguments as _, Column as _, Either, Executor as _, Row as _, SqlSafeStr as _, Statement as _, TypeInfo as _,
    ValueRef as _,
    encode::{Encode, IsNull},
    error::{BoxDynError, DatabaseError, ErrorKind},
    postgres::{PgArguments, PgConnection, PgQueryResult, PgRow, PgTypeInfo, Postgres, types::Oid},
    sqlite::{SqliteArguments, SqliteConnection, SqliteQueryResult, SqliteRow},
};

use crate::{Constraint, Fault, Outcome, Place, Query, Row, StoreError, Value};

/// More rows than this are never held for one answer.
pub(crate) const MOST_ROWS: usize = 100_000;

/// One open connection of either engine: what is written once for both stands here.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Connection<'_> {
    pub(crate) async fn run(&mut self, place: &Place, query: Query, values: &[Value]) -> Result<Outcome, StoreError> {
        let failure = |error| failure(place, &error);
        let mut columns = None;
        let mut answers = match self {
            Self::Sqlite(connection) => {
                let arguments = sqlite_arguments(values).map_err(|error| failure(sqlx::Error::Encode(error)))?;
                let answers = connection.fetch_many(sqlx::query_with(query.sql(), arguments));
                let read = move |row| sqlite_row(&row, &mut columns);
                answers.map_ok(sorted(|done: SqliteQueryResult| done.rows_affected(), read)).boxed()
            }
            Self::Postgres(connection) => {
                let arguments = postgres_arguments(values).map_err(|error| failure(sqlx::Error::Encode(error)))?;
                let answers = connection.fetch_many(sqlx::query_with(query.sql(), arguments));
                let read = move |row| postgres_row(&row, &mut columns);
                answers.map_ok(sorted(|done: PgQueryResult| done.rows_affected(), read)).boxed()
            }
        };
        let mut outcome = Outcome::default();
        while let Some(answer) = answers.try_next().await.map_err(failure)? {
            match answer {
                Either::Left(changed) => outcome.count += changed,
                Either::Right(row) => outcome.rows.push(row.map_err(failure)?),
            }
            if outcome.rows.len() > MOST_ROWS {
                return Err(StoreError::TooManyRows { query, most: MOST_ROWS });
            }
        }
        // SQLite leaves the count of an earlier statement standing when one only reads.
        if query.reads() {
            outcome.count = outcome.rows.len() as u64;
        }
        Ok(outcome)
    }

    /// Runs several statements without parameters: a migration's text.
    pub(crate) async fn script(&mut self, place: &Place, sql: &'static str) -> Result<(), StoreError> {
        let done = match self {
            Self::Sqlite(connection) => sqlx::raw_sql(sql).execute(&mut **connection).await.map(|_| ()),
            Self::Postgres(connection) => sqlx::raw_sql(sql).execute(&mut **connection).await.map(|_| ()),
        };
        done.map_err(|error| failure(place, &error))
    }

    /// Whether the engine accepts `query`, and takes the types of our values for its parameters.
    pub(crate) async fn prepare(&mut self, place: &Place, query: Query) -> Result<(), StoreError> {
        let refused = |reason: String| StoreError::Query { place: place.clone(), query, reason };
        match self {
            Self::Sqlite(connection) => {
                let prepared = connection.prepare(query.sql().into_sql_str()).await;
                prepared.map(|_| ()).map_err(|error| refused(error.to_string()))
            }
            Self::Postgres(connection) => {
                let prepared = connection.prepare(query.sql().into_sql_str()).await;
                let prepared = prepared.map_err(|error| refused(error.to_string()))?;
                let Some(Either::Left(parameters)) = prepared.parameters() else { return Ok(()) };
                let odd = (1..).zip(parameters).find(|(_, kind)| !["INT8", "TEXT", "BYTEA"].contains(&kind.name()));
                odd.map_or(Ok(()), |(number, kind)| {
                    Err(refused(format!("${number} is taken for {}: cast it to BIGINT, TEXT or BYTEA", kind.name())))
                })
            }
        }
    }
}

/// Both engines' answers, a count or a row, in one form.
fn sorted<D, R, T>(
    count: impl Fn(D) -> u64,
    mut read: impl FnMut(R) -> T,
) -> impl FnMut(Either<D, R>) -> Either<u64, T> {
    move |answer| match answer {
        Either::Left(done) => Either::Left(count(done)),
        Either::Right(row) => Either::Right(read(row)),
    }
}

type Columns = Option<Arc<[Box<str>]>>;

fn sqlite_arguments(values: &[Value]) -> Result<SqliteArguments, BoxDynError> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Null => arguments.add(None::<i64>)?,
            Value::I64(number) => arguments.add(*number)?,
            Value::Text(text) => arguments.add(text.clone())?,
            Value::Blob(bytes) => arguments.add(bytes.clone())?,
        }
    }
    Ok(arguments)
}

fn postgres_arguments(values: &[Value]) -> Result<PgArguments, BoxDynError> {
    let mut arguments = PgArguments::default();
    values.iter().try_for_each(|value| arguments.add(Untyped(value)))?;
    Ok(arguments)
}

/// A parameter whose type the server infers from the query alone. If the first value that happens to be bound decided it, a query that
/// is first used with NULL would be prepared differently than one first used with a number, and `Store::prepare` would prove nothing.
struct Untyped<'v>(&'v Value);

impl sqlx::Type<Postgres> for Untyped<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Untyped<'_> {
    fn encode_by_ref(&self, buffer: &mut sqlx::postgres::PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::I64(number) => buffer.extend_from_slice(&number.to_be_bytes()),
            Value::Text(text) => buffer.extend_from_slice(text.as_bytes()),
            Value::Blob(bytes) => buffer.extend_from_slice(bytes),
        }
        Ok(IsNull::No)
    }
}

fn sqlite_row(row: &SqliteRow, columns: &mut Columns) -> Result<Row, sqlx::Error> {
    let names = columns.get_or_insert_with(|| row.columns().iter().map(|column| column.name().into()).collect());
    let values = (0..row.len()).map(|index| {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        match raw.type_info().name() {
            "INTEGER" | "BOOLEAN" => row.try_get_unchecked(index).map(Value::I64),
            "TEXT" => row.try_get_unchecked(index).map(Value::Text),
            "BLOB" => row.try_get_unchecked(index).map(Value::Blob),
            other => Err(unknown_type(other)),
        }
    });
    Ok(Row::new(Arc::clone(names), values.collect::<Result<_, _>>()?))
}

fn postgres_row(row: &PgRow, columns: &mut Columns) -> Result<Row, sqlx::Error> {
    let names = columns.get_or_insert_with(|| row.columns().iter().map(|column| column.name().into()).collect());
    let values = (0..row.len()).map(|index| {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        match raw.type_info().name() {
            "INT8" => row.try_get_unchecked(index).map(Value::I64),
            "INT4" => row.try_get_unchecked::<i32, _>(index).map(|number| Value::I64(number.into())),
            "INT2" => row.try_get_unchecked::<i16, _>(index).map(|number| Value::I64(number.into())),
            "BOOL" => row.try_get_unchecked::<bool, _>(index).map(Value::from),
            "TEXT" | "VARCHAR" | "NAME" | "UNKNOWN" => row.try_get_unchecked(index).map(Value::Text),
            "BYTEA" => row.try_get_unchecked(index).map(Value::Blob),
            other => Err(unknown_type(other)),
        }
    });
    Ok(Row::new(Arc::clone(names), values.collect::<Result<_, _>>()?))
}

fn unknown_type(name: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("a column of type {name}: select BIGINT, TEXT or bytes").into())
}

/// What `error` means to whoever runs the store. Engines' messages are passed on only where they speak of SQL, never of values.
pub(crate) fn failure(place: &Place, error: &sqlx::Error) -> StoreError {
    let fault = match error {
        sqlx::Error::Database(error) => match constraint(error.as_ref()) {
            Some(constraint) => return StoreError::Constraint { constraint },
            None => match place {
                Place::Sqlite(_) => sqlite_fault(error.as_ref()),
                Place::Postgres(_) => postgres_fault(error.as_ref()),
            },
        },
        // So rustls reports a certificate that does not verify.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => Fault::Tls(error.to_string()),
        sqlx::Error::Io(error) => Fault::Unreachable(error.to_string()),
        sqlx::Error::Tls(error) => Fault::Tls(error.to_string()),
        sqlx::Error::PoolTimedOut => Fault::Exhausted,
        sqlx::Error::PoolClosed => return StoreError::Closed,
        sqlx::Error::Decode(error) => Fault::Statement(error.to_string()),
        sqlx::Error::ColumnDecode { .. } => Fault::Damaged("a column does not hold what its type says".to_owned()),
        sqlx::Error::Protocol(message) => Fault::Other(message.clone()),
        sqlx::Error::WorkerCrashed => Fault::Other("its worker thread has ended".to_owned()),
        _ => Fault::Other("an unexpected failure of the driver".to_owned()),
    };
    StoreError::Engine { place: place.clone(), fault }
}

fn constraint(error: &dyn DatabaseError) -> Option<Constraint> {
    match error.kind() {
        ErrorKind::UniqueViolation => Some(Constraint::Unique),
        ErrorKind::ForeignKeyViolation => Some(Constraint::ForeignKey),
        ErrorKind::NotNullViolation => Some(Constraint::NotNull),
        ErrorKind::CheckViolation => Some(Constraint::Check),
        _ => None,
    }
}

/// By primary result code: <https://www.sqlite.org/rescode.html>.
fn sqlite_fault(error: &dyn DatabaseError) -> Fault {
    let extended = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0);
    match extended & 0xff {
        1 => Fault::Statement(error.message().to_owned()),
        5 | 6 => Fault::Locked,
        8 => Fault::ReadOnly,
        10 => Fault::Files(format!("I/O error {extended}")),
        11 | 26 => Fault::Damaged(error.message().to_owned()),
        13 => Fault::DiskFull,
        14 => Fault::Files("cannot open them".to_owned()),
        18 => Fault::Statement("a value is too large".to_owned()),
        _ => Fault::Other(format!("SQLite result {extended}")),
    }
}

/// By SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn postgres_fault(error: &dyn DatabaseError) -> Fault {
    let code = error.code().unwrap_or_default();
    match &*code {
        "53100" => Fault::DiskFull,
        "53300" => Fault::Exhausted,
        "25006" => Fault::ReadOnly,
        "3D000" => Fault::NoDatabase,
        "42501" => Fault::Rights(error.message().to_owned()),
        "40001" | "40P01" | "55P03" => Fault::Contention,
        "57014" => Fault::Slow,
        _ if code.starts_with("28") => Fault::Credentials,
        _ if code.starts_with("57P") || code.starts_with("08") => {
            Fault::Unreachable(format!("it is closing connections, SQLSTATE {code}"))
        }
        _ if code.starts_with("42") => Fault::Statement(error.message().to_owned()),
        _ => Fault::Statement(format!("SQLSTATE {code}")),
    }
}
