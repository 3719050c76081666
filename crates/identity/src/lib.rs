//! Who people are: users, their credentials and sessions ([`people`]), and the OAuth 2.1 and OpenID Connect provider that speaks for
//! them ([`provider`]). A vertical slice with its own tables and its own router, which the binary mounts as a local upstream of the
//! gate: its endpoints pass the same pipeline as everybody's.

pub mod people;
pub mod provider;
