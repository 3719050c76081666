use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::digest;
use bartizan_evidence::{GraphqlOperation, Name};
use bartizan_inspect::graphql::{
    self, Batch, Documents, Fault, Guards, Judged, OperationKind, Request, Rule, Schema, read_body, read_query,
    write_body, write_query,
};
use bartizan_policy::{Access, Facts, decide};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, request::Parts};

use crate::body::read_whole;
use crate::config::{ContractMode, Graphql, Subscriptions, Unregistered};
use crate::exchange::{Content, Exchange, Trail};
use crate::gate::Gate;
use crate::graphql::Endpoint;
use crate::pipeline::authorize::Authorized;
use crate::refusal::Refusal;

/// They name the body as the client made it.
const ABOUT_THE_OTHER_BODY: [&str; 4] = ["content-digest", "repr-digest", "digest", "content-md5"];

/// Judges what a request asks for, and whether its caller may. A document that was named is put in its place: what was judged is what
/// the upstream runs.
pub(in crate::pipeline) async fn judge(
    authorized: &mut Authorized,
    endpoint: &Arc<Endpoint>,
    gate: &Gate,
    trail: &mut Trail,
) -> Result<(), Refusal> {
    let is_observing = endpoint.rules.mode == ContractMode::Observe;
    match judge_strictly(authorized, endpoint, gate, trail).await {
        // A body that could not be read whole cannot be passed on, whatever the mode.
        Err(refusal @ (Refusal::Operation(_) | Refusal::ContentNotDeclared | Refusal::Denied(_))) if is_observing => {
            trail.observe_refusal(&refusal);
            Ok(())
        }
        outcome => outcome,
    }
}

async fn judge_strictly(
    authorized: &mut Authorized,
    endpoint: &Arc<Endpoint>,
    gate: &Gate,
    trail: &mut Trail,
) -> Result<(), Refusal> {
    let (schema, guards) = endpoint.known()?;
    let (rules, limit) = (endpoint.rules.clone(), authorized.routed.route().rules.body_bytes);
    let exchange = authorized.routed.exchange_mut();
    let is_read = matches!(exchange.head.method, Method::GET | Method::HEAD);
    let asked = if is_read { of_query(exchange)? } else { of_body(exchange, limit, &rules, gate, trail).await? };
    let judging = Judging { schema: schema.clone(), guards: guards.clone(), rules: rules.clone() };
    let Asked { requests, batch, bytes } = asked;
    let judged = gate.judges.run(bytes, move || judging.all(requests)).await?;
    let (requests, judged, is_changed) = judged.map_err(|faults| Refusal::Operation(faults.into()))?;
    if let Some(first) = judged.first() {
        trail.operation(told(first, &judged));
    }
    for one in &judged {
        if is_read && one.kind == OperationKind::Mutation {
            // GraphQL over HTTP §5.2: a link on another page would be enough to make a browser send it.
            return Err(Refusal::MethodNotAllowed(vec![Method::POST]));
        }
        permit(authorized, &rules, one)?;
    }
    let exchange = authorized.routed.exchange_mut();
    if is_changed && is_read {
        let query = requests.first().map(write_query).unwrap_or_default();
        let target = format!("{}?{query}", exchange.head.uri.path());
        exchange.head.uri = target.parse().map_err(|_| Refusal::TargetTooLong)?;
    } else if is_changed {
        replace_body(exchange, write_body(&requests, batch));
    }
    Ok(())
}

/// What was asked for, and how many bytes it took to say so.
struct Asked {
    requests: Vec<Request>,
    batch: Batch,
    bytes: usize,
}

fn invalid(fault: Fault) -> Refusal {
    Refusal::Operation([fault].into())
}

fn of_query(exchange: &Exchange) -> Result<Asked, Refusal> {
    let has_body = match &exchange.body {
        Content::Stream(body) => !http_body::Body::is_end_stream(body),
        Content::Buffered(bytes) => !bytes.is_empty(),
    };
    if has_body {
        // A server that reads it would run another operation than the one that was judged.
        return Err(Refusal::ContentNotDeclared);
    }
    let query = exchange.head.uri.query().unwrap_or_default();
    let request = read_query(query).map_err(invalid)?;
    Ok(Asked { requests: vec![request], batch: Batch::No, bytes: query.len() })
}

async fn of_body(
    exchange: &mut Exchange,
    limit: u64,
    rules: &Graphql,
    gate: &Gate,
    trail: &mut Trail,
) -> Result<Asked, Refusal> {
    if !is_json(&exchange.head) {
        // A form, or a text, is what a page of another site can send without asking (multipart uploads are forms too).
        return Err(Refusal::ContentNotDeclared);
    }
    if exchange.head.uri.query().is_some_and(|query| !query.is_empty()) {
        // Some servers take parameters from the query first, and would run what nobody judged.
        return Err(invalid(Fault::of_request(Rule::Request)));
    }
    let bytes = read_whole(exchange, limit, gate.config.server.timeouts, |_| {}).await?;
    trail.request_bytes(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    exchange.body = Content::Buffered(bytes.clone());
    let most = rules.batch.get();
    let length = bytes.len();
    let read = gate.judges.run(length, move || read_body(&bytes, most)).await?;
    let (requests, batch) = read.map_err(invalid)?;
    Ok(Asked { requests, batch, bytes: length })
}

/// `application/json` in UTF-8, and not encoded.
fn is_json(head: &Parts) -> bool {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (name, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let is_utf8 =
        |it: &str| matches!(it.trim().to_ascii_lowercase().as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"");
    name.trim().eq_ignore_ascii_case("application/json")
        && parameters.split(';').all(is_utf8)
        && !head.headers.contains_key(header::CONTENT_ENCODING)
}

/// Everything that judging an operation needs, on whichever thread.
struct Judging {
    schema: Arc<Schema>,
    guards: Guards,
    rules: Arc<Graphql>,
}

impl Judging {
    fn all(&self, mut requests: Vec<Request>) -> Result<(Vec<Request>, Vec<Judged>, bool), Vec<Fault>> {
        let (mut judged, mut is_changed, mut cost) = (Vec::new(), false, 0_u64);
        for request in &mut requests {
            is_changed |= put_document(request, &self.rules).map_err(|fault| vec![fault])?;
            let one = graphql::judge(&self.schema, &self.guards, &self.rules.limits, request)?;
            cost = cost.saturating_add(one.cost);
            judged.push(one);
        }
        // What a list may not do, a list of requests may not do either.
        if cost > u64::from(self.rules.limits.cost) {
            return Err(vec![Fault::of_request(Rule::Cost)]);
        }
        Ok((requests, judged, is_changed))
    }
}

/// Puts the document in the place of its name; whether anything changed.
fn put_document(request: &mut Request, rules: &Graphql) -> Result<bool, Fault> {
    let fault = |rule| Err(Fault::of_request(rule));
    let documents: &Documents = &rules.documents;
    let named = request.document_id.as_deref().or(request.hash.as_deref());
    match (&request.query, named) {
        (Some(query), _) => {
            if let Some(hash) = &request.hash
                && !hash.eq_ignore_ascii_case(&sha256(query.as_bytes()))
            {
                // Whoever stores it under this name would answer others with it.
                return fault(Rule::Hash);
            }
            if request.document_id.is_some() {
                // Two documents: which of them runs is the server's choice.
                return fault(Rule::Request);
            }
            if rules.unregistered == Unregistered::Refuse && !documents.has(query) {
                return fault(Rule::NotPersisted);
            }
            Ok(false)
        }
        (None, Some(name)) => match documents.get(name).or_else(|| documents.get(&format!("sha256:{name}"))) {
            Some(document) => {
                request.query = Some((**document).into());
                Ok(true)
            }
            None if rules.unregistered == Unregistered::Serve && request.hash.is_some() => fault(Rule::UnknownHash),
            None => fault(Rule::NotPersisted),
        },
        (None, None) => fault(Rule::Request),
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Whether the caller may run it: the schema, subscriptions, and the rules of single fields.
fn permit(authorized: &Authorized, rules: &Graphql, judged: &Judged) -> Result<(), Refusal> {
    if judged.kind == OperationKind::Subscription && rules.subscriptions == Subscriptions::Refuse {
        return Err(invalid(Fault::of_request(Rule::Subscription)));
    }
    if judged.introspects && rules.introspection.as_ref().is_none_or(|access| may(authorized, access).is_err()) {
        return Err(invalid(Fault::of_request(Rule::Introspection)));
    }
    for rule in &judged.touched {
        let Some((_, access)) = rules.fields.get(*rule) else { return Err(Refusal::Internal("graphql-rule-unknown")) };
        may(authorized, access)?;
    }
    Ok(())
}

fn may(authorized: &Authorized, access: &Access) -> Result<(), Refusal> {
    let exchange = authorized.routed.exchange();
    let caller = authorized.caller.as_ref().map(|known| &known.principal);
    let facts = Facts { client: exchange.client, parameters: authorized.routed.parameters(), now: exchange.now() };
    let permit = decide(access, caller, facts).map_err(Refusal::Denied)?;
    // Whose a field is, its name does not tell.
    if permit.pending_owner().is_some() { Err(Refusal::OwnerUnknown("graphql-field")) } else { Ok(()) }
}

/// What the event tells: of several operations, the first, and what all of them cost.
fn told(first: &Judged, all: &[Judged]) -> GraphqlOperation {
    GraphqlOperation {
        kind: first.kind.as_str(),
        name: first.name.as_deref().map(Name::new),
        fields: first.roots.iter().map(|field| Name::new(field)).collect(),
        cost: all.iter().fold(0, |sum, one| sum.saturating_add(one.cost)),
    }
}

fn replace_body(exchange: &mut Exchange, body: String) {
    let headers: &mut HeaderMap = &mut exchange.head.headers;
    for name in ABOUT_THE_OTHER_BODY {
        headers.remove(name);
    }
    if headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    exchange.body = Content::Buffered(Bytes::from(body));
}
