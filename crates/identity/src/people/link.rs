//! Links that open something once: taking up an account, setting a new password. Kept as hashes.

use std::time::Duration;

use bartizan_store::{Expect, Query, Write};
use bartizan_vault::{Secret, sha256};

use super::People;
use super::user::UserId;
use crate::{IdentityError, Moment};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Makes the first administrator. It belongs to no account yet.
    Setup,
    /// Its account's first password.
    Invitation,
    /// A new password.
    Reset,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// How long it opens something.
    pub const fn lasts(self) -> Duration {
        match self {
            Self::Setup => Duration::from_hours(24),
            Self::Invitation => Duration::from_hours(7 * 24),
            Self::Reset => Duration::from_mins(30),
        }
    }

    /// The page that it leads to, below the path of all endpoints.
    pub const fn page(self) -> &'static str {
        match self {
            Self::Setup => "/setup",
            Self::Invitation | Self::Reset => "/welcome",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Setup, Self::Invitation, Self::Reset].into_iter().find(|it| it.as_str() == word)
    }
}

const INSERT: Query =
    Query::new("INSERT INTO identity_link (hash, purpose, user_id, expires_at) VALUES ($1, $2, $3, $4)");
/// A newer link makes older ones for the same thing worth nothing.
const REPLACE: Query = Query::new("DELETE FROM identity_link WHERE purpose = $1 AND (user_id = $2 OR user_id IS NULL)");
const FIND: Query = Query::new("SELECT purpose, user_id FROM identity_link WHERE hash = $1 AND expires_at > $2");
const USE: Query = Query::new("DELETE FROM identity_link WHERE hash = $1 AND expires_at > $2 RETURNING purpose");
const FORGET: Query = Query::new("DELETE FROM identity_link WHERE expires_at <= $1");
/// Links that would still open an account after its password has changed.
const REMOVE: Query = Query::new("DELETE FROM identity_link WHERE user_id = $1");

pub(super) const QUERIES: &[Query] = &[INSERT, REPLACE, FIND, USE, FORGET, REMOVE];
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
        let purpose = link.purpose.as_str();
        let hash = sha256(token.expose().as_bytes());
        let expires_at = now.after(link.purpose.lasts());
        let values = [hash.into(), purpose.into(), user.into(), expires_at.into()];
        let write = Write::new(REPLACE, [purpose.into(), user.into()], Expect::Any).then(INSERT, values, Expect::One);
        self.ground.write(write).await?;
        let issuer = self.ground.config.issuer();
        Ok(Secret::new(format!("{issuer}{}?token={}", link.purpose.page(), token.expose())))
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
    pub(crate) async fn use_link(&self, token: &str, now: Moment) -> Result<bool, IdentityError> {
        let used = self.ground.execute(USE, vec![sha256(token.as_bytes()).into(), now.into()]).await?;
        Ok(!used.rows.is_empty())
    }

    pub(super) async fn forget_links(&self, now: Moment) -> Result<(), IdentityError> {
        self.ground.execute(FORGET, vec![now.into()]).await?;
        Ok(())
    }
}
