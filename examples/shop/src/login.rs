use std::time::SystemTime;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use serde::Deserialize;
use serde_json::json;
use sqlx::Row;

use crate::error::Failure;
use crate::extract::Valid;
use crate::{Shared, seed, token};

#[derive(Debug, Deserialize)]
pub(crate) struct Credentials {
    username: String,
    password: String,
}

/// VULNERABLE (API2:2023, API4:2023, CWE-307): as many tries as one likes, as fast as one likes.
pub(crate) async fn login(shop: Shared, Valid(Json(given)): Valid<Json<Credentials>>) -> Result<Response, Failure> {
    let found = sqlx::query("SELECT id, username, role, password_hash FROM users WHERE username = $1")
        .bind(&given.username)
        .fetch_optional(&shop.pool)
        .await?;
    // VULNERABLE (API2:2023, CWE-204): the two answers tell which names exist.
    let Some(user) = found else {
        return Err(Failure::client(StatusCode::UNAUTHORIZED, format!("there is no user {}", given.username)));
    };
    if user.try_get::<String, _>("password_hash")? != seed::password_hash(&given.password) {
        return Err(Failure::client(StatusCode::UNAUTHORIZED, "wrong password"));
    }
    let (id, username, role): (i64, String, String) =
        (user.try_get("id")?, user.try_get("username")?, user.try_get("role")?);
    let token = token::sign(&shop.token_secret, id, &username, &role, SystemTime::now());
    // VULNERABLE (API8:2023, CWE-614, CWE-1004, CWE-1275): a session cookie that scripts, other sites and eavesdroppers can have.
    let cookie = format!("shop_session={token}; Path=/");
    let body = json!({ "token": token, "user": { "id": id, "username": username, "role": role } });
    Ok(([(SET_COOKIE, cookie)], Json(body)).into_response())
}
