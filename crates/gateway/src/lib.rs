//! The gate: listens, judges each request in a fixed order of stages, forwards what passes and brings the answer into order.
//!
//! The binary hands it a [`config::Config`] and what it plugs into the [`ports`]; [`Gate::build`] compiles both into one immutable
//! value, and [`listen::Bound`] serves it, one thread to a core. Nothing here reads a configuration file, prints, or knows of users.

#![forbid(unsafe_code)]

mod acme;
mod answer;
mod assertions;
mod body;
mod certificate_callers;
mod client_address;
pub mod config;
mod counters;
mod dpop_nonces;
mod exchange;
mod fetch;
mod fields;
mod gate;
mod graphql;
mod grpc;
mod introspection;
mod issuer_keys;
pub mod layer;
pub mod listen;
mod on_this_thread;
pub(crate) mod path;
mod pipeline;
pub mod ports;
mod proxy_protocol;
mod refusal;
mod replays;
mod route;
mod schemas;
mod sign_in;
mod spread;
mod tls;
mod trace;
mod trace_context;
mod upstream;
mod vigil;
mod websocket;
mod wire;

pub use acme::AcmeCertificates;
pub use answer::cookies::{CookieRules, GateCookie};
pub use answer::cors::origin::WebOrigin;
pub use answer::cors::{Cors, Credentials, Origins, PrivateNetwork};
pub use answer::headers::{HeaderConfig, HeaderRuleFault, HeaderRules, Hsts};
pub use answer::mask::MaskKinds;
pub use counters::MemoryCounters;
pub use gate::{Gate, GateError, Mount, Ports};
pub use introspection::UnwritableCredentials;
pub use issuer_keys::FetchedKeys;
pub use path::pattern::{Meeting, Pattern, PatternFault, Piece, pieces};
pub use replays::MemoryReplays;
pub use route::RouteConflict;
pub use tls::{CertificateInfo, DevelopmentCertificate, TlsError, development_certificate};
