//! Requests and answers, held against what the OpenAPI document says of their operation.

mod answer;
mod lesson;
mod request;

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::refusal::Refusal;

pub(super) use answer::only_declared;
pub(super) use request::judge;

/// Bodies from here on are judged on threads of their own: the worker has other connections to serve meanwhile.
const LARGE: usize = 64 * 1024;
/// Faults that an event names; the rest is more of the same.
const MOST_OBSERVED: usize = 8;
/// Characters of a place that an event names.
const MOST_PLACE: usize = 120;

/// How many large bodies are judged at once: as many as there are cores. Others wait, and while they wait cost nothing.
#[derive(Clone)]
pub(crate) struct Judges(Arc<Semaphore>);

impl Default for Judges {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self(Arc::new(Semaphore::new(cores)))
    }
}

impl Judges {
    /// Runs `work` on `bytes` bytes: here if they are few, elsewhere if they are many.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        if bytes <= LARGE {
            return Ok(work());
        }
        let place = self.0.clone().acquire_owned().await.map_err(|_| Refusal::Overloaded)?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|_| Refusal::Internal("judging-a-body-failed"))
    }
}

/// A place as an event names it.
fn place(part: &str, pointer: &str) -> String {
    let pointer: String = pointer.chars().take(MOST_PLACE).collect();
    format!("{part} {pointer}").trim_end().to_owned()
}
