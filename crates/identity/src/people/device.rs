//! Devices where somebody signed in before: tries from there are not held up by tries from elsewhere.

use bartizan_vault::Sealed;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::HeaderValue;

use super::People;
use super::session::cookie_value;
use super::user::UserId;
use crate::IdentityError;

/// The cookie of a device where an account's holder has signed in.
pub(crate) const DEVICE_COOKIE: &str = "__Host-bartizan-device";

const PLACE: &[u8] = b"device";

impl People {
    /// Whether the account's holder has signed in with this browser before.
    pub(crate) fn is_known_device(&self, headers: &HeaderMap, user: &UserId) -> bool {
        let opened = cookie_value(headers, DEVICE_COOKIE)
            .filter(|text| text.len() <= 512)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .and_then(|bytes| self.sealing.open(PLACE, &Sealed::from_bytes(bytes)).ok());
        opened.is_some_and(|known| known.matches(user.as_str().as_bytes()))
    }

    /// `Set-Cookie` that makes a browser known. It opens nothing: whoever steals it has a few more tries.
    pub(crate) fn known_device(&self, user: &UserId) -> Result<HeaderValue, IdentityError> {
        let sealed = self.sealing.seal(&self.ground.random, PLACE, user.as_str().as_bytes())?;
        let value = URL_SAFE_NO_PAD.encode(sealed.as_bytes());
        let cookie = format!("{DEVICE_COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000");
        Ok(HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static("")))
    }
}
