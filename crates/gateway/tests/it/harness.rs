//! A gate in this process, with its audit log in a directory of its own.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use bartizan_evidence::{Config as EvidenceConfig, Recorder, WriterHandle};
use bartizan_gateway::config::{Assertion, Config, KeyFetch, KeyLocation, Route, Server, TrustedIssuer, Upstream};
use bartizan_gateway::listen::{Bound, Inherited, Serving};
use bartizan_gateway::ports::AssertionKeys;
use bartizan_gateway::{AcmeCertificates, CertificateInfo, FetchedKeys, Gate, GateError, MemoryReplays, Ports};
use bartizan_policy::{Access, CredentialKind, Owner, OwnerSource, Rate, Rule};
use bartizan_testkit::{Answered, HttpClient, Issuer};
use bartizan_token::{AssertionSigner, KeySource};
use bartizan_vault::SigningKey;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

/// What every issuer of these tests has to name as `aud`.
pub(crate) const AUDIENCE: &str = "https://api.test";

/// A gate that serves.
pub(crate) struct Gated {
    serving: Option<Serving>,
    writer: Option<WriterHandle>,
    recorder: Recorder,
    ports: Ports,
    state: TempDir,
}

struct OneKey(Arc<AssertionSigner>);

impl AssertionKeys for OneKey {
    fn current(&self) -> Arc<AssertionSigner> {
        self.0.clone()
    }
}

impl Gated {
    /// Starts a gate; needs a runtime for the keys that it fetches.
    pub(crate) fn start(config: Config) -> Self {
        Self::with_queue(config, 4096)
    }

    /// Starts a gate whose audit queue has `queue` places.
    pub(crate) fn with_queue(config: Config, queue: usize) -> Self {
        Self::with_ports(config, queue, |ports| ports)
    }

    fn with_ports(config: Config, queue: usize, change: impl FnOnce(Ports) -> Ports) -> Self {
        let state = tempfile::tempdir().unwrap();
        let queue = NonZeroUsize::new(queue).unwrap();
        let (recorder, writer) =
            Recorder::start(EvidenceConfig { queue, ..EvidenceConfig::in_state(state.path()) }).unwrap();
        let ports = change(ports(&config, &recorder));
        let bound = Bound::bind(&config.server).unwrap();
        let gate = Gate::build(config, &ports).unwrap();
        let serving = bound.serve(gate, &recorder).unwrap();
        Self { serving: Some(serving), writer: Some(writer), recorder, ports, state }
    }

    /// Starts a gate that remembers no more than `room` of what counts once.
    pub(crate) fn with_replay_room(config: Config, room: NonZeroUsize) -> Self {
        let memory = || Arc::new(MemoryReplays::new(room));
        Self::with_ports(config, 4096, |ports| ports.with_replays(memory(), memory()))
    }

    /// Starts a gate on sockets that it was started with.
    pub(crate) fn with_inherited(config: Config, inherited: &mut Inherited) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (recorder, writer) = Recorder::start(EvidenceConfig::in_state(state.path())).unwrap();
        let ports = ports(&config, &recorder);
        let bound = Bound::bind_with(&config.server, inherited).unwrap();
        let serving = bound.serve(Gate::build(config, &ports).unwrap(), &recorder).unwrap();
        Self { serving: Some(serving), writer: Some(writer), recorder, ports, state }
    }

    /// Its listening sockets, as the process that replaces it gets them.
    pub(crate) fn sockets(&self) -> Inherited {
        let sockets = self.serving().sockets().unwrap().into_iter();
        Inherited::from_sockets(sockets.map(|(role, socket)| (Some(role.as_str().to_owned()), socket))).unwrap()
    }

    /// Compiles a configuration without serving it.
    pub(crate) fn build(config: Config) -> Result<Gate, GateError> {
        let state = tempfile::tempdir().unwrap();
        let (recorder, _writer) = Recorder::start(EvidenceConfig::in_state(state.path())).unwrap();
        let ports = ports(&config, &recorder);
        Gate::build(config, &ports)
    }

    fn serving(&self) -> &Serving {
        self.serving.as_ref().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        *self.serving().addresses().first().unwrap()
    }

    pub(crate) fn redirect_address(&self) -> SocketAddr {
        self.serving().redirect_address().unwrap()
    }

    pub(crate) fn certificates(&self) -> Vec<CertificateInfo> {
        self.serving().gate().certificates()
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        HttpClient::plain().get(&self.url(path)).await.unwrap()
    }

    /// The answer to a request with these fields.
    pub(crate) async fn send(&self, method: Method, path: &str, fields: &[(&str, &str)], body: &str) -> Answered {
        self.try_send(method, path, fields, body).await.unwrap()
    }

    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Answered> {
        HttpClient::plain().send(request(method, &self.url(path), fields, body)).await
    }

    /// The status of a GET with this bearer token.
    pub(crate) async fn status_with(&self, path: &str, token: &str) -> StatusCode {
        self.send(Method::GET, path, &[("authorization", &format!("Bearer {token}"))], "").await.status
    }

    /// Puts another configuration in force.
    pub(crate) fn replace(&self, config: Config) {
        self.serving().replace(Gate::build(config, &self.ports).unwrap());
    }

    /// Begins to drain; the thread ends when the gate has drained.
    pub(crate) fn drain(&mut self) -> std::thread::JoinHandle<()> {
        let serving = self.serving.take().unwrap();
        std::thread::spawn(move || serving.drain())
    }

    /// Drains, and returns every record of the audit log.
    pub(crate) fn records(mut self) -> Vec<Value> {
        if let Some(serving) = self.serving.take() {
            serving.drain();
        }
        self.writer.take().unwrap().shutdown().unwrap();
        bartizan_evidence::read(&self.state.path().join("audit")).unwrap().map(Result::unwrap).collect()
    }

    /// Drains, and returns the events of requests.
    pub(crate) fn events(self) -> Vec<Value> {
        self.records()
            .into_iter()
            .filter(|record| record.pointer("/event/action").is_some_and(|action| action == "request"))
            .collect()
    }

    /// Drains, and returns the event of the only request.
    pub(crate) fn only_event(self) -> Value {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }
}

pub(crate) fn ports(config: &Config, recorder: &Recorder) -> Ports {
    let fetched = FetchedKeys::new(tokio::runtime::Handle::current(), recorder.clone());
    let key = SigningKey::generate().unwrap();
    let signer = AssertionSigner::new(key, Vec::new(), "https://gate.test".to_owned(), Duration::from_mins(1));
    let acme = AcmeCertificates::new(tokio::runtime::Handle::current(), recorder.clone());
    Ports::alone(config.limits, Arc::new(OneKey(Arc::new(signer))), fetched).with_acme(acme)
}

pub(crate) fn request(method: Method, url: &str, fields: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Bytes::from(body.to_owned())).unwrap()
}

/// A gate on plain HTTP that serves `routes`.
pub(crate) fn config(routes: Vec<Route>) -> Config {
    let inside = Config::inside("http://api.test".parse().unwrap(), routes);
    let server = Server {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        workers: NonZeroUsize::new(1),
        drain: Duration::from_secs(3),
        ..inside.server
    };
    Config { server, assertion: Assertion::default(), ..inside }
}

/// A public route for every usual method.
pub(crate) fn route(path: &str, upstream: SocketAddr) -> Route {
    let methods = vec![Method::GET, Method::POST, Method::PUT, Method::DELETE];
    let inside = Route::inside(path, methods, Access::Public);
    Route { upstream: backend(upstream).into(), credentials: Vec::new(), ..inside }
}

/// The upstream of one endpoint at this address.
pub(crate) fn backend(address: SocketAddr) -> Upstream {
    Upstream::at("backend", &format!("http://{address}").parse().unwrap()).unwrap()
}

/// A route for those whom a bearer token or an API key names.
pub(crate) fn guarded(path: &str, upstream: SocketAddr, access: Access) -> Route {
    Route { access, credentials: vec![CredentialKind::Bearer, CredentialKind::ApiKey], ..route(path, upstream) }
}

pub(crate) fn rule(change: impl FnOnce(&mut Rule)) -> Access {
    let mut rule = Rule::default();
    change(&mut rule);
    Access::Rule(Box::new(rule))
}

pub(crate) fn owner(source: OwnerSource) -> Access {
    rule(|rule| rule.owner = Some(Owner { source, unless_roles: vec!["support".into()] }))
}

/// An issuer whose keys are found by discovery.
pub(crate) fn trusting(issuer: &Issuer) -> TrustedIssuer {
    let discovery = format!("{}/.well-known/openid-configuration", issuer.url());
    TrustedIssuer {
        introspection: None,
        issuer: bartizan_token::Issuer::new(issuer.url(), vec![AUDIENCE.to_owned()], KeySource::Published),
        fetch: Some(KeyFetch { from: KeyLocation::Discovery(discovery.parse().unwrap()), authorities: None }),
    }
}

pub(crate) fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

pub(crate) fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Waits until `holds`, as long as a patient operator would.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}
