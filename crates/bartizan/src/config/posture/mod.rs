//! What a configuration protects, and how well: built from what the rooms are told, not from what was typed, so that it is true
//! of the gate that runs.

mod apis;
mod callers;
mod identity;
mod listening;
mod route;
mod telemetry;
mod text;
mod upstreams;
mod words;

use bartizan_gateway::config::{self as gateway, Config, Tls, TlsVersion};
use bartizan_vault::RootSource;
use serde::Serialize;

use super::resolve::Resolved;
use super::units::{Period, Rate};

pub use apis::ApiPosture;
pub use callers::Caller;
pub use route::RoutePosture;
pub use upstreams::UpstreamPosture;

/// What a configuration protects, and how well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Posture {
    /// Where the gate listens, and how it speaks there.
    pub listeners: Vec<Listener>,
    /// Whose credentials are accepted.
    pub callers: Vec<Caller>,
    /// Named groups of endpoints, and what is done when one of them fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<UpstreamPosture>,
    /// Documents and schemas that are enforced, and what they leave open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apis: Vec<ApiPosture>,
    /// What is served.
    pub routes: Vec<RoutePosture>,
    /// What holds for every route.
    pub everywhere: Vec<String>,
    /// What is weaker than the default, or missing, for the whole gate.
    pub weaker: Vec<Weakness>,
}

/// A place where the gate listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// Scheme and address.
    pub url: String,
    /// What is there.
    pub serves: String,
}

/// Something that is weaker than the default, or that this version does not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Weakness {
    /// What it means.
    pub what: String,
    /// Why it is so: what the configuration says, or leaves out.
    pub because: String,
}

impl Weakness {
    fn new(what: impl Into<String>, because: impl Into<String>) -> Self {
        Self { what: what.into(), because: because.into() }
    }
}

impl Posture {
    /// The posture of a configuration.
    pub(crate) fn of(resolved: &Resolved) -> Self {
        let gateway = &resolved.gateway;
        let (callers, weak_callers) = callers::of(gateway);
        let (upstreams, weak_upstreams) = upstreams::of(gateway);
        let route = |(route, inspect): (_, &_)| RoutePosture::of(route, *inspect);
        Self {
            listeners: listeners(resolved),
            routes: gateway.routes.iter().zip(&resolved.inspect).map(route).collect(),
            callers,
            upstreams,
            apis: resolved
                .documents
                .iter()
                .map(ApiPosture::of)
                .chain(resolved.styles.iter().map(ApiPosture::of_style))
                .collect(),
            everywhere: everywhere(resolved),
            weaker: of_the_gate(resolved).into_iter().chain(weak_callers).chain(weak_upstreams).collect(),
        }
    }

    /// How many points are weaker than the default, those of the routes among them.
    pub fn count_weaker(&self) -> usize {
        let of_apis = self.apis.iter().map(|api| api.weaker.len()).sum::<usize>();
        of_apis + self.weaker.len() + self.routes.iter().map(|route| route.weaker.len()).sum::<usize>()
    }
}

fn listeners(resolved: &Resolved) -> Vec<Listener> {
    let server = &resolved.gateway.server;
    let (scheme, serves) = match &server.tls {
        Tls::Off => ("http", "plain HTTP, without TLS".to_owned()),
        Tls::SelfSigned { min_version, .. } => ("https", format!("{}, self-signed", versions(*min_version))),
        Tls::Acme { acme, min_version } => {
            ("https", format!("{}, for {} by ACME", versions(*min_version), acme.domains.join(", ")))
        }
        Tls::Files { certificates, min_version } => (
            "https",
            format!("{}, {}", versions(*min_version), super::render::counted(certificates.len(), "certificate")),
        ),
    };
    let serves = std::iter::once(serves).chain(listening::demands(server)).collect::<Vec<_>>().join("; ");
    let public =
        server.listen.iter().map(|address| Listener { url: format!("{scheme}://{address}"), serves: serves.clone() });
    let target = server.public_url.to_string();
    let redirect = server.redirect_from.map(|address| Listener {
        url: format!("http://{address}"),
        serves: format!("redirects to {}", target.trim_end_matches('/')),
    });
    let console = Listener {
        url: format!("http://{}", resolved.console.listen),
        serves: "console: health, readiness, metrics".to_owned(),
    };
    public.chain(redirect).chain([console]).collect()
}

const fn versions(min_version: TlsVersion) -> &'static str {
    match min_version {
        TlsVersion::Tls12 => "TLS 1.2 and 1.3",
        TlsVersion::Tls13 => "TLS 1.3",
    }
}

/// What holds for every request, whatever its route.
fn everywhere(resolved: &Resolved) -> Vec<String> {
    let Config { server, limits, assertion, .. } = &resolved.gateway;
    let mut facts = vec![
        "undeclared paths get 404, undeclared methods 405; neither reaches an upstream".to_owned(),
        format!(
            "{} from one address (IPv6: /{}), {} of one identity",
            Rate::from(limits.address),
            limits.ipv6_prefix,
            Rate::from(limits.identity)
        ),
        format!("{} failed sign-ins from one address", Rate::from(limits.failed_authentication)),
        format!("{} requests at once, then 503", limits.concurrency),
        format!(
            "{} connections, {} from one address, {} handshakes at once; another one is closed",
            limits.connections, limits.connections_per_address, limits.handshakes
        ),
        format!(
            "clients that send or take less than {} bytes a second are cut off within {}",
            server.timeouts.min_rate,
            Period::new(server.timeouts.body_idle)
        ),
        format!(
            "heads of at most {} fields and {} KiB, read within {}",
            server.bounds.headers,
            server.bounds.head_bytes.get() / 1024,
            Period::new(server.timeouts.head)
        ),
        "security headers set, banners removed, cookies hardened, upstream errors replaced".to_owned(),
    ];
    if !server.trusted_proxies.is_empty() {
        let proxies: Vec<String> = server.trusted_proxies.iter().map(ToString::to_string).collect();
        facts.push(format!("client addresses are believed from {}", proxies.join(", ")));
    }
    if assertion.enabled {
        facts.push(format!("upstreams get a signed assertion, valid {}", Period::new(assertion.lifetime)));
    }
    facts.push(format!("every request in the audit log at {}", resolved.evidence.directory.display()));
    facts.extend(identity::facts(resolved));
    facts.extend(telemetry::facts(resolved));
    facts
}

fn of_the_gate(resolved: &Resolved) -> Vec<Weakness> {
    let server = &resolved.gateway.server;
    let mut weaker = Vec::new();
    match &server.tls {
        Tls::Off if server.listen.iter().all(gateway::ListenAddress::is_local) => {
            weaker.push(Weakness::new("no TLS: requests are readable on this machine", "`tls = \"off\"`"));
        }
        Tls::Off => {
            weaker.push(Weakness::new("no TLS: everybody on the way reads and changes requests", "`tls = \"off\"`"));
        }
        Tls::SelfSigned { .. } => {
            weaker.push(Weakness::new(
                "clients cannot tell the gate from an impostor",
                "`tls = \"self-signed\"`, for development",
            ));
        }
        Tls::Files { .. } | Tls::Acme { .. } => {}
    }
    weaker.extend(listening::weaker(server));
    if let RootSource::Automatic(state) = &resolved.vault {
        weaker.push(Weakness::new(
            format!("whoever copies {} can use the keys in it", state.display()),
            "`[vault] root = \"automatic\"`, for development",
        ));
    }
    if !resolved.console.listen.ip().is_loopback() {
        weaker.push(Weakness::new(
            "others can read health and metrics, without TLS",
            "`[console] listen` is not loopback",
        ));
    }
    if resolved.identity.user.as_deref() == Some("root") {
        weaker.push(Weakness::new("whoever breaks the gate has the whole machine", "`[server] user = \"root\"`"));
    }
    if server.hosts.iter().any(|host| &**host == "*") {
        weaker.push(Weakness::new("any name in `Host` is accepted", "`[server] hosts` holds `*`"));
    }
    if !resolved.gateway.assertion.enabled {
        weaker.push(Weakness::new(
            "upstreams cannot tell who calls, nor that the gate asked",
            "`[assertion] header = false`",
        ));
    }
    weaker.extend(identity::weaknesses(resolved));
    weaker.extend(telemetry::weaknesses(resolved));
    weaker
}
