//! Who there is: accounts, and what is said of them to others.

use std::fmt;
use std::sync::Arc;

use bartizan_store::{Query, Row, StoreError, Value};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::People;
use crate::{IdentityError, Moment};

/// An account's id: 32 hexadecimal digits that never change, are never used again and say nothing about its holder. It is the `sub` of
/// tokens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(Arc<str>);

impl UserId {
    /// The id that is written so.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Its 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its 16 bytes, as authenticators keep it.
    pub(crate) fn to_bytes(&self) -> [u8; 16] {
        u128::from_str_radix(&self.0, 16).unwrap_or_default().to_be_bytes()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<&UserId> for Value {
    fn from(id: &UserId) -> Self {
        Self::from(id.as_str())
    }
}

/// An account.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What its holder types: lower case, normalized, unique.
    pub username: String,
    /// What its holder is called.
    pub name: Option<String>,
    /// Its mail address: lower case, unique.
    pub email: Option<String>,
    /// Whether mail sent there reached its holder.
    pub email_verified: bool,
    /// Since when it lets nobody in.
    pub disabled_at: Option<Moment>,
    /// Its roles.
    pub roles: Vec<Arc<str>>,
    /// Its groups.
    pub groups: Vec<Arc<str>>,
    /// Whatever else is to be said of it to applications.
    pub attributes: Map<String, serde_json::Value>,
    /// The language of its pages and mails.
    pub locale: Option<String>,
    /// Whether it has a password.
    pub has_password: bool,
    /// When that was set.
    pub password_at: Option<Moment>,
    /// When it was made.
    pub created_at: Moment,
}

/// What is said of a person to applications (`OpenID Connect Core §5.1`, and the gate's own roles and groups).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claims {
    /// The account's id.
    pub sub: UserId,
    /// What its holder is called.
    pub name: Option<String>,
    /// What its holder types.
    pub preferred_username: String,
    /// Its mail address.
    pub email: Option<String>,
    /// Whether mail sent there reached its holder.
    pub email_verified: bool,
    /// The language of its pages and mails.
    pub locale: Option<String>,
    /// Its groups.
    pub groups: Vec<Arc<str>>,
    /// Its roles.
    pub roles: Vec<Arc<str>>,
    /// Whatever else is to be said of it.
    pub attributes: Map<String, serde_json::Value>,
    /// When it changed last, in seconds since 1970.
    pub updated_at: i64,
}

const BY_ID: Query = Query::new("SELECT * FROM identity_user WHERE id = $1");
const BY_USERNAME: Query = Query::new("SELECT * FROM identity_user WHERE username = $1");
const BY_EMAIL: Query = Query::new("SELECT * FROM identity_user WHERE email = $1");
const PAGE: Query = Query::new("SELECT * FROM identity_user WHERE username > $1 ORDER BY username LIMIT 1000");

pub(super) const QUERIES: &[Query] = &[BY_ID, BY_USERNAME, BY_EMAIL, PAGE];

impl People {
    /// The account of this id.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, IdentityError> {
        let row = self.ground.row(BY_ID, &[id.into()]).await?;
        row.as_ref().map(User::read).transpose()
    }

    /// What is said of a person to applications; nothing of one who is disabled.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn claims(&self, id: &UserId) -> Result<Option<Claims>, IdentityError> {
        let Some(row) = self.ground.row(BY_ID, &[id.into()]).await? else { return Ok(None) };
        let updated_at = Moment::from_micros(row.read("updated_at")?).as_timestamp().as_unix();
        let user = User::read(&row)?;
        Ok(user.disabled_at.is_none().then(|| user.into_claims(updated_at)))
    }

    /// The account that somebody means who types this: by its mail address if it could be one, by its name if not.
    pub(crate) async fn user_called(&self, typed: &str) -> Result<Option<(User, Option<String>)>, IdentityError> {
        let query = if typed.contains('@') { BY_EMAIL } else { BY_USERNAME };
        let Some(row) = self.ground.row(query, &[typed.into()]).await? else { return Ok(None) };
        let password: Option<String> = row.read("password")?;
        Ok(Some((User::read(&row)?, password)))
    }

    /// All accounts, in the order of their names, a thousand at a time: those after `name`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn users_after(&self, name: &str) -> Result<Vec<User>, IdentityError> {
        self.ground.rows(PAGE, &[name.into()]).await?.iter().map(User::read).collect()
    }
}

impl Claims {
    /// What to call the person.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.preferred_username)
    }
}

impl User {
    fn read(row: &Row) -> Result<Self, IdentityError> {
        let moment = |column| row.read::<Option<i64>>(column).map(|it| it.map(Moment::from_micros));
        Ok(Self {
            id: UserId::new(row.read("id")?),
            username: row.read("username")?,
            name: row.read("name")?,
            email: row.read("email")?,
            email_verified: row.read("email_verified")?,
            disabled_at: moment("disabled_at")?,
            roles: json(row, "roles")?,
            groups: json(row, "groups")?,
            attributes: json(row, "attributes")?,
            locale: row.read("locale")?,
            has_password: row.read::<Option<&str>>("password")?.is_some(),
            password_at: moment("password_at")?,
            created_at: Moment::from_micros(row.read("created_at")?),
        })
    }

    /// What to call its holder.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.username)
    }

    fn into_claims(self, updated_at: i64) -> Claims {
        Claims {
            sub: self.id,
            name: self.name,
            preferred_username: self.username,
            email: self.email,
            email_verified: self.email_verified,
            locale: self.locale,
            groups: self.groups,
            roles: self.roles,
            attributes: self.attributes,
            updated_at,
        }
    }
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, IdentityError> {
    let text: &str = row.read(column).map_err(|error: StoreError| error)?;
    serde_json::from_str(text).map_err(|_| IdentityError::Damaged { what: "account" })
}
