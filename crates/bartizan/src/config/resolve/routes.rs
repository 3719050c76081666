use std::collections::HashMap;

use bartizan_gateway::config as gateway;
use bartizan_gateway::{Meeting, Pattern};
use bartizan_policy::CredentialKind;
use http::Method;

use super::Resolver;
use super::apis::Declared;
use super::upstreams::Groups;
use crate::config::faults::{Fault, FaultKind};
use crate::config::literal::{Access, AccessWord, Credential, File, Route};
use crate::config::tree::Place;
use crate::config::units::{Rate, Size};

/// The largest body that a route may take: bodies that a stage needs whole are kept in memory.
const LARGEST_BODY: u64 = 16 << 30;

impl Resolver<'_> {
    pub(super) fn routes(&mut self, file: &File) -> Vec<gateway::Route> {
        let groups = self.upstreams(file);
        self.names_in_dropped_routes(&groups);
        let of_file = file.routes.iter().cloned().enumerate().map(|(index, route)| Declared {
            place: self.element("routes", index),
            route,
            contract: None,
            graphql: None,
            method: None,
        });
        let mut declared: Vec<Declared> = of_file.collect();
        declared.extend(self.apis(file));
        let names: Vec<_> = declared.iter().map(|it| (it.route.name.clone(), it.place.key("name"))).collect();
        self.duplicates(
            names,
            |name| format!("two routes are named `{name}`"),
            "give each a name of its own: events are told apart by it",
        );
        self.conflicts(&declared);
        if declared.is_empty() && !self.kept.contains_key("routes") && !self.kept.contains_key("apis") {
            let message = "no route is declared: every request gets 404";
            self.warning(FaultKind::MissingKey, &Place::root(), message, "add `[[apis]]` or `[[routes]]`");
        }
        let resolve = |it: Declared| {
            let route = self.route(file, &it.route, &it.place, &groups)?;
            Some(gateway::Route { contract: it.contract, graphql: it.graphql, method: it.method, ..route })
        };
        declared.into_iter().filter_map(resolve).collect()
    }

    /// Two routes for one request: which of two access rules holds must not depend on their order.
    fn conflicts(&mut self, declared: &[Declared]) {
        let methods = declared.iter().flat_map(|Declared { route, place, .. }| {
            let path = place.key("path");
            route.methods.iter().map(move |method| ((route.path.shape(), method.clone()), path.clone()))
        });
        let methods: Vec<_> = methods.collect();
        self.duplicates(
            methods,
            |(shape, method)| {
                format!(
                    "`{method} {shape}` is declared twice",
                    shape = shape.replace("{}", "{…}").replace("{*}", "{*…}")
                )
            },
            "join the two routes, or change path or methods of one",
        );
        let mut trie = matchit::Router::new();
        let mut shapes: HashMap<String, &Declared> = HashMap::new();
        let mut forms: HashMap<String, Vec<(Pattern, &Declared)>> = HashMap::new();
        for it in declared {
            let shape = it.route.path.shape();
            if let Some(first) = shapes.get(&shape) {
                self.same_names(it, first);
                continue;
            }
            shapes.insert(shape, it);
            let Ok(pattern) = Pattern::read(it.route.path.as_str()) else { continue };
            let alike = forms.entry(pattern.router_form().to_owned()).or_default();
            if let Some((_, other)) = alike.iter().find(|(other, _)| pattern.meets(other) == Meeting::Ambiguous) {
                self.ambiguous(it, other.route.path.as_str(), Some(other));
            }
            let is_first = alike.is_empty();
            alike.push((pattern.clone(), it));
            if is_first && let Err(matchit::InsertError::Conflict { with }) = trie.insert(pattern.router_form(), ()) {
                let other = forms.get(&with).and_then(|alike| alike.first()).map(|(_, other)| *other);
                self.ambiguous(it, other.map_or(with.as_str(), |it| it.route.path.as_str()), other);
            }
        }
    }

    /// Routes of one shape are one place in the table of paths, where a parameter has one name.
    fn same_names(&mut self, later: &Declared, first: &Declared) {
        let (path, other) = (&later.route.path, &first.route.path);
        if path == other {
            return;
        }
        let message = format!("`{path}` and `{other}` name one parameter differently");
        let fault = Fault::error(FaultKind::Contradiction, self.span(&later.place.key("path")), message);
        let fault = fault.related(self.span(&first.place.key("path")), "the other is here");
        self.faults.push(fault.remedy("write the same names in both"));
    }

    fn ambiguous(&mut self, later: &Declared, with: &str, other: Option<&Declared>) {
        let message = format!("{}`{}` and `{with}` could both match one path", later.origin(), later.route.path);
        let mut fault = Fault::error(FaultKind::Contradiction, self.span(&later.place.key("path")), message);
        if let Some(other) = other {
            fault = fault.related(self.span(&other.place.key("path")), "the other is here");
        }
        self.faults.push(fault.remedy("make one of them longer, or name the segment in full"));
    }

    fn route(&mut self, file: &File, route: &Route, place: &Place, groups: &Groups) -> Option<gateway::Route> {
        let access = self.access(route, place);
        let upstream = self.destination(route, place, groups);
        let answer = self.answer(file, route, place);
        let webhook = self.route_webhook(file, route, place);
        self.credentials(file, route, place);
        let websocket = self.websocket(route, place);
        let grpc = self.grpc(route, place);
        let is_unbounded = grpc.is_some() && route.body.is_none();
        let body = route.body.unwrap_or(file.server.max_body);
        if body.get() > LARGEST_BODY {
            let message = format!("`{body}` is more than a body may have");
            self.error(
                FaultKind::OutOfRange,
                &place.key("body"),
                message,
                format!("write at most `\"{}\"`", Size::new(LARGEST_BODY)),
            );
        }
        Some(gateway::Route {
            name: route.name.as_str().into(),
            path: route.path.as_str().into(),
            methods: route.methods.iter().filter_map(|it| Method::from_bytes(it.as_str().as_bytes()).ok()).collect(),
            upstream: upstream?,
            access: access?,
            credentials: match webhook {
                Some(_) => vec![CredentialKind::Webhook],
                None => route.credentials().iter().map(|it| kind(*it)).collect(),
            },
            webhook,
            limit: route.limit.map(Rate::get),
            body_bytes: if is_unbounded { u64::MAX } else { body.get() },
            timeouts: self.timeouts(route, place),
            answer: answer?,
            websocket,
            grpc,
            contract: None,
            graphql: None,
            method: None,
            shapes: if route.learn { gateway::Shapes::Learned } else { gateway::Shapes::Forgotten },
        })
    }

    /// A route that asks for a caller whom no credential can name is closed to everybody.
    fn credentials(&mut self, file: &File, route: &Route, place: &Place) {
        self.certificates_are_asked_for(file, route, place);
        if matches!(route.access, Access::Word(AccessWord::Public)) || route.webhook.is_some() {
            return;
        }
        let usable = |credential: &Credential| match credential {
            Credential::Session => file.identity.is_some(),
            Credential::Bearer | Credential::Dpop => {
                !file.issuers.is_empty() || self.kept.contains_key("issuers") || file.identity.is_some()
            }
            Credential::ApiKey => !file.keys.is_empty() || self.kept.contains_key("keys"),
            Credential::Mtls => !file.certificates.is_empty() || self.kept.contains_key("certificates"),
        };
        if !route.credentials().iter().any(usable) {
            let message =
                format!("nobody can sign in at `{}`: there is no issuer and no key for its credentials", route.name);
            self.error(
                FaultKind::Unresolvable,
                place,
                message,
                "add `[identity]` for sessions, `[[issuers]]` for bearer tokens, `[[keys]]` for API keys, or `[[certificates]]` for client \
                 certificates",
            );
        }
    }

    /// A certificate can only be shown where the handshake asks for one.
    fn certificates_are_asked_for(&mut self, file: &File, route: &Route, place: &Place) {
        let named = route.credentials.as_deref().unwrap_or_default();
        let Some(index) = named.iter().position(|credential| *credential == Credential::Mtls) else { return };
        // Where `[server]` itself is at fault, what it says is looked up as it was written.
        let is_written = self.root.member("server").is_some_and(|it| it.member("client_certificates").is_some());
        if file.server.client_certificates.is_some() || is_written {
            return;
        }
        let message = format!("nobody can show a certificate at `{}`: no handshake asks for one", route.name);
        let remedy =
            "add `client_certificates = { ca = \"…\", mode = \"optional\" }` to `[server]`, or leave `\"mtls\"` out";
        let place = place.key("credentials").index(index);
        self.error(FaultKind::Contradiction, &place, message, remedy);
    }

    fn timeouts(&mut self, route: &Route, place: &Place) -> gateway::UpstreamTimeouts {
        let timeouts = &route.timeouts;
        let place = place.key("timeouts");
        for (key, period) in [
            ("connect", timeouts.connect),
            ("first_byte", timeouts.first_byte),
            ("total", timeouts.total),
            ("stream_idle", timeouts.stream_idle),
        ] {
            if period.get().is_zero() {
                let message = format!("with `{key}` at nothing, every request fails");
                self.error(FaultKind::OutOfRange, &place.key(key), message, "write how long the upstream may take");
            }
        }
        gateway::UpstreamTimeouts {
            connect: timeouts.connect.get(),
            first_byte: timeouts.first_byte.get(),
            total: timeouts.total.get(),
            stream_idle: timeouts.stream_idle.get(),
        }
    }
}

const fn kind(credential: Credential) -> CredentialKind {
    match credential {
        Credential::Bearer => CredentialKind::Bearer,
        Credential::Dpop => CredentialKind::Dpop,
        Credential::ApiKey => CredentialKind::ApiKey,
        Credential::Mtls => CredentialKind::Mtls,
        Credential::Session => CredentialKind::Session,
    }
}
