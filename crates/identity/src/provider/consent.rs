//! What people allowed clients, remembered: they are asked once for each thing that a client wants.

use bartizan_store::{Expect, Query, Row, Write};

use super::client::{Client, Consent};
use crate::ground::Ground;
use crate::{IdentityError, Moment};

const FIND: Query = Query::new("SELECT scope FROM provider_consent WHERE subject = $1 AND client = $2");
const REMEMBER: Query = Query::new(
    "INSERT INTO provider_consent (subject, client, scope, at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (subject, client) DO UPDATE SET scope = excluded.scope, at = excluded.at",
);
const OF_SUBJECT: Query =
    Query::new("SELECT client, scope, at FROM provider_consent WHERE subject = $1 ORDER BY client LIMIT 1000");
const WITHDRAW: Query = Query::new("DELETE FROM provider_consent WHERE subject = $1 AND client = $2");

pub(super) const QUERIES: &[Query] = &[FIND, REMEMBER, OF_SUBJECT, WITHDRAW];

/// What a person allowed a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The client's id.
    pub client: String,
    /// What it may have.
    pub scopes: Vec<String>,
    /// When that was said last.
    pub at: Moment,
}

/// Whether the person has to be asked before the client gets these scopes.
pub(super) async fn is_needed(
    ground: &Ground,
    subject: &str,
    client: &Client,
    scopes: &[String],
) -> Result<bool, IdentityError> {
    if client.registration.consent == Consent::FirstParty {
        return Ok(false);
    }
    let allowed = allowed(ground, subject, client).await?;
    Ok(allowed.is_none_or(|allowed| scopes.iter().any(|scope| !allowed.contains(scope))))
}

async fn allowed(ground: &Ground, subject: &str, client: &Client) -> Result<Option<Vec<String>>, IdentityError> {
    let row = ground.row(FIND, &[subject.into(), client.id.as_str().into()]).await?;
    Ok(row.map(|row| row.read("scope").map(words)).transpose()?)
}

/// Remembers what was allowed, beside what was allowed before.
pub(super) async fn remember(
    ground: &Ground,
    subject: &str,
    client: &Client,
    scopes: &[String],
) -> Result<(), IdentityError> {
    let mut all = allowed(ground, subject, client).await?.unwrap_or_default();
    for scope in scopes {
        if !all.contains(scope) {
            all.push(scope.clone());
        }
    }
    let values = [subject.into(), client.id.as_str().into(), all.join(" ").into(), ground.now().into()];
    ground.write(Write::new(REMEMBER, values, Expect::One)).await?;
    Ok(())
}

/// Everything that a person allowed.
pub(super) async fn all(ground: &Ground, subject: &str) -> Result<Vec<Allowed>, IdentityError> {
    let read = |row: &Row| {
        let (client, at) = (row.read("client")?, Moment::from_micros(row.read("at")?));
        Ok(Allowed { client, scopes: words(row.read("scope")?), at })
    };
    ground.rows(OF_SUBJECT, &[subject.into()]).await?.iter().map(read).collect()
}

/// Takes back what a person allowed a client.
pub(super) async fn withdraw(ground: &Ground, subject: &str, client: &str) -> Result<(), IdentityError> {
    ground.execute(WITHDRAW, vec![subject.into(), client.into()]).await?;
    Ok(())
}

fn words(scope: &str) -> Vec<String> {
    scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
