use std::collections::HashSet;

use bartizan_controls::inspect as controls;
use bartizan_inspect::json::Json;
use bartizan_inspect::learn::CONTENT_TYPE;
use bartizan_inspect::openapi::{BodyContract, BodyVerdict, Head, Located, Part};
use bartizan_inspect::schema::Fault;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body::Body as _;

use super::lesson::Lesson;
use super::{MOST_OBSERVED, place};
use crate::body::read_whole;
use crate::config::{Contract, ContractMode, Undeclared};
use crate::exchange::{Content, Exchange, Trail};
use crate::gate::Gate;
use crate::pipeline::route::Routed;
use crate::refusal::Refusal;

/// The gate's own cookie, which no document declares.
const SESSION_COOKIE: &str = "__Host-bartizan";
/// Faults that a client is told of.
const MOST_TOLD: usize = 32;
/// They name the body as the client made it.
const ABOUT_THE_OTHER_BODY: [&str; 4] = ["content-digest", "repr-digest", "digest", "content-md5"];

/// Judges a request by what its operation declares: path, query, fields and cookies first, and the body only if something in it is
/// declared.
pub(in crate::pipeline) async fn judge(
    routed: &mut Routed,
    contract: &Contract,
    gate: &Gate,
    trail: &mut Trail,
) -> Result<(), Refusal> {
    let mut judgement = Judgement { contract, faults: Vec::new(), refused: None, body: None };
    judge_head(routed, &mut judgement, trail)?;
    judge_body(routed, &mut judgement, gate, trail).await?;
    if judgement.is_observing() {
        judgement.teach(routed, gate).await?;
    }
    judgement.settle(trail)
}

struct Judgement<'c> {
    contract: &'c Contract,
    faults: Vec<Located>,
    /// What it would have been refused for before its body was read.
    refused: Option<Located>,
    /// What its body held, if that is JSON.
    body: Option<Json>,
}

impl Judgement<'_> {
    fn is_observing(&self) -> bool {
        self.contract.mode == ContractMode::Observe
    }

    /// Whether what is undeclared is to be taken out of the request.
    fn strips(&self) -> bool {
        !self.is_observing() && self.contract.undeclared == Undeclared::Strip
    }

    fn add(&mut self, part: Part, fault: Fault) {
        if self.faults.len() < MOST_TOLD {
            self.faults.push(Located { part, fault });
        }
    }

    /// Something that is not declared, and stays in the request.
    fn undeclared(&mut self, part: Part, fault: Fault, trail: &mut Trail) {
        if self.is_observing() || self.contract.undeclared == Undeclared::Refuse {
            self.add(part, fault);
        } else {
            observe(trail, part, &fault);
        }
    }

    /// Refuses for what was found, or lets it pass and says so.
    fn settle(self, trail: &mut Trail) -> Result<(), Refusal> {
        if self.faults.is_empty() {
            return Ok(());
        }
        if !self.is_observing() {
            return Err(Refusal::Invalid(self.faults.into()));
        }
        for located in self.faults.iter().take(MOST_OBSERVED) {
            observe(trail, located.part, &located.fault);
        }
        Ok(())
    }

    fn refuse_type_or_observe(&mut self, trail: &mut Trail) -> Result<(), Refusal> {
        let refusal = Refusal::ContentNotDeclared;
        if !self.is_observing() {
            return Err(refusal);
        }
        trail.observe_refusal(&refusal);
        let fault = Fault { pointer: String::new(), rule: CONTENT_TYPE, message: String::new() };
        self.refused = Some(Located { part: Part::Body, fault });
        Ok(())
    }

    /// Remembers the shape of a request, and the rules that it broke.
    async fn teach(&mut self, routed: &Routed, gate: &Gate) -> Result<(), Refusal> {
        let exchange = routed.exchange();
        let content_type = exchange.head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let lesson = Lesson::of(self.contract, gate, exchange.arrived, content_type);
        let query = exchange.head.uri.query().unwrap_or_default().to_owned();
        let faults: Vec<Located> = self.faults.iter().cloned().chain(self.refused.take()).collect();
        let path = self.contract.operation.path_pairs(routed.parameters());
        let body = self.body.take();
        let bytes = body.as_ref().map_or(0, |body| body.end as usize);
        gate.judges.run(bytes, move || lesson.request(&path, &query, body.as_ref(), &faults)).await
    }
}

fn observe(trail: &mut Trail, part: Part, fault: &Fault) {
    trail.observe_at(controls::REQUEST_SCHEMA.id, fault.rule, place(part.as_str(), &fault.pointer));
}

fn judge_head(routed: &mut Routed, judgement: &mut Judgement<'_>, trail: &mut Trail) -> Result<(), Refusal> {
    let exchange = routed.exchange();
    let headers = &exchange.head.headers;
    let cookies = joined(headers, &header::COOKIE, "; ").unwrap_or_default();
    let field = |name: &str| HeaderName::try_from(name).ok().and_then(|name| joined(headers, &name, ", "));
    let query = exchange.head.uri.query().unwrap_or_default();
    let head = Head { path: routed.parameters(), query, field: &field, cookies: &cookies };
    let verdict = judgement.contract.operation.judge_head(&head);
    for located in verdict.faults {
        judgement.add(located.part, located.fault);
    }
    let undeclared_cookies: Vec<String> =
        verdict.undeclared_cookies.into_iter().filter(|name| name != SESSION_COOKIE).collect();
    let exchange = routed.exchange_mut();
    if judgement.strips() && !verdict.undeclared_query.is_empty() {
        strip_query(exchange, &verdict.undeclared_query)?;
    } else {
        for name in &verdict.undeclared_query {
            judgement.undeclared(Part::Query, undeclared(name), trail);
        }
    }
    // A browser sends whatever any page of the site has set: such cookies are kept from the upstream and not held against the client.
    if judgement.is_observing() || judgement.contract.undeclared == Undeclared::Report {
        for name in undeclared_cookies.iter().take(MOST_OBSERVED) {
            observe(trail, Part::Cookie, &undeclared(name));
        }
    } else if !undeclared_cookies.is_empty() {
        strip_cookies(exchange, &cookies, &undeclared_cookies);
    }
    Ok(())
}

fn undeclared(name: &str) -> Fault {
    let name: String = name.chars().filter(|it| !it.is_control()).take(64).collect();
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    Fault { pointer, rule: "undeclared", message: "is not declared".to_owned() }
}

/// The lines of a field as one; a field that is no text is there, and matches nothing.
fn joined(headers: &HeaderMap, name: &HeaderName, between: &str) -> Option<String> {
    let mut lines = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut text = lines.next()?.into_owned();
    for line in lines {
        text.push_str(between);
        text.push_str(&line);
    }
    Some(text)
}

/// The query without the pairs of some names. Each pair is compared by its decoded name: an escaped letter hides nothing.
fn strip_query(exchange: &mut Exchange, names: &[String]) -> Result<(), Refusal> {
    let fault = Refusal::Internal("query-unwritable");
    let query = exchange.head.uri.query().unwrap_or_default();
    let names: HashSet<String> = names.iter().cloned().collect();
    let kept = bartizan_inspect::openapi::without_pairs(query.as_bytes(), &names);
    let kept = String::from_utf8(kept).map_err(|_| fault.clone())?;
    let path = exchange.head.uri.path();
    let target = if kept.is_empty() { path.to_owned() } else { format!("{path}?{kept}") };
    exchange.head.uri = target.parse().map_err(|_| fault)?;
    Ok(())
}

fn strip_cookies(exchange: &mut Exchange, cookies: &str, names: &[String]) {
    let is_kept = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name).trim();
        !name.is_empty() && !names.iter().any(|undeclared| undeclared == name)
    };
    let kept: Vec<&str> = cookies.split(';').map(str::trim).filter(is_kept).collect();
    let headers = &mut exchange.head.headers;
    headers.remove(header::COOKIE);
    if let Ok(kept) = HeaderValue::from_str(&kept.join("; "))
        && !kept.is_empty()
    {
        headers.insert(header::COOKIE, kept);
    }
}

async fn judge_body(
    routed: &mut Routed,
    judgement: &mut Judgement<'_>,
    gate: &Gate,
    trail: &mut Trail,
) -> Result<(), Refusal> {
    let limit = routed.route().rules.body_bytes;
    let exchange = routed.exchange_mut();
    let has_body = match &exchange.body {
        Content::Stream(body) => !body.is_end_stream(),
        Content::Buffered(bytes) => !bytes.is_empty(),
    };
    let content_type = exchange.head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let operation = judgement.contract.operation.clone();
    match operation.body_contract(content_type.as_deref(), has_body) {
        BodyContract::Nothing | BodyContract::Opaque => return Ok(()),
        BodyContract::OtherType => return judgement.refuse_type_or_observe(trail),
        BodyContract::Missing => {
            let (pointer, message) = (String::new(), "a body is needed".to_owned());
            judgement.add(Part::Body, Fault { pointer, rule: "required", message });
            return Ok(());
        }
        BodyContract::Judge(_) if exchange.head.headers.contains_key(header::CONTENT_ENCODING) => {
            return judgement.refuse_type_or_observe(trail);
        }
        BodyContract::Judge(_) => {}
    }
    let bytes = read_whole(exchange, limit, gate.config.server.timeouts, |_| {}).await?;
    trail.request_bytes(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let judged = bytes.clone();
    let verdict = gate.judges.run(bytes.len(), move || {
        let content_type = content_type.as_deref();
        match operation.body_contract(content_type, true) {
            BodyContract::Judge(media) => operation.judge_body(media, content_type.unwrap_or_default(), &judged),
            _ => BodyVerdict::default(),
        }
    });
    let mut verdict = verdict.await?;
    judgement.body = verdict.json.take();
    for fault in std::mem::take(&mut verdict.faults) {
        judgement.add(Part::Body, fault);
    }
    let cut = verdict.without.take().filter(|_| judgement.strips());
    if let Some(cut) = cut {
        exchange.body = Content::Buffered(replaced(exchange, cut));
        return Ok(());
    }
    exchange.body = Content::Buffered(bytes);
    for found in verdict.undeclared.iter().take(MOST_TOLD) {
        // What has no form that could be cut is refused where it would have been.
        if judgement.strips() {
            judgement.add(Part::Body, found.fault());
        } else {
            judgement.undeclared(Part::Body, found.fault(), trail);
        }
    }
    Ok(())
}

/// Another body in place of the client's.
fn replaced(exchange: &mut Exchange, body: Vec<u8>) -> Bytes {
    let headers = &mut exchange.head.headers;
    for name in ABOUT_THE_OTHER_BODY {
        headers.remove(name);
    }
    if headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    body.into()
}
