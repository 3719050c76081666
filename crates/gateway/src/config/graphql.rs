use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use bartizan_inspect::graphql::{Documents, Limits, Schema};
use bartizan_policy::Access;
use http::Uri;

use super::ContractMode;

/// What holds for the operations of a GraphQL endpoint. Nothing else is served there.
#[derive(Clone, Debug)]
pub struct Graphql {
    /// What operations are held against.
    pub schema: SchemaSource,
    /// What one operation may take.
    pub limits: Limits,
    /// How many operations one request may hold; what they cost is added up.
    pub batch: NonZeroUsize,
    /// Who may ask for the schema; nobody where nobody is named.
    pub introspection: Option<Access>,
    /// Who may ask for some types and fields, by their coordinates: `Mutation`, `User.email`.
    pub fields: Vec<(Arc<str>, Access)>,
    /// Documents that were registered.
    pub documents: Arc<Documents>,
    /// Whether others are served too.
    pub unregistered: Unregistered,
    /// What becomes of subscriptions.
    pub subscriptions: Subscriptions,
    /// What becomes of what the server's errors tell.
    pub errors: Disclosures,
    /// Whether anything is refused at all.
    pub mode: ContractMode,
}

/// Where a schema comes from.
#[derive(Clone, Debug)]
pub enum SchemaSource {
    /// A file that was read.
    Given(Arc<Schema>),
    /// The service, which is asked until it answers, and then never again; until then nothing is served.
    Introspected {
        /// Its endpoint: `https`, or `http` on loopback.
        url: Uri,
        /// PEM file of the authorities to trust for it instead of the system's.
        authorities: Option<PathBuf>,
    },
}

/// Whether operations are served that were not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unregistered {
    /// They are, within the limits.
    Serve,
    /// They are refused: clients run what was shipped with them, and nothing else.
    Refuse,
}

/// What becomes of subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscriptions {
    /// They are refused.
    Refuse,
    /// They are answered as event streams; each is judged like any operation.
    Events,
    /// They may also use WebSocket connections. Risk: what is asked for on those is not read.
    WebSocket,
}

/// What becomes of suggestions and stack traces in the errors of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosures {
    /// They are taken out.
    Strip,
    /// They leave: the schema in pieces, and how the server is made.
    Pass,
}
