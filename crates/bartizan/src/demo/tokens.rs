use std::time::{Duration, SystemTime};

use serde_json::json;

use super::issuer::{AUDIENCE, Issuer, User, part};

/// The tokens of the demo: one for each sample user, and those of an attacker.
#[derive(Debug)]
pub(super) struct Tokens {
    honest: [String; 4],
    /// Says to be alice, and nobody signed it.
    pub(super) unsigned: String,
    /// Mallory's, with alice's id put into it: the signature no longer fits.
    pub(super) edited: String,
    /// Alice's, from two hours ago.
    pub(super) expired: String,
}

impl Tokens {
    /// Has `issuer` sign what it would sign, and forges the rest.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub(super) fn new(issuer: &Issuer, now: SystemTime) -> anyhow::Result<Self> {
        let honest = |user| issuer.token(user, now);
        let [alice, bob, mallory, admin] = User::ALL;
        let honest = [honest(alice)?, honest(bob)?, honest(mallory)?, honest(admin)?];
        let claims = part(&json!({
            "iss": issuer.url(), "aud": AUDIENCE, "sub": User::Alice.id(), "roles": ["customer"], "exp": 4_102_444_800_u64,
        }));
        let [_, _, mallory, _] = &honest;
        let mut parts = mallory.split('.');
        let (header, signature) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or_default());
        Ok(Self {
            unsigned: format!("{}.{claims}.", part(&json!({ "alg": "none" }))),
            edited: format!("{header}.{claims}.{signature}"),
            expired: issuer.token(User::Alice, now - Duration::from_hours(2))?,
            honest,
        })
    }

    /// The token that the issuer gives `user`.
    pub(super) const fn of(&self, user: User) -> &str {
        let [alice, bob, mallory, admin] = &self.honest;
        match user {
            User::Alice => alice.as_str(),
            User::Bob => bob.as_str(),
            User::Mallory => mallory.as_str(),
            User::Admin => admin.as_str(),
        }
    }
}
