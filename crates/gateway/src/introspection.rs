//! Tokens that only their issuer can judge: it is asked (`RFC 7662`), on the control plane, by few requests at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bartizan_evidence::{Detail, Event, IntrospectionOutcome, Name, NodeEvent, Recorder};
use bartizan_policy::{IssuerName, Timestamp};
use bartizan_token::Fingerprint;
use bartizan_vault::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::config::{Introspection, TrustedIssuer};
use crate::fetch::{Asked, FetchError};

/// A request waits this long for the issuer, then is told that its credential cannot be checked.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions to one issuer that are under way at once; with more, a flood would be passed on to it.
const MOST_AT_ONCE: usize = 64;
/// So many failures in a row, and for a moment the issuer is not asked at all: requests fail at once rather than in five seconds.
const FAILURES: u32 = 5;
const REST: Duration = Duration::from_secs(2);
/// How long a token that the issuer does not know is refused without asking again.
const INACTIVE_FOR: Duration = Duration::from_secs(10);
/// How many of those are kept (40 bytes each).
const MOST_INACTIVE: usize = 16 * 1024;
/// Longer ones are no tokens.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The issuers of one configuration that are asked.
pub(crate) struct Introspections {
    servers: Vec<Arc<Server>>,
    runtime: Handle,
    inactive: Mutex<HashMap<Fingerprint, Timestamp>>,
}

struct Server {
    issuer: IssuerName,
    rules: Introspection,
    authorization: HeaderValue,
    endpoint: Asked,
    recorder: Recorder,
    places: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Questions under way, by token: who asks the same waits for the same answer.
    running: HashMap<Fingerprint, watch::Receiver<Option<Answer>>>,
    failures: u32,
    rests_until: Option<Instant>,
}

/// What the issuer answered, or why it did not, as a stable word.
type Answer = Result<Bytes, &'static str>;

/// Client id or secret cannot stand in a field.
#[derive(Debug, thiserror::Error)]
#[error("the credentials for the issuer `{0}` cannot be written into a field")]
pub struct UnwritableCredentials(IssuerName);

impl Introspections {
    pub(crate) fn new(
        issuers: &[TrustedIssuer],
        runtime: Handle,
        recorder: &Recorder,
    ) -> Result<Self, UnwritableCredentials> {
        let asked = issuers.iter().filter_map(|trusted| Some((&trusted.issuer.name, trusted.introspection.clone()?)));
        let servers = asked.map(|(issuer, rules)| Server::new(issuer, rules, recorder)).collect::<Result<_, _>>()?;
        Ok(Self { servers, runtime, inactive: Mutex::default() })
    }

    /// The issuer of a token that names none: by its beginning, else the one issuer whose tokens have no beginning of their own.
    pub(crate) fn of_opaque(&self, token: &str) -> Option<IssuerName> {
        if self.servers.is_empty() {
            return None;
        }
        let prefixed =
            |server: &&Arc<Server>| server.rules.prefix.as_ref().is_some_and(|prefix| token.starts_with(&**prefix));
        let by_prefix = self.servers.iter().find(prefixed);
        let is_jwt = token.bytes().filter(|byte| *byte == b'.').count() == 2;
        let plain = || self.servers.iter().find(|server| server.rules.prefix.is_none() && !is_jwt);
        by_prefix.or_else(plain).map(|server| server.issuer.clone())
    }

    /// Asks the issuer about a token; returns what it said, and for how long that counts.
    ///
    /// # Errors
    /// Why it could not be asked, as a stable word: then nobody passes.
    pub(crate) async fn ask(
        &self,
        issuer: &IssuerName,
        token: &str,
        fingerprint: Fingerprint,
    ) -> Result<(Bytes, Duration), &'static str> {
        let server =
            self.servers.iter().find(|server| server.issuer == *issuer).ok_or("introspection-not-configured")?;
        let mut answer = self.begin(server, token, fingerprint)?;
        let answered = timeout(PATIENCE, answer.wait_for(Option::is_some)).await;
        let answer = answered.map_err(|_| "introspection-timeout")?.map_err(|_| "introspection-unavailable")?.clone();
        answer.unwrap_or(Err("introspection-unavailable")).map(|bytes| (bytes, server.rules.cache))
    }

    /// Joins the question that is under way, or begins one; none while the issuer rests or has enough to do.
    fn begin(
        &self,
        server: &Arc<Server>,
        token: &str,
        fingerprint: Fingerprint,
    ) -> Result<watch::Receiver<Option<Answer>>, &'static str> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err("introspection-token-too-long");
        }
        let mut state = server.state();
        if let Some(running) = state.running.get(&fingerprint) {
            return Ok(running.clone());
        }
        if state.rests_until.is_some_and(|until| Instant::now() < until) {
            server.count(IntrospectionOutcome::Shed);
            return Err("introspection-unavailable");
        }
        if state.running.len() >= MOST_AT_ONCE {
            server.count(IntrospectionOutcome::Shed);
            return Err("introspection-busy");
        }
        let (sender, receiver) = watch::channel(None);
        state.running.insert(fingerprint, receiver.clone());
        drop(state);
        let (server, token) = (server.clone(), Secret::new(token.to_owned()));
        self.runtime.spawn(async move {
            let answer = server.attempt(&token).await;
            server.state().running.remove(&fingerprint);
            sender.send_replace(Some(answer));
        });
        Ok(receiver)
    }

    /// Whether the issuer said a moment ago that the token does not count: what does not exist is not asked about again and again.
    pub(crate) fn is_known_inactive(&self, fingerprint: &Fingerprint, now: Timestamp) -> bool {
        self.inactive().get(fingerprint).is_some_and(|until| now < *until)
    }

    pub(crate) fn remember_inactive(&self, fingerprint: Fingerprint, now: Timestamp) {
        let mut inactive = self.inactive();
        if inactive.len() >= MOST_INACTIVE {
            // Asking anew is a cost, not a fault.
            inactive.clear();
        }
        inactive.insert(fingerprint, now.after(INACTIVE_FOR));
    }

    fn inactive(&self) -> std::sync::MutexGuard<'_, HashMap<Fingerprint, Timestamp>> {
        self.inactive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    fn new(issuer: &IssuerName, rules: Introspection, recorder: &Recorder) -> Result<Arc<Self>, UnwritableCredentials> {
        let authorization = basic(&rules).ok_or_else(|| UnwritableCredentials(issuer.clone()))?;
        Ok(Arc::new(Self {
            issuer: issuer.clone(),
            endpoint: Asked::new(rules.endpoint.clone(), rules.authorities.clone()),
            rules,
            authorization,
            recorder: recorder.clone(),
            places: Semaphore::new(MOST_AT_ONCE),
            state: Mutex::default(),
        }))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(&self, token: &Secret<String>) -> Answer {
        let _place = self.places.acquire().await.map_err(|_| "introspection-busy")?;
        let mut form = String::from("token_type_hint=access_token&token=");
        form_encode(&mut form, token.expose().as_bytes());
        let answer = self.endpoint.post_form(&self.authorization, &form.into()).await;
        self.count(if answer.is_ok() { IntrospectionOutcome::Answered } else { IntrospectionOutcome::Failed });
        self.note(&answer);
        answer.map_err(|_| "introspection-unavailable")
    }

    /// Opens and closes the circuit, and tells of both: one event for each change, however many requests fail.
    fn note(&self, answer: &Result<Bytes, FetchError>) {
        let mut state = self.state();
        let issuer = Name::new(self.issuer.as_str());
        let event = match answer {
            Ok(_) => {
                let failed = std::mem::take(&mut state.failures);
                state.rests_until = None;
                (failed > 0).then_some(NodeEvent::IntrospectionRecovered { issuer })
            }
            Err(cause) => {
                state.failures = state.failures.saturating_add(1);
                if state.failures >= FAILURES {
                    state.rests_until = Some(Instant::now() + REST);
                }
                let cause = Detail::new(&cause.to_string());
                (state.failures == 1).then_some(NodeEvent::IntrospectionFailed { issuer, cause })
            }
        };
        drop(state);
        if let Some(event) = event
            && let Some(slot) = self.recorder.reserve()
        {
            slot.record(Event::Node(event));
        }
    }

    fn count(&self, outcome: IntrospectionOutcome) {
        self.recorder.metrics().credentials().introspected(outcome);
    }
}

/// `client_secret_basic`: both parts are form-encoded before they are joined (`RFC 6749 §2.3.1`).
fn basic(rules: &Introspection) -> Option<HeaderValue> {
    let mut pair = String::new();
    form_encode(&mut pair, rules.client_id.as_bytes());
    pair.push(':');
    form_encode(&mut pair, rules.client_secret.expose());
    let pair = Secret::new(pair);
    let text = Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())));
    let mut value = HeaderValue::from_str(text.expose()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `application/x-www-form-urlencoded`.
fn form_encode(text: &mut String, bytes: &[u8]) {
    use std::fmt::Write as _;
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => text.push(char::from(*byte)),
            b' ' => text.push('+'),
            other => {
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_form_stays_one_value() {
        let mut text = String::new();
        form_encode(&mut text, b"a b&token=c%:\xff~");
        assert_eq!(text, "a+b%26token%3Dc%25%3A%FF%7E");
    }
}
