//! Recovery codes: ten, each good once, for the day on which the phone is gone.

use bartizan_store::{Expect, Query, Write};
use bartizan_vault::{Secret, random, sha256};
use data_encoding::BASE32_NOPAD;

use super::People;
use super::user::UserId;
use crate::{IdentityError, Moment};

/// How many an account gets.
const CODES: usize = 10;

const INSERT: Query = Query::new("INSERT INTO identity_recovery_code (user_id, hash, created_at) VALUES ($1, $2, $3)");
const REMOVE: Query = Query::new("DELETE FROM identity_recovery_code WHERE user_id = $1");
const LEFT: Query =
    Query::new("SELECT CAST(COUNT(*) AS BIGINT) AS left_over FROM identity_recovery_code WHERE user_id = $1");
/// Two who type the same code at once: one of them deletes it, and only that one gets in.
const USE: Query = Query::new("DELETE FROM identity_recovery_code WHERE user_id = $1 AND hash = $2");

pub(super) const QUERIES: &[Query] = &[INSERT, REMOVE, LEFT, USE];
pub(super) const REMOVE_ALL: Query = REMOVE;

impl People {
    /// Makes new codes in place of all old ones; they are shown once.
    pub(crate) async fn make_recovery_codes(
        &self,
        user: &UserId,
        now: Moment,
    ) -> Result<Vec<Secret<String>>, IdentityError> {
        let mut codes = Vec::with_capacity(CODES);
        let mut write = Write::new(REMOVE, [user.into()], Expect::Any);
        for _ in 0..CODES {
            // 80 bits: a plain hash of so much chance gives nothing away, and slow hashing would serve nobody.
            let text = BASE32_NOPAD.encode(random::secret::<10>(&self.ground.random)?.expose()).to_lowercase();
            write = write.then(INSERT, [user.into(), hash(user, &text).into(), now.into()], Expect::One);
            codes.push(Secret::new(in_groups(&text)));
        }
        self.ground.write(write).await?;
        Ok(codes)
    }

    /// How many are left.
    pub(crate) async fn recovery_codes_left(&self, user: &UserId) -> Result<i64, IdentityError> {
        let row = self.ground.row(LEFT, &[user.into()]).await?;
        Ok(row.map(|row| row.read("left_over")).transpose()?.unwrap_or(0))
    }

    /// Uses a code up; whether it was one.
    pub(crate) async fn use_recovery_code(&self, user: &UserId, typed: &str) -> Result<bool, IdentityError> {
        let code: String = typed.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        let hash = hash(user, &code.to_lowercase());
        Ok(self.ground.execute(USE, vec![user.into(), hash.into()]).await?.count == 1)
    }
}

fn hash(user: &UserId, code: &str) -> [u8; 32] {
    sha256(format!("recovery/{user}/{code}").as_bytes())
}

/// `abcd-efgh-ijkl-mnop`: read aloud and copied by hand more often than pasted.
fn in_groups(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}
