use bartizan_policy::IssuerName;

/// Why a token was refused. Holds no text of the token: what a stranger sent never reaches a log through an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES).
    #[error("the token is longer than 16 KiB")]
    TooLong,
    /// Not a JWS in compact form with strict base64url and JSON, or a member of the wrong type; the reason names it.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// `alg` is `none`, unknown, or not on the issuer's allow-list, or not what the key is for.
    #[error("the token's algorithm is not allowed for its issuer and key")]
    AlgorithmRefused,
    /// The header brings or points to a key (`jwk`, `jku`, `x5u`, `x5c`): a forger would bring their own.
    #[error("the token brings its own key (`{0}`)")]
    KeyHeaderRefused(&'static str),
    /// The header demands an extension (`crit`, `RFC 7515 §4.1.11`); the gate knows none.
    #[error("the token demands an extension that is not understood")]
    CriticalHeader,
    /// A kind of token that is no access token: by `typ`, `cty`, or the claims of a logout or security event.
    #[error("this type of token is not accepted as an access token")]
    TypeRefused,
    /// No configured issuer has this `iss`.
    #[error("the token's issuer is not configured")]
    UnknownIssuer,
    /// More than one configured issuer fits the token: which rules apply is undecided.
    #[error("the token fits more than one configured issuer")]
    AmbiguousIssuer,
    /// The issuer has no key of that id. For an issuer with published keys, fetching them again may help.
    #[error("the issuer `{issuer}` has no key of the token's id")]
    UnknownKey {
        /// Whose key set to fetch again.
        issuer: IssuerName,
    },
    /// The issuer's published keys were not fetched yet.
    #[error("the keys of the issuer `{issuer}` are not there yet")]
    KeysUnavailable {
        /// Whose key set to fetch.
        issuer: IssuerName,
    },
    /// No allowed key made this signature.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// A claim that the configuration requires is absent.
    #[error("the token lacks the claim `{0}`")]
    MissingClaim(&'static str),
    /// Issued for somebody else (`RFC 8725 §3.9`).
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp`, leeway included, has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf`, leeway included, has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat`, leeway included, has not come: made by a wrong clock, or made to outlive its key.
    #[error("the token claims to be issued in the future")]
    IssuedInFuture,
    /// Valid for longer than the configuration allows.
    #[error("the token lives longer than allowed")]
    LifetimeTooLong,
    /// The token is bound to its holder (`cnf`, `RFC 7800`), and shown without what proves it, or bound in a way that is not known:
    /// as a bare bearer token it may be a stolen one.
    #[error("the token is bound to its holder's key and is no bearer token")]
    SenderConstrained,
    /// The configuration wants every token of this issuer bound to a key, and this one is not.
    #[error("the token is not bound to a key, which its issuer's tokens have to be")]
    BindingRequired,
    /// The issuer's tokens are not judged by their signature: it has to be asked (`RFC 7662`).
    #[error("the issuer `{issuer}` has to be asked about its tokens")]
    IntrospectionRequired {
        /// Whom to ask.
        issuer: IssuerName,
    },
    /// The issuer says that the token does not count (`RFC 7662 §2.2`).
    #[error("the issuer says that the token is not active")]
    Inactive,
}

impl TokenError {
    /// A stable name for events and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::Malformed(_) => "malformed",
            Self::AlgorithmRefused => "algorithm-refused",
            Self::KeyHeaderRefused(_) => "key-header-refused",
            Self::CriticalHeader => "critical-header",
            Self::TypeRefused => "type-refused",
            Self::UnknownIssuer => "unknown-issuer",
            Self::AmbiguousIssuer => "ambiguous-issuer",
            Self::UnknownKey { .. } => "unknown-key",
            Self::KeysUnavailable { .. } => "keys-unavailable",
            Self::BadSignature => "bad-signature",
            Self::MissingClaim(_) => "missing-claim",
            Self::WrongAudience => "wrong-audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::IssuedInFuture => "issued-in-future",
            Self::LifetimeTooLong => "lifetime-too-long",
            Self::SenderConstrained => "sender-constrained",
            Self::BindingRequired => "binding-required",
            Self::IntrospectionRequired { .. } => "introspection-required",
            Self::Inactive => "inactive",
        }
    }
}
