//! What a service configures that carries the decisions inside itself: no listener, no upstream, no assertion.

use std::sync::Arc;
use std::time::Duration;

use bartizan_evidence::Recorder;
use bartizan_policy::{Access, CredentialKind};
use bartizan_token::AssertionSigner;
use bartizan_vault::SigningKey;
use http::{Method, Uri};
use tokio::runtime::Handle;

use crate::config::{
    AnswerRules, Assertion, Bounds, ClientTimeouts, Config, EndpointAddress, Limits, Listening, Route, Server, Shapes,
    Tls, Upstream, UpstreamTimeouts,
};
use crate::issuer_keys::FetchedKeys;
use crate::ports::AssertionKeys;
use crate::{GateError, Ports};

impl Config {
    /// The configuration of a service that is reached at `public_url` and serves `routes`. Its fields can be changed before the gate is
    /// built; those that describe listeners and upstreams have no effect.
    pub fn inside(public_url: Uri, routes: Vec<Route>) -> Self {
        Self {
            server: Server {
                listen: Vec::new(),
                listening: Listening::default(),
                redirect_from: None,
                public_url,
                hosts: Vec::new(),
                tls: Tls::Off,
                trusted_proxies: Vec::new(),
                workers: None,
                drain: Duration::ZERO,
                bounds: Bounds::default(),
                timeouts: ClientTimeouts::default(),
            },
            limits: Limits::default(),
            issuers: Vec::new(),
            api_keys: Vec::new(),
            certificates: Vec::new(),
            webhooks: Vec::new(),
            revoked: Vec::new(),
            routes,
            // Handlers get the principal itself; there is nobody to whom it has to be proved.
            assertion: Assertion { enabled: false, ..Assertion::default() },
            sign_in: None,
            trace: None,
        }
    }
}

impl Route {
    /// A route of the service itself, for bearer tokens and API keys, with bodies of at most 1 MiB.
    pub fn inside(path: impl Into<Arc<str>>, methods: Vec<Method>, access: Access) -> Self {
        let path = path.into();
        Self {
            name: path.clone(),
            path,
            methods,
            upstream: Upstream::single("inside", EndpointAddress::Host("127.0.0.1".into(), 9)).into(),
            access,
            credentials: vec![CredentialKind::Bearer, CredentialKind::ApiKey],
            limit: None,
            body_bytes: 1 << 20,
            timeouts: UpstreamTimeouts::default(),
            answer: AnswerRules::default(),
            websocket: None,
            grpc: None,
            contract: None,
            graphql: None,
            method: None,
            shapes: Shapes::default(),
            webhook: None,
        }
    }
}

impl Ports {
    /// The ports of a service that carries the decisions inside itself. Keys of issuers are fetched on `runtime`.
    ///
    /// # Errors
    /// If there is no randomness.
    pub fn inside(limits: Limits, recorder: &Recorder, runtime: Handle) -> Result<Self, GateError> {
        let key = SigningKey::generate().map_err(|_| GateError::NoRandomness)?;
        let signer = AssertionSigner::new(key, Vec::new(), "inside".to_owned(), Duration::from_mins(1));
        let keys = Arc::new(NoAssertion(Arc::new(signer)));
        Ok(Self::alone(limits, keys, FetchedKeys::new(runtime, recorder.clone())))
    }
}

/// A signer that nobody asks: assertions are off.
struct NoAssertion(Arc<AssertionSigner>);

impl AssertionKeys for NoAssertion {
    fn current(&self) -> Arc<AssertionSigner> {
        self.0.clone()
    }
}
