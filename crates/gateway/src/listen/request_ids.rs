//! Ids of requests, with randomness drawn from the system's generator by the hundred: one draw for each request cost as much as
//! routing it.

use std::cell::RefCell;
use std::time::SystemTime;

use bartizan_evidence::RequestId;

const RANDOM_BYTES: usize = 10;
const DRAWN: usize = 128;

/// The ids of one worker. They name requests and grant nothing: that the next ones are in memory already helps nobody.
#[derive(Default)]
pub(super) struct RequestIds(RefCell<Vec<[u8; RANDOM_BYTES]>>);

impl RequestIds {
    /// An id that nobody has had.
    pub(super) fn next(&self, now: SystemTime) -> RequestId {
        let mut ready = self.0.borrow_mut();
        if ready.is_empty() {
            let mut drawn = [0; RANDOM_BYTES * DRAWN];
            draw(&mut drawn);
            ready.extend_from_slice(drawn.as_chunks().0);
        }
        RequestId::new(now, ready.pop().unwrap_or_default())
    }
}

/// One id, where no worker draws them by the hundred.
pub(crate) fn request_id(now: SystemTime) -> RequestId {
    let mut random = [0; RANDOM_BYTES];
    draw(&mut random);
    RequestId::new(now, random)
}

fn draw(random: &mut [u8]) {
    // Without randomness an id is still ordered by time; uniqueness is not worth refusing service for.
    let _ = aws_lc_rs::rand::fill(random);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_comes_twice_however_many_are_taken_in_one_millisecond() {
        let (ids, now) = (RequestIds::default(), SystemTime::now());
        let taken: HashSet<_> = (0..DRAWN * 3).map(|_| ids.next(now)).collect();
        assert_eq!(taken.len(), DRAWN * 3);
    }
}
