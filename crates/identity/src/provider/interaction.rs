//! An authorization request while somebody signs in or is asked: it travels with the browser, sealed. No row of the store waits for people
//! who never come back, and nobody can change what they once asked for.

use std::time::Duration;

use bartizan_vault::{Sealed, SealingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::ground::Ground;
use crate::{IdentityError, Moment};

/// How long somebody may take to sign in.
const LASTS: Duration = Duration::from_mins(30);
/// The longest sealed text that is opened: the gate takes no longer targets.
const LONGEST: usize = 16 * 1024;

/// Where a sealed request was given out; it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// To whoever is to sign in.
    SignIn,
    /// In the question whether a client may have what it asks for, to this session.
    Consent(&'a str),
}

/// A request that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interaction {
    pub(super) parameters: Parameters,
    /// When it came: a sign-in after this is one for this request.
    pub(super) began: Moment,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    query: String,
    began: i64,
}

impl Interaction {
    pub(super) fn seal(&self, ground: &Ground, key: &SealingKey, step: Step<'_>) -> Result<String, IdentityError> {
        let envelope = Envelope { query: self.parameters.encoded(), began: self.began.as_micros() };
        let plain = serde_json::json!(envelope).to_string();
        let sealed = key.seal(&ground.random, &place(step), plain.as_bytes())?;
        Ok(URL_SAFE_NO_PAD.encode(sealed.as_bytes()))
    }

    /// Opens it again; `None` if it is not ours, was given out at another step or to another session, or is too old.
    pub(super) fn open(text: &str, key: &SealingKey, step: Step<'_>, now: Moment) -> Option<Self> {
        let bytes = (text.len() <= LONGEST).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
        let plain = key.open(&place(step), &Sealed::from_bytes(bytes)).ok()?;
        let Envelope { query, began } = serde_json::from_slice(plain.expose()).ok()?;
        let began = Moment::from_micros(began);
        let parameters = Parameters::parse(query.as_bytes()).ok()?;
        (now < began.after(LASTS)).then_some(Self { parameters, began })
    }
}

fn place(step: Step<'_>) -> Vec<u8> {
    match step {
        Step::SignIn => b"sign-in".to_vec(),
        Step::Consent(session) => [b"consent/", session.as_bytes()].concat(),
    }
}
