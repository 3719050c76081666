//! The way onward inside a service of this process: what passed is handed to the service that a `GateLayer` stands around.

use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Limited as LengthLimit};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

use super::forward::{Terms, outbound_fields, request, tell_found};
use super::ownership::MOST_DOCUMENT_BYTES;
use super::{AskUpstream, Forwarded, Inspected, Onward, Question};
use crate::body::{AnswerBody, BodyFault, BodyWatch, RequestBody, Source};
use crate::exchange::{Content, Trail};
use crate::gate::Gate;
use crate::layer::{Caller, JudgedBody};
use crate::refusal::Refusal;

type BoxError = Box<dyn Error + Send + Sync>;

/// The service behind the stages. It is cloned for each request, as tower's services are.
pub(crate) struct Inside<S>(pub(crate) S);

/// An answer's body as that service made it.
pub(crate) struct Handed(UnsyncBoxBody<Bytes, BoxError>);

impl<S, R> Inside<S>
where
    S: Service<Request<JudgedBody>, Response = Response<R>, Error: Into<BoxError>> + Clone,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    async fn call(&self, request: Request<JudgedBody>, deadline: Instant) -> Result<Response<Handed>, Refusal> {
        let mut service = self.0.clone();
        let answer = async {
            poll_fn(|task| service.poll_ready(task)).await?;
            service.call(request).await
        };
        match timeout_at(deadline, answer).await {
            Ok(Ok(response)) => Ok(response.map(|body| Handed(body.map_err(Into::into).boxed_unsync()))),
            Ok(Err(_)) => Err(Refusal::Internal("service-failed")),
            Err(_) => Err(Refusal::UpstreamTimeout("no-answer-in-time")),
        }
    }
}

impl<S, R> AskUpstream for Inside<S>
where
    S: Service<Request<JudgedBody>, Response = Response<R>, Error: Into<BoxError>> + Clone,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    async fn document(&self, question: Question) -> Result<Value, Refusal> {
        let Question { route, path, headers } = question;
        let mut request = Request::new(JudgedBody::new(RequestBody::Empty));
        *request.method_mut() = Method::GET;
        *request.uri_mut() = path.parse().map_err(|_| Refusal::Internal("look-up-path-unreadable"))?;
        *request.headers_mut() = headers;
        let deadline = Instant::now() + route.rules.timeouts.total;
        let response = self.call(request, deadline).await?;
        if response.status() != StatusCode::OK {
            return Err(Refusal::OwnerUnknown("look-up-did-not-succeed"));
        }
        let whole = LengthLimit::new(response.into_body(), MOST_DOCUMENT_BYTES).collect();
        let whole = timeout_at(deadline, whole).await.map_err(|_| Refusal::UpstreamTimeout("look-up"))?;
        let bytes = whole.map_err(|_| Refusal::OwnerUnknown("look-up-too-large-or-cut"))?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|_| Refusal::OwnerUnknown("look-up-is-not-json"))
    }
}

impl<S, R> Onward for Inside<S>
where
    S: Service<Request<JudgedBody>, Response = Response<R>, Error: Into<BoxError>> + Clone,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Source = Handed;

    async fn forward(
        &self,
        inspected: Inspected,
        gate: &Gate,
        trail: &mut Trail,
    ) -> Result<Forwarded<Handed>, Refusal> {
        let mut authorized = inspected.into_permitted().into_authorized();
        let opening = Opening::of(&authorized.routed.exchange().head.headers);
        let mut headers = outbound_fields(&mut authorized, gate)?;
        let is_handshake = authorized.handshake.is_some();
        if is_handshake {
            opening.restore(&mut headers);
        }
        let caller = authorized.caller.clone().map(Caller::new);
        let rules = &authorized.routed.route().rules;
        let mut terms = Terms::of(rules, &headers, gate.config.server.timeouts);
        let (limit, deadline) = (rules.body_bytes, Instant::now() + terms.timeouts.total);
        let exchange = authorized.routed.exchange_mut();
        let (body, watch) = match exchange.take_body() {
            Content::Stream(body) => {
                let (body, watch) = RequestBody::bounded(body, limit, terms.pace);
                (terms.bound(body), watch)
            }
            Content::Buffered(bytes) => (RequestBody::from(bytes), BodyWatch::default()),
        };
        let mut request = request(exchange, headers, JudgedBody::new(body));
        *request.version_mut() = exchange.head.version;
        if is_handshake && exchange.head.version == Version::HTTP_2 {
            *request.method_mut() = Method::CONNECT;
        }
        // What the server around the gate knows of the connection is the service's to know; who calls is the gate's to say.
        *request.extensions_mut() = std::mem::take(&mut exchange.head.extensions);
        request.extensions_mut().remove::<Caller>();
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let answer = self.call(request, deadline).await;
        trail.request_bytes(watch.bytes());
        tell_found(&watch, trail);
        let response = answer.map_err(|refusal| cut_body(&watch).unwrap_or(refusal))?;
        // The service saw a body that broke off; whatever it made of that, the client is told the cause.
        if let Some(refusal) = cut_body(&watch) {
            return Err(refusal);
        }
        let response = response.map(|body| AnswerBody::streamed(body, deadline));
        Ok(Forwarded { response, authorized, request_body: terms.message_bytes.map(|_| watch) })
    }
}

/// The fields of a WebSocket handshake that describe its connection. The service speaks on that very connection.
struct Opening([(HeaderName, Option<HeaderValue>); 2]);

impl Opening {
    fn of(headers: &HeaderMap) -> Self {
        Self([header::CONNECTION, header::UPGRADE].map(|name| {
            let value = headers.get(&name).cloned();
            (name, value)
        }))
    }

    fn restore(self, headers: &mut HeaderMap) {
        for (name, value) in self.0 {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}

fn cut_body(watch: &BodyWatch) -> Option<Refusal> {
    Some(match watch.fault()? {
        BodyFault::TooLarge => Refusal::BodyTooLarge,
        BodyFault::TooSlow => Refusal::BodyTooSlow,
        BodyFault::Broken => Refusal::Malformed("body-cut"),
        BodyFault::Malformed => Refusal::Malformed("malformed-body"),
        BodyFault::Shape => Refusal::Message(watch.found().unwrap_or("grpc-message")),
    })
}

impl Source for Handed {
    fn finished(&mut self) {}
}

impl Body for Handed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.get_mut().0).poll_frame(task)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
