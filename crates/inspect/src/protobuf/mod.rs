//! Protocol Buffers messages against the descriptors of their services: what a gRPC method declares passes, and nothing else does.
//!
//! A message carries numbers and no names; a server skips the numbers that it does not know, keeps them, and hands them on. So what its
//! document does not declare travels through it unseen. Here a message is read once, without being decoded: places, numbers and lengths.

mod check;
mod descriptor;
mod reader;
#[cfg(test)]
mod tests;

pub use check::{Limits, MessageFault, Unknown, check};
pub use descriptor::{Descriptors, DescriptorsFault, FieldName, MessageId, Method};
