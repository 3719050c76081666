//! What a client sends: GraphQL over HTTP (working draft of the foundation), `POST` as JSON and `GET` as a query.

use percent_encoding::percent_decode_str;

use super::fault::{Fault, Rule};
use crate::json::{self, Content, Json};

/// One operation as it was asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The document; none where one that was registered is named.
    pub query: Option<Box<str>>,
    /// Which of its operations.
    pub operation_name: Option<Box<str>>,
    /// The values of its variables: an object.
    pub variables: Option<Json>,
    /// The id of a document that was registered (`documentId`, or `id` of Relay and others).
    pub document_id: Option<Box<str>>,
    /// The SHA-256 of the document, in hexadecimal (`extensions.persistedQuery`).
    pub hash: Option<Box<str>>,
    /// `extensions` without what was read out of them.
    pub extensions: Option<Json>,
}

/// Depth and values of a request: variables hold what the schema's inputs hold.
const LIMITS: json::Limits = json::Limits { bytes: 16 << 20, depth: 64, values: 50_000 };

/// Reads a body: one request, or a list of at most so many.
///
/// # Errors
/// What is wrong with its JSON, by its stable name, or with its form.
pub fn read_body(bytes: &[u8], most: usize) -> Result<(Vec<Request>, Batch), Fault> {
    let body = json::read(bytes, LIMITS).map_err(|_| Fault::of_request(Rule::Request))?;
    match &body.content {
        Content::Object(_) => Ok((vec![request(&body)?], Batch::No)),
        Content::Array(requests) if requests.is_empty() => Err(Fault::of_request(Rule::Request)),
        Content::Array(requests) if most < 2 || requests.len() > most => Err(Fault::of_request(Rule::Batch)),
        Content::Array(requests) => Ok((requests.iter().map(request).collect::<Result<_, _>>()?, Batch::Yes)),
        _ => Err(Fault::of_request(Rule::Request)),
    }
}

/// Whether requests came in a list: their answers do too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// One.
    No,
    /// A list.
    Yes,
}

/// Reads the query of a `GET`.
///
/// # Errors
/// A name twice, or one that is none of a request's.
pub fn read_query(query: &str) -> Result<Request, Fault> {
    let fault = || Fault::of_request(Rule::Request);
    let mut members: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name).ok_or_else(fault)?, decoded(value).ok_or_else(fault)?);
        if members.iter().any(|(known, _)| *known == name) {
            return Err(fault());
        }
        members.push((name, value));
    }
    let mut request = Request::default();
    for (name, value) in members {
        let json = || json::read(value.as_bytes(), LIMITS).map_err(|_| fault());
        // What is empty is absent: clients write `variables=`.
        let is_absent = value.is_empty() && matches!(name.as_str(), "operationName" | "variables" | "extensions");
        match name.as_str() {
            _ if is_absent => {}
            "query" => request.query = Some(value.into()),
            "operationName" => request.operation_name = Some(value.into()),
            "documentId" | "id" => request.document_id = Some(value.into()),
            "variables" => request.variables = variables(&json()?)?,
            "extensions" => request.take_extensions(&json()?)?,
            _ => return Err(fault()),
        }
    }
    Ok(request)
}

fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn request(body: &Json) -> Result<Request, Fault> {
    let fault =
        |name: &str| Fault::at_pointer(Rule::Request, format!("/{}", name.replace('~', "~0").replace('/', "~1")));
    if !body.is_object() {
        return Err(Fault::of_request(Rule::Request));
    }
    let mut request = Request::default();
    for member in body.members() {
        let text = || match &member.value.content {
            Content::Text(text) => Ok(Some(text.clone())),
            Content::Null => Ok(None),
            _ => Err(fault(&member.name)),
        };
        match &*member.name {
            "query" => request.query = text()?,
            "operationName" => request.operation_name = text()?,
            "documentId" | "id" => request.document_id = text()?,
            "variables" => request.variables = variables(&member.value)?,
            "extensions" => request.take_extensions(&member.value)?,
            // A member that nobody declared could mean something to one server and nothing to the other.
            other => return Err(fault(other)),
        }
    }
    Ok(request)
}

fn variables(value: &Json) -> Result<Option<Json>, Fault> {
    match &value.content {
        Content::Object(_) => Ok(Some(value.clone())),
        Content::Null => Ok(None),
        _ => Err(Fault::at_pointer(Rule::Request, "/variables".to_owned())),
    }
}

impl Request {
    fn take_extensions(&mut self, value: &Json) -> Result<(), Fault> {
        let fault = || Fault::at_pointer(Rule::Request, "/extensions".to_owned());
        let members = match &value.content {
            Content::Object(members) => members,
            Content::Null => return Ok(()),
            _ => return Err(fault()),
        };
        if let Some(persisted) = value.get("persistedQuery") {
            let hash = persisted.get("sha256Hash").and_then(Json::as_str).ok_or_else(fault)?;
            self.hash = Some(hash.into());
        }
        let others: Vec<_> = members.iter().filter(|member| &*member.name != "persistedQuery").cloned().collect();
        self.extensions = (!others.is_empty()).then(|| Json::of(Content::Object(others.into())));
        Ok(())
    }

    /// The request as one with its document and without the name of it: what was judged is what the upstream runs.
    fn with_document(&self) -> Json {
        let text =
            |name: &str, text: &Option<Box<str>>| text.as_deref().map(|text| (Box::from(name), Json::text(text)));
        let members = [
            text("query", &self.query),
            text("operationName", &self.operation_name),
            self.variables.clone().map(|variables| ("variables".into(), variables)),
            self.extensions.clone().map(|extensions| ("extensions".into(), extensions)),
        ];
        let member = |(name, value)| json::Member { name, start: 0, value };
        Json::of(Content::Object(members.into_iter().flatten().map(member).collect()))
    }
}

/// Requests as a body, with the documents that they name in full.
pub fn write_body(requests: &[Request], batch: Batch) -> String {
    match (requests, batch) {
        ([one], Batch::No) => one.with_document().to_string(),
        _ => Json::of(Content::Array(requests.iter().map(Request::with_document).collect())).to_string(),
    }
}

/// A request as the query of a `GET`, with the document that it names in full.
pub fn write_query(request: &Request) -> String {
    let whole = request.with_document();
    let pair = |member: &json::Member| {
        let value = member.value.as_str().map_or_else(|| member.value.to_string(), str::to_owned);
        format!("{}={}", member.name, percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC))
    };
    whole.members().iter().map(pair).collect::<Vec<_>>().join("&")
}
