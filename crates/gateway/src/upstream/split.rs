//! A route's traffic between several upstreams, by weight.

use std::net::IpAddr;
use std::sync::Arc;

use bartizan_policy::Principal;

use super::Remote;

/// Upstreams with their parts; the sum of the parts is not 0.
pub(crate) struct Split {
    shares: Vec<(Arc<Remote>, u64)>,
    total: u64,
}

impl Split {
    /// `None` if nobody has a part.
    pub(crate) fn new(shares: impl IntoIterator<Item = (Arc<Remote>, u16)>) -> Option<Self> {
        let with_part = shares.into_iter().filter(|(_, weight)| *weight > 0);
        let shares: Vec<_> = with_part.map(|(remote, weight)| (remote, u64::from(weight))).collect();
        let total = shares.iter().map(|(_, weight)| weight).sum();
        (total > 0).then_some(Self { shares, total })
    }

    /// Whoever is signed in stays on one side, on every node; others do by their address. Between two versions, half of what somebody
    /// does by each would show faults that neither has.
    pub(crate) fn of(&self, caller: Option<&Principal>, client: IpAddr) -> Option<&Arc<Remote>> {
        let point = match (caller, client) {
            (Some(caller), _) => hash(&[caller.issuer.as_str().as_bytes(), caller.subject.as_str().as_bytes()]),
            (None, IpAddr::V4(v4)) => hash(&[&v4.octets()]),
            (None, IpAddr::V6(v6)) => hash(&[&v6.octets()]),
        };
        self.at(point)
    }

    /// Who answers what the gate itself asks.
    pub(crate) fn first(&self) -> Option<&Arc<Remote>> {
        self.at(0)
    }

    fn at(&self, point: u64) -> Option<&Arc<Remote>> {
        share_at(self.shares.iter().map(|(_, weight)| *weight), self.total, point)
            .and_then(|index| self.shares.get(index))
            .map(|(remote, _)| remote)
    }
}

fn share_at(mut weights: impl Iterator<Item = u64>, total: u64, point: u64) -> Option<usize> {
    let mut left = point.checked_rem(total)?;
    weights.position(|weight| match left.checked_sub(weight) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    })
}

/// FNV-1a, mixed: the same on every node and in every version, and nothing is gained by aiming at it.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_side_and_the_sides_have_their_parts() {
        let side = |user: u32| share_at([95, 5].into_iter(), 100, hash(&[b"issuer", user.to_string().as_bytes()]));
        let canary = (0..20_000).filter(|user| side(*user) == Some(1)).count();
        assert!((850..1150).contains(&canary), "{canary} of 20,000 where 1,000 are meant");
        assert!((0..100).all(|user| side(user) == side(user)));
    }

    #[test]
    fn a_larger_part_takes_nobody_back() {
        // The canary stands last: growing it moves people to it, and nobody from it.
        for user in 0..2000_u32 {
            let point = hash(&[&user.to_be_bytes()]);
            let (few, many) = (share_at([95, 5].into_iter(), 100, point), share_at([50, 50].into_iter(), 100, point));
            assert!(few != Some(1) || many == Some(1), "{user}");
        }
    }
}
