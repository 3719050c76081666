use std::fmt::Write;
use std::panic::Location;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// What a handler answers instead of a result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The caller's mistake, in words for the caller.
    Client { status: StatusCode, message: String },
    /// The shop's own fault, with everything that a developer wants to see and nobody else should.
    Internal { what: String, sql: Option<String>, at: &'static Location<'static> },
}

impl Failure {
    pub(crate) fn client(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Client { status, message: message.into() }
    }

    pub(crate) fn not_found(what: &str, id: i64) -> Self {
        Self::client(StatusCode::NOT_FOUND, format!("there is no {what} {id}"))
    }

    #[track_caller]
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        Self::Internal { what: error.to_string(), sql: None, at: Location::caller() }
    }

    /// Keeps the statement that failed, so that the answer can show it.
    #[track_caller]
    pub(crate) fn in_sql(sql: &str, error: &sqlx::Error) -> Self {
        Self::Internal { what: error.to_string(), sql: Some(sql.to_owned()), at: Location::caller() }
    }
}

impl From<sqlx::Error> for Failure {
    #[track_caller]
    fn from(error: sqlx::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Client { status, message } => (status, Json(json!({ "error": message }))).into_response(),
            // VULNERABLE (API8:2023, CWE-209): the answer carries the statement, the place in the source and the build.
            Self::Internal { what, sql, at } => {
                let body = json!({ "error": what, "sql": sql, "stack": stack(&what, at) });
                (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
            }
        }
    }
}

fn stack(what: &str, at: &Location<'_>) -> String {
    let mut text = format!("thread 'shop-worker' failed: {what}");
    // Writing to a `String` cannot fail.
    let _ = write!(text, "\n   at {}:{}:{}", at.file(), at.line(), at.column());
    let _ = write!(
        text,
        "\n   in {} {} ({})",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_MANIFEST_DIR")
    );
    text
}
