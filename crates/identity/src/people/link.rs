//! Links that open something once: taking up an account, setting a new password. Kept as hashes.

use std::time::Duration;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bartizan_store::{Expect, Query, Write};
use bartizan_vault::{Secret, sha256};

use super::People;
use super::user::UserId;
use crate::{Context, IdentityError, Moment};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Makes the first administrator. It belongs to no account yet.
    Setup,
    /// Its account's first password or passkey; handed over.
    Invitation,
    /// The same, sent to the account's address.
    MailedInvitation,
    /// A new password; handed over.
    Reset,
    /// The same, sent to the account's address.
    MailedReset,
    /// Shows that the account's address is its holder's.
    Verification,
}

impl Purpose {
    const ALL: [Self; 6] =
        [Self::Setup, Self::Invitation, Self::MailedInvitation, Self::Reset, Self::MailedReset, Self::Verification];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invitation => "invitation",
            Self::MailedInvitation => "mailed-invitation",
            Self::Reset => "reset",
            Self::MailedReset => "mailed-reset",
            Self::Verification => "verification",
        }
    }

    /// How long it opens something.
    pub const fn lasts(self) -> Duration {
        match self {
            Self::Setup | Self::Verification => Duration::from_hours(24),
            Self::Invitation | Self::MailedInvitation => Duration::from_hours(7 * 24),
            Self::Reset | Self::MailedReset => Duration::from_mins(30),
        }
    }

    /// The page that it leads to, below the path of all endpoints.
    pub const fn page(self) -> &'static str {
        match self {
            Self::Setup => "/setup",
            Self::Invitation | Self::MailedInvitation | Self::Reset | Self::MailedReset => "/welcome",
            Self::Verification => "/verify",
        }
    }

    /// Whether it takes up an account, or gets somebody back into one.
    pub(crate) const fn sets_password(self) -> bool {
        matches!(self, Self::Invitation | Self::MailedInvitation | Self::Reset | Self::MailedReset)
    }

    pub(crate) const fn is_invitation(self) -> bool {
        matches!(self, Self::Invitation | Self::MailedInvitation)
    }

    /// Whether who has it has read what was sent to the account's address.
    const fn shows_address(self) -> bool {
        matches!(self, Self::MailedInvitation | Self::MailedReset | Self::Verification)
    }

    /// What a new link of this kind takes the place of. A mailed reset takes the place of nothing: whoever asks for one in somebody else's
    /// name must not make the link worthless that they are waiting for.
    const fn replaces(self) -> &'static [Self] {
        match self {
            Self::Setup => &[Self::Setup],
            Self::Invitation | Self::MailedInvitation => &[Self::Invitation, Self::MailedInvitation],
            Self::Reset => &[Self::Reset, Self::MailedReset],
            Self::MailedReset => &[],
            Self::Verification => &[Self::Verification],
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

const INSERT: Query =
    Query::new("INSERT INTO identity_link (hash, purpose, user_id, expires_at) VALUES ($1, $2, $3, $4)");
/// Only while the address is still the account's, and the account lets people in.
const INSERT_MAILED: Query = Query::new(
    "INSERT INTO identity_link (hash, purpose, user_id, expires_at)
     SELECT $1, $2, id, $4 FROM identity_user WHERE id = $3 AND email = $5 AND disabled_at IS NULL",
);
/// A newer link makes older ones for the same thing worth nothing.
const REPLACE: Query =
    Query::new("DELETE FROM identity_link WHERE purpose = $1 AND (user_id = $2 OR user_id IS NULL) AND hash <> $3");
const FIND: Query = Query::new("SELECT purpose, user_id FROM identity_link WHERE hash = $1 AND expires_at > $2");
const USE: Query = Query::new("DELETE FROM identity_link WHERE hash = $1 AND expires_at > $2 RETURNING purpose");
const FORGET: Query = Query::new("DELETE FROM identity_link WHERE expires_at <= $1");
/// Links that would still open an account after its password has changed.
const REMOVE: Query = Query::new("DELETE FROM identity_link WHERE user_id = $1");
const VERIFY: Query = Query::new("UPDATE identity_user SET email_verified = 1, updated_at = $2 WHERE id = $1");
/// Links that were sent to an address that is not the account's any more: to be executed before it changes.
pub(super) const REMOVE_MAILED: Query = Query::new(
    "DELETE FROM identity_link WHERE user_id = $1 AND purpose IN ('mailed-invitation', 'mailed-reset', 'verification')
       AND NOT EXISTS (SELECT 1 FROM identity_user WHERE id = $1 AND email = $2)",
);

pub(super) const QUERIES: &[Query] =
    &[INSERT, INSERT_MAILED, REPLACE, FIND, USE, FORGET, REMOVE, VERIFY, REMOVE_MAILED];
pub(super) const REMOVE_ALL: Query = REMOVE;

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) purpose: Purpose,
    pub(crate) user: Option<UserId>,
}

impl People {
    /// Makes a link, and gives back its whole URL: whoever has it, is let in.
    pub(crate) async fn make_link(&self, link: &Link, now: Moment) -> Result<Secret<String>, IdentityError> {
        let token = self.ground.token()?;
        let user = link.user.as_ref().map(UserId::as_str);
        let expires_at = now.after(link.purpose.lasts());
        let hash = sha256(token.expose().as_bytes());
        let values = [hash.into(), link.purpose.as_str().into(), user.into(), expires_at.into()];
        let insert = Write::new(INSERT, values, Expect::One);
        self.ground.write(replacing(insert, link.purpose, user, hash)).await?;
        Ok(self.url(link.purpose, &token))
    }

    /// Makes a link that is sent to the account's address.
    ///
    /// # Errors
    /// Also if `address` is not the account's any more.
    pub(crate) async fn mail_link(
        &self,
        purpose: Purpose,
        user: &UserId,
        address: &str,
        now: Moment,
    ) -> Result<Secret<String>, IdentityError> {
        let token = self.ground.token()?;
        let expires_at = now.after(purpose.lasts());
        let hash = sha256(token.expose().as_bytes());
        let values = [hash.into(), purpose.as_str().into(), user.into(), expires_at.into(), address.into()];
        let insert = Write::new(INSERT_MAILED, values, Expect::One);
        self.ground.write(replacing(insert, purpose, Some(user.as_str()), hash)).await?;
        Ok(self.url(purpose, &token))
    }

    fn url(&self, purpose: Purpose, token: &Secret<String>) -> Secret<String> {
        Secret::new(format!("{}{}?token={}", self.ground.config.issuer(), purpose.page(), token.expose()))
    }

    /// What a link says, if it still opens something.
    pub(crate) async fn link(&self, token: &str, now: Moment) -> Result<Option<Link>, IdentityError> {
        let row = self.ground.row(FIND, &[sha256(token.as_bytes()).into(), now.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let purpose = Purpose::parse(row.read("purpose")?).ok_or(IdentityError::Damaged { what: "link" })?;
        let user = row.read::<Option<&str>>("user_id")?.map(UserId::new);
        Ok(Some(Link { purpose, user }))
    }

    /// Uses a link up; whether it still opened something. Of two who have it, one gets in.
    pub(crate) async fn use_link(&self, token: &str, link: &Link, now: Moment) -> Result<bool, IdentityError> {
        let mut write = Write::new(USE, [sha256(token.as_bytes()).into(), now.into()], Expect::One);
        if let (true, Some(user)) = (link.purpose.shows_address(), &link.user) {
            write = write.then(VERIFY, [user.into(), now.into()], Expect::Any);
        }
        match self.ground.write(write).await {
            Ok(_) => {}
            Err(error) if error.is_unmet() => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        if let Some(user) = &link.user {
            self.changed(user);
        }
        Ok(true)
    }

    /// Uses up a link that shows that an address is its holder's.
    pub(crate) async fn verify_address(
        &self,
        token: &str,
        link: &Link,
        context: &Context,
    ) -> Result<bool, IdentityError> {
        if !self.use_link(token, link, context.now).await? {
            return Ok(false);
        }
        let mut event = context.event(IdentityAction::EmailVerified, IdentityResult::Done, IdentityActor::Holder);
        event.user = link.user.as_ref().map(|user| Name::new(user.as_str()));
        self.ground.record(event).await?;
        Ok(true)
    }

    pub(super) async fn forget_links(&self, now: Moment) -> Result<(), IdentityError> {
        self.ground.execute(FORGET, vec![now.into()]).await?;
        Ok(())
    }
}

/// Beside the statement that makes a link, those that remove what it takes the place of.
fn replacing(insert: Write, purpose: Purpose, user: Option<&str>, hash: [u8; 32]) -> Write {
    let values = |old: &Purpose| [old.as_str().into(), user.into(), hash.into()];
    purpose.replaces().iter().fold(insert, |write, old| write.then(REPLACE, values(old), Expect::Any))
}
