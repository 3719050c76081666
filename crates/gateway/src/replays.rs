//! What counts once, remembered in memory that does not grow with what is sent.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bartizan_policy::Timestamp;
use bartizan_token::{OneTime, OneTimeId};
use http::StatusCode;

use crate::ports::{Remembered, Replays, Reply};

const SHARDS: usize = 64;
/// A full shard is looked through for what is over at most this often: a flood must not make each request pay for all.
const SWEEP: Duration = Duration::from_secs(1);

/// The memory of one node. Nothing that still counts is ever pushed out: when it is full, nothing more counts until something is
/// over, since forgetting would let it be shown again.
pub struct MemoryReplays {
    shards: Box<[Mutex<Shard>]>,
    per_shard: usize,
}

#[derive(Default)]
struct Shard {
    held: HashMap<OneTimeId, Timestamp>,
    swept: Option<Timestamp>,
}

impl MemoryReplays {
    /// Room for about `capacity` things, of about 48 bytes each once they are there.
    pub fn new(capacity: NonZeroUsize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, per_shard: capacity.get().div_ceil(SHARDS) }
    }

    fn shard(&self, id: OneTimeId) -> Option<&Mutex<Shard>> {
        // The name is a hash: its first byte spreads as well as any.
        let [first, ..] = id.as_bytes();
        self.shards.get(usize::from(*first) % SHARDS)
    }
}

impl Shard {
    fn remember(&mut self, what: OneTime, now: Timestamp, room: usize) -> Remembered {
        if self.held.get(&what.id).is_some_and(|until| *until > now) {
            return Remembered::Again;
        }
        if self.held.len() >= room && !self.held.contains_key(&what.id) {
            self.sweep(now);
            if self.held.len() >= room {
                return Remembered::NoRoom;
            }
        }
        self.held.insert(what.id, what.until);
        Remembered::First
    }

    fn sweep(&mut self, now: Timestamp) {
        if self.swept.is_some_and(|swept| swept <= now && now.since(swept) < SWEEP) {
            return;
        }
        self.swept = Some(now);
        self.held.retain(|_, until| *until > now);
    }
}

impl Replays for MemoryReplays {
    fn remember(&self, what: OneTime, now: Timestamp) -> Reply<'_, Remembered> {
        let Some(shard) = self.shard(what.id) else { return Reply::Now(Remembered::NoRoom) };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        Reply::Now(shard.remember(what, now, self.per_shard))
    }

    fn forget(&self, id: OneTimeId) {
        let Some(shard) = self.shard(id) else { return };
        shard.lock().unwrap_or_else(PoisonError::into_inner).held.remove(&id);
    }
}

/// The message of a webhook on its way. Unless the upstream took it, it is forgotten again, so that the sender's next attempt
/// passes: also when the client, or the gate, gives up half-way.
pub(crate) struct Delivery {
    replays: Arc<dyn Replays>,
    id: Option<OneTimeId>,
}

impl Delivery {
    pub(crate) fn new(replays: Arc<dyn Replays>, id: OneTimeId) -> Self {
        Self { replays, id: Some(id) }
    }

    /// Tells what the upstream answered.
    pub(crate) fn answered(mut self, status: StatusCode) {
        if status.is_success() {
            self.id = None;
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.replays.forget(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use bartizan_token::{Field, Webhook, WebhookForm};
    use bartizan_vault::Secret;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    /// As many different things as wanted: messages of a sender, by number.
    fn message(number: usize) -> OneTime {
        use aws_lc_rs::hmac;
        let secret = b"a secret of the sender's own";
        let (minute, day) = (Duration::from_mins(1), Duration::from_hours(24));
        let webhook = Webhook::new("t", WebhookForm::GitHub, &[Secret::new(secret.to_vec())], minute, day).unwrap();
        let body = number.to_string();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body.as_bytes());
        let signature = tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"));
        let field = |name: &str| if name == "x-hub-signature-256" { Field::Text(&signature) } else { Field::Absent };
        let mut check = webhook.read(&field, at(0)).unwrap().begin(&webhook);
        check.update(body.as_bytes());
        let once = check.finish(body.as_bytes(), at(0)).unwrap();
        OneTime { until: at(100), ..once }
    }

    fn remember(replays: &MemoryReplays, what: OneTime, now: i64) -> Remembered {
        match replays.remember(what, at(now)) {
            Reply::Now(remembered) => remembered,
            Reply::Later(_) => panic!("memory does not wait"),
        }
    }

    #[test]
    fn what_counts_once_counts_once_until_its_time_has_passed() {
        let replays = MemoryReplays::new(NonZeroUsize::new(640).unwrap());
        let (one, other) = (message(1), message(2));
        assert_eq!(
            [0, 0, 99].map(|now| remember(&replays, one, now)),
            [Remembered::First, Remembered::Again, Remembered::Again]
        );
        assert_eq!(remember(&replays, other, 0), Remembered::First);
        assert_eq!(remember(&replays, one, 100), Remembered::First, "older ones are refused for their age");
    }

    #[test]
    fn a_flood_fills_it_and_pushes_nothing_out() {
        let replays = MemoryReplays::new(NonZeroUsize::new(640).unwrap());
        let first = message(0);
        assert_eq!(remember(&replays, first, 0), Remembered::First);
        let outcomes: Vec<_> = (1..2000).map(|number| remember(&replays, message(number), 1)).collect();
        assert!(outcomes.contains(&Remembered::NoRoom), "memory is bounded");
        assert_eq!(remember(&replays, first, 2), Remembered::Again, "what was there is still refused");
        let held: usize = replays.shards.iter().map(|shard| shard.lock().unwrap().held.len()).sum();
        assert!(held <= 640, "{held} held");
        let later = OneTime { until: at(300), ..message(3000) };
        assert_eq!(remember(&replays, later, 200), Remembered::First, "there is room again when they are over");
    }

    #[test]
    fn a_delivery_that_the_upstream_did_not_take_may_be_tried_again() {
        let replays = Arc::new(MemoryReplays::new(NonZeroUsize::new(640).unwrap()));
        let what = message(1);
        let attempt = || {
            assert_eq!(remember(&replays, what, 0), Remembered::First);
            Delivery::new(replays.clone(), what.id)
        };
        drop(attempt());
        attempt().answered(StatusCode::BAD_GATEWAY);
        attempt().answered(StatusCode::NO_CONTENT);
        assert_eq!(remember(&replays, what, 0), Remembered::Again);
    }
}
