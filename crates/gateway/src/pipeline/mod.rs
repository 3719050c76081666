//! The way of a request: one file a stage, each making the type that the next one takes.
//!
//! ```text
//! Raw → admit → limit (address) → route → authenticate → limit (identity) → authorize (head)
//!     → validate → authorize (owner) → inspect → forward → authorize (answer) → filter → answer
//! ```
//!
//! Every type between two stages has a constructor that only its own file sees: a stage that is left out, or stands in the wrong
//! place, does not compile. Decisions know no socket and no pool; whatever has to ask an upstream does so through [`AskUpstream`].

mod admit;
mod authenticate;
mod authorize;
mod filter;
mod forward;
mod inspect;
mod limit;
mod ownership;
mod route;
mod validate;

use std::future::Future;
use std::sync::Arc;

use bartizan_evidence::{Recorder, Stage};
use http::{HeaderMap, Response};
use serde_json::Value;

pub(crate) use admit::Admission;
pub(crate) use authenticate::{Known, VerifiedTokens, WebhookCaller};

use self::filter::Seen;
use crate::body::AnswerBody;
use crate::config::UpstreamTimeouts;
use crate::exchange::{Raw, Trail};
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::upstream::{Pool, Remote};

/// How a stage asks an upstream for a document without knowing connections.
pub(crate) trait AskUpstream {
    /// The JSON document at `path` of the route's upstream, asked with the caller's own fields.
    fn document(&self, question: Question) -> impl Future<Output = Result<Value, Refusal>>;
}

/// A look-up that the gate makes before it forwards.
pub(crate) struct Question {
    pub(crate) remote: Arc<Remote>,
    pub(crate) timeouts: UpstreamTimeouts,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

/// Takes a request through every stage; whatever happens, one answer comes out and one event is written.
pub(crate) async fn run(raw: Raw, gate: &Arc<Gate>, pool: &Pool, recorder: &Recorder) -> Response<AnswerBody> {
    let request_id = raw.request_id;
    let mut seen = Seen::of(&raw);
    let Some(mut trail) = Trail::begin(recorder, &raw) else {
        return filter::refused(Refusal::Unrecordable, request_id, &seen, gate);
    };
    match pass(raw, gate, pool, recorder, &mut trail, &mut seen).await {
        Ok(response) => {
            trail.answered(response.status());
            response
        }
        Err(refusal) => {
            trail.refused(&refusal);
            filter::refused(refusal, request_id, &seen, gate)
        }
    }
}

/// Answers a request on the plain HTTP listener, which leaves an event like any other.
pub(crate) fn redirect(raw: &Raw, gate: &Gate, recorder: &Recorder) -> Response<AnswerBody> {
    let Some(trail) = Trail::begin(recorder, raw) else {
        return filter::refused(Refusal::Unrecordable, raw.request_id, &Seen::of(raw), gate);
    };
    let response = filter::redirection(&raw.head.uri, gate);
    trail.answered(response.status());
    response
}

async fn pass(
    raw: Raw,
    gate: &Arc<Gate>,
    pool: &Pool,
    recorder: &Recorder,
    trail: &mut Trail,
    seen: &mut Seen,
) -> Result<Response<AnswerBody>, Refusal> {
    let admission = gate.admission().ok_or(Refusal::Overloaded)?;
    let admitted = admit::admit(raw, gate, trail)?;

    trail.enter(Stage::LimitAddress);
    let limited = limit::by_address(admitted, gate).await?;

    trail.enter(Stage::Route);
    let routed = match route::find(limited, gate, trail, seen)? {
        route::Way::Onward(routed) => routed,
        route::Way::Preflight(answer) => return Ok(answer),
    };

    trail.enter(Stage::Authenticate);
    let authenticated = authenticate::authenticate(routed, gate, trail).await?;

    trail.enter(Stage::LimitIdentity);
    let limited = limit::by_identity(authenticated, gate).await?;

    trail.enter(Stage::Authorize);
    let authorized = authorize::authorize(limited)?;

    trail.enter(Stage::Validate);
    let validated = validate::validate(authorized);

    trail.enter(Stage::Authorize);
    let permitted = ownership::ask_first(validated, gate, pool).await?;

    trail.enter(Stage::Inspect);
    let inspected = inspect::inspect(permitted);

    trail.enter(Stage::Forward);
    let forwarded = forward::forward(inspected, gate, pool, trail).await?;

    trail.enter(Stage::InspectAnswer);
    let owned = ownership::read_answer(forwarded).await?;

    trail.enter(Stage::Filter);
    filter::filter(owned, gate, recorder, admission, trail).await
}

impl Seen {
    fn of(raw: &Raw) -> Self {
        Self {
            route: None,
            origin: raw.head.headers.get(http::header::ORIGIN).cloned(),
            method: raw.head.method.clone(),
            over_tls: raw.connection.tls.is_some(),
        }
    }
}
