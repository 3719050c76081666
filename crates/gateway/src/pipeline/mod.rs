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
pub use authenticate::VerifiedTokens;
pub(crate) use forward::Outbound;

use crate::body::AnswerBody;
use crate::exchange::{Raw, Trail};
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::upstream::Pool;

/// How a stage asks an upstream for a document without knowing connections.
pub(crate) trait AskUpstream {
    /// The JSON document at `path` of the route's upstream, asked with the caller's own fields.
    fn document(&self, question: Question) -> impl Future<Output = Result<Value, Refusal>>;
}

/// A look-up that the gate makes before it forwards.
pub(crate) struct Question {
    pub(crate) upstream: Arc<crate::config::Upstream>,
    pub(crate) timeouts: crate::config::UpstreamTimeouts,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

/// Takes a request through every stage; whatever happens, one answer comes out and one event is written.
pub(crate) async fn run(raw: Raw, gate: &Arc<Gate>, pool: &Pool, recorder: &Recorder) -> Response<AnswerBody> {
    let request_id = raw.request_id;
    let over_tls = raw.connection.tls.is_some();
    let Some(mut trail) = Trail::begin(recorder, &raw) else {
        return filter::refused(Refusal::Unrecordable, request_id, over_tls, None, gate);
    };
    let mut seen = filter::Seen::default();
    match pass(raw, gate, pool, recorder, &mut trail, &mut seen).await {
        Ok(response) => {
            trail.answered(response.status());
            response
        }
        Err(refusal) => {
            let response = filter::refused(refusal.clone(), request_id, over_tls, Some(&seen), gate);
            trail.refused(&refusal);
            response
        }
    }
}

async fn pass(
    raw: Raw,
    gate: &Arc<Gate>,
    pool: &Pool,
    recorder: &Recorder,
    trail: &mut Trail,
    seen: &mut filter::Seen,
) -> Result<Response<AnswerBody>, Refusal> {
    let admission = gate.admission().ok_or(Refusal::Overloaded)?;
    seen.origin = raw.head.headers.get(http::header::ORIGIN).cloned();
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
    Ok(filter::filter(owned, gate, recorder, admission))
}
