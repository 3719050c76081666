use bartizan_gateway::config::{Compression, EndpointAddress, Route, Scheme, WebSocket};
use bartizan_gateway::{Cors, Credentials, Hsts, Origins};
use bartizan_policy::{Access, CredentialKind};
use serde::Serialize;

use super::{Weakness, words};
use crate::config::expect::either;
use crate::config::literal::Mode;
use crate::config::units::{Period, Rate, Size};

/// What protects one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoutePosture {
    /// Its name.
    pub name: String,
    /// Its methods.
    pub methods: Vec<String>,
    /// Its path.
    pub path: String,
    /// Whom requests are for.
    pub upstream: String,
    /// Who may call it: every condition holds.
    pub who: Vec<String>,
    /// Which credentials are looked at.
    pub credentials: Vec<String>,
    /// What bounds its use.
    pub limits: Vec<String>,
    /// What is done to its answers beyond what holds everywhere.
    pub answers: Vec<String>,
    /// What is weaker than the default, or missing.
    pub weaker: Vec<Weakness>,
}

impl RoutePosture {
    pub(super) fn of(route: &Route, inspect: Mode) -> Self {
        Self {
            name: route.name.to_string(),
            methods: route.methods.iter().map(ToString::to_string).collect(),
            path: route.path.to_string(),
            upstream: upstream(route),
            who: words::who(&route.access),
            credentials: credentials(route),
            limits: limits(route),
            answers: answers(route),
            weaker: weaker(route, inspect),
        }
    }
}

/// What has to be shown; nothing where anybody may call.
fn credentials(route: &Route) -> Vec<String> {
    if route.access == Access::Public {
        return Vec::new();
    }
    let name = |kind: &CredentialKind| match kind {
        CredentialKind::Session => "session".to_owned(),
        CredentialKind::Bearer => "bearer token".to_owned(),
        CredentialKind::Dpop => "token bound to a key".to_owned(),
        CredentialKind::ApiKey => "API key".to_owned(),
        CredentialKind::Mtls => "client certificate".to_owned(),
        CredentialKind::Webhook => format!("signature of {}", route.webhook.as_deref().unwrap_or("nobody")),
    };
    route.credentials.iter().map(name).collect()
}

fn limits(route: &Route) -> Vec<String> {
    let who = if route.access == Access::Public { "address" } else { "identity" };
    let rate = route.limit.map(|rate| format!("{} per {who}", Rate::from(rate)));
    let body = (route.body_bytes < u64::MAX).then(|| format!("body {}", Size::new(route.body_bytes)));
    let idle = Period::new(route.timeouts.stream_idle);
    let time = match route.grpc {
        Some(_) => format!("a call in pieces at most {idle} apart"),
        None => format!("answer within {}", Period::new(route.timeouts.total)),
    };
    let message = route.grpc.map(|grpc| format!("gRPC messages of {}", Size::new(grpc.message_bytes.into())));
    let flow = route.contract.as_ref().and_then(|contract| contract.operation.extensions.flow.as_ref());
    let flow = flow.map(|flow| format!("a step of the sensitive flow `{flow}`"));
    rate.into_iter()
        .chain(flow)
        .chain(body)
        .chain([time])
        .chain(message)
        .chain(route.websocket.iter().map(websocket))
        .collect()
}

fn websocket(rules: &WebSocket) -> String {
    let (message, rate) = (Size::new(rules.message_bytes), Rate::from(rules.rate));
    let (idle, lifetime) = (Period::new(rules.idle), Period::new(rules.lifetime));
    let mut text = format!("WebSocket messages of {message}, {rate}; {idle} of silence, {lifetime} in all");
    if !rules.origins.is_empty() {
        let origins: Vec<String> = rules.origins.iter().map(|origin| origin.as_str().to_owned()).collect();
        text = format!("{text}; also for pages of {}", either(&origins));
    }
    text
}

fn answers(route: &Route) -> Vec<String> {
    let mask = &route.answer.mask;
    let masked = [(mask.card_numbers, "card numbers"), (mask.tokens, "tokens"), (mask.private_keys, "private keys")];
    let masked: Vec<&str> = masked.into_iter().filter_map(|(on, name)| on.then_some(name)).collect();
    let mut answers = Vec::new();
    if !masked.is_empty() {
        answers.push(format!("{} masked", masked.join(", ")));
    }
    answers.extend(route.answer.cors.iter().map(cors));
    answers
}

fn cors(cors: &Cors) -> String {
    match &cors.origins {
        Origins::Any => "readable by every web page".to_owned(),
        Origins::Listed(origins, credentials) => {
            let origins: Vec<String> = origins.iter().map(|origin| origin.as_str().to_owned()).collect();
            let with = if *credentials == Credentials::Include { ", with cookies" } else { "" };
            format!("readable by pages of {}{with}", either(&origins))
        }
    }
}

fn weaker(route: &Route, inspect: Mode) -> Vec<Weakness> {
    let mut weaker = Vec::new();
    let mut weak = |what: &str, because: String| weaker.push(Weakness::new(what, because));
    if route.access == Access::Public {
        weak("anybody may call it", "`access = \"public\"`".to_owned());
    }
    let flow = route.contract.as_ref().and_then(|contract| contract.operation.extensions.flow.as_deref());
    if let Some(flow) = flow.filter(|_| route.access == Access::Public) {
        let because = format!("`x-bartizan-flow: {flow}` on an operation without `security`");
        weak("whoever has many addresses goes through a sensitive flow as often as they like", because);
    }
    if has_unowned_objects(route) {
        weak(
            "who may call it may ask for everybody's objects",
            "`access` has no `owner`, and the path has a parameter".to_owned(),
        );
    }
    if route.limit.is_none() {
        weak("no limit of its own", "no `limit`".to_owned());
    }
    if crosses_in_the_clear(route) {
        weak("requests to the upstream cross the network in the clear", "`upstream` is `http`".to_owned());
    }
    if route.answer.cors.as_ref().is_some_and(|cors| cors.origins == Origins::Any) {
        weak("every web page may read its answers", "`cors` has the origin \"*\"".to_owned());
    }
    if let Some(websocket) = &route.websocket {
        weak("what flows over a WebSocket connection is not inspected", "`upgrade = \"websocket\"`".to_owned());
        if websocket.compression == Compression::Allow {
            weak(
                "a WebSocket message may become a thousand times its size",
                "`websocket.compression = \"allow\"`".to_owned(),
            );
        }
    }
    let said = match inspect {
        Mode::Block => "",
        Mode::Observe => "; `inspect = \"observe\"` was said",
        Mode::Off => "; `inspect = \"off\"` was said",
    };
    weak("injection inspection: not in this version", format!("the backend must guard itself{said}"));
    if route.answer.headers.hsts == Hsts::Off {
        weak("browsers do not insist on TLS", "`headers.hsts = \"off\"`".to_owned());
    }
    let removed = security_headers_removed(route);
    if !removed.is_empty() {
        weak("answers lack security headers", format!("`remove` has {}", removed.join(", ")));
    }
    weaker
}

/// OWASP API1:2023: a parameter usually names an object, and a role says nothing about whose it is.
fn has_unowned_objects(route: &Route) -> bool {
    let has_parameter = route.path.split('/').any(|segment| segment.contains('{') && !segment.starts_with("{*"));
    let owned = match &route.access {
        Access::Public => true,
        Access::SignedIn => false,
        Access::Rule(rule) => rule.owner.is_some(),
    };
    has_parameter && !owned
}

/// Whom requests are for: one name, or each with its part.
fn upstream(route: &Route) -> String {
    if route.upstream.others.is_empty() {
        return route.upstream.name().to_string();
    }
    let sum: u32 = route.upstream.shares().map(|share| u32::from(share.weight)).sum();
    let part = |weight: u16| format!("{weight}/{sum}");
    let shares = route.upstream.shares().map(|share| format!("{} ({})", share.upstream.name, part(share.weight)));
    shares.collect::<Vec<_>>().join(", ")
}

fn crosses_in_the_clear(route: &Route) -> bool {
    let is_local = |address: &EndpointAddress| match address {
        EndpointAddress::Host(host, _) => crate::config::units::is_loopback_host(host),
        EndpointAddress::Unix(_) => true,
    };
    let plain = route.upstream.shares().filter(|share| share.upstream.scheme() == Scheme::Http);
    plain.flat_map(|share| &share.upstream.endpoints).any(|endpoint| !is_local(&endpoint.address))
}

fn security_headers_removed(route: &Route) -> Vec<String> {
    const SECURITY: [&str; 8] = [
        "strict-transport-security",
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
        "permissions-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
    ];
    let removed = route.answer.headers.rules.remove.iter().filter(|name| SECURITY.contains(&name.as_str()));
    removed.map(|name| format!("`{name}`")).collect()
}
