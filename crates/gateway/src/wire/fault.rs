/// Why a message is refused before hyper sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It could be read in two ways, or in none.
    #[error("{0}")]
    Malformed(&'static str),
    /// Too many fields, or too many bytes of them.
    #[error("head-too-large")]
    HeadTooLarge,
    /// The request target is too long.
    #[error("target-too-long")]
    TargetTooLong,
    /// The head did not come in time.
    #[error("head-too-slow")]
    HeadTooSlow,
}

/// Sizes beyond which a head is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadBounds {
    /// Bytes of the whole head.
    pub(crate) bytes: usize,
    /// Header fields.
    pub(crate) fields: usize,
    /// Bytes of the request target.
    pub(crate) target: usize,
}
