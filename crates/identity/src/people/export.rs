//! Everything that is kept about a person, for that person (`GDPR, articles 15 and 20`).

use serde_json::{Value, json};

use super::People;
use super::user::UserId;
use crate::{IdentityError, Moment};

impl People {
    /// All data of an account as one document: what is secret (hashes, keys) is named, and not given out.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn export_user(&self, id: &UserId) -> Result<Option<Value>, IdentityError> {
        let Some(user) = self.user(id).await? else { return Ok(None) };
        let devices = self.devices(id).await?;
        let sessions: Vec<Value> = devices
            .iter()
            .map(|device| {
                json!({
                    "agent": device.agent,
                    "address": device.address,
                    "signed_in": time(device.created_at),
                    "last_used": time(device.seen_at),
                })
            })
            .collect();
        Ok(Some(json!({
            "id": user.id,
            "username": user.username,
            "name": user.name,
            "email": user.email,
            "email_verified": user.email_verified,
            "locale": user.locale,
            "roles": user.roles,
            "groups": user.groups,
            "attributes": user.attributes,
            "created": time(user.created_at),
            "disabled": user.disabled_at.map(time),
            "password_set": user.password_at.map(time),
            "authenticator_app_set_up": self.has_totp(id).await?.map(time),
            "passkeys": self.passkeys(id).await?.iter().map(|passkey| json!({
                "name": passkey.name,
                "synced": passkey.is_synced,
                "created": time(passkey.created_at),
                "last_used": passkey.used_at.map(time),
            })).collect::<Vec<_>>(),
            "recovery_codes_left": self.recovery_codes_left(id).await?,
            "sessions": sessions,
        })))
    }
}

/// A point in time as a page shows it, to the minute: whose clock it is has to be said.
pub(crate) fn shown_time(moment: Moment) -> String {
    let second = jiff::Timestamp::from_second(moment.as_timestamp().as_unix());
    second.map(|it| it.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
}

/// A point in time as people and programs read it (RFC 3339).
pub(crate) fn time(moment: Moment) -> String {
    let second = moment.as_timestamp().as_unix();
    jiff::Timestamp::from_second(second).map(|it| it.to_string()).unwrap_or_default()
}
