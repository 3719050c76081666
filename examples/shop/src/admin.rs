use axum::Json;
use serde_json::{Value, json};

use crate::Shared;
use crate::caller::Caller;
use crate::database::{all_to_json, to_json};
use crate::error::Failure;

pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// VULNERABLE (API5:2023, CWE-285): the turnover and every customer's balance and card, for whoever is signed in.
pub(crate) async fn report(shop: Shared, _: Caller) -> Result<Json<Value>, Failure> {
    let turnover = sqlx::query(
        "SELECT count(*) AS orders, coalesce(sum(total_cents), 0) AS total_cents FROM orders WHERE status <> 'cancelled'",
    )
    .fetch_one(&shop.pool)
    .await?;
    let users = sqlx::query("SELECT id, username, email, balance_cents, card_number FROM users ORDER BY id");
    let users = users.fetch_all(&shop.pool).await?;
    Ok(Json(json!({ "turnover": to_json(&turnover)?, "users": all_to_json(&users)? })))
}
