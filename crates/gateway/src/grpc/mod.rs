//! gRPC as the gate sees it: which requests are calls, how long they may take, how large their messages are, and how a refusal has to
//! look so that a client reads it as a status and not as a broken connection.

pub(crate) mod messages;
pub(crate) mod shape;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bartizan_evidence::{CloseCause, RequestId};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::body::{AnswerFault, BodyFault};
use crate::refusal::Refusal;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC: &[u8] = b"application/grpc";

/// The statuses that the gate has cause to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// Whether a message is of a gRPC call.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    let Some((start, rest)) =
        headers.get(header::CONTENT_TYPE).and_then(|kind| kind.as_bytes().split_at_checked(GRPC.len()))
    else {
        return false;
    };
    start.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';'))
}

/// How long the client waits, if it says so.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    messages::parse_timeout(headers.get(GRPC_TIMEOUT)?.as_bytes())
}

/// A refusal as a client of gRPC reads it: a status in a head that is the whole answer.
pub(crate) fn refused(refusal: &Refusal, answer: Response<Bytes>, request_id: RequestId) -> Response<Bytes> {
    let (status, _, title) = refusal.face();
    trailers_only(answer.into_parts().0.headers, of_http(status), title, request_id)
}

/// What an upstream said without gRPC, as a client of gRPC reads it.
pub(crate) fn failed(answer: Response<Bytes>, request_id: RequestId) -> Response<Bytes> {
    let head = answer.into_parts().0;
    trailers_only(head.headers, of_http(head.status), "The service behind reported an error", request_id)
}

fn trailers_only(headers: HeaderMap, status: Status, title: &str, request_id: RequestId) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    set(headers, status, &format!("{title} (request {})", request_id.as_text()));
    response
}

/// The trailers that end a call whose answer had begun.
pub(crate) fn ending(fault: &AnswerFault, body: Option<BodyFault>) -> HeaderMap {
    let (status, message) = match (body, fault) {
        (Some(BodyFault::TooLarge), _) => (Status::ResourceExhausted, "A message is larger than this route takes"),
        (Some(BodyFault::TooSlow), _) | (_, AnswerFault::TooSlow) => {
            (Status::DeadlineExceeded, "The call took longer than it may")
        }
        (Some(BodyFault::Shape), _) => (Status::InvalidArgument, "The message is not what the method declares"),
        (Some(BodyFault::Broken | BodyFault::Malformed), _) => (Status::InvalidArgument, "The call broke off"),
        (None, AnswerFault::Ended(CloseCause::CredentialExpired | CloseCause::Revoked)) => {
            (Status::Unauthenticated, "The credential has ended")
        }
        (None, AnswerFault::Ended(_)) => (Status::PermissionDenied, "This is no longer allowed"),
        (None, AnswerFault::Upstream(_)) => (Status::Unavailable, "The service behind broke off"),
    };
    let mut trailers = HeaderMap::new();
    set(&mut trailers, status, message);
    trailers
}

fn set(headers: &mut HeaderMap, status: Status, message: &str) {
    headers.insert(GRPC_STATUS, HeaderValue::from(status as u16));
    // The messages are ours, and ASCII without `%`: nothing in them has to be escaped.
    if let Ok(message) = HeaderValue::from_str(message) {
        headers.insert(GRPC_MESSAGE, message);
    }
}

/// The status that says the same as one of HTTP. What can be tried again as it is gets `UNAVAILABLE`: clients repeat that one.
const fn of_http(status: StatusCode) -> Status {
    match status.as_u16() {
        401 => Status::Unauthenticated,
        403 => Status::PermissionDenied,
        404 | 405 => Status::Unimplemented,
        408 | 504 => Status::DeadlineExceeded,
        413 | 429 | 431 => Status::ResourceExhausted,
        502 | 503 => Status::Unavailable,
        400..=499 => Status::InvalidArgument,
        _ => Status::Internal,
    }
}
