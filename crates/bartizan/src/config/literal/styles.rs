use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Access;
use crate::config::units::Size;

/// How an API is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// Paths and methods, as an OpenAPI document declares them.
    #[default]
    Openapi,
    /// Operations of GraphQL, held against a schema.
    Graphql,
    /// Methods of gRPC, as descriptors declare them.
    Grpc,
}

/// What gRPC calls may do.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcApi {
    /// Size of one message from the client, as it is on the wire, and as it is once it is decompressed.
    pub message: Size,
    /// Who may call a service or a method, in place of `access`: `{ "shop.v1.Shop/Restock" = { roles = ["staff"] } }`.
    pub methods: BTreeMap<String, Access>,
}

impl Default for GrpcApi {
    fn default() -> Self {
        Self { message: Size::new(4 << 20), methods: BTreeMap::new() }
    }
}

/// What GraphQL operations may do. What exceeds a limit is refused before the service sees it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Graphql {
    /// Fields within each other.
    pub depth: NonZeroU32,
    /// Fields under another name, in one operation.
    pub aliases: u32,
    /// Fields of the root, in one operation.
    pub root_fields: NonZeroU32,
    /// Objects that an answer may hold. A list multiplies what is below it: by the number that `first`, `limit` and their like ask for, or
    /// that `@listSize` of the schema says, else by `list_size`. `@cost` gives a field another weight.
    pub cost: NonZeroU32,
    /// Elements that a list is taken to have where nobody says.
    pub list_size: NonZeroU32,
    /// Names, marks and values of a document.
    pub tokens: NonZeroU32,
    /// Directives of a document.
    pub directives: u32,
    /// Operations in one request. Their costs are added up.
    pub batch: NonZeroU32,
    /// Who may ask for the schema. Without it, nobody.
    pub introspection: Option<Access>,
    /// Who may ask for a type or a field, on top of `access`: `{ "Mutation" = { roles = ["staff"] }, "User.email" = … }`. A rule for a
    /// field of an object holds for that of its interfaces too.
    pub fields: BTreeMap<String, Access>,
    /// Documents that were registered: a JSON file of ids and documents, or a manifest of operations. Then nothing else is served.
    pub documents: Option<PathBuf>,
    /// What becomes of documents that were not registered, where some were.
    pub unregistered: Unregistered,
    /// What becomes of subscriptions.
    pub subscriptions: Subscriptions,
    /// What becomes of suggestions and stack traces in the errors of answers.
    pub errors: Disclosures,
}

impl Default for Graphql {
    fn default() -> Self {
        let limits = bartizan_inspect::graphql::Limits::default();
        let some = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            depth: some(limits.depth),
            aliases: limits.aliases,
            root_fields: some(limits.root_fields),
            cost: some(limits.cost),
            list_size: some(limits.list_size),
            tokens: some(limits.tokens),
            directives: limits.directives,
            batch: NonZeroU32::MIN,
            introspection: None,
            fields: BTreeMap::new(),
            documents: None,
            unregistered: Unregistered::default(),
            subscriptions: Subscriptions::default(),
            errors: Disclosures::default(),
        }
    }
}

/// What becomes of documents that were not registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unregistered {
    /// They are refused.
    #[default]
    Refuse,
    /// They are served within the limits.
    Serve,
}

/// What becomes of subscriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subscriptions {
    /// They are refused.
    #[default]
    Refuse,
    /// They are answered as event streams; each is judged like any operation.
    Events,
    /// They may also use WebSocket connections, on which nothing is read.
    Websocket,
}

/// What becomes of what errors tell of a server's inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Disclosures {
    /// It is taken out.
    #[default]
    Strip,
    /// It leaves.
    Pass,
}
