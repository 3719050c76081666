use std::sync::Arc;

use bartizan_gateway::Mount;
use bartizan_gateway::config::{AnswerRules, EndpointAddress, Route, Shapes, Upstream, UpstreamTimeouts};
use bartizan_gateway::ports::{AssertionKeys as _, LocalService, Pending};
use bartizan_policy::Access;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::Full;

use super::assertion_keys::RotatingKeys;

/// Where upstreams find the keys that verify `Bartizan-Assertion`.
pub(crate) const ASSERTION_JWKS: &str = "/.well-known/bartizan/jwks.json";

/// The assertion's public keys, served through the gate itself like any other upstream's resource.
pub(crate) fn assertion_jwks(keys: &Arc<RotatingKeys>) -> Mount {
    let route = Route {
        name: "bartizan-assertion-keys".into(),
        path: ASSERTION_JWKS.into(),
        methods: vec![Method::GET],
        upstream: Upstream::single("bartizan", EndpointAddress::Host("localhost".into(), 0)).into(),
        access: Access::Public,
        credentials: Vec::new(),
        webhook: None,
        limit: None,
        body_bytes: 0,
        timeouts: UpstreamTimeouts::default(),
        answer: AnswerRules::default(),
        websocket: None,
        grpc: None,
        contract: None,
        graphql: None,
        method: None,
        shapes: Shapes::default(),
    };
    Mount { route, service: Arc::new(Jwks(keys.clone())) }
}

struct Jwks(Arc<RotatingKeys>);

impl LocalService for Jwks {
    fn call(&self, _: Request<Bytes>) -> Pending<'_, Response<Full<Bytes>>> {
        Box::pin(async { key_set(&self.0) })
    }
}

/// The key set as an answer. It may be cached for a while: a rotated key stays published for two days.
pub(super) fn key_set(keys: &RotatingKeys) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(keys.current().jwks().to_owned()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
