//! APIs of the style GraphQL: one route, whose operations are held against a schema.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest;
use bartizan_gateway::config as gateway;
use bartizan_inspect::graphql::{Documents, Guards, Limits, Schema, from_introspection, from_sdl};

use super::Resolver;
use super::apis::Declared;
use super::carries::{self, Carries};
use super::styles::{self, StyleDocument};
use crate::config::faults::FaultKind;
use crate::config::literal::{
    Access, Api, Disclosures, Graphql, Mode, Route, RouteUpstream, Subscriptions, Unregistered, Upgrade,
};
use crate::config::posture::Weakness;
use crate::config::tree::Place;
use crate::config::units::{Endpoint, Name, Target};

/// The word for a schema that the service itself is asked for.
const INTROSPECT: &str = "introspect";

impl Resolver<'_> {
    /// The route of an API of the style GraphQL.
    pub(super) fn graphql_api(&mut self, api: &Api, place: &Place) -> Option<Declared> {
        let rules = api.graphql.clone().unwrap_or_default();
        let inside = place.key("graphql");
        let Some(access) = &api.access else {
            let message = format!("the API `{}` does not say who may call it", api.name);
            let remedy = "add `access = \"signed-in\"`, a rule, or `\"public\"`";
            self.error(FaultKind::MissingKey, place, message, remedy);
            return None;
        };
        let path = api.path.clone().or_else(|| "/graphql".parse().ok())?;
        let schema = self.schema_source(api, path.as_str(), place)?;
        let documents = self.registered(&rules, &inside)?;
        let route = route(api, access, path, rules.subscriptions)?;
        let mut fields: Vec<(Arc<str>, _)> = Vec::new();
        for (coordinate, access) in &rules.fields {
            fields.push((coordinate.as_str().into(), self.field_access(&route, access, &inside.key("fields"))?));
        }
        if let gateway::SchemaSource::Given(schema) = &schema
            && let Err(fault) = Guards::compile(schema, fields.iter().map(|(coordinate, _)| &**coordinate))
        {
            let remedy = "name a type of the schema, or a field of one: `\"Mutation\"`, `\"User.email\"`";
            self.error(FaultKind::Unresolvable, &inside.key("fields"), fault.to_string(), remedy);
            return None;
        }
        let introspection = match &rules.introspection {
            Some(access) => Some(self.field_access(&route, access, &inside.key("introspection"))?),
            None => None,
        };
        self.styles.push(described(api, &rules, &schema, documents.len()));
        if api.mode == Mode::Off {
            return Some(Declared { route, place: place.clone(), contract: None, graphql: None, method: None });
        }
        let graphql = gateway::Graphql {
            schema,
            limits: limits(&rules),
            batch: NonZeroUsize::new(rules.batch.get() as usize).unwrap_or(NonZeroUsize::MIN),
            introspection,
            fields,
            unregistered: match rules.unregistered {
                Unregistered::Refuse if rules.documents.is_some() => gateway::Unregistered::Refuse,
                _ => gateway::Unregistered::Serve,
            },
            documents: Arc::new(documents),
            subscriptions: match rules.subscriptions {
                Subscriptions::Refuse => gateway::Subscriptions::Refuse,
                Subscriptions::Events => gateway::Subscriptions::Events,
                Subscriptions::Websocket => gateway::Subscriptions::WebSocket,
            },
            errors: match rules.errors {
                Disclosures::Strip => gateway::Disclosures::Strip,
                Disclosures::Pass => gateway::Disclosures::Pass,
            },
            mode: if api.mode == Mode::Observe { gateway::ContractMode::Observe } else { gateway::ContractMode::Block },
        };
        Some(Declared { route, place: place.clone(), contract: None, graphql: Some(Arc::new(graphql)), method: None })
    }

    /// Where the schema comes from: a file, or the service itself.
    fn schema_source(&mut self, api: &Api, path: &str, place: &Place) -> Option<gateway::SchemaSource> {
        let Some(file) = &api.schema else {
            let remedy =
                "add `schema = \"schema.graphql\"` (or the JSON of an introspection), or `schema = \"introspect\"`";
            self.error(FaultKind::MissingKey, place, format!("the API `{}` has no schema", api.name), remedy);
            return None;
        };
        let at = place.key("schema");
        if file.as_os_str() == INTROSPECT {
            return self.introspected(api, path, &at);
        }
        let content = self.content(file, &at, "schema")?;
        let schema = read_schema(file, &content);
        self.contents.push(content);
        match schema {
            Ok(schema) => Some(gateway::SchemaSource::Given(Arc::new(schema))),
            Err(message) => {
                let remedy = "correct it: nothing of the API is served as it is";
                self.error(FaultKind::Malformed, &at, format!("`{}`: {message}", file.display()), remedy);
                None
            }
        }
    }

    fn introspected(&mut self, api: &Api, path: &str, at: &Place) -> Option<gateway::SchemaSource> {
        let url = match &api.upstream {
            RouteUpstream::One(Target::Endpoint(Endpoint::Url(url))) if url.is_https() || url.is_loopback() => url,
            _ => {
                let message = "the schema can be asked for only over `https`, or on this machine, of an upstream that the API itself names";
                let remedy = "give the schema as a file: `schema = \"schema.graphql\"`";
                self.error(FaultKind::Unsafe, at, message, remedy);
                return None;
            }
        };
        let url = format!("{}{path}", url.as_str().trim_end_matches('/')).parse().ok()?;
        let authorities = api.upstream_ca.as_ref().map(|file| self.beside(file));
        Some(gateway::SchemaSource::Introspected { url, authorities })
    }

    fn registered(&mut self, rules: &Graphql, inside: &Place) -> Option<Documents> {
        let at = inside.key("documents");
        let Some(file) = &rules.documents else {
            return Some(Documents::default());
        };
        let content = self.content(file, &at, "file of documents")?;
        let documents = Documents::read(&content, sha256);
        self.contents.push(content);
        match documents {
            Ok(documents) => Some(documents),
            Err(fault) => {
                let remedy = "write it again by the tool that registers the documents";
                self.error(FaultKind::Malformed, &at, format!("`{}`: {fault}", file.display()), remedy);
                None
            }
        }
    }

    /// Who may ask for a field. Whose it is, no name tells.
    fn field_access(&mut self, route: &Route, access: &Access, place: &Place) -> Option<bartizan_policy::Access> {
        if let Access::Rule(rule) = access
            && rule.owner.is_some()
        {
            let message = "`owner` cannot be known of a field: the path has no parameter for it";
            self.error(FaultKind::Contradiction, place, message, "use roles, scopes or attributes");
            return None;
        }
        // It is judged where every access is, for a route that has it.
        self.access(&Route { access: access.clone(), ..route.clone() }, place)
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Reads a schema in its language, or as the answer to an introspection.
fn read_schema(file: &Path, content: &[u8]) -> Result<Schema, String> {
    if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return from_introspection(content).map_err(|fault| fault.to_string());
    }
    let text = std::str::from_utf8(content).map_err(|_| "the schema is not UTF-8".to_owned())?;
    from_sdl(text).map_err(|fault| fault.to_string())
}

fn route(
    api: &Api,
    access: &Access,
    path: crate::config::units::PathPattern,
    subscriptions: Subscriptions,
) -> Option<Route> {
    let name: Name = api.name.clone();
    let methods = vec!["GET".parse().ok()?, "POST".parse().ok()?];
    let upgrade = (subscriptions == Subscriptions::Websocket).then_some(Upgrade::Websocket);
    Some(Route { upgrade, ..styles::route(api, name, path, methods, access) })
}

fn limits(rules: &Graphql) -> Limits {
    Limits {
        tokens: rules.tokens.get(),
        depth: rules.depth.get(),
        aliases: rules.aliases,
        root_fields: rules.root_fields.get(),
        cost: rules.cost.get(),
        list_size: rules.list_size.get(),
        directives: rules.directives,
    }
}

/// What the posture says of it.
fn described(api: &Api, rules: &Graphql, schema: &gateway::SchemaSource, documents: usize) -> StyleDocument {
    let title = match schema {
        gateway::SchemaSource::Given(schema) => format!("GraphQL, {} types", schema.types()),
        gateway::SchemaSource::Introspected { url, .. } => format!("GraphQL, schema asked of {url}"),
    };
    let limits = format!(
        "depth {}, {} aliases, {} root fields, cost {}, {} at once",
        rules.depth, rules.aliases, rules.root_fields, rules.cost, rules.batch
    );
    let requests = match (api.mode, &rules.documents, rules.unregistered) {
        (Mode::Off, ..) => "not held against the schema".to_owned(),
        (Mode::Observe, ..) => "what breaks the schema or a limit passes, and stands in the log".to_owned(),
        (Mode::Block, Some(_), Unregistered::Refuse) => {
            format!("only the {documents} registered documents, within the limits ({limits})")
        }
        (Mode::Block, ..) => format!("what breaks the schema or a limit is refused ({limits})"),
    };
    let answers = match rules.errors {
        Disclosures::Strip => "suggestions and stack traces are taken out of errors",
        Disclosures::Pass => "leave as they are",
    };
    let mut weaker = Vec::new();
    let mut weak =
        |what: &str, because: &str| weaker.push(Weakness { what: what.to_owned(), because: because.to_owned() });
    match api.mode {
        Mode::Block => {}
        Mode::Observe => weak("no operation is refused", "`mode = \"observe\"`"),
        Mode::Off => weak("operations are not held against the schema", "`mode = \"off\"`"),
    }
    if rules.introspection.as_ref().is_some_and(is_public) {
        weak("strangers are told the schema", "`graphql.introspection = \"public\"`");
    }
    if rules.subscriptions == Subscriptions::Websocket {
        weak("operations on WebSocket connections are not read", "`graphql.subscriptions = \"websocket\"`");
    }
    if rules.errors == Disclosures::Pass {
        weak("errors tell the schema and the server's inside", "`graphql.errors = \"pass\"`");
    }
    StyleDocument {
        name: api.name.to_string(),
        title,
        operations: documents,
        requests,
        answers: answers.to_owned(),
        weaker,
        carries: match schema {
            gateway::SchemaSource::Given(schema) => carries::of_schema(schema),
            gateway::SchemaSource::Introspected { .. } => Carries::new(),
        },
    }
}

const fn is_public(access: &Access) -> bool {
    matches!(access, Access::Word(crate::config::literal::AccessWord::Public))
}
