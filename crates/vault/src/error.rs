use std::{io, path::PathBuf};

use crate::{Fingerprint, TokenAlgorithm};

/// Why the vault could not do what was asked. No variant carries key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The operating system gave no random bytes; nothing that needs them may go on.
    #[error("the system's random number generator gave no bytes")]
    NoRandomness,
    /// The bytes given are no PKCS#8 document of a P-256 private key.
    #[error("this is not a PKCS#8 document of a P-256 private key")]
    NotASigningKey,
    /// The bytes given are no PKCS#8 document of a private key for that algorithm.
    #[error("this is not a PKCS#8 document of a private key for {algorithm}")]
    NotATokenKey {
        /// What it should sign with.
        algorithm: TokenAlgorithm,
    },
    /// The cryptographic library refused an operation that has no reason to fail on valid input.
    #[error("the cryptographic library could not {operation}")]
    Library {
        /// What was being done, to stand after "could not".
        operation: &'static str,
    },
    /// The root key cannot be taken from where it should be.
    #[error("root key `{}`: {fault}", path.display())]
    RootFile {
        /// The file or directory at fault.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        fault: RootFileFault,
    },
    /// The name of a credential would lead out of the credentials directory.
    #[error("`{name}` is no name of a credential: it has to be the name of one file, without `/`")]
    CredentialName {
        /// The name as it was configured.
        name: String,
    },
    /// The value was sealed under another root: a restored backup with the wrong key, or a key that was replaced.
    #[error(
        "this state was sealed under another root key (expected {expected}, have {have}): restore that key, or start with an empty state"
    )]
    OtherRoot {
        /// The root that the value needs.
        expected: Fingerprint,
        /// The root that is loaded.
        have: Fingerprint,
    },
    /// The bytes are too short for a sealed value, or of a version that this program does not know.
    #[error("this is no sealed value that this version understands")]
    NotSealed,
    /// The value was changed after it was sealed, or belongs to another place or purpose.
    #[error("this sealed value does not belong here, or was changed after it was sealed")]
    Forged,
}

/// What is wrong with a root key's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootFileFault {
    /// It cannot be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// It cannot be made.
    #[error("cannot be created: {0}; give the directory to the user that runs this program")]
    Uncreatable(#[source] io::Error),
    /// It is a directory, a pipe or a device.
    #[error("is not a regular file")]
    NotAFile,
    /// Others than the owner could read or replace it.
    #[error(
        "is open to other users (mode {mode:04o}); run `chmod {wanted:04o}` on it, and replace the key if others had access"
    )]
    Open {
        /// Its permission bits.
        mode: u32,
        /// The widest bits that are accepted.
        wanted: u32,
    },
    /// Somebody else owns it, who could replace it.
    #[error("belongs to user id {owner}, not to root or to the user id {own} that runs this program")]
    ForeignOwner {
        /// Its owner.
        owner: u32,
        /// The effective user of this process.
        own: u32,
    },
    /// It does not hold 256 bits in a form that is understood.
    #[error(
        "does not hold a 256-bit key: 32 raw bytes, 64 hexadecimal digits or base64; `openssl rand -hex 32` makes one"
    )]
    Format,
    /// It holds 32 bytes that no random generator makes.
    #[error("holds 32 bytes of text or of one repeated value, not random ones; `openssl rand -hex 32` makes a key")]
    Weak,
}
