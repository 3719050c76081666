//! Codes of authenticator apps: TOTP (`RFC 6238`) with SHA-1, six digits and 30 seconds, the one form that every app knows.
//!
//! The cryptographic library of this program computes them: a second one, for thirty lines, would be a second one to patch.

use aws_lc_rs::hmac;
use bartizan_store::{Expect, Query, Write};
use bartizan_vault::{Sealed, Secret, random};
use data_encoding::BASE32_NOPAD;

use super::People;
use super::user::UserId;
use crate::{IdentityError, Moment};

/// Seconds that one code stands for.
const STEP: i64 = 30;
/// Steps before and after the present one that are accepted: clocks differ (`RFC 6238 §5.2`).
const DRIFT: i64 = 1;

const FIND: Query = Query::new("SELECT secret, last_step FROM identity_totp WHERE user_id = $1");
const HAS: Query = Query::new("SELECT created_at FROM identity_totp WHERE user_id = $1");
const INSERT: Query = Query::new(
    "INSERT INTO identity_totp (user_id, secret, last_step, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (user_id) DO UPDATE SET secret = $2, last_step = $3, created_at = $4",
);
/// A code counts once: of two that come together with the same one, the second finds its step used.
const USE: Query = Query::new("UPDATE identity_totp SET last_step = $2 WHERE user_id = $1 AND last_step < $2");
const REMOVE: Query = Query::new("DELETE FROM identity_totp WHERE user_id = $1");

pub(super) const QUERIES: &[Query] = &[FIND, HAS, INSERT, USE, REMOVE];
pub(super) const REMOVE_ALL: Query = REMOVE;

/// The secret that an app and the gate share: 160 bits (`RFC 4226 §4`).
pub(crate) struct TotpSecret(Secret<Vec<u8>>);

impl TotpSecret {
    pub(crate) fn generate(random: &dyn random::SecureRandom) -> Result<Self, IdentityError> {
        let bytes = random::secret::<20>(random)?;
        Ok(Self(Secret::new(bytes.expose().to_vec())))
    }

    /// As people type it into an app that cannot see.
    pub(crate) fn to_base32(&self) -> String {
        BASE32_NOPAD.encode(self.0.expose())
    }

    pub(crate) fn from_base32(text: &str) -> Option<Self> {
        let bytes = BASE32_NOPAD.decode(text.as_bytes()).ok().filter(|it| it.len() == 20)?;
        Some(Self(Secret::new(bytes)))
    }

    /// What a QR code holds (`otpauth`, the Key Uri Format that apps share).
    pub(crate) fn uri(&self, issuer: &str, account: &str) -> String {
        let encoded =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
        let (issuer, account) = (encoded(issuer), encoded(account));
        format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
            self.to_base32()
        )
    }

    /// The step for which `code` is right now, if it is for one.
    pub(crate) fn step_of(&self, code: &str, now: Moment) -> Option<i64> {
        let typed: String = code.chars().filter(|it| !it.is_whitespace()).collect();
        let present = now.as_timestamp().as_unix().div_euclid(STEP);
        let mut found = None;
        // All are computed, so that the time tells nothing about which one it was.
        for step in present.saturating_sub(DRIFT)..=present.saturating_add(DRIFT) {
            let expected = Secret::new(format!("{:06}", code_at(self.0.expose(), step)));
            if expected.matches(typed.as_bytes()) {
                found = Some(step);
            }
        }
        found
    }
}

/// HOTP's value (`RFC 4226 §5.3`) for a step.
fn code_at(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let offset = usize::from(tag.as_ref().last().copied().unwrap_or(0) & 0x0f);
    let four = tag.as_ref().get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
}

impl People {
    /// Whether codes of an app are asked of an account.
    pub(crate) async fn has_totp(&self, user: &UserId) -> Result<Option<Moment>, IdentityError> {
        let row = self.ground.row(HAS, &[user.into()]).await?;
        Ok(row.map(|row| row.read("created_at").map(Moment::from_micros)).transpose()?)
    }

    /// Sets up an app that has shown, by `step`, that it has the secret.
    pub(crate) async fn add_totp(
        &self,
        user: &UserId,
        secret: &TotpSecret,
        step: i64,
        now: Moment,
    ) -> Result<(), IdentityError> {
        let sealed = self.sealing.seal(&self.ground.random, &place(user), secret.0.expose())?;
        let values = vec![user.into(), sealed.into_bytes().into(), step.into(), now.into()];
        self.ground.write(Write::new(INSERT, values, Expect::One)).await?;
        Ok(())
    }

    /// Whether the code is right, and was not used before.
    pub(crate) async fn use_totp(&self, user: &UserId, code: &str, now: Moment) -> Result<bool, IdentityError> {
        let Some(row) = self.ground.row(FIND, &[user.into()]).await? else { return Ok(false) };
        let sealed = Sealed::from_bytes(row.read("secret")?);
        let secret = TotpSecret(self.sealing.open(&place(user), &sealed)?);
        let Some(step) = secret.step_of(code, now) else { return Ok(false) };
        Ok(self.ground.execute(USE, vec![user.into(), step.into()]).await?.count == 1)
    }

    pub(crate) async fn remove_totp(&self, user: &UserId) -> Result<bool, IdentityError> {
        Ok(self.ground.execute(REMOVE, vec![user.into()]).await?.count == 1)
    }
}

/// A sealed secret opens for its own account only.
fn place(user: &UserId) -> Vec<u8> {
    [b"totp/", user.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, cut to six digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in
            [(59, 287_082), (1_111_111_109, 81_804), (1_234_567_890, 5_924), (20_000_000_000, 353_130)]
        {
            assert_eq!(code_at(secret, seconds / STEP), code, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_right_for_its_own_half_minute_and_its_neighbours() {
        let secret = TotpSecret(Secret::new(b"12345678901234567890".to_vec()));
        let at = |seconds: i64| Moment::from_micros(seconds * 1_000_000);
        let code = format!("{:06}", code_at(b"12345678901234567890", 1000));
        for (seconds, expected) in
            [(29_969, None), (29_970, Some(1000)), (30_000, Some(1000)), (30_059, Some(1000)), (30_060, None)]
        {
            assert_eq!(secret.step_of(&code, at(seconds)), expected, "{seconds}");
        }
        assert_eq!(secret.step_of(&format!("{code} "), at(30_000)), Some(1000));
        assert_eq!(secret.step_of("", at(30_000)), None);
    }

    #[test]
    fn an_app_is_told_whose_code_it_is_and_a_name_cannot_add_parameters() {
        let secret = TotpSecret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let uri = secret.uri("A&B secret=x", "ada");
        assert!(
            uri.starts_with("otpauth://totp/A%26B%20secret%3Dx:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&"),
            "{uri}"
        );
    }
}
