use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use sqlx::Row;

use crate::Shared;
use crate::caller::Caller;
use crate::database::{all_to_json, to_json};
use crate::error::Failure;
use crate::extract::Valid;

#[derive(Debug, Deserialize)]
pub(crate) struct NewOrder {
    product_id: i64,
    quantity: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OrderChange {
    address: Option<String>,
    status: Option<String>,
}

/// The caller's own orders.
pub(crate) async fn list(shop: Shared, caller: Caller) -> Result<Json<Vec<Value>>, Failure> {
    let rows = sqlx::query("SELECT * FROM orders WHERE user_id = $1 ORDER BY id")
        .bind(caller.id)
        .fetch_all(&shop.pool)
        .await?;
    Ok(Json(all_to_json(&rows)?))
}

/// Takes from stock, charges the balance and writes the order, all or nothing.
///
/// VULNERABLE (API6:2023, CWE-840): a negative quantity is not refused: stock grows and the shop pays the buyer.
pub(crate) async fn place(
    shop: Shared,
    caller: Caller,
    Valid(Json(order)): Valid<Json<NewOrder>>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let refuse = |message: &str| Failure::client(StatusCode::CONFLICT, message);
    let mut transaction = shop.pool.begin().await?;
    let taken =
        sqlx::query("UPDATE products SET stock = stock - $1 WHERE id = $2 AND stock >= $1 RETURNING price_cents")
            .bind(order.quantity)
            .bind(order.product_id)
            .fetch_optional(&mut *transaction)
            .await?;
    let price: i64 = taken.ok_or_else(|| refuse("not in stock"))?.try_get("price_cents")?;
    let total = price.checked_mul(order.quantity).ok_or_else(|| refuse("too many"))?;
    let charged =
        sqlx::query("UPDATE users SET balance_cents = balance_cents - $1 WHERE id = $2 AND balance_cents >= $1")
            .bind(total)
            .bind(caller.id)
            .execute(&mut *transaction)
            .await?;
    if charged.rows_affected() == 0 {
        return Err(refuse("the balance does not cover it"));
    }
    let row = sqlx::query(
        "INSERT INTO orders (user_id, product_id, quantity, total_cents, address)
         SELECT id, $2, $3, $4, address FROM users WHERE id = $1 RETURNING *",
    )
    .bind(caller.id)
    .bind(order.product_id)
    .bind(order.quantity)
    .bind(total)
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(to_json(&row)?)))
}

/// VULNERABLE (API1:2023, CWE-639): any signed-in caller reads any order, and the address on it.
pub(crate) async fn show(shop: Shared, _: Caller, Valid(Path(id)): Valid<Path<i64>>) -> Result<Json<Value>, Failure> {
    let row = sqlx::query("SELECT * FROM orders WHERE id = $1").bind(id).fetch_optional(&shop.pool).await?;
    Ok(Json(to_json(&row.ok_or_else(|| Failure::not_found("order", id))?)?))
}

/// VULNERABLE (API1:2023, CWE-639): any signed-in caller sends any order elsewhere.
pub(crate) async fn change(
    shop: Shared,
    _: Caller,
    Valid(Path(id)): Valid<Path<i64>>,
    Valid(Json(change)): Valid<Json<OrderChange>>,
) -> Result<Json<Value>, Failure> {
    let row = sqlx::query(
        "UPDATE orders SET address = coalesce($1, address), status = coalesce($2, status) WHERE id = $3 RETURNING *",
    )
    .bind(change.address)
    .bind(change.status)
    .bind(id)
    .fetch_optional(&shop.pool)
    .await?;
    Ok(Json(to_json(&row.ok_or_else(|| Failure::not_found("order", id))?)?))
}
