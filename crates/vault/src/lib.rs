//! Secrets, the key hierarchy and sealing: key bytes exist only here.
//!
//! - [`Secret`] holds any value that must not be printed; [`SigningKey`] signs with ES256 and gives out its public half.
//! - Every other key descends from one 256-bit root by HKDF, one key per purpose, so that the loss of one says nothing
//!   about another, and one secret has to be guarded and backed up, not many.
//!
//! Invariant: nothing in this crate formats, serializes or logs a key, and all cryptography is aws-lc-rs.

mod error;
pub mod random;
mod secret;
mod signing;

pub use error::VaultError;
pub use secret::Secret;
pub use signing::{PublicKey, SigningKey};
