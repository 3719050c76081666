use std::{
    fmt,
    path::{Path, PathBuf},
};

use aws_lc_rs::rand::SecureRandom;

use crate::{MacKey, SealingKey, Secret, VaultError, derive::derive, root_file};

/// The root of the key hierarchy: 256 bits from which every other key is derived.
///
/// Whoever holds it can open all sealed state; without it, all sealed state is lost. So it is guarded and backed up apart from
/// the state, wherever the [`RootSource`] allows that.
pub struct Root {
    key: Secret<[u8; 32]>,
    fingerprint: Fingerprint,
    origin: RootOrigin,
}

/// Where the root key is to be taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootSource {
    /// A credential of the service manager: systemd's `LoadCredential=` and `LoadCredentialEncrypted=` put it into a directory
    /// that only this service can read, sealed to the machine's TPM where there is one.
    Credential {
        /// `$CREDENTIALS_DIRECTORY`, which the caller reads.
        directory: PathBuf,
        /// The credential's name: one file name.
        name: String,
    },
    /// A file, best outside the state directory and its backups. Only its owner may have access (mode 0600 or 0400), and the owner
    /// must be root or the user that runs this program.
    File(PathBuf),
    /// A key made on the first start as `vault/root.key` in this state directory. For development: whoever copies the state
    /// copies the key.
    Automatic(PathBuf),
}

/// Where the root key came from, for the posture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootOrigin {
    /// A credential of the service manager, by its name.
    Credential(String),
    /// A file outside of our making.
    File(PathBuf),
    /// The file beside the state that it protects: weaker than the others.
    Automatic(PathBuf),
}

/// What a derived key is for. Each purpose has a key of its own; the text is part of the derivation and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(pub &'static str);

/// Eight bytes, derived one way, that tell roots apart and say nothing about their keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 8]);

impl Root {
    /// Loads the root from `source`; [`RootSource::Automatic`] makes it with `random` where there is none.
    ///
    /// # Errors
    /// [`VaultError::RootFile`] and [`VaultError::CredentialName`] name the file and what is wrong with it.
    pub fn load(source: &RootSource, random: &dyn SecureRandom) -> Result<Self, VaultError> {
        let (key, origin) = match source {
            RootSource::Credential { directory, name } => {
                (root_file::credential(directory, name)?, RootOrigin::Credential(name.clone()))
            }
            RootSource::File(path) => (root_file::private(path)?, RootOrigin::File(path.clone())),
            RootSource::Automatic(state) => {
                let path = automatic_path(state);
                (root_file::load_or_create(&path, random)?, RootOrigin::Automatic(path))
            }
        };
        Self::of(key, origin)
    }

    /// The key for `purpose`: always the same for the same root.
    ///
    /// # Errors
    /// [`VaultError::Library`] if the derivation fails.
    pub fn sealing_key(&self, purpose: Purpose) -> Result<SealingKey, VaultError> {
        let key = derive(self.key.expose(), SALT, &[b"sealing/", purpose.0.as_bytes()])?;
        Ok(SealingKey::new(key, self.fingerprint))
    }

    /// The key that makes unguessable values for `purpose`: always the same for the same root, and not its sealing key.
    ///
    /// # Errors
    /// [`VaultError::Library`] if the derivation fails.
    pub fn mac_key(&self, purpose: Purpose) -> Result<MacKey, VaultError> {
        Ok(MacKey::new(&derive(self.key.expose(), SALT, &[b"mac/", purpose.0.as_bytes()])?))
    }

    /// Tells this root from others: to be stored beside what it seals.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Where the key came from.
    pub const fn origin(&self) -> &RootOrigin {
        &self.origin
    }

    /// Whether this is the root that stored state was sealed under, asked once at start, before anything is opened or written.
    ///
    /// # Errors
    /// [`VaultError::OtherRoot`] if it is not.
    pub fn check(&self, expected: Fingerprint) -> Result<(), VaultError> {
        if self.fingerprint == expected {
            return Ok(());
        }
        Err(VaultError::OtherRoot { expected, have: self.fingerprint })
    }

    fn of(key: Secret<[u8; 32]>, origin: RootOrigin) -> Result<Self, VaultError> {
        let fingerprint = Fingerprint(*derive(key.expose(), SALT, &[b"fingerprint"])?.expose());
        Ok(Self { key, fingerprint, origin })
    }
}

impl Fingerprint {
    /// The length of a fingerprint in bytes.
    pub const LENGTH: usize = 8;

    /// The fingerprint that was stored as `bytes`.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Separates our derivations from any other program's that is given the same root (`RFC 5869 §3.1`).
const SALT: &[u8] = b"bartizan key hierarchy, version 1";

fn automatic_path(state: &Path) -> PathBuf {
    state.join("vault").join("root.key")
}

#[cfg(test)]
mod tests;
