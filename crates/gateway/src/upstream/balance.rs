//! Which of several endpoints gets a request.

use std::cell::Cell;

/// An endpoint as a choice sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Where it stands in the group.
    pub(super) index: usize,
    /// Its part of the traffic; not 0.
    pub(super) weight: u64,
    /// Requests that it has in flight.
    pub(super) load: u32,
}

/// Numbers that nobody has to be unable to guess: xorshift64*, one for each worker.
pub(super) struct Dice(Cell<u64>);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Cell::new(seed | 1))
    }

    /// A number below `bound`; 0 if that is 0.
    pub(super) fn below(&self, bound: u64) -> u64 {
        let mut state = self.0.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.0.set(state);
        let number = state.wrapping_mul(0x2545_F491_4F6C_DD1D);
        // The high half of the product is uniform enough without a division (Lemire).
        u64::try_from((u128::from(number) * u128::from(bound)) >> 64).unwrap_or_default()
    }
}

/// Power of two choices: of two taken by weight, the one with less to do for its weight. Nearly as even as looking at all, and two
/// workers that look at the same moment do not both run to the same endpoint.
pub(super) fn least_loaded(candidates: &[Candidate], dice: &Dice) -> Option<usize> {
    let first = by_weight(candidates, None, dice)?;
    let Some(second) = by_weight(candidates, Some(first.index), dice) else { return Some(first.index) };
    let is_lighter =
        u128::from(second.load) * u128::from(first.weight) < u128::from(first.load) * u128::from(second.weight);
    Some(if is_lighter { second.index } else { first.index })
}

fn by_weight(candidates: &[Candidate], without: Option<usize>, dice: &Dice) -> Option<Candidate> {
    let others = || candidates.iter().filter(|candidate| Some(candidate.index) != without);
    let mut left = dice.below(others().map(|candidate| candidate.weight).sum());
    others()
        .find(|candidate| match left.checked_sub(candidate.weight) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
        .copied()
}

/// Smooth weighted round robin: over a round each endpoint has its part, and a heavy one does not get it all at once. `turns` is each
/// endpoint's credit, by its place in the group.
pub(super) fn in_turns(candidates: &[Candidate], turns: &[Cell<i64>]) -> Option<usize> {
    let mut total = 0_i64;
    let mut best: Option<(usize, i64)> = None;
    for candidate in candidates {
        let turn = turns.get(candidate.index)?;
        let weight = i64::try_from(candidate.weight).unwrap_or(i64::MAX);
        let credit = turn.get().saturating_add(weight);
        turn.set(credit);
        total = total.saturating_add(weight);
        if best.is_none_or(|(_, most)| credit > most) {
            best = Some((candidate.index, credit));
        }
    }
    let (index, credit) = best?;
    turns.get(index)?.set(credit.saturating_sub(total));
    Some(index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(parts: &[(u64, u32)]) -> Vec<Candidate> {
        parts.iter().enumerate().map(|(index, &(weight, load))| Candidate { index, weight, load }).collect()
    }

    #[test]
    fn turns_follow_the_weights_smoothly() {
        let turns: Vec<Cell<i64>> = (0..3).map(|_| Cell::new(0)).collect();
        let all = candidates(&[(5, 0), (1, 0), (1, 0)]);
        let order: Vec<usize> = (0..7).filter_map(|_| in_turns(&all, &turns)).collect();
        assert_eq!(order, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn the_busier_of_two_is_spared() {
        let dice = Dice::new(7);
        for parts in [[(1, 5), (1, 4)], [(2, 10), (1, 4)], [(1, 1), (10, 0)]] {
            assert!((0..100).all(|_| least_loaded(&candidates(&parts), &dice) == Some(1)), "{parts:?}");
        }
    }

    #[test]
    fn idle_endpoints_are_chosen_by_weight() {
        let dice = Dice::new(42);
        let all = candidates(&[(1000, 0), (3000, 0)]);
        let heavy = (0..10_000).filter(|_| least_loaded(&all, &dice) == Some(1)).count();
        assert!((7_200..7_800).contains(&heavy), "{heavy} of 10,000");
    }

    proptest! {
        #[test]
        fn whatever_the_weights_somebody_is_chosen_who_is_there(
            parts in prop::collection::vec((1..u64::from(u32::MAX), any::<u32>()), 1..20),
            seed in any::<u64>(),
        ) {
            let (all, dice) = (candidates(&parts), Dice::new(seed));
            let turns: Vec<Cell<i64>> = parts.iter().map(|_| Cell::new(0)).collect();
            prop_assert!(least_loaded(&all, &dice).unwrap() < parts.len());
            prop_assert!(in_turns(&all, &turns).unwrap() < parts.len());
        }
    }
}
