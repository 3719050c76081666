use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use bartizan_controls::ControlId;

use crate::{Detail, Name, RequestId};

/// A connection that failed apart from any request.
#[derive(Clone, Debug)]
pub struct ConnectionEvent {
    /// When it failed.
    pub time: SystemTime,
    /// The other end.
    pub peer: SocketAddr,
    /// What kind of failure.
    pub fault: ConnectionFault,
    /// The control that ended it, if one did.
    pub control: Option<ControlId>,
    /// What was wrong, for the operator.
    pub detail: Detail,
}

/// How a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionFault {
    /// No common version, cipher suite or protocol, a bad certificate, or no TLS at all.
    TlsHandshake,
    /// Bytes that are not HTTP, or HTTP that could be read two ways.
    Protocol,
    /// The peer was slower than a time limit allows.
    Timeout,
    /// More streams, resets or control frames than any honest client sends.
    Flood,
    /// There was no room for another connection.
    Overload,
    /// The peer or the network broke it off.
    Io,
}

impl ConnectionFault {
    /// The word that logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TlsHandshake => "tls-handshake",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
            Self::Flood => "flood",
            Self::Overload => "overload",
            Self::Io => "io",
        }
    }
}

/// The end of a long stream or upgraded connection.
#[derive(Clone, Debug)]
pub struct ClosedEvent {
    /// When it ended.
    pub time: SystemTime,
    /// The request that began it.
    pub request_id: RequestId,
    /// What it was.
    pub kind: StreamKind,
    /// Bytes from the client to the upstream.
    pub bytes_received: u64,
    /// Bytes from the upstream to the client.
    pub bytes_sent: u64,
    /// From the head of the response to the end.
    pub duration: Duration,
    /// Whole messages from the client; of WebSocket connections only.
    pub messages_received: Option<u64>,
    /// Whole messages from the upstream; of WebSocket connections only.
    pub messages_sent: Option<u64>,
    /// Who ended it.
    pub cause: CloseCause,
    /// What exactly was wrong, where a control ended it.
    pub reason: Option<&'static str>,
}

/// What a stream was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// The body of an answer.
    Answer,
    /// A WebSocket connection.
    WebSocket,
}

impl StreamKind {
    /// The word that logs and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::WebSocket => "websocket",
        }
    }
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseCause {
    /// It was complete.
    Finished,
    /// The client broke it off.
    ClientGone,
    /// The upstream broke it off.
    UpstreamFault,
    /// It went over a time limit.
    Timeout,
    /// The node shut down.
    Drained,
    /// It broke a limit or the protocol.
    Violation,
    /// The credential that it began with has ended.
    CredentialExpired,
    /// The credential that it began with was revoked.
    Revoked,
    /// The route's rule no longer lets its caller in.
    NoLongerPermitted,
}

impl CloseCause {
    /// The word that logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::ClientGone => "client-gone",
            Self::UpstreamFault => "upstream-fault",
            Self::Timeout => "timeout",
            Self::Drained => "drained",
            Self::Violation => "violation",
            Self::CredentialExpired => "credential-expired",
            Self::Revoked => "revoked",
            Self::NoLongerPermitted => "no-longer-permitted",
        }
    }
}

/// A change of the node itself; it is stamped with the time of recording.
#[derive(Clone, Debug)]
pub enum NodeEvent {
    /// The node serves.
    Started {
        /// The version of the program.
        version: &'static str,
    },
    /// The node takes no new requests and finishes those it has.
    Draining,
    /// The node serves no more.
    Stopped,
    /// A configuration is in force.
    ConfigurationLoaded {
        /// Its SHA-256 in hexadecimal.
        digest: Name,
        /// Its file.
        path: Name,
    },
    /// A changed configuration was not taken; the old one stays in force.
    ConfigurationRefused {
        /// Its file.
        path: Name,
        /// What is wrong with it; the first 32 are kept.
        faults: Vec<Detail>,
    },
    /// A certificate is in use.
    CertificateLoaded {
        /// The names it is for.
        names: Vec<Name>,
        /// Its SHA-256 fingerprint.
        fingerprint: Name,
        /// When it ends.
        not_after: SystemTime,
    },
    /// A changed certificate was not taken; the old one stays in use.
    CertificateRefused {
        /// Its file.
        path: Name,
        /// Why.
        cause: Detail,
    },
    /// The keys of an issuer were fetched.
    KeysFetched {
        /// The issuer.
        issuer: Name,
    },
    /// The keys of an issuer could not be fetched.
    KeysFailed {
        /// The issuer.
        issuer: Name,
        /// Why.
        cause: Detail,
    },
    /// An upstream does not answer.
    UpstreamDown {
        /// The upstream's name.
        upstream: Name,
        /// What failed.
        cause: Detail,
    },
    /// An upstream answers again.
    UpstreamUp {
        /// The upstream's name.
        upstream: Name,
    },
    /// Retention removed a segment of the audit log.
    SegmentRemoved {
        /// The segment's file name.
        segment: Name,
        /// Its size.
        bytes: u64,
    },
    /// The audit log ends here on purpose: a log without this as its last record was interrupted.
    AuditClosed,
}

/// Why events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapCause {
    /// The last run ended without closing the log: what was not yet durable is lost.
    Interrupted,
    /// The same, and the last line was torn; its beginning was cut off.
    Torn,
    /// The last segment holds lines that are no records. It is kept as it is, and a new one begun.
    Damaged,
    /// The queue was full, or the writer was closing: requests were refused without a record.
    NoRoom,
    /// A sink was too slow, and records were left out of it; the audit log has them.
    SlowSink,
}

impl GapCause {
    /// The word that logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Torn => "torn",
            Self::Damaged => "damaged",
            Self::NoRoom => "no-room",
            Self::SlowSink => "slow-sink",
        }
    }
}
