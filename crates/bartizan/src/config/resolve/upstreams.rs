use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use bartizan_gateway::config as gateway;

use super::Resolver;
use crate::config::faults::{Fault, FaultKind};
use crate::config::literal::{
    Balance, Breaker, Connections, File, HealthCheck, Mirror, Outlier, OutlierSetting, Retry, RetryMethods, TlsVersion,
    Upstream, UpstreamEndpoint, UpstreamProtocol, UpstreamTls, WhenAllDown,
};
use crate::config::tree::Place;
use crate::config::units::{Endpoint, Period};

/// The largest head of an answer that is read.
const LARGEST_HEAD: u64 = 1 << 20;
/// The largest body that is copied.
const LARGEST_MIRRORED: u64 = 1 << 20;

/// The `[[upstreams]]` by name; one that is at fault is there without a value, so that its routes are not blamed for it.
pub(super) type Groups = HashMap<String, Option<Arc<gateway::Upstream>>>;

impl Resolver<'_> {
    pub(super) fn upstreams(&mut self, file: &File) -> Groups {
        let places: Vec<Place> = (0..file.upstreams.len()).map(|index| self.element("upstreams", index)).collect();
        let names = file.upstreams.iter().zip(&places).map(|(it, place)| (it.name.clone(), place.key("name")));
        self.duplicates(
            names.collect::<Vec<_>>(),
            |name| format!("two upstreams are named `{name}`"),
            "give each a name of its own: routes choose by it",
        );
        let mut groups = Groups::new();
        // Those without a mirror first: a mirror is one of them.
        for (upstream, place) in file.upstreams.iter().zip(&places).filter(|(it, _)| it.mirror.is_none()) {
            let group = self.group(upstream, place, None).map(Arc::new);
            groups.insert(upstream.name.to_string(), group);
        }
        for (upstream, place) in file.upstreams.iter().zip(&places) {
            let Some(mirror) = &upstream.mirror else { continue };
            let mirror = self.mirror(mirror, &place.key("mirror"), file, &groups);
            let group = mirror.and_then(|mirror| self.group(upstream, place, Some(mirror))).map(Arc::new);
            groups.insert(upstream.name.to_string(), group);
        }
        let dropped = self.dropped("upstreams");
        let names: Vec<String> =
            dropped.iter().filter_map(|(_, node)| Some(node.member("name")?.text()?.to_owned())).collect();
        for name in names {
            groups.entry(name).or_insert(None);
        }
        groups
    }

    fn group(
        &mut self,
        upstream: &Upstream,
        place: &Place,
        mirror: Option<gateway::Mirror>,
    ) -> Option<gateway::Upstream> {
        let endpoints = self.endpoints(upstream, place);
        let tls = self.upstream_tls(upstream, place)?;
        self.speakable(upstream, tls.is_some(), place);
        Some(gateway::Upstream {
            name: upstream.name.as_str().into(),
            endpoints: endpoints?,
            balance: match upstream.balance {
                Balance::LeastLoaded => gateway::Balance::LeastLoaded,
                Balance::RoundRobin => gateway::Balance::RoundRobin,
            },
            protocol: protocol(upstream.protocol),
            tls,
            connections: self.connections(&upstream.connections, &place.key("connections")),
            limits: gateway::EndpointLimits {
                requests: upstream.limits.requests,
                pending: upstream.limits.pending,
                pending_timeout: upstream.limits.pending_timeout.get(),
            },
            health: upstream.health.as_ref().and_then(|health| self.health(health, &place.key("health"))),
            outlier: self.outlier(&upstream.outlier, &place.key("outlier")),
            breaker: upstream.breaker.map(|breaker| self.breaker(&breaker, &place.key("breaker"))),
            retry: self.retry(&upstream.retry, &place.key("retry")),
            slow_start: upstream.slow_start.map(Period::get),
            when_all_down: match upstream.when_all_down {
                WhenAllDown::TryAll => gateway::WhenAllDown::TryAll,
                WhenAllDown::Refuse => gateway::WhenAllDown::Refuse,
            },
            resolve: gateway::Resolve {
                every: self.some_time(upstream.resolve.every, &place.key("resolve").key("every")),
                spread: upstream.resolve.spread,
                link_local: if upstream.resolve.allow_link_local {
                    gateway::LinkLocal::Allowed
                } else {
                    gateway::LinkLocal::Refused
                },
            },
            mirror,
        })
    }

    fn endpoints(&mut self, upstream: &Upstream, place: &Place) -> Option<Vec<gateway::Endpoint>> {
        let at = place.key("endpoints");
        let mut endpoints = Vec::new();
        for (index, endpoint) in upstream.endpoints.iter().enumerate() {
            let (endpoint, weight) = match endpoint {
                UpstreamEndpoint::Place(endpoint) => (endpoint, NonZeroU16::MIN),
                UpstreamEndpoint::Weighted(weighted) => (&weighted.url, weighted.weight),
            };
            let address = match endpoint {
                Endpoint::Unix(path) => gateway::EndpointAddress::Unix(path.clone()),
                Endpoint::Url(url) => {
                    self.origin_only(url, &at.index(index));
                    gateway::EndpointAddress::of(&url.origin()?)?.1
                }
            };
            endpoints.push(gateway::Endpoint { address, weight });
        }
        let addresses = endpoints.iter().enumerate().map(|(index, it)| (it.address.clone(), at.index(index)));
        self.duplicates(
            addresses.collect::<Vec<_>>(),
            |address| format!("`{address}` is named twice"),
            "give it a `weight` instead",
        );
        Some(endpoints)
    }

    /// All endpoints are reached in one way: half of a group in the clear would make its TLS worthless.
    #[expect(clippy::option_option, reason = "at fault, plain, or with TLS")]
    fn upstream_tls(&mut self, upstream: &Upstream, place: &Place) -> Option<Option<gateway::UpstreamTls>> {
        let urls = upstream.endpoints.iter().filter_map(|endpoint| match endpoint {
            UpstreamEndpoint::Place(Endpoint::Url(url)) => Some(url),
            UpstreamEndpoint::Weighted(weighted) => match &weighted.url {
                Endpoint::Url(url) => Some(url),
                Endpoint::Unix(_) => None,
            },
            UpstreamEndpoint::Place(Endpoint::Unix(_)) => None,
        });
        let (https, http): (Vec<_>, Vec<_>) = urls.partition(|url| url.is_https());
        match (https.is_empty(), http.is_empty(), &upstream.tls) {
            (false, false, _) => {
                let message = format!("`{}` has endpoints of `http` and of `https`", upstream.name);
                let remedy = "write all of them with one scheme";
                self.error(FaultKind::Contradiction, &place.key("endpoints"), message, remedy);
                None
            }
            (true, false, Some(_)) => {
                let message = "`tls` is for `https` endpoints, and these are `http`";
                let remedy = "write `https://…`, or leave `tls` out";
                self.error(FaultKind::Contradiction, &place.key("tls"), message, remedy);
                None
            }
            (true, _, None) => Some(None),
            (_, _, tls) => {
                let tls = tls.clone().unwrap_or_default();
                self.tls_rules(&tls, &place.key("tls")).map(Some)
            }
        }
    }

    fn tls_rules(&mut self, tls: &UpstreamTls, place: &Place) -> Option<gateway::UpstreamTls> {
        if let Some(path) = &tls.ca {
            let content = self.content(path, &place.key("ca"), "file of authorities")?;
            self.contents.push(content);
        }
        if tls.ca.is_none() && !tls.uri_names.is_empty() {
            // Public authorities vouch for host names only; whoever gets one of them to sign any URI would be trusted here.
            let message = "`uri_names` are vouched for by an authority of one's own";
            self.error(FaultKind::Unsafe, &place.key("uri_names"), message, "name its file: `ca = \"…\"`");
        }
        let client_certificate = match &tls.client_certificate {
            Some(files) => Some(self.certificate(files, &place.key("client_certificate"))?),
            None => None,
        };
        Some(gateway::UpstreamTls {
            authorities: tls.ca.as_ref().map(|path| self.beside(path)),
            server_name: tls.server_name.as_deref().map(Arc::from),
            uri_names: tls.uri_names.iter().map(|name| name.as_str().into()).collect(),
            client_certificate,
            min_version: match tls.min_version {
                TlsVersion::Tls12 => gateway::TlsVersion::Tls12,
                TlsVersion::Tls13 => gateway::TlsVersion::Tls13,
            },
        })
    }

    fn speakable(&mut self, upstream: &Upstream, over_tls: bool, place: &Place) {
        let (message, remedy) = match (upstream.protocol, over_tls) {
            (UpstreamProtocol::H2, false) => ("`h2` is HTTP/2 by TLS, and the endpoints are `http`", "write `\"h2c\"`"),
            (UpstreamProtocol::H2c, true) => ("`h2c` is HTTP/2 without TLS, and there is TLS", "write `\"h2\"`"),
            _ => return,
        };
        self.error(FaultKind::Contradiction, &place.key("protocol"), message, remedy);
    }

    fn connections(&mut self, connections: &Connections, place: &Place) -> gateway::Connections {
        let head = self.at_most_bytes(connections.max_head.get(), LARGEST_HEAD, &place.key("max_head"));
        let default = gateway::Connections::default();
        gateway::Connections {
            idle: connections.idle.get(),
            most_idle: connections.max_idle.get(),
            head_bytes: std::num::NonZeroUsize::new(head).unwrap_or(default.head_bytes),
            headers: connections.max_headers,
            ping: self.some_time(connections.ping, &place.key("ping")),
            streams: connections.streams,
        }
    }

    fn health(&mut self, health: &HealthCheck, place: &Place) -> Option<gateway::HealthCheck> {
        let is_path = health.path.starts_with('/') && health.path.parse::<http::uri::PathAndQuery>().is_ok();
        if !is_path {
            let message = format!("`{}` is not a path", health.path);
            self.error(FaultKind::Malformed, &place.key("path"), message, "write a path, such as `\"/healthz\"`");
            return None;
        }
        if health.timeout.get() > health.interval.get() {
            let message = "a check may take longer than the time until the next one";
            self.error(FaultKind::Contradiction, &place.key("timeout"), message, "make `timeout` at most `interval`");
        }
        let (first, last) = health.status.get();
        Some(gateway::HealthCheck {
            path: health.path.as_str().into(),
            host: health.host.as_deref().map(Arc::from),
            interval: self.some_time(health.interval, &place.key("interval")),
            timeout: self.some_time(health.timeout, &place.key("timeout")),
            healthy_after: health.healthy_after,
            unhealthy_after: health.unhealthy_after,
            statuses: gateway::StatusRange { first, last },
        })
    }

    fn outlier(&mut self, outlier: &OutlierSetting, place: &Place) -> Option<gateway::Outlier> {
        let rules = match outlier {
            OutlierSetting::Switch(false) => return None,
            OutlierSetting::Switch(true) => &Outlier::default(),
            OutlierSetting::Rules(rules) => rules,
        };
        Some(gateway::Outlier {
            consecutive_failures: rules.consecutive_failures,
            ejection: self.some_time(rules.ejection, &place.key("ejection")),
            longest_ejection: rules.max_ejection.get().max(rules.ejection.get()),
            most_ejected_percent: rules.max_percent,
        })
    }

    fn breaker(&mut self, breaker: &Breaker, place: &Place) -> gateway::Breaker {
        gateway::Breaker {
            failure_percent: breaker.failure_percent,
            window: self.some_time(breaker.window, &place.key("window")),
            least_requests: breaker.min_requests,
            open: self.some_time(breaker.open, &place.key("open")),
        }
    }

    fn retry(&mut self, retry: &Retry, place: &Place) -> gateway::Retry {
        for (index, status) in retry.statuses.iter().enumerate().filter(|(_, status)| !(500..600).contains(*status)) {
            let message = format!("an answer of {status} is the client's business, not a failure of the upstream");
            let place = place.key("statuses").index(index);
            self.error(FaultKind::OutOfRange, &place, message, "write statuses from 500 to 599, such as 503");
        }
        gateway::Retry {
            most: retry.max,
            methods: match retry.methods {
                RetryMethods::Safe => gateway::RetryMethods::Safe,
                RetryMethods::Idempotent => gateway::RetryMethods::Idempotent,
            },
            statuses: retry.statuses.clone(),
            per_try: retry.per_try.map(|per_try| self.some_time(per_try, &place.key("per_try"))),
            budget_percent: retry.budget_percent,
            least_per_second: retry.min_per_second,
        }
    }

    fn mirror(&mut self, mirror: &Mirror, place: &Place, file: &File, groups: &Groups) -> Option<gateway::Mirror> {
        let at = place.key("upstream");
        let named = file.upstreams.iter().find(|upstream| upstream.name == mirror.upstream);
        if named.is_some_and(|upstream| upstream.mirror.is_some()) {
            let message = format!("`{}` has a mirror itself: copies of copies have no end", mirror.upstream);
            let fault = Fault::error(FaultKind::Contradiction, self.span(&at), message);
            self.faults.push(fault.remedy("name an upstream without `mirror`"));
            return None;
        }
        Some(gateway::Mirror {
            upstream: self.named(mirror.upstream.as_str(), &at, groups)?,
            percent: mirror.percent,
            body_bytes: self.at_most_bytes(mirror.max_body.get(), LARGEST_MIRRORED, &place.key("max_body")),
            credentials: if mirror.credentials {
                gateway::MirrorCredentials::Kept
            } else {
                gateway::MirrorCredentials::Stripped
            },
        })
    }

    fn some_time(&mut self, period: Period, place: &Place) -> std::time::Duration {
        if period.get().is_zero() {
            let key = place.last_key().unwrap_or_default();
            let message = format!("`{key}` cannot be nothing");
            self.error(FaultKind::OutOfRange, place, message, "write how long, such as `\"10s\"`");
        }
        period.get()
    }

    fn at_most_bytes(&mut self, bytes: u64, most: u64, place: &Place) -> usize {
        if bytes > most {
            let key = place.last_key().unwrap_or_default();
            let message = format!("`{key}` is more than may be kept in memory for each request");
            let remedy = format!("write at most `\"{}\"`", crate::config::units::Size::new(most));
            self.error(FaultKind::OutOfRange, place, message, remedy);
        }
        usize::try_from(bytes.min(most)).unwrap_or(usize::MAX)
    }
}

const fn protocol(protocol: UpstreamProtocol) -> gateway::Protocol {
    match protocol {
        UpstreamProtocol::Auto => gateway::Protocol::Auto,
        UpstreamProtocol::Http1 => gateway::Protocol::Http1,
        UpstreamProtocol::H2 => gateway::Protocol::Http2,
        UpstreamProtocol::H2c => gateway::Protocol::H2c,
    }
}
