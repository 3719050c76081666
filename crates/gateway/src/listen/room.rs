use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bartizan_evidence::ConnectionRefusal;

use crate::config::Limits;

/// Parts of the table of addresses: a connection that opens or closes locks one of them for a look-up.
const SHARDS: usize = 16;

/// How many connections stand open, in total and for each address. It outlives a configuration, so that a reload forgets nobody.
#[derive(Debug, Default)]
pub(crate) struct Room {
    open: AtomicUsize,
    handshakes: AtomicUsize,
    by_address: [Mutex<HashMap<u128, usize>>; SHARDS],
    hasher: RandomState,
}

/// A place among the connections, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    room: Arc<Room>,
    address: Option<u128>,
}

/// A place among the TLS handshakes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Handshake(Arc<Room>);

impl Room {
    /// A place for a connection of whomever: who it is for may still have to be read from it.
    pub(crate) fn enter(self: &Arc<Self>, limits: &Limits) -> Result<Place, ConnectionRefusal> {
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        // From here on dropping it gives it back.
        let place = Place { room: self.clone(), address: None };
        if before < limits.connections.get() { Ok(place) } else { Err(ConnectionRefusal::Total) }
    }

    /// A place for a handshake: signatures are what a flood of connections costs.
    pub(crate) fn begin_handshake(self: &Arc<Self>, limits: &Limits) -> Result<Handshake, ConnectionRefusal> {
        let before = self.handshakes.fetch_add(1, Ordering::Relaxed);
        let handshake = Handshake(self.clone());
        if before < limits.handshakes.get() { Ok(handshake) } else { Err(ConnectionRefusal::Handshakes) }
    }

    fn count(&self, address: u128, most: usize) -> bool {
        let Some(shard) = self.shard(address) else { return true };
        let mut counts = shard.lock().unwrap_or_else(PoisonError::into_inner);
        // As many entries as there are connections: one that goes to zero is removed.
        let count = counts.entry(address).or_default();
        let has_room = *count < most;
        *count += usize::from(has_room);
        has_room
    }

    fn leave(&self, address: u128) {
        let Some(shard) = self.shard(address) else { return };
        let mut counts = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }

    fn shard(&self, address: u128) -> Option<&Mutex<HashMap<u128, usize>>> {
        let shards = u64::try_from(SHARDS).unwrap_or(1);
        self.by_address.get(usize::try_from(self.hasher.hash_one(address) % shards).unwrap_or_default())
    }
}

impl Place {
    /// Counts the connection for its address.
    pub(crate) fn claim(&mut self, address: u128, limits: &Limits) -> Result<(), ConnectionRefusal> {
        if self.address.is_none() && !self.room.count(address, limits.connections_per_address.get()) {
            return Err(ConnectionRefusal::Address);
        }
        self.address = Some(address);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.address {
            self.room.leave(address);
        }
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.0.handshakes.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn limits(connections: usize, per_address: usize) -> Limits {
        let at_most = |count| NonZeroUsize::new(count).unwrap();
        Limits { connections: at_most(connections), connections_per_address: at_most(per_address), ..Limits::default() }
    }

    #[test]
    fn one_address_cannot_take_the_room_of_the_others() {
        let room = Arc::new(Room::default());
        let limits = limits(10, 2);
        let enter = |address| {
            let mut place = room.enter(&limits).unwrap();
            place.claim(address, &limits).map(|()| place)
        };
        let first = enter(1).unwrap();
        let _second = enter(1).unwrap();
        assert_eq!(enter(1).unwrap_err(), ConnectionRefusal::Address);
        let _other = enter(2).unwrap();
        drop(first);
        let _again = enter(1).unwrap();
    }

    #[test]
    fn connections_are_bounded_in_total_and_every_place_is_given_back() {
        let room = Arc::new(Room::default());
        let limits = limits(3, 1);
        let mut places: Vec<Place> = (0..3).map(|_| room.enter(&limits).unwrap()).collect();
        assert_eq!(room.enter(&limits).unwrap_err(), ConnectionRefusal::Total);
        places[0].claim(7, &limits).unwrap();
        drop(places);
        assert_eq!(room.open.load(Ordering::Relaxed), 0);
        assert!(room.by_address.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }
}
