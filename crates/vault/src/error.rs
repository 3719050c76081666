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
    /// The cryptographic library refused an operation that has no reason to fail on valid input.
    #[error("the cryptographic library could not {operation}")]
    Library {
        /// What was being done, to stand after "could not".
        operation: &'static str,
    },
}
