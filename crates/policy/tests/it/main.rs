//! Decisions as tables: who may, who owns, what was revoked, how often.
#![expect(clippy::unwrap_used, reason = "a test's fixture stops at the first thing that is not as it should be")]

mod access;
mod owner;
mod rate;
mod revocation;

use std::sync::Arc;

use bartizan_policy::{Authentication, CredentialKind, Principal, PrincipalKind, Strength, Timestamp};
use serde_json::json;

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|&name| name.into()).collect()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

/// A user, 42, with a role, a scope and a claim, signed in with a password at 1000.
fn user() -> Principal {
    let claims = json!({ "dept": { "name": "sales" }, "teams": ["red", "blue"] });
    Principal {
        subject: "42".into(),
        issuer: "https://login.example.com".into(),
        kind: PrincipalKind::User,
        credential: CredentialKind::Bearer,
        strength: Strength::Full,
        token_id: Some("t-1".into()),
        client: None,
        roles: names(&["staff"]),
        scopes: names(&["orders:read"]),
        attributes: claims.as_object().cloned().unwrap(),
        authentication: Authentication { time: Some(at(1000)), acr: Some("silver".into()), amr: names(&["pwd"]) },
        issued_at: Some(at(1000)),
        expires_at: Some(at(5000)),
    }
}
