use axum::Json;
use axum::extract::{Path, Query};
use axum::response::Html;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::Shared;
use crate::caller::Caller;
use crate::database::{all_to_json, to_json};
use crate::error::Failure;
use crate::extract::Valid;
use crate::fetch;

#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    search: String,
    /// VULNERABLE (API4:2023, CWE-770): no upper bound.
    #[serde(default = "default_limit")]
    limit: i64,
}

const fn default_limit() -> i64 {
    20
}

/// VULNERABLE (API8:2023, CWE-89): the search text becomes part of the statement.
pub(crate) async fn list(
    shop: Shared,
    Valid(Query(wanted)): Valid<Query<Search>>,
) -> Result<Json<Vec<Value>>, Failure> {
    let sql = format!(
        "SELECT id, name, description, price_cents, stock, image_url FROM products WHERE name LIKE '%{}%' LIMIT {}",
        wanted.search, wanted.limit
    );
    let rows = sqlx::query(AssertSqlSafe(sql.clone())).fetch_all(&shop.pool).await;
    let rows = rows.map_err(|error| Failure::in_sql(&sql, &error))?;
    Ok(Json(all_to_json(&rows)?))
}

pub(crate) async fn show(shop: Shared, Valid(Path(id)): Valid<Path<i64>>) -> Result<Json<Value>, Failure> {
    let row = sqlx::query("SELECT * FROM products WHERE id = $1").bind(id).fetch_optional(&shop.pool).await?;
    Ok(Json(to_json(&row.ok_or_else(|| Failure::not_found("product", id))?)?))
}

#[derive(Debug, Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    q: String,
}

/// VULNERABLE (API8:2023, CWE-79): what was asked for is written into the page as it came.
pub(crate) async fn page(
    shop: Shared,
    Valid(Query(PageQuery { q })): Valid<Query<PageQuery>>,
) -> Result<Html<String>, Failure> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM products WHERE instr(lower(name), lower($1)) > 0 ORDER BY name")
            .bind(&q)
            .fetch_all(&shop.pool)
            .await?;
    Ok(Html(format!("<!doctype html><title>Shop</title><h1>Results for {q}</h1><p>{}</p>", names.join(", "))))
}

#[derive(Debug, Deserialize)]
pub(crate) struct ImageImport {
    product_id: i64,
    url: String,
}

/// VULNERABLE (API7:2023, CWE-918): the server fetches whatever address it is given and shows what it found.
pub(crate) async fn import_image(
    shop: Shared,
    _: Caller,
    Valid(Json(wanted)): Valid<Json<ImageImport>>,
) -> Result<Json<Value>, Failure> {
    let fetched = fetch::get(&wanted.url).await;
    let fetched =
        fetched.map_err(|error| Failure::client(StatusCode::BAD_GATEWAY, format!("{}: {error}", wanted.url)))?;
    let changed = sqlx::query("UPDATE products SET image_url = $1 WHERE id = $2")
        .bind(&wanted.url)
        .bind(wanted.product_id)
        .execute(&shop.pool)
        .await?;
    if changed.rows_affected() == 0 {
        return Err(Failure::not_found("product", wanted.product_id));
    }
    Ok(Json(json!({
        "product_id": wanted.product_id,
        "image_url": wanted.url,
        "status": fetched.status.as_u16(),
        "content_type": fetched.content_type,
        "preview": String::from_utf8_lossy(&fetched.body),
    })))
}
