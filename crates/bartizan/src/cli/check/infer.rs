//! `bartizan check --infer`: an OpenAPI document for a route that has none, after what was seen on it.

use bartizan_gateway::config::Shapes;
use bartizan_inspect::openapi::infer;
use serde_json::Value;

use crate::config::Loaded;
use crate::learned;
use crate::serve::state_directory;

/// The document, or why there is none.
pub(super) fn of(loaded: &Loaded, route: &str) -> anyhow::Result<Result<Value, String>> {
    let learned = learned::read(&state_directory(&loaded.store)?)?;
    if let Some(operations) = learned.apis.get(route).filter(|operations| !operations.is_empty()) {
        return Ok(Ok(infer(route, operations)));
    }
    let why = match loaded.gateway.routes.iter().find(|it| *it.name == *route) {
        None => format!("there is no route `{route}`"),
        Some(found) if found.contract.is_some() => {
            format!("`{route}` has a document: `--tighten` says what traffic says of it")
        }
        Some(found) if found.shapes == Shapes::Forgotten => {
            format!("nothing is remembered of `{route}`: add `learn = true` to it, and let traffic pass for a while")
        }
        Some(_) => format!("nothing was seen on `{route}` yet"),
    };
    Ok(Err(why))
}
