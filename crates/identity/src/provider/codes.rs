//! Authorization codes: once, for a minute, for one client, one redirect URI and one verifier.

use std::time::Duration;

use bartizan_store::{Expect, Query, Row, Write};
use bartizan_vault::{Secret, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::authorization::AuthorizationRequest;
use super::client::ClientId;
use super::families::FamilyId;
use super::sign_in::{SignIn, SignedIn};
use crate::ground::Ground;
use crate::{IdentityError, Moment};

/// How long a code is good for (`RFC 6749 §4.1.2` recommends ten minutes at most; a redirect takes a second).
pub(super) const LIFETIME: Duration = Duration::from_mins(1);
/// How long a code is remembered after its end, so that a second use is seen as one.
const REMEMBERED: Duration = Duration::from_hours(1);

const ADD: Query = Query::new(
    "INSERT INTO provider_code (hash, family, client, redirect_uri, challenge, subject, session, scope, sign_in, nonce, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);
const FIND: Query = Query::new(
    "SELECT family, client, redirect_uri, challenge, subject, session, scope, sign_in, nonce, expires_at, used_at
     FROM provider_code WHERE hash = $1",
);
const USE: Query = Query::new("UPDATE provider_code SET used_at = $2 WHERE hash = $1 AND used_at IS NULL");

pub(super) const QUERIES: &[Query] = &[ADD, FIND, USE];

/// A code that was issued, as its row tells it.
pub(super) struct Issued {
    hash: [u8; 32],
    pub(super) family: FamilyId,
    pub(super) client: String,
    redirect_uri: String,
    challenge: String,
    pub(super) subject: String,
    pub(super) session: String,
    pub(super) scopes: Vec<String>,
    pub(super) sign_in: SignIn,
    pub(super) nonce: Option<String>,
    expires_at: Moment,
    pub(super) was_used: bool,
}

/// Issues a code for what a person allowed.
pub(super) async fn issue(
    ground: &Ground,
    client: &ClientId,
    request: &AuthorizationRequest,
    who: &SignedIn,
) -> Result<Secret<String>, IdentityError> {
    let code = ground.token()?;
    let family = FamilyId::new(ground)?;
    // Kept for a while after its end; whether it is still good is asked of `expires_at` less that.
    let expires_at = ground.now().after(LIFETIME).after(REMEMBERED);
    let values = [
        sha256(code.expose().as_bytes()).into(),
        (*family.as_bytes()).into(),
        client.as_str().into(),
        request.redirect_uri.as_str().into(),
        request.code_challenge.as_str().into(),
        who.subject.as_str().into(),
        who.session.as_str().into(),
        request.scopes.join(" ").into(),
        who.sign_in.stored().into(),
        request.nonce.as_deref().into(),
        expires_at.into(),
    ];
    ground.write(Write::new(ADD, values, Expect::One)).await?;
    Ok(code)
}

/// The code that somebody shows, whatever became of it.
pub(super) async fn find(ground: &Ground, code: &str) -> Result<Option<Issued>, IdentityError> {
    let hash = sha256(code.as_bytes());
    let row = ground.row(FIND, &[hash.into()]).await?;
    row.map(|row| Issued::read(hash, &row)).transpose()
}

impl Issued {
    /// What does not fit between this code and a request that shows it: the word for the audit log.
    pub(super) fn mismatch(
        &self,
        client: &ClientId,
        redirect_uri: Option<&str>,
        verifier: &str,
    ) -> Option<&'static str> {
        if self.client != client.as_str() {
            return Some("code-of-another-client");
        }
        if redirect_uri != Some(self.redirect_uri.as_str()) {
            return Some("code-for-another-redirect-uri");
        }
        let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        let fits = is_verifier(verifier) && Secret::new(challenge).matches(self.challenge.as_bytes());
        (!fits).then_some("code-verifier-wrong")
    }

    pub(super) fn has_expired(&self, now: Moment) -> bool {
        now >= self.expires_at.before(REMEMBERED)
    }

    /// The statement that uses it up, if nobody has before.
    pub(super) fn using(&self, now: Moment) -> Write {
        Write::new(USE, [self.hash.into(), now.into()], Expect::One)
    }

    /// Makes it worth nothing: it is in hands that it was not meant for.
    pub(super) async fn burn(&self, ground: &Ground) -> Result<(), IdentityError> {
        ground.execute(USE, vec![self.hash.into(), ground.now().into()]).await?;
        Ok(())
    }

    fn read(hash: [u8; 32], row: &Row) -> Result<Self, IdentityError> {
        let scope: &str = row.read("scope")?;
        Ok(Self {
            hash,
            family: FamilyId::from_bytes(row.read("family")?),
            client: row.read("client")?,
            redirect_uri: row.read("redirect_uri")?,
            challenge: row.read("challenge")?,
            subject: row.read("subject")?,
            session: row.read("session")?,
            scopes: scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
            sign_in: SignIn::read(row.read("sign_in")?)?,
            nonce: row.read("nonce")?,
            expires_at: Moment::from_micros(row.read("expires_at")?),
            was_used: row.read::<Option<i64>>("used_at")?.is_some(),
        })
    }
}

/// `RFC 7636 §4.1`: 43 to 128 unreserved characters.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
