//! The way of a request: one file a stage, each making the type that the next one takes.
//!
//! ```text
//! Raw → admit → limit (address) → route → authenticate → limit (identity) → authorize (head)
//!     → validate → authorize (owner) → inspect → forward → authorize (answer) → filter → answer
//! ```
//!
//! Every type between two stages has a constructor that only its own file sees: a stage that is left out, or stands in the wrong
//! place, does not compile. Decisions ([`judge`]) know no socket and no pool, and may
//! cross threads: whatever has to ask an upstream does so through [`AskUpstream`], and what passed is handed to an [`Onward`].

mod admit;
mod authenticate;
mod authorize;
mod declared;
mod filter;
mod forward;
mod graphql;
mod inside;
mod inspect;
mod learn;
mod limit;
mod outbound;
mod ownership;
mod route;
mod streaming;
mod validate;

use std::future::Future;
use std::sync::Arc;

use bartizan_evidence::{Recorder, Stage};
use bytes::Bytes;
use http::{HeaderMap, Response};
use serde_json::Value;
use tokio::time::Instant;

pub(crate) use admit::Admission;
pub(crate) use authenticate::{Known, VerifiedTokens, WebhookCaller};
pub(crate) use declared::Judges;
pub(crate) use forward::Forwarded;
pub(crate) use inside::{Handed, Inside};
pub(crate) use inspect::Inspected;
pub(crate) use outbound::Forwarding;
pub(crate) use route::Parameters;

use self::filter::Seen;
use crate::body::{AnswerBody, Source};
use crate::exchange::{Raw, Trail};
use crate::gate::Gate;
use crate::grpc;
use crate::refusal::Refusal;
use crate::route::CompiledRoute;
use crate::sign_in;
use crate::wire::Refused;

/// How a stage asks an upstream for a document without knowing connections.
pub(crate) trait AskUpstream {
    /// The JSON document at `path` of the route's upstream, asked with the caller's own fields.
    fn document(&self, question: Question) -> impl Future<Output = Result<Value, Refusal>>;
}

/// A look-up that the gate makes before it forwards.
pub(crate) struct Question {
    pub(crate) route: Arc<CompiledRoute>,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

/// Where requests go that passed every decision.
pub(crate) trait Onward: AskUpstream {
    /// Where its answers' bodies come from.
    type Source: Source;

    /// Hands a request on, and returns the head of its answer with a body that streams.
    fn forward(
        &self,
        inspected: Inspected,
        gate: &Gate,
        trail: &mut Trail,
    ) -> impl Future<Output = Result<Forwarded<Self::Source>, Refusal>>;
}

/// What was decided of a request that was not refused.
pub(crate) enum Judged {
    /// It may be handed on.
    Pass(Inspected),
    /// The gate answers it itself.
    Answered(Response<Bytes>),
}

/// Takes a request through every stage; whatever happens, one answer comes out and one event is written.
pub(crate) async fn run<O: Onward>(
    raw: Raw,
    gate: &Gate,
    onward: &O,
    recorder: &Recorder,
) -> Response<AnswerBody<O::Source>> {
    let request_id = raw.request_id();
    let mut seen = Seen::of(&raw);
    seen.destination = gate.config.sign_in.as_ref().and_then(|_| sign_in::destination(raw.head()));
    let Some(mut trail) = Trail::begin(recorder, &raw) else {
        return filter::refused(Refusal::Unrecordable, request_id, &seen, gate).map(AnswerBody::full);
    };
    match pass(raw, gate, onward, recorder, &mut trail, &mut seen).await {
        Ok(response) => {
            trail.answered(response.status());
            response
        }
        Err(refusal) => {
            trail.refused(&refusal);
            filter::refused(refusal, request_id, &seen, gate).map(AnswerBody::full)
        }
    }
}

/// Refuses a request before any stage saw it; it leaves an event like any other.
pub(crate) fn turn_away(raw: &Raw, refusal: Refusal, gate: &Gate, recorder: &Recorder) -> Response<Bytes> {
    match Trail::begin(recorder, raw) {
        Some(trail) => {
            trail.refused(&refusal);
            filter::refused(refusal, raw.request_id(), &Seen::of(raw), gate)
        }
        None => filter::refused(Refusal::Unrecordable, raw.request_id(), &Seen::of(raw), gate),
    }
}

/// Answers what was refused on the wire; `raw` only stands in for it.
pub(crate) fn refuse(raw: &Raw, refused: &Refused, gate: &Gate, recorder: &Recorder) -> Response<Bytes> {
    let (seen, refusal) = (Seen::of(raw), Refusal::from(refused.fault));
    let Some(mut trail) = Trail::begin(recorder, raw) else {
        return filter::refused(Refusal::Unrecordable, raw.request_id(), &seen, gate);
    };
    trail.on_the_wire(refused);
    trail.refused(&refusal);
    filter::refused(refusal, raw.request_id(), &seen, gate)
}

/// Answers a request on the plain HTTP listener, which leaves an event like any other.
pub(crate) fn redirect(raw: &Raw, gate: &Gate, recorder: &Recorder) -> Response<AnswerBody> {
    let Some(trail) = Trail::begin(recorder, raw) else {
        return filter::refused(Refusal::Unrecordable, raw.request_id(), &Seen::of(raw), gate).map(AnswerBody::full);
    };
    let managed = gate.tls.as_ref().and_then(|tls| tls.managed.as_ref());
    let response = match managed.and_then(|managed| managed.document(raw.head().uri.path())) {
        Some(document) => filter::challenge_document(document, gate),
        None => filter::redirection(&raw.head().uri, gate),
    };
    trail.answered(response.status());
    response.map(AnswerBody::full)
}

async fn pass<O: Onward>(
    raw: Raw,
    gate: &Gate,
    onward: &O,
    recorder: &Recorder,
    trail: &mut Trail,
    seen: &mut Seen,
) -> Result<Response<AnswerBody<O::Source>>, Refusal> {
    let admission = gate.admission().ok_or(Refusal::Overloaded)?;
    let inspected = match judge(raw, gate, onward, trail, seen).await? {
        Judged::Pass(inspected) => inspected,
        Judged::Answered(answer) => return Ok(answer.map(AnswerBody::full)),
    };

    trail.enter(Stage::Forward);
    let mut forwarded = onward.forward(inspected, gate, trail).await?;
    forwarded.settle_delivery();

    if forwarded.pending_owner().is_some() {
        trail.enter(Stage::InspectAnswer);
    } else {
        trail.pass(Stage::InspectAnswer);
    }
    let owned = ownership::read_answer(forwarded).await?;

    trail.pass(Stage::Filter);
    filter::filter(owned, seen, gate, recorder, admission, trail).await
}

/// Every decision about a request, in order.
async fn judge(
    raw: Raw,
    gate: &Gate,
    upstream: &impl AskUpstream,
    trail: &mut Trail,
    seen: &mut Seen,
) -> Result<Judged, Refusal> {
    let admitted = admit::admit(raw, gate, trail)?;

    trail.pass(Stage::LimitAddress);
    let limited = limit::by_address(admitted, gate).await?;

    trail.pass(Stage::Route);
    let routed = match route::find(limited, gate, trail, seen)? {
        route::Way::Onward(routed) => routed,
        route::Way::Preflight(answer) => return Ok(Judged::Answered(answer)),
    };

    if routed.route().rules.credentials.is_empty() {
        trail.pass(Stage::Authenticate);
    } else {
        trail.enter(Stage::Authenticate);
    }
    let authenticated = authenticate::authenticate(routed, gate, trail).await?;

    trail.pass(Stage::LimitIdentity);
    let limited = limit::by_identity(authenticated, gate).await?;

    trail.pass(Stage::Authorize);
    let authorized = authorize::authorize(limited)?;

    if authorized.routed.route().rules.is_declared() {
        trail.enter(Stage::Validate);
    } else {
        trail.pass(Stage::Validate);
    }
    let validated = validate::validate(authorized, gate, trail).await?;

    if validated.has_pending_owner() {
        trail.enter(Stage::Authorize);
    } else {
        trail.pass(Stage::Authorize);
    }
    let permitted = ownership::ask_first(validated, gate, upstream).await?;

    trail.pass(Stage::Inspect);
    Ok(Judged::Pass(inspect::inspect(permitted)))
}

impl Seen {
    fn of(raw: &Raw) -> Self {
        let head = raw.head();
        let is_grpc = head.version == http::Version::HTTP_2 && grpc::is_call(&head.headers);
        Self {
            route: None,
            origin: head.headers.get(http::header::ORIGIN).cloned(),
            method: head.method.clone(),
            over_tls: raw.connection().tls.is_some(),
            is_grpc,
            graphql: None,
            destination: None,
            deadline: is_grpc
                .then(|| grpc::timeout(&head.headers))
                .flatten()
                .and_then(|it| Instant::now().checked_add(it)),
        }
    }
}

/// Decisions may cross threads, whatever the gate's own connections do: a service of somebody else's runtime carries them too. What
/// would bind them to a thread does not compile.
const _: () = {
    struct Nobody;

    impl AskUpstream for Nobody {
        async fn document(&self, _: Question) -> Result<Value, Refusal> {
            Err(Refusal::OwnerUnknown("nobody-to-ask"))
        }
    }

    fn crosses_threads(_: impl Send) {}

    #[expect(dead_code, reason = "compiled, never run")]
    fn decisions_cross_threads(raw: Raw, gate: &Gate, trail: &mut Trail, seen: &mut Seen) {
        crosses_threads(judge(raw, gate, &Nobody, trail, seen));
    }
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Pool;

    fn size_of_future<A, B, C, D, F: Future>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_future_of_a_request_is_small_since_hyper_copies_it_for_each_request() {
        let way = |raw: Raw, gate: &'static Gate, pool: &'static Pool, recorder: &'static Recorder| {
            run(raw, gate, pool, recorder)
        };
        let size = size_of_future(way);
        assert!(size < 2560, "{size} bytes");
    }
}
