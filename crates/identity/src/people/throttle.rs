//! Guessing is slowed down, and nobody can lock anybody else out.
//!
//! Three things are counted, each before the password is looked at, so that guesses sent side by side are all counted:
//!
//! - tries at one account from one address: after five, each waits longer than the one before, up to a quarter of an hour;
//! - tries at any account from one address, for lists of names and passwords: the same after forty;
//! - tries at one account from everywhere but devices where its holder signed in before (`OWASP: Device Cookies`): after a hundred, one
//!   each half minute. This slows a botnet down; whoever sends it cannot shut the holder out, who still comes in from a known device, by
//!   a passkey, or by a link sent by mail.
//!
//! Counts stand in the store: a restart forgives nothing. What is counted stands there as a hash.

use std::net::IpAddr;
use std::time::Duration;

use bartizan_store::{Expect, Query, Write};
use bartizan_vault::sha256;

use super::People;
use crate::moment::micros;
use crate::{Context, IdentityError, Moment};

/// How tries of one kind are slowed down.
struct Brake {
    /// So many are free.
    free: i64,
    /// The wait after that grows with the square of the number of tries, up to this.
    longest: Duration,
    /// Counting begins anew after so long without a try.
    window: Duration,
}

const ONE_ACCOUNT: Brake = Brake { free: 5, longest: Duration::from_mins(15), window: Duration::from_hours(24) };
const ONE_ADDRESS: Brake = Brake { free: 40, longest: Duration::from_mins(15), window: Duration::from_hours(1) };
const ACCOUNT_EVERYWHERE: Brake =
    Brake { free: 100, longest: Duration::from_secs(30), window: Duration::from_hours(24) };
/// Codes of a second factor: whoever types them has shown the first one.
const SECOND_FACTOR: Brake = Brake { free: 5, longest: Duration::from_mins(15), window: Duration::from_hours(24) };
/// Mails to one account, and mails that one address asks for.
const MAIL_TO_ACCOUNT: Brake = Brake { free: 3, longest: Duration::from_mins(15), window: Duration::from_hours(1) };
const MAIL_FROM_ADDRESS: Brake = Brake { free: 20, longest: Duration::from_mins(15), window: Duration::from_hours(1) };
/// Codes of devices, which are short: of one account, and from one address.
const DEVICE_CODES: Brake = Brake { free: 5, longest: Duration::from_mins(15), window: Duration::from_hours(1) };
/// Seconds to wait: the square of the tries beyond the free ones.
const COUNT: Query = Query::new(
    "INSERT INTO identity_attempt (counted, attempts, last_at, free_at) VALUES ($1, 1, $2, $2)
     ON CONFLICT (counted) DO UPDATE SET
       attempts = CASE WHEN identity_attempt.last_at < CAST($3 AS BIGINT) THEN 1 ELSE identity_attempt.attempts + 1 END,
       free_at = CASE
         WHEN identity_attempt.last_at < CAST($3 AS BIGINT) OR identity_attempt.attempts + 1 < CAST($4 AS BIGINT)
           THEN CAST($2 AS BIGINT)
         WHEN (identity_attempt.attempts + 2 - CAST($4 AS BIGINT)) > 30 THEN CAST($2 AS BIGINT) + CAST($5 AS BIGINT)
         WHEN (identity_attempt.attempts + 2 - CAST($4 AS BIGINT)) * (identity_attempt.attempts + 2 - CAST($4 AS BIGINT)) * 1000000
           > CAST($5 AS BIGINT) THEN CAST($2 AS BIGINT) + CAST($5 AS BIGINT)
         ELSE CAST($2 AS BIGINT)
           + (identity_attempt.attempts + 2 - CAST($4 AS BIGINT)) * (identity_attempt.attempts + 2 - CAST($4 AS BIGINT)) * 1000000
       END,
       last_at = CAST($2 AS BIGINT)
     WHERE identity_attempt.free_at <= CAST($2 AS BIGINT)
     RETURNING attempts",
);
const FREE_AT: Query = Query::new("SELECT free_at FROM identity_attempt WHERE counted = $1 AND free_at > $2");
const FORGIVE: Query = Query::new("DELETE FROM identity_attempt WHERE counted = $1");
const FORGET: Query = Query::new("DELETE FROM identity_attempt WHERE last_at < $1");

pub(super) const QUERIES: &[Query] = &[COUNT, FREE_AT, FORGIVE, FORGET];

/// What is counted, and how.
pub(crate) struct Counted(Vec<([u8; 32], &'static Brake)>);

/// Whether a try may be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Now,
    /// Not before this has passed.
    Wait(Duration),
}

impl Counted {
    /// A try at the account that is called `name`, whether there is one or not.
    pub(crate) fn sign_in(name: &str, context: &Context, is_known_device: bool) -> Self {
        let address = prefix(context.client);
        let mut counted = vec![
            (key(&["account-address", name, &address]), &ONE_ACCOUNT),
            (key(&["address", &address]), &ONE_ADDRESS),
        ];
        if !is_known_device {
            counted.push((key(&["account", name]), &ACCOUNT_EVERYWHERE));
        }
        Self(counted)
    }

    /// A wish for a mail to whoever is called `name`, whether there is such an account or not.
    pub(crate) fn mail(name: &str, context: &Context) -> Self {
        Self(vec![
            (key(&["mail", name]), &MAIL_TO_ACCOUNT),
            (key(&["mail-address", &prefix(context.client)]), &MAIL_FROM_ADDRESS),
        ])
    }

    /// A try at the code of a device, by somebody who is signed in.
    pub(crate) fn device_code(user: &str, context: &Context) -> Self {
        Self(vec![
            (key(&["device", user]), &DEVICE_CODES),
            (key(&["device-address", &prefix(context.client)]), &DEVICE_CODES),
        ])
    }

    /// A try at an account's second factor.
    pub(crate) fn second_factor(user: &str) -> Self {
        Self(vec![(key(&["second-factor", user]), &SECOND_FACTOR)])
    }
}

impl People {
    /// Counts a try, and says whether it may be made. One that may not is not counted: waiting is not prolonged by asking.
    pub(crate) async fn take_turn(&self, counted: &Counted, now: Moment) -> Result<Turn, IdentityError> {
        let values = |(key, brake): &([u8; 32], &Brake)| {
            let (window, longest) = (now.before(brake.window), micros(brake.longest));
            vec![(*key).into(), now.into(), window.into(), brake.free.into(), longest.into()]
        };
        let mut all = counted.0.iter();
        let Some(first) = all.next() else { return Ok(Turn::Now) };
        let write = all.fold(Write::new(COUNT, values(first), Expect::One), |write, one| {
            write.then(COUNT, values(one), Expect::One)
        });
        match self.ground.write(write).await {
            Ok(_) => Ok(Turn::Now),
            Err(error) if error.is_unmet() => Ok(Turn::Wait(self.wait_of(counted, now).await?)),
            Err(error) => Err(error.into()),
        }
    }

    async fn wait_of(&self, counted: &Counted, now: Moment) -> Result<Duration, IdentityError> {
        let mut longest = Duration::from_secs(1);
        for (key, _) in &counted.0 {
            let Some(row) = self.ground.row(FREE_AT, &[(*key).into(), now.into()]).await? else { continue };
            longest = longest.max(Moment::from_micros(row.read("free_at")?).since(now));
        }
        Ok(longest)
    }

    /// Forgets the tries at one account from one address, or at its second factor, when one was right. What was counted for the
    /// address, or for the account everywhere, stays: whoever has one good password must not get new tries at others with it.
    pub(crate) async fn forgive(&self, counted: &Counted) -> Result<(), IdentityError> {
        if let Some((key, _)) = counted.0.first() {
            self.ground.execute(FORGIVE, vec![(*key).into()]).await?;
        }
        Ok(())
    }

    pub(super) async fn forget_attempts(&self, now: Moment) -> Result<(), IdentityError> {
        self.ground.execute(FORGET, vec![now.before(ONE_ACCOUNT.window).into()]).await?;
        Ok(())
    }
}

/// What counts as one place: an IPv4 address, or the /64 of IPv6 that a household has.
fn prefix(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:016x}", u128::from(address) >> 64),
    }
}

fn key(parts: &[&str]) -> [u8; 32] {
    sha256(parts.join("\u{0}").as_bytes())
}
