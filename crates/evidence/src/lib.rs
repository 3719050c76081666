//! What happened, kept: typed [`Event`]s become durable audit records, ECS JSON for other log systems, and [`Metrics`].
//!
//! A request reserves a [`Slot`] before anything is decided and records exactly one event in it; without room there is no
//! slot, and the gate refuses the request rather than serve it unseen. One dedicated thread numbers the events, masks what
//! came from outside, appends them to the audit directory and syncs at most every [`Config::sync_every`] (group commit).
//!
//! ```
//! use bartizan_evidence::{Config, Event, NodeEvent, Recorder};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let state = tempfile::tempdir()?;
//! let (recorder, writer) = Recorder::start(Config::in_state(state.path()))?;
//! recorder.record_important(Event::Node(NodeEvent::Started { version: "1.0.0" }));
//! writer.shutdown()?;
//!
//! let directory = state.path().join("audit");
//! let actions: Vec<_> = bartizan_evidence::read(&directory)?
//!     .map(|record| record.map(|record| record["event"]["action"].clone()))
//!     .collect::<Result<_, _>>()?;
//! assert_eq!(actions, ["node-started", "audit-closed"]);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod config;
mod directory;
mod ecs;
mod error;
mod event;
mod json;
mod log;
mod mask;
mod metrics;
mod otlp;
mod reader;
mod recorder;
mod relay;
mod request_id;
mod sink;
mod tail;
mod text;
mod writer;

pub use config::{Config, Sink};
pub use error::EvidenceError;
pub use event::{
    CloseCause, ClosedEvent, ConnectionEvent, ConnectionFault, ConnectionRefusal, Event, GapCause, GraphqlOperation,
    IdentityAction, IdentityActor, IdentityEvent, IdentityResult, Method, NodeEvent, Observed, Outcome, Protocol,
    Reason, RequestEvent, SpanId, Stage, StreamKind, Timings, TlsVersion, Trace, TraceId,
};
pub use mask::mask;
pub use metrics::{
    ConnectionGuard, ConnectionMetrics, Counter, Counters, CredentialMetrics, EndpointStatus, Format, Gauge,
    IntrospectionOutcome, Label, Metrics, Named, RequestMetrics, SharedHistogram, UpstreamMetrics, UpstreamStatus,
};
pub use otlp::{Compression, Otlp};
pub use reader::{Following, Reader, read};
pub use recorder::{Recorder, Slot, WriterHandle};
pub use relay::LastRecords;
pub use request_id::{ParseRequestIdError, RequestId, RequestIdText};
pub use text::{Detail, Name, RequestPath, Text, UserAgent};
