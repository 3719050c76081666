use super::carries::Carries;
use crate::config::literal::{Access, Api, Mode, Route};
use crate::config::posture::Weakness;
use crate::config::units::{Method, Name, PathPattern};

/// What an API of another style than OpenAPI is, for the posture.
#[derive(Clone, Debug)]
pub(crate) struct StyleDocument {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) operations: usize,
    pub(crate) requests: String,
    pub(crate) answers: String,
    pub(crate) weaker: Vec<Weakness>,
    pub(crate) carries: Carries,
}

/// A route of such an API, with what the API says for all of them.
pub(super) fn route(api: &Api, name: Name, path: PathPattern, methods: Vec<Method>, access: &Access) -> Route {
    Route {
        name,
        path,
        methods,
        upstream: api.upstream.clone(),
        upstream_ca: api.upstream_ca.clone(),
        access: access.clone(),
        credentials: api.credentials.clone(),
        webhook: None,
        limit: api.limit,
        inspect: Mode::default(),
        learn: false,
        body: api.body,
        upgrade: None,
        websocket: None,
        grpc: None,
        timeouts: api.timeouts,
        mask: api.mask.clone(),
        cors: api.cors.clone(),
        headers: api.headers.clone(),
    }
}
