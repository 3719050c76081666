//! Which requests may be sent again, and after what.

use std::error::Error as _;

use http::{Method, Request};
use hyper::Error;

use super::SendFault;
use crate::body::RequestBody;
use crate::config::{Retry, RetryMethods};

/// The upstream takes no more requests over this connection.
pub(super) const CONNECTION_LEFT: &str = "connection-was-left";

/// The request once more, if it is safe and has no body.
pub(super) fn copy_of_safe(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    (is_safe(request.method()) && request.body().is_empty()).then(|| copy(request, RequestBody::Empty))
}

/// The request once more, if the rules allow that it is sent again although it left.
pub(super) fn copy_of_repeatable(request: &Request<RequestBody>, rules: &Retry) -> Option<Request<RequestBody>> {
    let is_allowed = match rules.methods {
        RetryMethods::Safe => is_safe(request.method()),
        RetryMethods::Idempotent => is_safe(request.method()) || is_idempotent(request.method()),
    };
    if !is_allowed {
        return None;
    }
    copy_of_whole(request)
}

/// The request once more, whatever its method, for an upstream that says that it did not look at it. A stream is gone once it was sent:
/// only what is here whole can be sent again.
pub(super) fn copy_of_whole(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    request.body().duplicate().map(|body| copy(request, body))
}

pub(super) fn copy(request: &Request<RequestBody>, body: RequestBody) -> Request<RequestBody> {
    let mut copy = Request::new(body);
    request.method().clone_into(copy.method_mut());
    request.uri().clone_into(copy.uri_mut());
    request.headers().clone_into(copy.headers_mut());
    copy
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::PUT | Method::DELETE)
}

/// What hyper's error means here, as a stable word.
pub(super) fn fault(error: &Error) -> SendFault {
    if let Some(cause) = error.source().and_then(|cause| cause.downcast_ref()).and_then(unprocessed) {
        SendFault::Unprocessed(cause)
    } else if error.is_parse_too_large() {
        SendFault::BadAnswer("head-too-large")
    } else if error.is_parse() {
        SendFault::BadAnswer("not-http")
    } else if error.is_body_write_aborted() || error.is_user() {
        SendFault::BadAnswer("body-cut")
    } else if error.is_incomplete_message() {
        SendFault::NoAnswer("closed-before-its-answer")
    } else {
        SendFault::NoAnswer("connection-broke")
    }
}

/// How the upstream says that it did not look at a request: by `REFUSED_STREAM`, or by a GOAWAY whose last stream is an earlier one
/// (`RFC 9113 §8.7`). h2 tells no stream of a GOAWAY that it does not concern.
fn unprocessed(error: &h2::Error) -> Option<&'static str> {
    if !error.is_remote() {
        None
    } else if error.is_go_away() {
        Some(CONNECTION_LEFT)
    } else {
        (error.reason() == Some(h2::Reason::REFUSED_STREAM)).then_some("stream-refused")
    }
}

/// Whether a request that left may be sent to another endpoint after this, if it may be repeated at all. An answer that began, and one
/// that took all the time there was, is the end of it.
pub(super) fn is_worth_another(fault: SendFault) -> bool {
    matches!(fault, SendFault::NoAnswer(_) | SendFault::Unreachable(_) | SendFault::Timeout("try-too-slow"))
}
