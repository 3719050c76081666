//! Random bytes from a generator that the caller passes in.

pub use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::{Secret, VaultError};

/// `N` random bytes for a value that is no secret: an identifier, a salt, a nonce.
///
/// # Errors
/// [`VaultError::NoRandomness`] if the generator fails.
pub fn bytes<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(|_| VaultError::NoRandomness)?;
    Ok(bytes)
}

/// `N` random bytes that must stay secret: a key, a token.
///
/// # Errors
/// [`VaultError::NoRandomness`] if the generator fails.
pub fn secret<const N: usize>(random: &dyn SecureRandom) -> Result<Secret<[u8; N]>, VaultError> {
    Secret::try_filled([0; N], |bytes| random.fill(bytes).map_err(|_| VaultError::NoRandomness))
}
