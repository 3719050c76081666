//! The room of people at the gate: its pages as a local upstream, its sessions behind the gate's port. Both run on the control plane,
//! where the store is; a session that was looked up a moment ago is at hand without it.

use std::sync::Arc;

use bartizan_gateway::config::{AnswerRules, EndpointAddress, Route, Shapes, Upstream, UpstreamTimeouts};
use bartizan_gateway::ports::{LocalService, Pending, Reply, Revocations, Sessions};
use bartizan_gateway::{CookieRules, FetchedKeys, GateCookie, Mount, Ports};
use bartizan_identity::Identity;
use bartizan_policy::{Access, IssuerName, Principal};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::runtime::Handle;
use tokio::sync::RwLock;

/// The largest form.
const LARGEST_FORM: u64 = 64 * 1024;

/// Who has the state that the room stands on. Whoever asks the room holds it for reading; a restart holds it for writing while the state
/// changes hands, so that nobody finds it closed under their feet: they wait for as long as that takes.
pub(super) type Hold = Arc<RwLock<Holder>>;

/// Who has the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// This process.
    ThisProcess,
    /// The one that took its place: what is still asked here has to be asked there.
    Successor,
}

/// The room, as the gate sees it.
#[derive(Clone)]
pub(super) struct People {
    identity: Arc<Identity>,
    control: Handle,
    hold: Hold,
}

impl People {
    pub(super) const fn new(identity: Arc<Identity>, control: Handle, hold: Hold) -> Self {
        Self { identity, control, hold }
    }

    /// Serves the room, keeps the gate supplied with its keys, and lets it ask about sessions and revocations.
    pub(super) fn plug_into(self, ports: Ports, verifiers: &Arc<FetchedKeys>) -> Ports {
        self.give_keys(verifiers);
        self.control.spawn(self.clone().keep_up(verifiers.clone()));
        let ports = self.mounts().into_iter().fold(ports, Ports::with_mount);
        ports.with_revocations(Arc::new(self.clone())).with_sessions(Arc::new(self))
    }

    /// Everything below the configured path, and what the standards want at the root.
    fn mounts(&self) -> [Mount; 2] {
        let below = format!("{}/{{*page}}", self.identity.config().path);
        let metadata = self.identity.provider().root_metadata_path();
        [
            self.mount("bartizan-identity", below, vec![Method::GET, Method::POST, Method::OPTIONS]),
            self.mount("bartizan-identity-metadata", metadata, vec![Method::GET]),
        ]
    }

    fn mount(&self, name: &str, path: String, methods: Vec<Method>) -> Mount {
        let route = Route {
            name: name.into(),
            path: path.into(),
            methods,
            upstream: Upstream::single("bartizan", EndpointAddress::Host("localhost".into(), 0)).into(),
            access: Access::Public,
            // The room judges its own cookies and clients, and a page of the sign-in must open whatever they say.
            credentials: Vec::new(),
            webhook: None,
            limit: None,
            body_bytes: LARGEST_FORM,
            timeouts: UpstreamTimeouts::default(),
            answer: AnswerRules {
                cookies: CookieRules { gate_cookie: GateCookie::Allowed, ..CookieRules::default() },
                ..AnswerRules::default()
            },
            websocket: None,
            grpc: None,
            contract: None,
            graphql: None,
            method: None,
            shapes: Shapes::default(),
        };
        Mount { route, service: Arc::new(self.clone()) }
    }

    /// Gives the gate the keys of the room's own tokens: nobody has to be asked for them.
    fn give_keys(&self, verifiers: &FetchedKeys) {
        let provider = self.identity.provider();
        verifiers.hold_own(&IssuerName::from(&**provider.issuer()), provider.key_set());
    }

    /// Follows what changes with time, and tells the gate of new keys.
    async fn keep_up(self, verifiers: Arc<FetchedKeys>) {
        let issuer = IssuerName::from(&**self.identity.provider().issuer());
        self.identity.provider().keep_up(|keys| verifiers.hold_own(&issuer, keys)).await;
    }
}

impl Revocations for People {
    fn stops(&self, principal: &Principal) -> bool {
        self.identity.provider().stops(principal)
    }
}

impl LocalService for People {
    /// In a task of its own: a client that hangs up leaves nothing half done.
    fn call(&self, request: Request<Bytes>) -> Pending<'_, Response<Full<Bytes>>> {
        let (identity, hold) = (self.identity.clone(), self.hold.clone());
        let answer = self.control.spawn(async move {
            let holder = hold.read().await;
            if *holder == Holder::Successor { elsewhere(&request) } else { identity.answer(request).await }
        });
        Box::pin(async move { answer.await.map_or_else(|_| unavailable(), |response| response.map(Full::from)) })
    }
}

/// The connection was made to this process, and ends with this answer: the next one reaches the process that took its place. A browser
/// makes it by itself, and sends again what it sent (`RFC 9110 §15.4.8`); a program is told to.
fn elsewhere(request: &Request<Bytes>) -> Response<Bytes> {
    let is_navigation = request.headers().get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    let here = request.uri().path_and_query().and_then(|it| HeaderValue::from_str(it.as_str()).ok());
    let mut response = Response::new(Bytes::new());
    if let Some(here) = here.filter(|_| is_navigation) {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response.headers_mut().insert(LOCATION, here);
    } else {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn unavailable() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

impl Sessions for People {
    fn principal(&self, cookie: &str) -> Reply<'_, Option<Arc<Principal>>> {
        let people = self.identity.people();
        if let Some(principal) = people.principal_at_hand(cookie) {
            return Reply::Now(Some(principal));
        }
        let (people, cookie, hold) = (people.clone(), cookie.to_owned(), self.hold.clone());
        let found = self.control.spawn(async move {
            let holder = hold.read().await;
            if *holder == Holder::Successor {
                // A browser is led to the sign-in, by a new connection, and from there back at once.
                return Ok(None);
            }
            people.principal(&cookie).await
        });
        Reply::Later(Box::pin(async move {
            match found.await {
                Ok(Ok(principal)) => principal,
                Ok(Err(cause)) => {
                    tracing::error!(%cause, "a session could not be looked up, and counts as none");
                    None
                }
                Err(_) => None,
            }
        }))
    }
}
