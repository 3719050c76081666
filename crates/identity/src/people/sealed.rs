//! What a browser carries for us between two steps of a sign-in: sealed, short-lived, bound to the browser, and worth something once.
//!
//! So a visitor who is nobody yet costs no row in the store, however many come.

use std::time::Duration;

use bartizan_store::{Expect, Query, Write};
use bartizan_vault::{Sealed, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::People;
use crate::{IdentityError, Moment};

/// A step may take this long.
const LASTS: Duration = Duration::from_mins(10);
/// The longest sealed text that is opened.
const LONGEST: usize = 16 * 1024;

const SPEND: Query =
    Query::new("INSERT INTO identity_spent (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING");
const FORGET: Query = Query::new("DELETE FROM identity_spent WHERE expires_at <= $1");

pub(super) const QUERIES: &[Query] = &[SPEND, FORGET];

/// What is sealed: the content, and what makes it count once.
#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    id: String,
    ends: i64,
    content: T,
}

/// What was opened. It has to be spent before it counts.
pub(crate) struct Opened<T> {
    pub(crate) content: T,
    id: String,
    ends: i64,
}

impl People {
    /// Seals what the next step needs, for the browser that has this form cookie.
    pub(crate) fn seal<T: Serialize>(
        &self,
        step: &str,
        browser: &str,
        content: T,
        now: Moment,
    ) -> Result<String, IdentityError> {
        let envelope = Envelope { id: self.ground.id()?, ends: now.after(LASTS).as_micros(), content };
        let plain = serde_json::to_vec(&envelope)
            .map_err(|cause| IdentityError::Library { operation: "sealing a step", cause: cause.to_string() })?;
        let sealed = self.sealing.seal(&self.ground.random, &place(step, browser), &plain)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed.as_bytes()))
    }

    /// Opens it again; `None` if it is not ours, another step's, another browser's, or too old.
    pub(crate) fn unseal<T: DeserializeOwned>(
        &self,
        step: &str,
        browser: &str,
        text: &str,
        now: Moment,
    ) -> Option<Opened<T>> {
        let bytes = (text.len() <= LONGEST).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
        let plain = self.sealing.open(&place(step, browser), &Sealed::from_bytes(bytes)).ok()?;
        let Envelope { id, ends, content } = serde_json::from_slice(plain.expose()).ok()?;
        (Moment::from_micros(ends) > now).then_some(Opened { content, id, ends })
    }

    /// Makes what was opened worth nothing from now on; whether it was worth something.
    pub(crate) async fn spend<T>(&self, opened: &Opened<T>) -> Result<bool, IdentityError> {
        let write = Write::new(SPEND, [opened.id.as_str().into(), opened.ends.into()], Expect::One);
        match self.ground.write(write).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_unmet() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn forget_spent(&self, now: Moment) -> Result<(), IdentityError> {
        self.ground.execute(FORGET, vec![now.into()]).await?;
        Ok(())
    }
}

fn place(step: &str, browser: &str) -> Vec<u8> {
    [b"step/", step.as_bytes(), b"/", &sha256(browser.as_bytes())[..]].concat()
}
