//! Whom a route's requests are for: one endpoint, one of the `[[upstreams]]`, or several of them by weight.

use std::sync::Arc;

use bartizan_gateway::config as gateway;

use super::Resolver;
use super::upstreams::Groups;
use crate::config::faults::FaultKind;
use crate::config::literal::{Route, RouteShare, RouteUpstream};
use crate::config::tree::{Content, Place};
use crate::config::units::{Endpoint, Target, Url};

impl Resolver<'_> {
    /// Whom a route's requests are for.
    pub(super) fn destination(
        &mut self,
        route: &Route,
        place: &Place,
        groups: &Groups,
    ) -> Option<gateway::Destination> {
        let at = place.key("upstream");
        if !matches!(route.upstream, RouteUpstream::One(Target::Endpoint(Endpoint::Url(_))))
            && route.upstream_ca.is_some()
        {
            let message = "`upstream_ca` is for an `https` upstream that the route itself names";
            let remedy = "write it in the upstream: `tls = { ca = \"…\" }`";
            self.error(FaultKind::Contradiction, &place.key("upstream_ca"), message, remedy);
        }
        match &route.upstream {
            RouteUpstream::One(Target::Endpoint(Endpoint::Url(url))) => self.plain(route, url, place),
            RouteUpstream::One(Target::Endpoint(Endpoint::Unix(path))) => {
                let address = gateway::EndpointAddress::Unix(path.clone());
                Some(gateway::Upstream::single(address.to_string(), address).into())
            }
            RouteUpstream::One(Target::Named(name)) => {
                self.named(name.as_str(), &at, groups).map(gateway::Destination::from)
            }
            RouteUpstream::Split(shares) => self.split(shares, &at, groups),
        }
    }

    pub(super) fn named(&mut self, name: &str, place: &Place, groups: &Groups) -> Option<Arc<gateway::Upstream>> {
        if let Some(group) = groups.get(name) {
            return group.clone();
        }
        let message = format!("there is no upstream named `{name}`");
        let remedy = "name one of the `[[upstreams]]`, or write the origin, such as `\"http://127.0.0.1:3000\"`";
        self.error(FaultKind::Unresolvable, place, message, remedy);
        None
    }

    /// What routes name that were left out for another fault: all faults are told at once.
    pub(super) fn names_in_dropped_routes(&mut self, groups: &Groups) {
        let mut named: Vec<(String, Place)> = Vec::new();
        for (place, route) in self.dropped("routes") {
            let Some(upstream) = route.member("upstream") else { continue };
            let place = place.key("upstream");
            match &upstream.content {
                Content::Text(text) => named.extend(name_of(text).map(|name| (name, place))),
                Content::List(shares) => named.extend(shares.iter().enumerate().filter_map(|(index, share)| {
                    Some((share.member("name")?.text()?.to_owned(), place.index(index).key("name")))
                })),
                _ => {}
            }
        }
        for (name, place) in named {
            let _ = self.named(&name, &place, groups);
        }
    }

    fn split(&mut self, shares: &[RouteShare], place: &Place, groups: &Groups) -> Option<gateway::Destination> {
        let resolved: Vec<_> = shares
            .iter()
            .enumerate()
            .map(|(index, share)| {
                let upstream = self.named(share.name.as_str(), &place.index(index).key("name"), groups)?;
                Some(gateway::Share { upstream, weight: share.weight })
            })
            .collect();
        if shares.iter().all(|share| share.weight == 0) {
            let message = "no share has a weight, so that nobody would get the requests";
            self.error(FaultKind::OutOfRange, place, message, "give at least one a `weight` above 0");
            return None;
        }
        let mut shares = resolved.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
        Some(gateway::Destination { first: shares.next()?, others: shares.collect() })
    }

    /// A route's own URL: an upstream of one endpoint, with the rules that hold where nothing is said.
    fn plain(&mut self, route: &Route, url: &Url, place: &Place) -> Option<gateway::Destination> {
        self.origin_only(url, &place.key("upstream"));
        if let Some(path) = &route.upstream_ca {
            let place = place.key("upstream_ca");
            let content = self.content(path, &place, "file of authorities")?;
            self.contents.push(content);
            if !url.is_https() {
                let message = "`upstream_ca` is for an `https` upstream, and this one is `http`";
                self.error(FaultKind::Contradiction, &place, message, "write `https://…`, or leave it out");
            }
        }
        let mut upstream = gateway::Upstream::at(url.as_str().trim_end_matches('/'), &url.origin()?)?;
        if route.grpc.is_some() {
            upstream.protocol = if url.is_https() { gateway::Protocol::Http2 } else { gateway::Protocol::H2c };
        }
        if let Some(tls) = &mut upstream.tls {
            tls.authorities = route.upstream_ca.as_ref().map(|path| self.beside(path));
        }
        Some(upstream.into())
    }

    /// An endpoint that a route or a group names by a URL.
    pub(super) fn origin_only(&mut self, url: &Url, place: &Place) {
        if !url.is_origin() {
            let message = format!("`{url}` has a path, but the request's own path is forwarded");
            self.error(FaultKind::Malformed, place, message, "name scheme, host and port only");
        }
    }
}

/// The name of one of the `[[upstreams]]`, if the text is none of an endpoint.
fn name_of(text: &str) -> Option<String> {
    match text.parse() {
        Ok(Target::Named(name)) => Some(name.to_string()),
        _ => None,
    }
}
