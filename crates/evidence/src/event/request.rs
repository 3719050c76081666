use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bartizan_controls::ControlId;

use super::Trace;
use crate::{Detail, Name, RequestId, RequestPath, UserAgent};

/// One request, recorded when the head of its response is decided.
#[derive(Clone, Debug)]
pub struct RequestEvent {
    /// When the head of the request was complete.
    pub time: SystemTime,
    /// The id that the response, the upstream and the log share.
    pub request_id: RequestId,
    /// Who asks, behind the trusted proxies.
    pub client: IpAddr,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// The version of HTTP.
    pub protocol: Protocol,
    /// The version of TLS; none on a plain listener.
    pub tls: Option<TlsVersion>,
    /// The request method.
    pub method: Method,
    /// The canonical path. A query may hold secrets in any form and is never stored.
    pub path: RequestPath,
    /// Whether the target had a query.
    pub has_query: bool,
    /// The name of the route, as the configuration has it; like those of issuer and upstream it is not masked.
    pub route: Option<Arc<str>>,
    /// Whom the credential speaks for.
    pub subject: Option<Arc<str>>,
    /// Who vouches for the subject, as the configuration names it.
    pub issuer: Option<Arc<str>>,
    /// The kind of credential: `bearer`, `api-key`, …
    pub credential: Option<&'static str>,
    /// The status of the answer; 499 where the client left before there was one.
    pub status: u16,
    /// What became of the request.
    pub outcome: Outcome,
    /// The stage that decided it.
    pub stage: Stage,
    /// The control that the decision proves.
    pub control: Option<ControlId>,
    /// Why it was refused or failed.
    pub reason: Option<Reason>,
    /// How long each stage took.
    pub timings: Timings,
    /// The name of the upstream, if one was asked.
    pub upstream: Option<Arc<str>>,
    /// The size of the request, as far as it was read.
    pub request_bytes: Option<u64>,
    /// The `User-Agent` field.
    pub user_agent: Option<UserAgent>,
    /// What would have been refused, had the control not been in observe mode.
    pub observed: Vec<Observed>,
    /// The operation, where the path does not tell it: of GraphQL.
    pub operation: Option<Box<GraphqlOperation>>,
    /// Its place in a trace, where the gate takes part in traces. Boxed: where it does not, this is all that it costs.
    pub trace: Option<Box<Trace>>,
}

/// What a request to a GraphQL endpoint asks for.
#[derive(Clone, Debug)]
pub struct GraphqlOperation {
    /// `query`, `mutation` or `subscription`.
    pub kind: &'static str,
    /// The name that the client gave it.
    pub name: Option<Name>,
    /// The fields of the root, the first ones: the schema's names.
    pub fields: Vec<Name>,
    /// The objects that its answer may hold, as far as that could be told before.
    pub cost: u64,
}

/// The version of HTTP a request was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// The version of TLS of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl TlsVersion {
    /// The number alone, `1.3`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The gate let it pass and an answer came.
    Answered,
    /// A control said no.
    Refused,
    /// The upstream, or the gate itself, could not answer.
    Failed,
    /// The client left first.
    Cancelled,
}

impl Outcome {
    /// All, in the order of [`Outcome::index`].
    pub(crate) const ALL: [Self; 4] = [Self::Answered, Self::Refused, Self::Failed, Self::Cancelled];

    /// The word that logs and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A stage of the gate, in the order in which requests pass them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Framing of HTTP.
    Wire,
    /// Requests that could be read two ways, size limits, the canonical path.
    Admit,
    /// Rate limit by client address.
    LimitAddress,
    /// Which route the request is for.
    Route,
    /// Who is calling.
    Authenticate,
    /// Rate limit by identity or key.
    LimitIdentity,
    /// What the caller may do.
    Authorize,
    /// Whether the request is what the API declares.
    Validate,
    /// Whether the request is hostile.
    Inspect,
    /// The upstream.
    Forward,
    /// Whether the answer is what the API declares.
    InspectAnswer,
    /// What the answer must carry and must not.
    Filter,
    /// Handing the answer to the client.
    Answer,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 13] = [
        Self::Wire,
        Self::Admit,
        Self::LimitAddress,
        Self::Route,
        Self::Authenticate,
        Self::LimitIdentity,
        Self::Authorize,
        Self::Validate,
        Self::Inspect,
        Self::Forward,
        Self::InspectAnswer,
        Self::Filter,
        Self::Answer,
    ];

    /// The word that logs and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Admit => "admit",
            Self::LimitAddress => "limit-address",
            Self::Route => "route",
            Self::Authenticate => "authenticate",
            Self::LimitIdentity => "limit-identity",
            Self::Authorize => "authorize",
            Self::Validate => "validate",
            Self::Inspect => "inspect",
            Self::Forward => "forward",
            Self::InspectAnswer => "inspect-answer",
            Self::Filter => "filter",
            Self::Answer => "answer",
        }
    }
}

/// Why a request was refused or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// A fixed word for metrics and alerts, `token-expired`.
    pub code: &'static str,
    /// More for the operator, never shown to the client.
    pub detail: Detail,
}

impl Reason {
    /// A reason with its detail.
    pub fn new(code: &'static str, detail: impl Into<Detail>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// A refusal that observe mode let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The stage that would have refused.
    pub stage: Stage,
    /// The control it would have proved.
    pub control: ControlId,
    /// Why.
    pub reason: Reason,
}

/// How long each stage took, in nanoseconds; a stage that did not run took none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings([u64; Stage::ALL.len()]);

impl Timings {
    /// Adds time to a stage; stages that run twice (authorize) add up.
    pub fn add(&mut self, stage: Stage, took: Duration) {
        if let Some(nanos) = self.0.get_mut(stage as usize) {
            *nanos = nanos.saturating_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// The time of one stage.
    pub fn of(&self, stage: Stage) -> Duration {
        Duration::from_nanos(self.0.get(stage as usize).copied().unwrap_or_default())
    }

    /// The time of all stages together.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.0.iter().fold(0, |sum, nanos| sum.saturating_add(*nanos)))
    }

    /// The stages that took any time.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> {
        Stage::ALL
            .into_iter()
            .zip(self.0)
            .filter(|(_, nanos)| *nanos > 0)
            .map(|(stage, nanos)| (stage, Duration::from_nanos(nanos)))
    }
}

/// A request method as far as the log shows it: 15 letters, digits and hyphens, anything else as `?`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Method([u8; Method::LIMIT]);

impl Method {
    const LIMIT: usize = 15;

    /// The start of the method's name.
    pub fn new(name: &str) -> Self {
        let mut method = [0; Self::LIMIT];
        for (kept, byte) in method.iter_mut().zip(name.bytes()) {
            *kept = if byte.is_ascii_alphanumeric() || byte == b'-' { byte } else { b'?' };
        }
        Self(method)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(Self::LIMIT);
        self.0.get(..length).and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl From<&str> for Method {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_of_any_text_is_bounded_and_harmless() {
        assert_eq!(Method::new("GET").as_str(), "GET");
        assert_eq!(Method::new("VERSION-CONTROL-AND-MORE").as_str(), "VERSION-CONTROL");
        assert_eq!(Method::new("A\r\n\"é").as_str(), "A?????");
    }

    #[test]
    fn a_stage_that_runs_twice_adds_up() {
        let mut timings = Timings::default();
        timings.add(Stage::Authorize, Duration::from_nanos(40));
        timings.add(Stage::Authorize, Duration::from_nanos(2));
        timings.add(Stage::Answer, Duration::MAX);
        assert_eq!(timings.of(Stage::Authorize), Duration::from_nanos(42));
        assert_eq!(timings.total(), Duration::from_nanos(u64::MAX));
        assert_eq!(timings.iter().count(), 2);
    }

    #[test]
    fn stages_are_listed_in_their_own_order() {
        assert!(Stage::ALL.into_iter().enumerate().all(|(index, stage)| index == stage as usize));
    }
}
