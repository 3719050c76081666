//! What happens to an upstream's answer before the client sees it: pure functions over heads and bytes.

pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod errors;
pub(crate) mod headers;
pub(crate) mod mask;

/// What the client's side of the connection is.
///
/// Where TLS ends at a proxy that is trusted and `public_url` begins with `https`, the client's side is [`Transport::Tls`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// The client speaks HTTPS.
    Tls,
    /// The client speaks plain HTTP.
    Plain,
}

/// Whether the request carried an accepted credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody is known; the answer may be meant for everybody.
    Anonymous,
    /// The answer is meant for one principal.
    Authenticated,
}
