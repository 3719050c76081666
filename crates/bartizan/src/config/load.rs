use std::path::Path;

use serde_json::{Value, json};

use super::check::{Checked, check};
use super::faults::{Fault, FaultKind, Faults, Severity};
use super::literal;
use super::posture::Posture;
use super::redact::{hide_secret_lines, hide_secrets};
use super::resolve::{Resolved, resolve};
use super::schema::json_schema;
use super::source::Source;
use super::tree::{Content, Node};
use super::{Digest, Environment};

/// The largest configuration file that is read: ten thousand routes take about 2 MiB.
const MAX_FILE: usize = 8 << 20;

/// A configuration that can be used: every room's part of it, and what there is to say about it.
pub struct Loaded {
    /// For the gate.
    pub gateway: bartizan_gateway::config::Config,
    /// For the audit log.
    pub evidence: bartizan_evidence::Config,
    /// For the store.
    pub store: bartizan_store::Config,
    /// Where the root of the key hierarchy comes from.
    pub vault: bartizan_vault::RootSource,
    /// For health, readiness and metrics.
    pub console: Console,
    /// Whom the process becomes.
    pub identity: Identity,
    /// For the gate's own sign-in, if there is one.
    pub sign_in: Option<bartizan_identity::Config>,
    /// For the applications that it signs people in for.
    pub provider: bartizan_identity::provider::ProviderConfig,
    /// The OpenAPI documents of its APIs.
    pub documents: Vec<ApiDocument>,
    /// What the configuration was made of, for the audit log.
    pub digest: Digest,
    /// What should be looked at, though the configuration is used.
    pub warnings: Faults,
    /// What it protects, and how well.
    pub posture: Posture,
}

/// An API and the file that declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiDocument {
    /// The API's name.
    pub name: String,
    /// Its document.
    pub path: std::path::PathBuf,
}

/// The listener for health, readiness and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Console {
    /// Its address.
    pub listen: std::net::SocketAddr,
}

/// Whom a process that was started as root becomes once its ports are bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user's name.
    pub user: Option<String>,
    /// The group's name; without it, the user's own.
    pub group: Option<String>,
}

/// Reads a configuration file and everything that it names.
///
/// # Errors
/// Every fault of the file at once. What can be judged in spite of a fault elsewhere is judged.
pub fn load(path: &Path, environment: &dyn Environment) -> Result<Loaded, Faults> {
    let text = read(path, environment).map_err(|fault| Faults::new(Source::new(path, String::new()), vec![*fault]))?;
    let mut source = Source::new(path, text);
    let root = match Node::parse(&source) {
        Ok(root) => root,
        Err(faults) => {
            hide_secret_lines(&mut source);
            return Err(Faults::new(source, faults));
        }
    };
    hide_secrets(&root, &mut source);
    let Checked { mut faults, sound, kept } = check(&json_schema(), &root);
    let resolved = match sound.map(with_server).map(serde_json::from_value::<literal::File>) {
        Some(Ok(file)) => {
            let (resolved, more) = resolve(&file, &source, &root, kept, environment);
            faults.extend(more);
            resolved
        }
        Some(Err(error)) => {
            faults.push(Fault::error(FaultKind::Malformed, 0..0, format!("the file cannot be read: {error}")));
            None
        }
        None => None,
    };
    let (errors, warnings): (Vec<_>, Vec<_>) = faults.into_iter().partition(|it| it.severity == Severity::Error);
    match resolved {
        Some(resolved) if errors.is_empty() => Ok(resolved.loaded(Faults::new(source, warnings))),
        _ => Err(Faults::new(source, errors.into_iter().chain(warnings).collect())),
    }
}

/// Reads `[scan]` of a configuration and nothing else of it: the file may be for a machine whose secrets are not here.
///
/// # Errors
/// Every fault of that section, or that the file is no TOML.
pub fn load_scan(path: &Path, environment: &dyn Environment) -> Result<literal::Scan, Faults> {
    let text = read(path, environment).map_err(|fault| Faults::new(Source::new(path, String::new()), vec![*fault]))?;
    let mut source = Source::new(path, text);
    let mut root = match Node::parse(&source) {
        Ok(root) => root,
        Err(faults) => {
            hide_secret_lines(&mut source);
            return Err(Faults::new(source, faults));
        }
    };
    hide_secrets(&root, &mut source);
    if let Content::Table(sections) = &mut root.content {
        sections.retain(|section| section.key == "scan");
    }
    let mut schema = json_schema();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
    let Checked { mut faults, sound, .. } = check(&schema, &root);
    let section = sound.and_then(|mut file| file.get_mut("scan").map(Value::take)).unwrap_or_else(|| json!({}));
    match serde_json::from_value(section) {
        Ok(scan) if faults.is_empty() => return Ok(scan),
        Ok(_) => {}
        Err(error) => {
            faults.push(Fault::error(FaultKind::Malformed, 0..0, format!("`[scan]` cannot be read: {error}")));
        }
    }
    Err(Faults::new(source, faults))
}

/// Where `[server]` was found at fault, the rest is judged with one in its place that says nothing.
fn with_server(mut file: Value) -> Value {
    if let Some(sections) = file.as_object_mut() {
        sections.entry("server").or_insert_with(|| json!({ "listen": "127.0.0.1:0" }));
    }
    file
}

fn read(path: &Path, environment: &dyn Environment) -> Result<String, Box<Fault>> {
    let fault =
        |message: String, remedy: &str| Box::new(Fault::error(FaultKind::Unreadable, 0..0, message).remedy(remedy));
    let content = environment.read(path).map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "name the file: `bartizan check FILE`; without a name, `bartizan.toml` here is read"
            }
            std::io::ErrorKind::PermissionDenied => "let the user that runs the gate read it",
            _ => "see that it is a file that can be read",
        };
        fault(format!("the configuration cannot be read: {error}"), remedy)
    })?;
    if content.len() > MAX_FILE {
        return Err(fault("the configuration is larger than 8 MiB".to_owned(), "see that it is the right file"));
    }
    String::from_utf8(content).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        fault(format!("the configuration is not UTF-8 (from byte {at} on)"), "save it as UTF-8")
    })
}

impl Resolved {
    fn loaded(self, warnings: Faults) -> Loaded {
        let posture = Posture::of(&self);
        let documents = self.documents.into_iter().map(|it| ApiDocument { name: it.name, path: it.path }).collect();
        Loaded {
            gateway: self.gateway,
            evidence: self.evidence,
            store: self.store,
            vault: self.vault,
            console: self.console,
            identity: self.identity,
            sign_in: self.sign_in,
            provider: self.provider,
            documents,
            digest: self.digest,
            warnings,
            posture,
        }
    }
}
