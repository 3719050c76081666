use std::sync::Arc;

use bartizan_gateway::config::{Balance, Config, LinkLocal, MirrorCredentials, Protocol, RetryMethods, Upstream};
use serde::Serialize;

use super::Weakness;
use crate::config::render::counted;
use crate::config::units::Period;

/// A named group of endpoints: what is done when one of them fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UpstreamPosture {
    /// Its name.
    pub name: String,
    /// What holds for it.
    pub rules: String,
}

/// The groups that routes name, and what is weaker about them. A route's own URL is told of with the route.
pub(super) fn of(config: &Config) -> (Vec<UpstreamPosture>, Vec<Weakness>) {
    let mut groups: Vec<&Arc<Upstream>> = Vec::new();
    let named = config.routes.iter().flat_map(|route| route.upstream.shares()).map(|share| &share.upstream);
    for group in
        named.flat_map(|group| std::iter::once(group).chain(group.mirror.as_ref().map(|mirror| &mirror.upstream)))
    {
        let is_own_url = group.name.contains(':');
        if !is_own_url && !groups.iter().any(|known| known.name == group.name) {
            groups.push(group);
        }
    }
    let postures = groups.iter().map(|group| UpstreamPosture { name: group.name.to_string(), rules: rules(group) });
    (postures.collect(), groups.iter().flat_map(|group| weaker(group)).collect())
}

fn rules(group: &Upstream) -> String {
    let balance = match group.balance {
        Balance::LeastLoaded => "the less busy of two",
        Balance::RoundRobin => "in turns",
    };
    let mut facts = vec![format!("{}, {balance}", counted(group.endpoints.len(), "endpoint"))];
    facts.push(match (&group.tls, group.protocol) {
        (None, Protocol::H2c) => "HTTP/2 in the clear".to_owned(),
        (None, _) => "HTTP/1.1 in the clear".to_owned(),
        (Some(tls), _) if tls.client_certificate.is_some() => "TLS with the gate's own certificate".to_owned(),
        (Some(_), _) => "TLS".to_owned(),
    });
    facts.extend(group.health.as_ref().map(|health| format!("checked every {}", Period::new(health.interval))));
    facts.extend(group.limits.requests.map(|most| format!("{most} requests at once at each")));
    facts.extend(group.outlier.map(|rules| {
        format!("left out for {} after {} failures", Period::new(rules.ejection), rules.consecutive_failures)
    }));
    facts.extend(group.breaker.map(|rules| format!("circuit opens at {} % failures", rules.failure_percent)));
    facts.push(match (group.retry.most, group.retry.methods) {
        (0, _) => "nothing is sent again that left".to_owned(),
        (most, RetryMethods::Safe) => format!("safe requests sent again {most} times at most"),
        (most, RetryMethods::Idempotent) => format!("idempotent requests sent again {most} times at most"),
    });
    facts.extend(
        group.mirror.as_ref().map(|mirror| format!("{} % copied to `{}`", mirror.percent, mirror.upstream.name)),
    );
    facts.join("; ")
}

fn weaker(group: &Upstream) -> Vec<Weakness> {
    let name = &group.name;
    let mut weaker = Vec::new();
    if group.resolve.link_local == LinkLocal::Allowed {
        weaker.push(Weakness::new(
            format!("whoever controls a name of `{name}` can have the gate fetch a cloud's credentials"),
            "`resolve.allow_link_local = true`",
        ));
    }
    if group.mirror.as_ref().is_some_and(|mirror| mirror.credentials == MirrorCredentials::Kept) {
        weaker.push(Weakness::new(
            format!("credentials of `{name}`'s callers go to its mirror as well"),
            "`mirror.credentials = true`",
        ));
    }
    weaker
}
