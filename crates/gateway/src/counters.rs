use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasherDefault;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bartizan_policy::{Rate, Tat, Verdict};

use crate::ports::{CounterKey, Counters, Reply};
use crate::spread::Spread;

/// The key is a keyed hash already: nobody outside can choose where it falls.
type Shard = HashMap<CounterKey, Tat, BuildHasherDefault<Spread>>;

const SHARDS: usize = 64;
/// How many counters of a full shard are looked at to find one to forget.
const CANDIDATES: usize = 16;

/// Counters of one node, in memory that does not grow with the number of attackers.
///
/// A full shard forgets the counter that is closest to being idle anyway, out of a few: a flood of fresh addresses replaces its own
/// fresh counters, not those of the clients that have used up their share.
pub struct MemoryCounters {
    started: Instant,
    shards: Box<[Mutex<Shard>]>,
    per_shard: usize,
}

impl MemoryCounters {
    /// Room for about `capacity` counters.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self {
            started: Instant::now(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            per_shard: capacity.get().div_ceil(SHARDS),
        }
    }

    fn judge(&self, key: CounterKey, rate: Rate, cost: NonZeroU32, now: u64, keep: bool) -> Verdict {
        // Its high bits choose the shard, the map uses all of it.
        let shard = usize::try_from(key.0 >> 58).unwrap_or(0);
        let Some(shard) = self.shards.get(shard) else { return rate.judge(Tat::default(), now, cost).1 };
        let mut counters = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if keep && counters.len() >= self.per_shard && !counters.contains_key(&key) {
            forget_one(&mut counters, now);
        }
        match counters.entry(key) {
            Entry::Occupied(mut held) => {
                let (tat, verdict) = rate.judge(*held.get(), now, cost);
                if keep {
                    held.insert(tat);
                }
                verdict
            }
            Entry::Vacant(free) => {
                let (tat, verdict) = rate.judge(Tat::default(), now, cost);
                if keep {
                    free.insert(tat);
                }
                verdict
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Makes room: drops every counter that is idle among the candidates, else the one with the least to forgive.
fn forget_one(counters: &mut Shard, now: u64) {
    // The map's own order is random enough: it is that of the keys, whose secret is the process's own.
    let candidates: Vec<(CounterKey, Tat)> = counters.iter().take(CANDIDATES).map(|(key, tat)| (*key, *tat)).collect();
    let idle = candidates.iter().filter(|(_, tat)| tat.0 <= now);
    let least = candidates.iter().min_by_key(|(_, tat)| *tat);
    for (key, _) in idle.chain(least) {
        counters.remove(key);
    }
}

impl Counters for MemoryCounters {
    fn count(&self, key: CounterKey, rate: Rate, cost: NonZeroU32) -> Reply<'_, Verdict> {
        Reply::Now(self.judge(key, rate, cost, self.now(), true))
    }

    fn look(&self, key: CounterKey, rate: Rate) -> Reply<'_, Verdict> {
        Reply::Now(self.judge(key, rate, NonZeroU32::MIN, self.now(), false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn memory_stays_bounded_under_a_flood_of_distinct_clients() {
        let counters = MemoryCounters::new(NonZeroUsize::new(6400).unwrap());
        for client in 0..200_000_u64 {
            let key = CounterKey(client.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            counters.judge(key, rate("10/minute"), NonZeroU32::MIN, client, true);
        }
        let held: usize = counters.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(held <= 6400 + SHARDS, "{held} counters held");
    }

    #[test]
    fn a_flood_does_not_wash_away_the_counter_of_a_client_that_used_up_its_share() {
        let counters = MemoryCounters::new(NonZeroUsize::new(640).unwrap());
        let greedy = CounterKey(7);
        for _ in 0..10 {
            assert!(counters.judge(greedy, rate("10/minute"), NonZeroU32::MIN, 0, true).allowed);
        }
        for client in 1..100_000_u64 {
            let key = CounterKey(client.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            counters.judge(key, rate("10/minute"), NonZeroU32::MIN, 1, true);
        }
        assert!(!counters.judge(greedy, rate("10/minute"), NonZeroU32::MIN, 2, true).allowed);
    }

    #[test]
    fn looking_does_not_count() {
        let counters = MemoryCounters::new(NonZeroUsize::new(64).unwrap());
        for _ in 0..100 {
            assert!(counters.judge(CounterKey(1), rate("1/minute"), NonZeroU32::MIN, 0, false).allowed);
        }
    }
}
