//! One request on its way through the gate, and the one event that it leaves behind.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bartizan_controls::ControlId;
use bartizan_evidence::{
    CloseCause, ClosedEvent, Event, GraphqlOperation, Method, Observed, Outcome, Protocol, Reason, Recorder,
    RequestEvent, RequestId, RequestPath, Slot, Stage, StreamKind, Timings, TlsVersion, Trace, UserAgent,
};
use bartizan_policy::{Principal, Timestamp};
use bartizan_token::ClientCertificate;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request};

use crate::body::{AnswerFault, ClientBody};
use crate::pipeline::{Admission, Forwarding};
use crate::refusal::{Limited, Refusal};
use crate::replays::Delivery;
use crate::route::CompiledRoute;
use crate::wire::Refused;

/// What is known of a connection before its first request.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// The other end of the socket: perhaps a proxy.
    pub(crate) peer: SocketAddr,
    /// For whom it was opened: the peer, or whom a trusted proxy named in its PROXY header. Fields of a request are asked after this.
    pub(crate) client: IpAddr,
    /// The version of TLS, if there is one.
    pub(crate) tls: Option<TlsVersion>,
    /// What the client showed in the handshake; its chain was verified and is not revoked.
    pub(crate) certificate: Option<Arc<ClientCertificate>>,
    /// What upstreams are told of its requests, written once: nearly all of them name the same authority.
    pub(crate) forwarding: Arc<OnceLock<Forwarding>>,
}

impl Connection {
    /// A connection without TLS.
    pub(crate) fn plain(peer: SocketAddr, client: IpAddr) -> Self {
        Self { peer, client, tls: None, certificate: None, forwarding: Arc::default() }
    }
}

/// A request as it was read: nothing in it has been judged, and only *admit* unwraps it.
pub(crate) struct Raw(Box<Exchange>);

/// A request whose head was judged readable in one way only. Stages wrap it in types of their own that only they can make, so that
/// a stage that was left out does not compile. It stands in one box from its first moment on: what stages hand on is a pointer.
pub(crate) struct Exchange {
    /// Method, version, fields, and the target with its path normalized once: routed and forwarded exactly so.
    pub(crate) head: Parts,
    /// What follows.
    pub(crate) body: Content,
    /// Where it came in.
    pub(crate) connection: Connection,
    /// The client's address, as the trusted proxies say.
    pub(crate) client: IpAddr,
    /// The authority that the client asked for.
    pub(crate) authority: HeaderValue,
    /// When its head was complete.
    pub(crate) arrived: SystemTime,
    /// Its id, made by the gate: a client's own is not believed.
    pub(crate) request_id: RequestId,
    /// The message of a webhook, remembered so that it counts once.
    pub(crate) delivery: Option<Box<Delivery>>,
    /// Where the caller stands on this route, once that was counted.
    pub(crate) limited: Option<Limited>,
}

/// What follows the head.
pub(crate) enum Content {
    /// Not read yet.
    Stream(ClientBody),
    /// Read, because a stage needed it.
    Buffered(Bytes),
}

impl Raw {
    /// A request of which nothing is known but what it says itself and where it came in.
    pub(crate) fn new(
        request: Request<impl Into<ClientBody>>,
        connection: Connection,
        arrived: SystemTime,
        request_id: RequestId,
    ) -> Self {
        let (head, body) = request.into_parts();
        let client = connection.client;
        let (body, authority) = (Content::Stream(body.into()), HeaderValue::from_static(""));
        Self(Box::new(Exchange {
            head,
            body,
            connection,
            client,
            authority,
            arrived,
            request_id,
            delivery: None,
            limited: None,
        }))
    }

    /// Its head, as it came.
    pub(crate) fn head(&self) -> &Parts {
        &self.0.head
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    pub(crate) fn request_id(&self) -> RequestId {
        self.0.request_id
    }

    /// For *admit*, which judges it.
    pub(crate) fn into_unjudged(self) -> Box<Exchange> {
        self.0
    }
}

impl Exchange {
    /// When it arrived.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from(self.arrived)
    }

    /// The body, for whom the request is handed to.
    pub(crate) fn take_body(&mut self) -> Content {
        std::mem::replace(&mut self.body, Content::Buffered(Bytes::new()))
    }
}

/// What one event tells of that was let pass: a message with a thousand faults leaves no event of a thousand lines.
const MOST_OBSERVED: usize = 32;

/// Collects what the event of a request tells, and writes it exactly once: when the answer's head is decided, or, if the client is
/// gone before that, when the exchange is dropped.
pub(crate) struct Trail {
    slot: Option<Slot>,
    event: Option<RequestEvent>,
    stage: Stage,
    /// The last stage at whose beginning the clock was read, when that was, and whether it has work to do.
    timed: Stage,
    timed_began: Instant,
    is_work: bool,
}

impl Trail {
    /// Begins the trail of a request; `None` if its event would find no place.
    pub(crate) fn begin(recorder: &Recorder, raw: &Raw) -> Option<Self> {
        let slot = recorder.reserve()?;
        let Raw(raw) = raw;
        let began = Instant::now();
        let event = RequestEvent {
            time: raw.arrived,
            request_id: raw.request_id,
            client: raw.connection.client,
            peer: raw.connection.peer,
            protocol: if raw.head.version == http::Version::HTTP_2 { Protocol::Http2 } else { Protocol::Http1 },
            tls: raw.connection.tls,
            method: Method::new(raw.head.method.as_str()),
            path: RequestPath::new(raw.head.uri.path()),
            has_query: raw.head.uri.query().is_some(),
            route: None,
            subject: None,
            issuer: None,
            credential: None,
            status: 0,
            outcome: Outcome::Cancelled,
            stage: Stage::Admit,
            control: None,
            reason: None,
            timings: Timings::default(),
            upstream: None,
            request_bytes: None,
            user_agent: None,
            observed: Vec::new(),
            operation: None,
            trace: None,
        };
        let stage = Stage::Admit;
        Some(Self { slot: Some(slot), event: Some(event), stage, timed: stage, timed_began: began, is_work: false })
    }

    /// Marks the beginning of a stage that only looks at what is in memory. Reading the clock twice would take as long as the stage: it
    /// counts with such stages before it.
    pub(crate) fn pass(&mut self, stage: Stage) {
        self.stage = stage;
        if self.is_work {
            self.time(false);
        }
    }

    /// Marks the beginning of a stage that computes or waits.
    pub(crate) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.time(true);
    }

    fn time(&mut self, is_work: bool) {
        let now = Instant::now();
        self.close_stage(now);
        (self.timed, self.timed_began, self.is_work) = (self.stage, now, is_work);
    }

    /// When the clock was last read.
    pub(crate) fn last_time(&self) -> Instant {
        self.timed_began
    }

    /// Tells of a request that never came to be: what could be read of it, in place of what stands in for it.
    pub(crate) fn on_the_wire(&mut self, refused: &Refused) {
        self.stage = Stage::Wire;
        let Some(event) = &mut self.event else { return };
        event.method = Method::new(&refused.method);
        event.path = RequestPath::new(&refused.path);
        event.has_query = refused.has_query;
    }

    pub(crate) fn admitted(&mut self, exchange: &Exchange) {
        let Some(event) = &mut self.event else { return };
        event.client = exchange.client;
        event.path = RequestPath::new(exchange.head.uri.path());
        event.user_agent =
            exchange.head.headers.get(http::header::USER_AGENT).map(|value| UserAgent::from_bytes(value.as_bytes()));
    }

    pub(crate) fn traced(&mut self, trace: Trace) {
        let Some(event) = &mut self.event else { return };
        event.trace = Some(Box::new(trace));
    }

    pub(crate) fn routed(&mut self, route: &CompiledRoute) {
        let Some(event) = &mut self.event else { return };
        event.route = Some(route.name.clone());
        event.upstream = Some(route.upstream_name().clone());
    }

    /// Which of several upstreams got the request.
    pub(crate) fn sent_to(&mut self, upstream: &Arc<str>) {
        if let Some(event) = &mut self.event {
            event.upstream = Some(upstream.clone());
        }
    }

    pub(crate) fn authenticated(&mut self, principal: &Principal) {
        let Some(event) = &mut self.event else { return };
        event.subject = Some(principal.subject.as_str().into());
        event.issuer = Some(principal.issuer.as_str().into());
        event.credential = Some(principal.credential.as_str());
    }

    /// Notes a refusal that became none, since the route takes anybody.
    pub(crate) fn observe_refusal(&mut self, refusal: &Refusal) {
        if let Some(control) = refusal.control(self.stage) {
            self.observe(control, refusal.code());
        }
    }

    /// Notes what a stage let pass although it would have refused it.
    pub(crate) fn observe(&mut self, control: ControlId, code: &'static str) {
        self.observe_at(control, code, String::new());
    }

    /// The same, with the place in the message.
    pub(crate) fn observe_at(&mut self, control: ControlId, code: &'static str, place: String) {
        let stage = self.stage;
        if let Some(event) = self.event.as_mut().filter(|event| event.observed.len() < MOST_OBSERVED) {
            event.observed.push(Observed { stage, control, reason: Reason::new(code, place) });
        }
    }

    /// What a GraphQL request asks for.
    pub(crate) fn operation(&mut self, operation: GraphqlOperation) {
        if let Some(event) = &mut self.event {
            event.operation = Some(Box::new(operation));
        }
    }

    pub(crate) fn request_bytes(&mut self, bytes: u64) {
        if let Some(event) = &mut self.event {
            event.request_bytes = Some(bytes);
        }
    }

    /// Writes the event of a request that was answered.
    pub(crate) fn answered(mut self, status: http::StatusCode) {
        self.write(status.as_u16(), Outcome::Answered, None);
    }

    /// Writes the event of a request that was not.
    pub(crate) fn refused(mut self, refusal: &Refusal) {
        let outcome = if refusal.is_failure() { Outcome::Failed } else { Outcome::Refused };
        self.write(refusal.face().0.as_u16(), outcome, Some(refusal));
    }

    fn write(&mut self, status: u16, outcome: Outcome, refusal: Option<&Refusal>) {
        self.close_stage(Instant::now());
        let (Some(slot), Some(mut event)) = (self.slot.take(), self.event.take()) else { return };
        event.status = status;
        event.outcome = outcome;
        event.stage = self.stage;
        if let Some(refusal) = refusal {
            let (code, detail) = refusal.reason();
            event.reason = Some(Reason::new(code, detail));
            event.control = refusal.control(self.stage);
        }
        slot.record(Event::Request(event));
    }

    fn close_stage(&mut self, now: Instant) {
        if let Some(event) = &mut self.event {
            event.timings.add(self.timed, now.saturating_duration_since(self.timed_began));
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        // Only an exchange that was given up half-way still has its slot: the client is gone, and the event says so (499, as
        // operators know it from nginx).
        if self.slot.is_some() {
            self.write(499, Outcome::Cancelled, None);
        }
    }
}

/// An answer whose head is out and whose body still flows. Leaves a linked event if it took long or broke.
pub(crate) struct OpenAnswer {
    recorder: Recorder,
    request_id: RequestId,
    began: Instant,
    bytes: u64,
    cause: CloseCause,
    /// The request counts as in flight until its last byte is out.
    _admission: Admission,
}

/// Answers that flow longer than this leave an event when they end.
const LONG: Duration = Duration::from_secs(10);

impl OpenAnswer {
    pub(crate) fn new(recorder: Recorder, request_id: RequestId, began: Instant, admission: Admission) -> Self {
        let cause = CloseCause::ClientGone;
        Self { recorder, request_id, began, bytes: 0, cause, _admission: admission }
    }

    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    pub(crate) fn whole(&mut self) {
        self.cause = CloseCause::Finished;
    }

    pub(crate) fn broke(&mut self, fault: &AnswerFault) {
        self.cause = match fault {
            AnswerFault::Upstream(_) => CloseCause::UpstreamFault,
            AnswerFault::TooSlow => CloseCause::Timeout,
            AnswerFault::Ended(cause) => *cause,
        };
    }
}

impl Drop for OpenAnswer {
    fn drop(&mut self) {
        self.recorder.metrics().requests().answered(self.bytes);
        let duration = self.began.elapsed();
        let is_ordinary = matches!(self.cause, CloseCause::Finished | CloseCause::ClientGone);
        if is_ordinary && duration < LONG {
            return;
        }
        let Some(slot) = self.recorder.reserve() else { return };
        slot.record(Event::Closed(ClosedEvent {
            time: SystemTime::now(),
            request_id: self.request_id,
            kind: StreamKind::Answer,
            bytes_received: 0,
            bytes_sent: self.bytes,
            messages_received: None,
            messages_sent: None,
            duration,
            cause: self.cause,
            reason: None,
        }));
    }
}
