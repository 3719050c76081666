use std::collections::HashMap;
use std::sync::Arc;

use super::answer::{self, Answers};
use super::components::At;
use super::holes::{self, Hole, HoleKind};
use super::media::{self, Body};
use super::operation::{Extensions, Operation};
use super::parameter::{In, Parameter};
use super::security::{self, Requirement, Security};
use crate::json::Json;
use crate::schema::{Compiler, Dialect, Formats, Library, LoadFault, Place};

/// A document, compiled.
#[derive(Debug, Default)]
pub struct Api {
    /// Its title and version.
    pub title: String,
    /// What it declares, in its order.
    pub operations: Vec<Arc<Operation>>,
    /// What in it cannot be used. Nothing of a document with faults should be served.
    pub faults: Vec<ApiFault>,
    /// What in it lets through more than anybody needs.
    pub holes: Vec<Hole>,
    /// How many schemas were compiled.
    pub schemas: usize,
    /// The files that it was read from, relative to the document's folder.
    pub files: Vec<String>,
}

/// Something in a document that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ApiFault {
    /// `file:line:column`
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// Methods of a path item that the gate serves.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
/// Methods that OpenAPI has and the gate never lets through: TRACE echoes credentials, QUERY is in no server yet.
const UNSERVED: [&str; 3] = ["trace", "query", "additionalOperations"];

/// Loads a document and what it refers to. `read` gets paths relative to the document's folder.
///
/// # Errors
/// A file that is not there, or is neither YAML nor JSON. Everything else that is wrong stands in [`Api::faults`].
pub fn load(name: &str, read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>) -> Result<Api, LoadFault> {
    let mut files = Vec::new();
    let library = Library::open(name, &mut |name| {
        files.push(name.to_owned());
        read(name)
    })?;
    Ok(Api { files, ..compile(&library) })
}

/// Compiles the first document of a library.
pub(super) fn compile(library: &Library) -> Api {
    let Some(root) = library.root(0) else { return Api::default() };
    let root = At { document: 0, json: root };
    let mut api = Api::default();
    let info = root.get("info");
    let text = |key| info.and_then(|info| info.text(key)).unwrap_or_default();
    format!("{} {}", text("title"), text("version")).trim().clone_into(&mut api.title);
    let Some(dialect) = dialect(root) else {
        let message = "`openapi` is not 3.0, 3.1 or 3.2: convert a Swagger 2.0 document first".to_owned();
        api.faults.push(ApiFault { place: library.locate(root.place()), message });
        return api;
    };
    let mut loader = Loader {
        library,
        compiler: Compiler::new(library, dialect, Formats::Assert),
        root,
        drafts: Vec::new(),
        holes: Vec::new(),
    };
    loader.heirs();
    loader.paths();
    loader.finish(api)
}

pub(super) fn dialect(root: At<'_>) -> Option<Dialect> {
    let version = root.text("openapi")?;
    let is = |prefix: &str| version == prefix || version.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    if is("3.0") {
        return Some(Dialect::OpenApi30);
    }
    (is("3.1") || is("3.2")).then_some(Dialect::Draft202012)
}

struct Loader<'l> {
    library: &'l Library,
    compiler: Compiler<'l>,
    root: At<'l>,
    drafts: Vec<Draft>,
    holes: Vec<(Place, HoleKind)>,
}

/// An operation whose schemas are not compiled yet.
struct Draft {
    name: String,
    method: String,
    path: String,
    place: Place,
    security: Security,
    extensions: Extensions,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    answers: Answers,
}

impl<'l> Loader<'l> {
    fn fault(&mut self, at: At<'_>, message: impl Into<String>) {
        self.compiler.fault(at.place(), message);
    }

    /// The value, or nothing and a fault.
    fn or_fault<T>(&mut self, at: At<'_>, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.fault(at, message)).ok()
    }

    /// Finds for each schema with a discriminator and no alternatives of its own those that build on it.
    fn heirs(&mut self) {
        let components = self.root.get("components").and_then(|it| it.get("schemas"));
        let schemas: Vec<(&str, At<'l>)> = components.into_iter().flat_map(At::entries).collect();
        let library = self.library;
        let bases = |schema: At<'l>| -> Vec<&'l Json> {
            let parts = schema.get("allOf").into_iter().flat_map(At::elements);
            parts
                .filter_map(|part| part.text("$ref").and_then(|it| library.follow(part.document, it).ok()))
                .map(|it| it.1)
                .collect()
        };
        let by_base: HashMap<*const Json, Vec<(&str, At<'l>)>> =
            schemas.iter().fold(HashMap::new(), |mut map, (name, schema)| {
                for base in bases(*schema) {
                    map.entry(std::ptr::from_ref(base)).or_default().push((*name, *schema));
                }
                map
            });
        for (name, base) in &schemas {
            let is_base =
                base.get("discriminator").is_some() && base.get("oneOf").is_none() && base.get("anyOf").is_none();
            if !is_base {
                continue;
            }
            let mut heirs: Vec<(String, u32, &'l Json)> = vec![((*name).to_owned(), base.document, base.json)];
            let mut at = 0;
            // Each is taken once, so that bases in a circle come to an end.
            while let Some((_, _, next)) = heirs.get(at).cloned() {
                for (name, heir) in by_base.get(&std::ptr::from_ref(next)).into_iter().flatten() {
                    if !heirs.iter().any(|(_, _, known)| std::ptr::eq(*known, heir.json)) {
                        heirs.push(((*name).to_owned(), heir.document, heir.json));
                    }
                }
                at += 1;
            }
            if heirs.len() > 1 {
                self.compiler.set_heirs(base.json, heirs);
            }
        }
    }

    fn paths(&mut self) {
        for (path, item) in self.root.get("paths").into_iter().flat_map(At::entries) {
            let Some(item) = self.or_fault(item, item.followed(self.library)) else { continue };
            if !path.starts_with('/') {
                self.fault(item, format!("`{path}` is no path: it does not begin with `/`"));
                continue;
            }
            // Some documents tell operations of one path apart by their query (OpenAPI 3.1 §4.8.8.1 does not).
            if path.contains(['?', '#']) {
                self.holes.push((item.place(), HoleKind::NeverServed));
                continue;
            }
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    for base in self.bases(operation, item) {
                        self.operation(method, &format!("{base}{path}"), path, item, operation);
                    }
                }
            }
            let unserved = UNSERVED.iter().filter_map(|method| item.get(method));
            self.holes.extend(unserved.map(|operation| (operation.place(), HoleKind::NeverServed)));
        }
    }

    /// The base paths of an operation's servers, each once.
    fn bases(&self, operation: At<'l>, item: At<'l>) -> Vec<String> {
        let servers = operation.get("servers").or_else(|| item.get("servers")).or_else(|| self.root.get("servers"));
        let mut bases: Vec<String> = Vec::new();
        for server in servers.into_iter().flat_map(At::elements) {
            let base = base_path(server);
            if !bases.contains(&base) {
                bases.push(base);
            }
        }
        if bases.is_empty() { vec![String::new()] } else { bases }
    }

    fn operation(&mut self, method: &str, path: &str, template: &str, item: At<'l>, operation: At<'l>) {
        let parameters = self.parameters(template, item, operation);
        let body = operation.get("requestBody").and_then(|body| {
            let body = self.or_fault(body, body.followed(self.library))?;
            let content = body.get("content")?;
            let media = media::read(content, self.library, &mut self.compiler);
            let media = self.or_fault(content, media)?;
            Some(Body { required: body.truth("required"), media })
        });
        let answers = match operation.get("responses") {
            Some(responses) => {
                let answers = answer::load(responses, self.library, &mut self.compiler);
                self.or_fault(responses, answers).unwrap_or_default()
            }
            None => Answers::default(),
        };
        let stated = operation.get("security").or_else(|| self.root.get("security"));
        let security = stated.and_then(|at| {
            let security = security::read(at, self.root, self.library);
            self.or_fault(at, security)
        });
        let extensions = self.extensions(operation);
        let method = method.to_ascii_uppercase();
        self.drafts.push(Draft {
            name: operation.text("operationId").map_or_else(|| format!("{method} {template}"), str::to_owned),
            method,
            path: path.to_owned(),
            place: operation.place(),
            security: security.unwrap_or_default(),
            extensions,
            parameters,
            body,
            answers,
        });
    }

    /// What the document says for Bartizan. A word that nobody reads would be a rule that nobody keeps.
    fn extensions(&mut self, operation: At<'l>) -> Extensions {
        let mut extensions = Extensions::default();
        for member in operation.json.members() {
            let Some(key) = member.name.strip_prefix("x-bartizan-") else { continue };
            let at = At { document: operation.document, json: &member.value };
            let mut text = |form: &str| {
                let text = at.json.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
                if text.is_none() {
                    self.fault(at, format!("`{}` is {form}", member.name));
                }
                text
            };
            match key {
                "access" => extensions.access = Some(at.json.clone()),
                "owner" => extensions.owner = Some(at.json.clone()),
                "limit" => extensions.limit = text("a rate, such as `10/minute`"),
                "flow" => extensions.flow = text("the name of a sensitive business flow, such as `checkout`"),
                "undeclared" => extensions.undeclared = text("`refuse`, `strip` or `report`"),
                "content" => {
                    let message = "`x-bartizan-content` stands at the schema of a string, and says what it holds; what becomes of \
                                   undeclared members is `x-bartizan-undeclared`";
                    self.fault(at, message);
                }
                _ => self.fault(at, format!("there is no extension `{}` of an operation", member.name)),
            }
        }
        extensions
    }

    /// The parameters of an operation, and of its path where the operation does not say otherwise.
    fn parameters(&mut self, template: &str, item: At<'l>, operation: At<'l>) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let stated = [operation, item].map(|at| at.get("parameters").into_iter().flat_map(At::elements));
        for at in stated.into_iter().flatten() {
            let Some(at) = self.or_fault(at, at.followed(self.library)) else { continue };
            let read = Parameter::read(at, self.library, &mut self.compiler);
            let Some(parameter) = self.or_fault(at, read).flatten() else { continue };
            if !parameters.iter().any(|it| it.place == parameter.place && it.name == parameter.name) {
                if parameter.place == In::Path && !template.contains(&format!("{{{}}}", parameter.name)) {
                    self.fault(at, format!("`{}` is no parameter of `{template}`", parameter.name));
                    continue;
                }
                parameters.push(parameter);
            }
        }
        for name in names(template) {
            if !parameters.iter().any(|it| it.place == In::Path && it.name == name) {
                self.holes.push((operation.place(), HoleKind::PathParameter));
            }
        }
        parameters
    }

    fn finish(self, mut api: Api) -> Api {
        let (schemas, faults) = self.compiler.finish();
        let locate = |place| self.library.locate(place);
        api.faults = faults.into_iter().map(|it| ApiFault { place: locate(it.place), message: it.message }).collect();
        api.schemas = schemas.len();
        let schemas = Arc::new(schemas);
        for draft in self.drafts {
            let place = locate(draft.place);
            api.operations.push(Arc::new(draft.compiled(&schemas, place)));
        }
        api.holes = holes::of(&api.operations, self.holes, &schemas, &locate);
        api
    }
}

impl Draft {
    fn compiled(mut self, schemas: &Arc<crate::schema::Schemas>, place: String) -> Operation {
        self.parameters.iter_mut().for_each(|parameter| parameter.fit(schemas));
        self.body.iter_mut().flat_map(|body| &mut body.media).for_each(|media| media.fit(schemas));
        let requirements = self.security.alternatives.iter().flat_map(|it| &it.requirements);
        let credentials = requirements.filter_map(|it| match it {
            Requirement::ApiKey(place, name) => Some((*place, name.clone())),
            _ => None,
        });
        Operation {
            credentials: credentials.collect(),
            name: self.name,
            method: self.method,
            path_names: names(&self.path),
            path: self.path,
            place,
            at: self.place,
            security: self.security,
            extensions: self.extensions,
            schemas: schemas.clone(),
            parameters: self.parameters,
            body: self.body,
            answers: self.answers,
        }
    }
}

/// The names of a template's parameters, in their order.
fn names(template: &str) -> Vec<String> {
    let names = template.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The path of a server's URL, its variables filled with their defaults, without a slash at its end.
fn base_path(server: At<'_>) -> String {
    let mut url = server.text("url").unwrap_or_default().to_owned();
    for (name, variable) in server.get("variables").into_iter().flat_map(At::entries) {
        url = url.replace(&format!("{{{name}}}"), variable.text("default").unwrap_or_default());
    }
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => &url,
    };
    let path = path.trim_end_matches('/');
    if path.is_empty() || path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}
