//! GraphQL as the gate sees it: which schema a route is held against, and how a refusal has to look so that a client reads it as errors.

use std::sync::{Arc, OnceLock};

use bartizan_inspect::graphql::{Guards, Schema, SchemaFault};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use crate::config::{Graphql, SchemaSource};
use crate::refusal::Refusal;
use crate::schemas::{Schemas, Slot};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// A GraphQL endpoint, compiled.
pub(crate) struct Endpoint {
    pub(crate) rules: Arc<Graphql>,
    schema: Slot,
    /// The rules for fields, looked up in the schema; with an introspected one, once it is known.
    guards: OnceLock<Option<Guards>>,
}

impl Endpoint {
    /// # Errors
    /// A rule for a field that a given schema does not have.
    pub(crate) fn compile(rules: &Arc<Graphql>, schemas: &Schemas, runtime: &Handle) -> Result<Self, SchemaFault> {
        let schema = match &rules.schema {
            SchemaSource::Given(schema) => Slot::from(OnceLock::from(schema.clone())),
            SchemaSource::Introspected { url, authorities } => schemas.of(url, authorities.as_ref(), runtime),
        };
        let guards = OnceLock::new();
        if let SchemaSource::Given(schema) = &rules.schema {
            let _ = guards.set(Some(guards_of(rules, schema)?));
        }
        Ok(Self { rules: rules.clone(), schema, guards })
    }

    /// The schema and what guards its fields. Where it is not known, or lacks what a rule is for, nothing passes.
    pub(crate) fn known(&self) -> Result<(&Arc<Schema>, &Guards), Refusal> {
        let schema = self.schema.get().ok_or(Refusal::UpstreamBusy("graphql-schema-not-known"))?;
        let guards = self.guards.get_or_init(|| {
            let guards = guards_of(&self.rules, schema);
            guards
                .inspect_err(
                    |cause| tracing::error!(%cause, "a rule of `fields` is for nothing: the API refuses everything"),
                )
                .ok()
        });
        Ok((schema, guards.as_ref().ok_or(Refusal::Internal("graphql-rule-for-nothing"))?))
    }
}

fn guards_of(rules: &Graphql, schema: &Schema) -> Result<Guards, SchemaFault> {
    Guards::compile(schema, rules.fields.iter().map(|(coordinate, _)| &**coordinate))
}

/// In which of the two media types a client takes errors (GraphQL over HTTP §6).
pub(crate) fn media_type(headers: &HeaderMap) -> HeaderValue {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_named = accepted.any(|it| it.to_ascii_lowercase().contains(GRAPHQL_RESPONSE));
    HeaderValue::from_static(if is_named { GRAPHQL_RESPONSE } else { "application/json" })
}

/// A refusal as a client of GraphQL reads it: `errors`, with the problem document in `extensions`. The status stays.
pub(crate) fn refused(refusal: &Refusal, problem: Response<Bytes>, media_type: HeaderValue) -> Response<Bytes> {
    let (mut head, body) = problem.into_parts();
    if head.headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/problem+json") {
        return Response::from_parts(head, body);
    }
    let mut extensions: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
    let title = extensions.remove("title").unwrap_or_default();
    let errors: Vec<Value> = match refusal {
        Refusal::Operation(faults) => faults
            .iter()
            .map(|fault| {
                let mut extensions = extensions.clone();
                extensions.insert("code".to_owned(), fault.rule.code().into());
                if !fault.pointer.is_empty() {
                    extensions.insert("pointer".to_owned(), fault.pointer.as_str().into());
                }
                let mut error = json!({ "message": fault.rule.message() });
                if let Some(error) = error.as_object_mut().filter(|_| fault.line > 0) {
                    error.insert("locations".to_owned(), json!([{ "line": fault.line, "column": fault.column }]));
                }
                with(error, extensions)
            })
            .collect(),
        _ => vec![with(json!({ "message": title }), extensions)],
    };
    if head.status != StatusCode::NOT_MODIFIED {
        head.headers.insert(header::CONTENT_TYPE, media_type);
    }
    Response::from_parts(head, json!({ "errors": errors }).to_string().into())
}

fn with(mut error: Value, extensions: Map<String, Value>) -> Value {
    if let Some(error) = error.as_object_mut() {
        error.insert("extensions".to_owned(), extensions.into());
    }
    error
}
