use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, Cors, Credential, Graphql, GrpcApi, Mask, Mode, RouteHeaders, RouteUpstream, Style, Timeouts};
use crate::config::units::{Name, PathPattern, Rate, Size};

/// An API whose OpenAPI document is the policy: each operation becomes a route, and what it does not declare does not pass.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Its name. Routes are named by it and the `operationId`: `shop.createOrder`.
    pub name: Name,
    /// How it is spoken to.
    #[serde(default)]
    pub style: Style,
    /// The document: OpenAPI 3.0, 3.1 or 3.2, YAML or JSON. It may refer to files in its own folder and below; nothing is fetched.
    pub openapi: Option<PathBuf>,
    /// Of GraphQL: the schema, in its language or as the JSON of an introspection; or `"introspect"`, to ask the service itself for it when
    /// the gate starts. Until it is known, nothing is served.
    pub schema: Option<PathBuf>,
    /// Of GraphQL: the endpoint's path. Without it, `/graphql`.
    pub path: Option<PathPattern>,
    /// Of gRPC: the methods and messages, as `protoc --include_imports --descriptor_set_out` or `buf build` writes them. Each method is a route;
    /// others are `UNIMPLEMENTED`.
    pub descriptors: Option<PathBuf>,
    /// Of GraphQL and gRPC: who may call it. OpenAPI documents say so themselves.
    pub access: Option<Access>,
    /// Of GraphQL: what operations may do.
    pub graphql: Option<Graphql>,
    /// Of gRPC: what calls may do.
    pub grpc: Option<GrpcApi>,
    /// Whom requests are for, as in a route.
    pub upstream: RouteUpstream,
    /// PEM file of the authorities to trust for an `https` upstream, instead of the system's.
    pub upstream_ca: Option<PathBuf>,
    /// What operations without effective `security` are. Without it they are errors, unless they say `x-bartizan-access: public`.
    pub unsecured: Option<Unsecured>,
    /// Whether the document is enforced: `"observe"` refuses and changes nothing, and says in the event what it would have refused.
    #[serde(default)]
    pub mode: Mode,
    /// What becomes of members and query parameters of requests that the document does not declare.
    #[serde(default)]
    pub undeclared: UndeclaredInput,
    /// What becomes of members of answers that the document does not declare.
    #[serde(default)]
    pub answers: UndeclaredOutput,
    /// Which credentials are looked at. Without it, those that the document's security schemes name.
    #[schemars(length(min = 1))]
    pub credentials: Option<Vec<Credential>>,
    /// Requests per identity, or per address while nobody is signed in, for operations without `x-bartizan-limit`.
    pub limit: Option<Rate>,
    /// Size of a request's body: 413 beyond. Without it, `max_body` of `[server]`.
    pub body: Option<Size>,
    /// How long the upstream may take.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// What is masked in answers, by `*` of the same length.
    #[serde(default)]
    pub mask: Vec<Mask>,
    /// Other origins that may call it from a browser, instead of the global `[cors]`.
    pub cors: Option<Cors>,
    /// Response headers, on top of the global `[headers]`.
    #[serde(default)]
    pub headers: RouteHeaders,
}

/// What operations without effective `security` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unsecured {
    /// Open to anybody.
    Public,
}

/// What becomes of something in a request that the document does not declare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UndeclaredInput {
    /// 400.
    #[default]
    Refuse,
    /// It is taken out, and the request goes on.
    Strip,
    /// It passes, and the event says so.
    Report,
}

/// What becomes of something in an answer that the document does not declare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UndeclaredOutput {
    /// It is taken out.
    #[default]
    Strip,
    /// 502, also for a status or a media type that is not declared.
    Refuse,
    /// It leaves, and the event says so; what is `writeOnly` does not leave.
    Report,
}
