use bartizan_evidence::EvidenceError;
use bartizan_store::StoreError;
use bartizan_vault::VaultError;

/// Why something about identities could not be done. None of it is told to whoever sent a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key, a sealed value or randomness.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The audit log: what cannot be recorded is not done.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// More passwords are waiting to be hashed, or mails to be sent, than may wait.
    #[error("more sign-ins or mails are waiting than the node takes")]
    Overloaded,
    /// Something in the store is not what this program wrote.
    #[error(
        "the stored {what} cannot be read: restore the state from a backup, or delete the account by `bartizan user delete`"
    )]
    Damaged {
        /// What.
        what: &'static str,
    },
    /// A library refused what it should accept.
    #[error("{operation} failed in a library: {cause}")]
    Library {
        /// What was tried.
        operation: &'static str,
        /// What it says.
        cause: String,
    },
    /// The configuration names something that cannot be used.
    #[error("`[identity] {key}`: {cause}")]
    Configuration {
        /// The key.
        key: &'static str,
        /// What is wrong, and what to do.
        cause: String,
    },
}
