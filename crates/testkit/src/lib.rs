//! Real servers and clients for everyone's tests, on loopback, private to the test that started them and gone with it.
//!
//! - servers that others wrote: [`Postgres`], [`Redis`], [`Pebble`];
//! - upstreams to forward to: [`Upstream`] speaks HTTP and remembers what it was sent, [`RawUpstream`] sends any bytes, also such as no
//!   HTTP library would send;
//! - clients: [`HttpClient`] speaks HTTP/1.1 and HTTP/2, in the clear or by TLS, [`raw_exchange`] sends any bytes, and
//!   [`frames::Http2`] any frames;
//! - tokens: [`Issuer`] is an `OpenID` issuer with discovery and JWKS, [`PlainTokens`] makes the tokens that a backend issues itself;
//! - [`Certificate`] is self-signed, [`Authority`] issues and revokes.
//!
//! For development only. What fails here fails its test, so helpers panic rather than return errors; exchanges return errors, since a
//! refused connection can be what a test expects.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper that fails fails its test")]

mod authority;
mod certificate;
mod client;
pub mod frames;
mod issuer;
mod jose;
mod pebble;
mod postgres;
mod raw;
mod redis;
mod server_process;
mod upstream;

pub use authority::{Authority, Issued, Lifetime};
pub use certificate::Certificate;
pub use client::{Answered, HttpClient, HttpConnection, Protocol};
pub use issuer::Issuer;
pub use jose::{Algorithm, KeyPair, PlainTokens};
pub use pebble::{EXTERNAL_ACCOUNT_KEY, Pebble};
pub use postgres::Postgres;
pub use raw::{RawUpstream, Step, raw_exchange};
pub use redis::Redis;
pub use upstream::{Answer, Received, Upstream};
