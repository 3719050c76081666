use std::path::Path;
use std::sync::Arc;

use bartizan_gateway::config as gateway;
use bartizan_gateway::{Piece, pieces};
use bartizan_inspect::openapi::{self, Hole, Operation, Requirement};
use bartizan_inspect::schema::LoadFault;
use serde_json::{Map, Value, json};

use super::Resolver;
use super::carries::{self, Carries};
use crate::config::faults::FaultKind;
use crate::config::literal::{
    Access, Api, Credential, File, Mode, Route, Style, UndeclaredInput, UndeclaredOutput, Unsecured,
};
use crate::config::tree::Place;
use crate::config::units::{Malformed, Name, PathPattern, Rate};

/// Faults of one document that are reported: the first ones are those to begin with.
const MOST_FAULTS: usize = 25;

/// A route that a document declares.
pub(super) struct Declared {
    pub(super) route: Route,
    pub(super) place: Place,
    pub(super) contract: Option<gateway::Contract>,
    pub(super) graphql: Option<Arc<gateway::Graphql>>,
    pub(super) method: Option<Arc<gateway::MethodContract>>,
}

impl Declared {
    /// Where a document declares it, to put before a message.
    pub(super) fn origin(&self) -> String {
        self.contract.as_ref().map(|contract| format!("{}: ", contract.operation.place)).unwrap_or_default()
    }
}

/// What a document is, for the posture.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) path: std::path::PathBuf,
    pub(crate) title: String,
    pub(crate) operations: usize,
    pub(crate) mode: Mode,
    pub(crate) undeclared: UndeclaredInput,
    pub(crate) answers: UndeclaredOutput,
    pub(crate) holes: Vec<Hole>,
    pub(crate) carries: Carries,
}

impl Resolver<'_> {
    /// The routes of every `[[apis]]`.
    pub(super) fn apis(&mut self, file: &File) -> Vec<Declared> {
        let places: Vec<Place> = (0..file.apis.len()).map(|index| self.element("apis", index)).collect();
        let names = file.apis.iter().zip(&places).map(|(it, place)| (it.name.clone(), place.key("name")));
        self.duplicates(
            names.collect::<Vec<_>>(),
            |name| format!("two APIs are named `{name}`"),
            "give each a name of its own: their routes are named by it",
        );
        let mut declared = Vec::new();
        for (api, place) in file.apis.iter().zip(&places) {
            self.keys_of_other_styles(api, place);
            match api.style {
                Style::Openapi => declared.extend(self.api(api, place)),
                Style::Graphql => declared.extend(self.graphql_api(api, place)),
                Style::Grpc => declared.extend(self.grpc_api(api, place)),
            }
        }
        declared
    }

    /// A key that does not belong to the style would be taken for a rule that holds.
    fn keys_of_other_styles(&mut self, api: &Api, place: &Place) {
        let (is_openapi, is_graphql, is_grpc) =
            (api.style == Style::Openapi, api.style == Style::Graphql, api.style == Style::Grpc);
        let keys = [
            ("openapi", api.openapi.is_some() && !is_openapi),
            ("unsecured", api.unsecured.is_some() && !is_openapi),
            ("schema", api.schema.is_some() && !is_graphql),
            ("path", api.path.is_some() && !is_graphql),
            ("access", api.access.is_some() && is_openapi),
            ("graphql", api.graphql.is_some() && !is_graphql),
            ("descriptors", api.descriptors.is_some() && !is_grpc),
            ("grpc", api.grpc.is_some() && !is_grpc),
        ];
        for (key, is_foreign) in keys {
            if is_foreign {
                let message = format!("`{key}` is not for an API of this style");
                let remedy = "leave it out, or say the other style: `style = \"graphql\"`, `\"grpc\"` or `\"openapi\"`";
                self.error(FaultKind::Contradiction, &place.key(key), message, remedy);
            }
        }
    }

    fn api(&mut self, api: &Api, place: &Place) -> Vec<Declared> {
        let at = place.key("openapi");
        let Some(file) = &api.openapi else {
            let remedy = "add `openapi = \"openapi.yaml\"`, or say another style: `style = \"graphql\"`";
            self.error(FaultKind::MissingKey, place, format!("the API `{}` has no document", api.name), remedy);
            return Vec::new();
        };
        let Some(loaded) = self.document(file, &at) else { return Vec::new() };
        let mut faults: Vec<(String, String)> = loaded
            .faults
            .iter()
            .map(|fault| (fault.to_string(), "correct the document: nothing of it is served as it is".to_owned()))
            .collect();
        let mut declared = Vec::new();
        for operation in &loaded.operations {
            match route(api, operation).and_then(|route| Ok((route, contract(api, operation)?))) {
                Ok((route, contract)) => {
                    declared.push(Declared { route, place: place.clone(), contract, graphql: None, method: None });
                }
                Err(fault) => faults.push((format!("{}: {}", operation.place, fault.problem), fault.remedy)),
            }
        }
        let more = faults.len().saturating_sub(MOST_FAULTS);
        for (message, remedy) in faults.into_iter().take(MOST_FAULTS) {
            self.error(FaultKind::Malformed, &at, message, remedy);
        }
        if more > 0 {
            let message = format!("the document has {more} more faults");
            self.error(FaultKind::Malformed, &at, message, "correct the first ones, then check again");
        }
        if loaded.operations.is_empty() && loaded.faults.is_empty() {
            self.warning(
                FaultKind::MissingKey,
                &at,
                "the document declares no operation",
                "see that it is the right file",
            );
        }
        self.documents.push(Document {
            name: api.name.to_string(),
            path: self.beside(file),
            title: loaded.title,
            operations: declared.len(),
            mode: api.mode,
            undeclared: api.undeclared,
            answers: api.answers,
            holes: loaded.holes,
            carries: carries::of_operations(loaded.operations.iter().map(|it| &**it)),
        });
        declared
    }

    fn document(&mut self, file: &Path, at: &Place) -> Option<openapi::Api> {
        let path = self.beside(file);
        let folder = path.parent().map(std::path::Path::to_owned).unwrap_or_default();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
            self.error(
                FaultKind::Malformed,
                at,
                "`openapi` names no file",
                "name the document, such as `\"openapi.yaml\"`",
            );
            return None;
        };
        let (environment, contents) = (self.environment, &mut self.contents);
        let mut read = |name: &str| {
            let content = environment.read(&folder.join(name)).map_err(|error| error.to_string())?;
            // A change of any of them is a change of the configuration.
            contents.push(content.clone());
            Ok(content)
        };
        match openapi::load(&name, &mut read) {
            Ok(loaded) => Some(loaded),
            Err(fault) => {
                let remedy = match fault {
                    LoadFault::Unavailable { .. } => {
                        "name a file that is there and can be read; paths are relative to the configuration file, and those in a document to the document"
                    }
                    LoadFault::Unreadable { .. } => "correct the document at that place",
                    LoadFault::TooMany => "join its files",
                };
                self.error(FaultKind::Unreadable, at, fault.to_string(), remedy);
                None
            }
        }
    }
}

/// The route that an operation is.
fn route(api: &Api, operation: &Operation) -> Result<Route, Malformed> {
    let credentials = match &api.credentials {
        Some(credentials) => Some(credentials.clone()),
        None => credentials(operation)?,
    };
    let limit = operation.extensions.limit.as_deref().map(str::parse::<Rate>).transpose()?.or(api.limit);
    if let (Some(flow), None) = (&operation.extensions.flow, limit) {
        return Err(unbounded_flow(operation, flow));
    }
    Ok(Route {
        name: name(api, operation)?,
        path: pattern(&operation.path)?,
        methods: vec![operation.method.parse()?],
        upstream: api.upstream.clone(),
        upstream_ca: api.upstream_ca.clone(),
        access: access(api, operation)?,
        credentials,
        webhook: None,
        limit,
        inspect: Mode::default(),
        body: api.body,
        upgrade: None,
        websocket: None,
        grpc: None,
        timeouts: api.timeouts,
        mask: api.mask.clone(),
        cors: api.cors.clone(),
        headers: api.headers.clone(),
        learn: false,
    })
}

/// OWASP API6:2023: what a person does once, a script does ten thousand times. The limit of the whole gate is made for clicks.
fn unbounded_flow(operation: &Operation, flow: &str) -> Malformed {
    Malformed {
        problem: format!(
            "`{} {}` is a step of the sensitive flow `{flow}`, and nothing limits how often a caller takes it",
            operation.method, operation.path
        ),
        remedy: "add `x-bartizan-limit` to it, such as `10/hour`, or `limit` to the API".to_owned(),
    }
}

/// `shop.createOrder`; what a name may not have becomes `-`.
fn name(api: &Api, operation: &Operation) -> Result<Name, Malformed> {
    let plain = |it: char| if it.is_ascii_alphanumeric() || "._-".contains(it) { it } else { '-' };
    let own: String = operation.name.chars().map(plain).collect();
    let room = 63_usize.saturating_sub(api.name.as_str().len());
    let own = own.trim_matches('-').replace("--", "-");
    format!("{}.{}", api.name, own.chars().take(room).collect::<String>()).parse()
}

/// The path as a pattern: `{user-id}` is a parameter of a document and no name here.
fn pattern(path: &str) -> Result<PathPattern, Malformed> {
    let plain =
        |name: &str| -> String { name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect() };
    let piece = |piece: &Piece<'_>| match piece {
        Piece::Text(text) => (*text).to_owned(),
        Piece::Parameter(name) => format!("{{{}}}", plain(name)),
    };
    // What has no pieces is refused as what it is, when it is parsed.
    let segment = |segment: &str| match pieces(segment) {
        Ok(pieces) => pieces.iter().map(piece).collect(),
        Err(_) => segment.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<String>>().join("/").parse()
}

fn access(api: &Api, operation: &Operation) -> Result<Access, Malformed> {
    let extensions = &operation.extensions;
    let stated = match &extensions.access {
        Some(access) => serde_json::from_str(&access.to_string()).map_err(|_| {
            unreadable("x-bartizan-access", "`public`, `signed-in` or a rule such as `{ roles: [staff] }`")
        })?,
        None if operation.security.is_effective() => secured(operation),
        None if api.unsecured == Some(Unsecured::Public) => json!("public"),
        None => {
            return Err(Malformed {
                problem: format!("`{} {}` has no effective `security`: anybody could call it", operation.method, operation.path),
                remedy: "add `security` to it, or `x-bartizan-access: public`; or `unsecured = \"public\"` to the API, for all of them".to_owned(),
            });
        }
    };
    let stated = match &extensions.owner {
        Some(owner) => with_owner(stated, serde_json::from_str(&owner.to_string()).unwrap_or_default())?,
        None => stated,
    };
    serde_json::from_value(stated).map_err(|error| Malformed {
        problem: format!("`x-bartizan-access` or `x-bartizan-owner` cannot be read: {error}"),
        remedy: "write it as `access` of a route".to_owned(),
    })
}

/// Signed in, with every scope that any alternative asks for: which alternative a caller took is not known before it is judged.
fn secured(operation: &Operation) -> Value {
    let mut scopes: Vec<&str> =
        operation.security.alternatives.iter().flat_map(|it| it.scopes.iter().map(String::as_str)).collect();
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() { json!("signed-in") } else { json!({ "scopes": scopes }) }
}

fn with_owner(access: Value, owner: Value) -> Result<Value, Malformed> {
    let mut rule = match access {
        Value::Object(rule) => rule,
        Value::String(word) if word == "signed-in" => Map::new(),
        _ => {
            return Err(Malformed {
                problem: "`x-bartizan-owner` on an operation that anybody may call".to_owned(),
                remedy: "add `security` to it: an owner has to be signed in".to_owned(),
            });
        }
    };
    rule.insert("owner".to_owned(), owner);
    Ok(Value::Object(rule))
}

fn unreadable(what: &str, form: &str) -> Malformed {
    Malformed { problem: format!("`{what}` cannot be read"), remedy: format!("write {form}") }
}

/// The credentials that a document's schemes name; none where it names no scheme.
fn credentials(operation: &Operation) -> Result<Option<Vec<Credential>>, Malformed> {
    let is_checked = |it: &&Requirement| !matches!(it, Requirement::Other(_));
    let alternatives = &operation.security.alternatives;
    let usable = alternatives.iter().filter(|it| it.requirements.iter().all(|it| is_checked(&it)));
    let mut credentials: Vec<Credential> = Vec::new();
    for requirement in usable.flat_map(|it| &it.requirements) {
        let credential = match requirement {
            Requirement::Bearer => Credential::Bearer,
            Requirement::ApiKey(..) => Credential::ApiKey,
            Requirement::MutualTls => Credential::Mtls,
            Requirement::Other(_) => continue,
        };
        if !credentials.contains(&credential) {
            credentials.push(credential);
        }
    }
    let other = alternatives.iter().flat_map(|it| &it.requirements).find(|it| !is_checked(it));
    match other {
        Some(Requirement::Other(name)) if credentials.is_empty() && operation.extensions.access.is_none() => {
            Err(Malformed {
                problem: format!("the security scheme `{name}` is none that the gate checks"),
                remedy: "say which credentials it checks in its place: `credentials = [\"bearer\"]` in the API"
                    .to_owned(),
            })
        }
        _ => Ok((!credentials.is_empty()).then_some(credentials)),
    }
}

fn contract(api: &Api, operation: &std::sync::Arc<Operation>) -> Result<Option<gateway::Contract>, Malformed> {
    let mode = match api.mode {
        Mode::Block => gateway::ContractMode::Block,
        Mode::Observe => gateway::ContractMode::Observe,
        Mode::Off => return Ok(None),
    };
    let stated = operation.extensions.undeclared.as_deref();
    let stated = stated.map(|word| serde_json::from_value::<UndeclaredInput>(json!(word))).transpose();
    let stated = stated.map_err(|_| unreadable("x-bartizan-undeclared", "`refuse`, `strip` or `report`"))?;
    let undeclared = match stated.unwrap_or(api.undeclared) {
        UndeclaredInput::Strip => gateway::Undeclared::Strip,
        UndeclaredInput::Report => gateway::Undeclared::Report,
        UndeclaredInput::Refuse => gateway::Undeclared::Refuse,
    };
    let answers = match api.answers {
        UndeclaredOutput::Strip => gateway::Undeclared::Strip,
        UndeclaredOutput::Refuse => gateway::Undeclared::Refuse,
        UndeclaredOutput::Report => gateway::Undeclared::Report,
    };
    Ok(Some(gateway::Contract {
        api: api.name.as_str().into(),
        operation: operation.clone(),
        mode,
        undeclared,
        answers,
    }))
}
