//! What the data plane counts itself: no lock, no allocation, and no cache line that two workers write to.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{MAX_SERIES, OVERFLOW};

/// Cells of a counter. Workers that share one are slower, never wrong.
pub(super) const SHARDS: usize = 8;

/// A number on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Cell(AtomicU64);

/// A number that only grows. Each thread adds to a cell of its own; a scrape sums them up.
#[derive(Default)]
pub struct Counter([Cell; SHARDS]);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds a number.
    pub fn add(&self, number: u64) {
        if let Some(cell) = self.0.get(shard()) {
            cell.0.fetch_add(number, Ordering::Relaxed);
        }
    }

    /// The sum so far.
    pub fn value(&self) -> u64 {
        self.0.iter().fold(0, |sum, cell| sum.wrapping_add(cell.0.load(Ordering::Relaxed)))
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Counter({})", self.value())
    }
}

/// A number that goes up and down, or is set.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Goes up or, by a negative number, down.
    pub fn add(&self, number: i64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// Sets it.
    pub fn set(&self, number: i64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// The number at present.
    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A label whose values are known when the program is compiled: an enum without fields.
pub trait Label: Copy + 'static {
    /// Every value, in the order of their numbers.
    const ALL: &'static [Self];
    /// Its place in [`Label::ALL`].
    fn index(self) -> usize;
    /// The word that metrics use.
    fn as_str(self) -> &'static str;
}

/// One counter for each value of a label.
pub struct Counters<L>(Box<[Counter]>, PhantomData<fn(L)>);

impl<L: Label> Counters<L> {
    /// Adds one.
    pub fn increment(&self, label: L) {
        if let Some(counter) = self.0.get(label.index()) {
            counter.increment();
        }
    }

    /// Each value with its number.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        L::ALL.iter().zip(&self.0).map(|(label, counter)| (label.as_str(), counter.value()))
    }
}

impl<L: Label> Default for Counters<L> {
    fn default() -> Self {
        Self(L::ALL.iter().map(|_| Counter::default()).collect(), PhantomData)
    }
}

impl<L: Label> fmt::Debug for Counters<L> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

/// One `T` for each name of the configuration: an upstream, a listener. Ask for it once, when a configuration is compiled, and
/// keep the `Arc`: the look-up locks.
#[derive(Debug)]
pub struct Named<T>(Mutex<BTreeMap<Arc<str>, Arc<T>>>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Named<T> {
    /// What is counted under that name; shared by everything beyond 20,000 names.
    pub fn of(&self, name: &str) -> Arc<T> {
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = named.get(name) {
            return found.clone();
        }
        let name = if named.len() < MAX_SERIES { name } else { OVERFLOW };
        named.entry(name.into()).or_default().clone()
    }

    /// Everything that is counted, by name.
    pub fn all(&self) -> Vec<(Arc<str>, Arc<T>)> {
        let named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        named.iter().map(|(name, counted)| (name.clone(), counted.clone())).collect()
    }
}

/// Which cell is this thread's: its thread-local storage stands at an address that no other thread has.
pub(super) fn shard() -> usize {
    thread_local! { static HERE: u8 = const { 0 } }
    let address = HERE.with(|here| std::ptr::from_ref(here).addr());
    // Fibonacci hashing: the addresses of threads differ by multiples of their stacks' size only.
    let mixed = u64::try_from(address).unwrap_or_default().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 61).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_count_is_lost_between_threads() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| (0..10_000).for_each(|_| counter.increment()));
            }
        });
        assert_eq!(counter.value(), 60_000);
    }

    #[test]
    fn a_name_is_counted_in_one_place_and_a_flood_of_names_in_one_more() {
        let named: Named<Gauge> = Named::default();
        named.of("shop").add(2);
        named.of("shop").add(-1);
        for number in 0..MAX_SERIES + 50 {
            named.of(&number.to_string()).add(1);
        }
        assert_eq!(named.of("shop").value(), 1);
        assert_eq!(named.all().len(), MAX_SERIES + 1);
        assert_eq!(named.of(OVERFLOW).value(), 51);
    }
}
