use std::fmt;

use crate::base64url;
use crate::fingerprint::sha256;

macro_rules! thumbprint {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type([u8; 32]);

        impl $type {
            /// The thumbprint of these bytes.
            pub fn of(bytes: &[u8]) -> Self {
                Self(sha256(bytes))
            }

            /// Reads its text: base64url without padding.
            pub fn from_base64url(text: &str) -> Option<Self> {
                base64url::decode(text)?.try_into().ok().map(Self)
            }

            /// The hash.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&base64url::encode(self.0))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($type), "({})"), self)
            }
        }
    };
}

thumbprint! {
    /// The SHA-256 of a certificate in DER: `x5t#S256` (`RFC 8705 §3.1`).
    CertificateThumbprint
}
thumbprint! {
    /// The SHA-256 of a public key's required members in lexical order: `jkt` (`RFC 7638 §3`, `RFC 9449 §6.1`).
    KeyThumbprint
}
