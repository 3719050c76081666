//! The gate's *wire*, with the check that its property tests make as well.

mod chunks;
mod differential;
mod fault;
mod framer;
mod head;
mod pace;
mod stream;
mod target;

pub(crate) use differential::check;
pub(crate) use fault::{Fault, HeadBounds};
pub(crate) use pace::{Budget, InFlight, Pace, Ticks};
pub(crate) use stream::Wire;
