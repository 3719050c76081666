//! A hash for keys that nobody outside chooses.

use std::hash::Hasher;

/// Spreads numbers over a map. Only for numbers that the gate chose, or that are keyed hashes themselves: nothing is gained for them by a
/// slower hash, and an attacker who chose others could make all of them collide.
#[derive(Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
