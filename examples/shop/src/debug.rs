use axum::Json;
use serde_json::{Value, json};

use crate::Shared;

/// VULNERABLE (API9:2023, CWE-489, CWE-215): left over from development, in no document, and it shows the secret that signs
/// every token. Only the shop's own settings are shown, never the environment of whoever tries the sample.
pub(crate) async fn environment(shop: Shared) -> Json<Value> {
    Json(json!({
        "JWT_SECRET": shop.token_secret,
        "DATABASE": format!("{:?}", shop.database),
        "LISTEN": shop.address,
        "VERSION": env!("CARGO_PKG_VERSION"),
    }))
}
