use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};

use crate::{Secret, VaultError};

/// HKDF with SHA-256 (`RFC 5869`): `N` bytes from `key`, for the use that `info` names.
///
/// The parts of `info` are joined as they are, so all but the last one must have a fixed length.
pub(crate) fn derive<const N: usize>(key: &[u8], salt: &[u8], info: &[&[u8]]) -> Result<Secret<[u8; N]>, VaultError> {
    const REFUSED: VaultError = VaultError::Library { operation: "derive a key" };
    let extracted = Salt::new(HKDF_SHA256, salt).extract(key);
    let expanded = extracted.expand(info, Length(N)).map_err(|_| REFUSED)?;
    Secret::try_filled([0; N], |bytes| expanded.fill(bytes).map_err(|_| REFUSED))
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
