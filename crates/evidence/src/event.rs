mod identity;
mod node;
mod request;
mod trace;

pub use identity::{IdentityAction, IdentityActor, IdentityEvent, IdentityResult};
pub use node::{
    CloseCause, ClosedEvent, ConnectionEvent, ConnectionFault, ConnectionRefusal, GapCause, NodeEvent, StreamKind,
};
pub use request::{
    GraphqlOperation, Method, Observed, Outcome, Protocol, Reason, RequestEvent, Stage, Timings, TlsVersion,
};
pub use trace::{SpanId, Trace, TraceId};

/// Something that happened, as the audit log keeps it.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all events are requests: boxing them would allocate on the hot path"
)]
pub enum Event {
    /// A request was answered, refused, failed or abandoned: exactly one for each request.
    Request(RequestEvent),
    /// A connection ended before, or apart from, any request.
    Connection(ConnectionEvent),
    /// A long stream or upgraded connection ended, after its request was recorded.
    Closed(ClosedEvent),
    /// The node itself changed.
    Node(NodeEvent),
    /// Something happened at the gate's own sign-in.
    Identity(Box<IdentityEvent>),
    /// Events are missing from the log at this place.
    Gap {
        /// How many, where that is known.
        lost: Option<u64>,
        /// Why.
        cause: GapCause,
    },
}
