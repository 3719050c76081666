//! Secrets, the key hierarchy and sealing: key bytes exist only here.
//!
//! - [`Secret`] holds any value that must not be printed; [`SigningKey`] signs with ES256 and gives out its public half,
//!   [`TokenKey`] does the same with any algorithm that clients of an issuer may ask for.
//! - [`Root`] is the one 256-bit key that is guarded and backed up. Every other key descends from it by HKDF, one for each
//!   [`Purpose`], so that the loss of one says nothing about another. Where it came from ([`RootOrigin`]) is part of the posture.
//! - [`MacKey`] makes values that nobody else can make.
//! - [`SealingKey`] turns a value into [`Sealed`] bytes that may lie in a database, and back.
//!
//! Invariant: nothing in this crate formats, serializes or logs a key, and all cryptography is aws-lc-rs.

mod derive;
mod error;
mod mac;
pub mod random;
mod root;
mod root_file;
mod sealing;
mod secret;
mod signing;
mod token_key;

pub use error::{RootFileFault, VaultError};
pub use mac::MacKey;
pub use root::{Fingerprint, Purpose, Root, RootOrigin, RootSource};
pub use sealing::{Sealed, SealingKey};
pub use secret::Secret;
pub use signing::{PublicKey, SigningKey};
pub use token_key::{TokenAlgorithm, TokenKey, TokenPublicKey};

/// The SHA-256 digest of `bytes` (`FIPS 180-4`), for checksums and for look-ups by hash.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut copy = [0; 32];
    copy.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    copy
}
