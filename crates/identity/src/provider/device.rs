//! Devices that have no browser, or no keyboard (`RFC 8628`): they show a short code, somebody types it elsewhere, and they ask until that
//! is done.
//!
//! Whoever guesses a code that is waiting can let a stranger's device into their own account, which gains them nothing; whoever sends
//! somebody a code wants into that person's. So guesses are counted, and the page says who asks and what for before anything is allowed.

use std::time::Duration;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bartizan_store::{Expect, Query, Row, Write};
use bartizan_vault::{random, sha256};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::client::{Client, GrantType};
use super::error::Refused;
use super::families::{Begun, Families, FamilyId};
use super::mint::{About, Tokens};
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use super::sign_in::{SignIn, SignedIn};
use super::token_endpoint::{form, issued_event};
use super::{Provider, response};
use crate::ground::Ground;
use crate::people::UserId;
use crate::{Context, IdentityError, Moment};

/// How long a code waits for somebody to type it.
const LASTS: Duration = Duration::from_mins(10);
/// How often a device may ask, in seconds; one that asks sooner is told to wait for five more (§3.5).
const INTERVAL: i64 = 5;
/// Codes that wait at once: each is a row, and asking for one costs nothing.
const MOST_WAITING: i64 = 10_000;
/// Consonants without those that look alike (§6.1): no word comes of them. Eight are 34 bits.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

const ADD: Query = Query::new(
    "INSERT INTO provider_device (hash, user_code, client, scope, expires_at, pause, polled_at, hurried)
     SELECT $1, $2, $3, $4, $5, $6, 0, 0
     WHERE (SELECT COUNT(*) FROM provider_device WHERE expires_at > CAST($7 AS BIGINT)) < CAST($8 AS BIGINT)",
);
/// A second's grace: clocks of devices are no better than their networks.
const POLL: Query = Query::new(
    "UPDATE provider_device SET polled_at = $2,
       hurried = CASE WHEN polled_at + (pause - 1) * 1000000 > CAST($2 AS BIGINT) THEN 1 ELSE 0 END,
       pause = CASE WHEN polled_at + (pause - 1) * 1000000 > CAST($2 AS BIGINT) AND pause < 60 THEN pause + 5 ELSE pause END
     WHERE hash = $1 AND client = $3
     RETURNING scope, expires_at, hurried, decision, subject, session, sign_in, used_at",
);
const USE: Query = Query::new(
    "UPDATE provider_device SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND decision = 1 AND expires_at > $2",
);
const FIND: Query = Query::new(
    "SELECT hash, client, scope FROM provider_device WHERE user_code = $1 AND decision IS NULL AND expires_at > $2",
);
const DECIDE: Query = Query::new(
    "UPDATE provider_device SET decision = $2, subject = $3, session = $4, sign_in = $5
     WHERE hash = $1 AND decision IS NULL AND expires_at > $6",
);

pub(super) const QUERIES: &[Query] = &[ADD, POLL, USE, FIND, DECIDE];

/// A device that waits for somebody.
pub(super) struct Waiting {
    pub(super) hash: [u8; 32],
    pub(super) client: String,
    pub(super) scopes: Vec<String>,
}

/// What a person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Allowed,
    Denied,
}

impl Provider {
    /// The device authorization endpoint (§3.1).
    pub(super) async fn device_authorization(&self, request: &Request<Bytes>, context: &Context) -> Response<Bytes> {
        match self.begin_device(request, context).await {
            Ok(document) => response::json(StatusCode::OK, &document),
            Err(refused) => self.refuse(refused, IdentityAction::DeviceCodeIssued, context).await,
        }
    }

    async fn begin_device(&self, request: &Request<Bytes>, context: &Context) -> Result<Value, Refused> {
        const FULL: OAuthError =
            OAuthError::new("temporarily_unavailable", "too-many-devices", "too many devices are waiting; try again");
        let parameters = form(request)?;
        let client = self.client_of(request.headers(), &parameters).await?;
        if !client.may(GrantType::DeviceCode) {
            let description = "the client may not use this grant";
            return Err(OAuthError::new("unauthorized_client", "grant-not-registered", description).into());
        }
        let asked = parameters.get("scope").unwrap_or_default();
        let scopes = client.granted(asked.split(' ').filter(|scope| !scope.is_empty()));
        let (now, device_code) = (self.ground.now(), self.ground.token()?);
        let user_code = loop {
            let user_code = user_code(&self.ground)?;
            let values = [
                sha256(device_code.expose().as_bytes()).into(),
                hash(&user_code).into(),
                client.id.as_str().into(),
                scopes.join(" ").into(),
                now.after(LASTS).into(),
                INTERVAL.into(),
                now.into(),
                MOST_WAITING.into(),
            ];
            match self.ground.write(Write::new(ADD, values, Expect::One)).await {
                Ok(_) => break user_code,
                // Somebody waits with the same letters, one time in millions: other ones are made.
                Err(fault) if fault.is_duplicate() => {}
                Err(fault) if fault.is_unmet() => return Err(FULL.into()),
                Err(fault) => return Err(fault.into()),
            }
        };
        let mut event = context.event(IdentityAction::DeviceCodeIssued, IdentityResult::Done, IdentityActor::Client);
        event.client = Some(Name::new(client.id.as_str()));
        self.ground.record(event).await?;
        let page = self.endpoint("device");
        Ok(json!({
            "device_code": device_code.expose(),
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={user_code}"),
            "expires_in": LASTS.as_secs(),
            "interval": INTERVAL,
        }))
    }

    /// A device asks whether somebody has typed its code (§3.4).
    pub(super) async fn by_device_code(
        &self,
        parameters: &Parameters,
        client: &Client,
        context: &Context,
    ) -> Result<Tokens, Refused> {
        const UNKNOWN: &str = "the device code is not known, or was used";
        let code = parameters.get("device_code");
        let code = code.ok_or(OAuthError::invalid_request("device-code-missing", "`device_code` is missing"))?;
        let (now, hash) = (self.ground.now(), sha256(code.as_bytes()));
        let polled = self.ground.execute(POLL, vec![hash.into(), now.into(), client.id.as_str().into()]).await?;
        let row = polled.rows.first().ok_or(OAuthError::invalid_grant("device-code-unknown", UNKNOWN))?;
        let begun = decided(row, now)?;
        let Some(claims) = self.people.claims(&UserId::new(&begun.subject)).await? else {
            return Err(OAuthError::invalid_grant("account-disabled", UNKNOWN).into());
        };
        let family = self.families.first(FamilyId::new(&self.ground)?, &client.id, begun, now);
        let used = Write::new(USE, [hash.into(), now.into()], Expect::One);
        match self.ground.write(Families::begin(used, &family)).await {
            Err(fault) if fault.is_unmet() => {
                return Err(OAuthError::invalid_grant("device-code-used", UNKNOWN).into());
            }
            outcome => drop(outcome?),
        }
        let refresh_token = client.may(GrantType::RefreshToken).then(|| self.families.token(&family));
        let about = About {
            family: family.id,
            claims: &claims,
            session: &family.session,
            sign_in: &family.sign_in,
            nonce: None,
        };
        let tokens = self.tokens(client, &about, &family.scopes, refresh_token.as_ref())?;
        self.ground.record(issued_event(GrantType::DeviceCode, &family, context)).await?;
        Ok(tokens)
    }

    /// The device that shows this code, if one is waiting with it.
    pub(super) async fn waiting_device(&self, typed: &str, now: Moment) -> Result<Option<Waiting>, IdentityError> {
        let Some(code) = spelled(typed) else { return Ok(None) };
        let row = self.ground.row(FIND, &[hash(&code).into(), now.into()]).await?;
        let read = |row: &Row| {
            Ok(Waiting { hash: row.read("hash")?, client: row.read("client")?, scopes: words(row.read("scope")?) })
        };
        row.as_ref().map(read).transpose()
    }

    /// Keeps what a person said; whether the device was still waiting for it.
    pub(super) async fn decide_device(
        &self,
        device: [u8; 32],
        decision: Decision,
        who: &SignedIn,
        now: Moment,
    ) -> Result<bool, IdentityError> {
        let values = vec![
            device.into(),
            (decision == Decision::Allowed).into(),
            who.subject.as_str().into(),
            who.session.as_str().into(),
            who.sign_in.stored().into(),
            now.into(),
        ];
        Ok(self.ground.execute(DECIDE, values).await?.count == 1)
    }
}

/// What a person allowed, as its row tells it; or what the device is told instead (§3.5).
fn decided(row: &Row, now: Moment) -> Result<Begun, Refused> {
    let refusal = |code, reason, description| Err(OAuthError::new(code, reason, description).into());
    if row.read::<Option<i64>>("used_at")?.is_some() {
        return refusal("invalid_grant", "device-code-used", "the device code is not known, or was used");
    }
    if Moment::from_micros(row.read("expires_at")?) <= now {
        return refusal("expired_token", "device-code-expired", "nobody typed the code in time");
    }
    match row.read::<Option<i64>>("decision")? {
        None if row.read::<i64>("hurried")? == 1 => {
            refusal("slow_down", "device-asks-too-often", "wait for five seconds more before each further request")
        }
        None => refusal("authorization_pending", "device-waits", "nobody has typed the code yet"),
        Some(0) => refusal("access_denied", "denied-by-person", "the person did not allow it"),
        Some(_) => Ok(Begun {
            subject: row.read("subject")?,
            session: row.read("session")?,
            scopes: words(row.read("scope")?),
            sign_in: SignIn::read(row.read("sign_in")?)?,
        }),
    }
}

/// `BCDF-GHJK`, each letter as likely as any other.
fn user_code(ground: &Ground) -> Result<String, IdentityError> {
    let mut code = String::with_capacity(LENGTH + 1);
    while code.len() <= LENGTH {
        for byte in random::bytes::<16>(&ground.random)? {
            // Twelve times the alphabet: what is beyond would make some letters likelier than others.
            let letter = LETTERS.get(usize::from(byte) % LETTERS.len()).filter(|_| byte < 240);
            if let Some(letter) = letter.filter(|_| code.len() <= LENGTH) {
                code.push(char::from(*letter));
                if code.len() == LENGTH / 2 {
                    code.push('-');
                }
            }
        }
    }
    Ok(code)
}

/// What somebody typed, in the spelling of codes: in any case, with any signs between.
pub(super) fn spelled(typed: &str) -> Option<String> {
    let letters = typed.chars().take(64).filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    let letters: String = letters.collect();
    let is_code = letters.len() == LENGTH && letters.bytes().all(|letter| LETTERS.contains(&letter));
    let (first, second) = letters.split_at_checked(LENGTH / 2)?;
    is_code.then(|| format!("{first}-{second}"))
}

fn hash(user_code: &str) -> [u8; 32] {
    sha256(format!("device/{user_code}").as_bytes())
}

fn words(scope: &str) -> Vec<String> {
    scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "B-C-D-F-G-H-J-K"] {
            assert_eq!(spelled(typed).as_deref(), Some("BCDF-GHJK"), "{typed}");
        }
        for typed in ["", "BCDF-GHJ", "BCDF-GHJKL", "AEIO-UAEI", "BCDF-GHJ1", "БЦДФ-ГХЙК"] {
            assert_eq!(spelled(typed), None, "{typed}");
        }
    }
}
