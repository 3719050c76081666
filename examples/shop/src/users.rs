use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;

use crate::Shared;
use crate::caller::Caller;
use crate::database::to_json;
use crate::error::Failure;
use crate::extract::Valid;

const COLUMNS: [&str; 7] = ["username", "email", "role", "balance_cents", "address", "card_number", "password_hash"];

/// VULNERABLE (API1:2023, CWE-639): any signed-in caller reads any user.
/// VULNERABLE (API3:2023, CWE-213): the whole row leaves, with the password's hash and the full card number.
pub(crate) async fn show(shop: Shared, _: Caller, Valid(Path(id)): Valid<Path<i64>>) -> Result<Json<Value>, Failure> {
    let row = sqlx::query("SELECT * FROM users WHERE id = $1").bind(id).fetch_optional(&shop.pool).await?;
    let row = row.ok_or_else(|| Failure::not_found("user", id))?;
    Ok(Json(to_json(&row)?))
}

/// VULNERABLE (API1:2023, CWE-639): any signed-in caller changes any user.
/// VULNERABLE (API3:2023, CWE-915): whatever is in the body is assigned, `role` and `balance_cents` among it.
pub(crate) async fn change(
    shop: Shared,
    _: Caller,
    Valid(Path(id)): Valid<Path<i64>>,
    Valid(Json(fields)): Valid<Json<Map<String, Value>>>,
) -> Result<Json<Value>, Failure> {
    let unknown = fields.keys().find(|field| !COLUMNS.contains(&field.as_str()));
    if let Some(field) = unknown {
        return Err(Failure::client(StatusCode::BAD_REQUEST, format!("there is no field {field}")));
    }
    if fields.is_empty() {
        return Err(Failure::client(StatusCode::BAD_REQUEST, "nothing to change"));
    }
    let assignments: Vec<String> = fields.keys().map(|field| format!("{field} = ?")).collect();
    // The names are columns of the list above, so that only the values come from outside, and those are bound.
    let sql = format!("UPDATE users SET {} WHERE id = ? RETURNING *", assignments.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
    for value in fields.values() {
        query = match value {
            Value::Number(number) => query.bind(number.as_i64()),
            Value::String(text) => query.bind(text.clone()),
            other => query.bind(other.to_string()),
        };
    }
    let row = query.bind(id).fetch_optional(&shop.pool).await.map_err(|error| Failure::in_sql(&sql, &error))?;
    Ok(Json(to_json(&row.ok_or_else(|| Failure::not_found("user", id))?)?))
}

/// VULNERABLE (API5:2023, CWE-285): meant for administrators, and asks nobody for the role.
pub(crate) async fn remove(shop: Shared, _: Caller, Valid(Path(id)): Valid<Path<i64>>) -> Result<StatusCode, Failure> {
    let done = sqlx::query("DELETE FROM users WHERE id = $1").bind(id).execute(&shop.pool).await?;
    if done.rows_affected() == 0 {
        return Err(Failure::not_found("user", id));
    }
    Ok(StatusCode::NO_CONTENT)
}
