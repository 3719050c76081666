//! What the gate finds out by itself, on the control plane: names are looked up and endpoints asked once for a node, however many workers
//! it has.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Uri, Version};
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::SendFault;
use super::balance::Dice;
use super::connect::connect_to;
use super::endpoint::{Checked, Endpoint, Place};
use super::group::Remote;
use crate::config::{HealthCheck, Protocol};

/// Begins what a group needs; ends when no configuration has the group any more.
pub(super) fn watch(runtime: &Handle, remote: &Arc<Remote>) {
    let dice = Dice::new(remote.id.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(std::process::id()));
    let has_names = remote.members().iter().any(|endpoint| matches!(endpoint.place, Place::Name(_)));
    if has_names {
        runtime.spawn(keep_resolved(Arc::downgrade(remote), remote.members(), Dice::new(dice.below(u64::MAX))));
    }
    if remote.rules.health.is_some() {
        runtime.spawn(keep_checked(Arc::downgrade(remote), dice));
    }
}

/// `declared`: the endpoints as the configuration has them, in its order.
async fn keep_resolved(remote: Weak<Remote>, declared: Arc<[Arc<Endpoint>]>, dice: Dice) {
    loop {
        let every = {
            let Some(remote) = remote.upgrade() else { return };
            resolve(&remote, &declared).await;
            remote.rules.resolve.every
        };
        sleep(jittered(every, &dice)).await;
    }
}

async fn resolve(remote: &Remote, declared: &[Arc<Endpoint>]) {
    let mut members = Vec::new();
    for (endpoint, rules) in declared.iter().zip(&remote.rules.endpoints) {
        let Place::Name(name) = &endpoint.place else {
            members.push(endpoint.clone());
            continue;
        };
        if let Err(fault) = name.look_up().await {
            remote.counts.lookup_failures.fetch_add(1, Relaxed);
            tracing::warn!(upstream = %remote.rules.name, endpoint = %endpoint.label, cause = fault.word(), "a name cannot be looked up");
        }
        let found = name.found();
        let is_spread = remote.rules.resolve.spread && !name.host.eq_ignore_ascii_case("localhost");
        if !is_spread || found.is_empty() {
            members.push(endpoint.clone());
            continue;
        }
        let known = remote.members();
        for address in found.iter() {
            let same = |member: &&Arc<Endpoint>| matches!(&member.place, Place::Address(held) if held == address);
            let kept = known.iter().find(same).cloned();
            let made = || {
                let label = format!("{} ({address})", rules.address).into();
                remote.endpoint(rules, label, Place::Address(*address)).ok().map(Arc::new)
            };
            members.extend(kept.or_else(made));
        }
    }
    let known = remote.members();
    let is_same = known.len() == members.len() && known.iter().zip(&members).all(|(old, new)| Arc::ptr_eq(old, new));
    if !is_same {
        remote.replace_members(members.into());
    }
}

async fn keep_checked(remote: Weak<Remote>, dice: Dice) {
    let mut streaks: HashMap<Arc<str>, Streak> = HashMap::new();
    loop {
        let every = {
            let Some(remote) = remote.upgrade() else { return };
            let Some(rules) = remote.rules.health.clone() else { return };
            check_all(&remote, &rules, &mut streaks).await;
            rules.interval
        };
        sleep(jittered(every, &dice)).await;
    }
}

/// Answers of one endpoint in a row.
#[derive(Clone, Copy, Default)]
struct Streak {
    well: u8,
    ill: u8,
}

impl Streak {
    fn add(&mut self, is_well: bool) {
        *self = if is_well {
            Self { well: self.well.saturating_add(1), ill: 0 }
        } else {
            Self { well: 0, ill: self.ill.saturating_add(1) }
        };
    }

    /// What the row so far says; nothing before it is long enough. The first answer of all counts at once: a node that starts beside
    /// a dead endpoint learns of it by the first question.
    fn verdict(self, before: Checked, rules: &HealthCheck) -> Checked {
        let enough = |needed: u8| if before == Checked::Unknown { 1 } else { needed };
        if self.well >= enough(rules.healthy_after.get()) {
            Checked::Healthy
        } else if self.ill >= enough(rules.unhealthy_after.get()) {
            Checked::Unhealthy
        } else {
            before
        }
    }
}

async fn check_all(remote: &Arc<Remote>, rules: &HealthCheck, streaks: &mut HashMap<Arc<str>, Streak>) {
    let members = remote.members();
    streaks.retain(|label, _| members.iter().any(|member| member.label == *label));
    let mut asked = JoinSet::new();
    for endpoint in members.iter().cloned() {
        let (rules, protocol) = (rules.clone(), remote.rules.protocol);
        asked.spawn(async move {
            let answer = timeout(rules.timeout, ask(&endpoint, &rules, protocol)).await;
            let cause = match answer {
                Ok(Ok(status)) if rules.statuses.contains(status) => None,
                Ok(Ok(status)) => Some(format!("health-check-answered-{status}")),
                Ok(Err(cause)) => Some(format!("health-check-{cause}")),
                Err(_) => Some("health-check-too-slow".to_owned()),
            };
            (endpoint, cause)
        });
    }
    while let Some(Ok((endpoint, cause))) = asked.join_next().await {
        let streak = streaks.entry(endpoint.label.clone()).or_default();
        streak.add(cause.is_none());
        let before = endpoint.health.checked();
        let after = streak.verdict(before, rules);
        if cause.is_some() {
            remote.counts.check_failures.fetch_add(1, Relaxed);
        }
        if after == before {
            continue;
        }
        endpoint.health.set_checked(after, remote.now());
        match after {
            Checked::Unhealthy => remote.tell_down(&endpoint, cause.as_deref().unwrap_or_default()),
            Checked::Healthy if before == Checked::Unhealthy => remote.tell_up(&endpoint),
            Checked::Healthy | Checked::Unknown => {}
        }
        // Requests that wait may have somewhere to go now.
        remote.queue.freed.notify_waiters();
    }
}

/// The status of the answer, over a connection of its own: one that is kept would tell less of whether the endpoint takes new ones.
async fn ask(endpoint: &Endpoint, rules: &HealthCheck, protocol: Protocol) -> Result<u16, &'static str> {
    let transport = connect_to(endpoint, endpoint.tls.as_ref()).await.map_err(|fault| match fault {
        SendFault::Unreachable(cause)
        | SendFault::Timeout(cause)
        | SendFault::NoAnswer(cause)
        | SendFault::Unprocessed(cause)
        | SendFault::BadAnswer(cause)
        | SendFault::Busy(cause) => cause,
    })?;
    let is_http2 = protocol == Protocol::H2c || transport.agreed_to_http2();
    let io = TokioIo::new(transport);
    let question = question(endpoint, rules, is_http2).ok_or("unwritable-question")?;
    let no_answer = |_| "no-answer";
    let response = if is_http2 {
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.map_err(no_answer)?;
        answer_beside(connection, sender.send_request(question)).await
    } else {
        let (mut sender, connection) = http1::handshake(io).await.map_err(no_answer)?;
        answer_beside(connection, sender.send_request(question)).await
    };
    response.map(|response| response.status().as_u16()).map_err(no_answer)
}

/// The answer of an exchange, with its connection kept going until then.
async fn answer_beside<T>(
    connection: impl Future<Output = hyper::Result<()>>,
    answer: impl Future<Output = hyper::Result<T>>,
) -> hyper::Result<T> {
    tokio::pin!(connection, answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        ended = &mut connection => match ended {
            // The answer may have come with the end.
            Ok(()) => answer.await,
            Err(cause) => Err(cause),
        },
    }
}

fn question(endpoint: &Endpoint, rules: &HealthCheck, is_http2: bool) -> Option<Request<Empty<Bytes>>> {
    let host = match (&rules.host, &endpoint.place) {
        (Some(host), _) => host.to_string(),
        (None, Place::Address(address)) => address.to_string(),
        (None, Place::Name(name)) => format!("{}:{}", name.host, name.port),
        (None, Place::Unix(_)) => "localhost".to_owned(),
    };
    let mut request = Request::new(Empty::new());
    if is_http2 {
        *request.version_mut() = Version::HTTP_2;
        let scheme = if endpoint.tls.is_some() { "https" } else { "http" };
        *request.uri_mut() = Uri::builder().scheme(scheme).authority(host).path_and_query(&*rules.path).build().ok()?;
    } else {
        *request.uri_mut() = rules.path.parse().ok()?;
        request.headers_mut().insert(header::HOST, HeaderValue::from_str(&host).ok()?);
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let agent = HeaderValue::from_static(concat!("bartizan/", env!("CARGO_PKG_VERSION"), " (health check)"));
    request.headers_mut().insert(header::USER_AGENT, agent);
    Some(request)
}

/// A time, give or take a tenth: nodes that started together do not all ask at once.
fn jittered(time: Duration, dice: &Dice) -> Duration {
    let fifth = u64::try_from(time.as_micros() / 5).unwrap_or(u64::MAX);
    time.mul_f64(0.9).saturating_add(Duration::from_micros(dice.below(fifth)))
}
