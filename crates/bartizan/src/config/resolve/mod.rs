//! From the literal form to each room's typed `Config`: what the values mean together, and everything that contradicts.

mod access;
mod acme;
mod answer;
mod apis;
mod carries;
mod certificate;
mod clients;
mod destination;
mod graphql;
mod grpc;
mod identity;
mod issuers;
mod keys;
mod listening;
mod machines;
mod mail;
mod private;
mod routes;
mod server;
mod state;
mod streams;
mod styles;
mod telemetry;
mod upstreams;
mod validity;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bartizan_gateway::config as gateway;
use bartizan_vault::Secret;

pub(crate) use self::apis::Document;
pub(crate) use self::styles::StyleDocument;
use super::environment::beside;
use super::faults::{Fault, FaultKind};
use super::literal::{self, SecretSource};
use super::load::{Console, Identity};
use super::source::Source;
use super::tree::{Content, Node, Place};
use super::{Digest, Environment};

/// Every room's part of a configuration without errors.
pub(crate) struct Resolved {
    pub(crate) gateway: gateway::Config,
    pub(crate) evidence: bartizan_evidence::Config,
    pub(crate) store: bartizan_store::Config,
    pub(crate) vault: bartizan_vault::RootSource,
    pub(crate) console: Console,
    pub(crate) identity: Identity,
    pub(crate) sign_in: Option<bartizan_identity::Config>,
    pub(crate) provider: bartizan_identity::provider::ProviderConfig,
    pub(crate) digest: Digest,
    /// The OpenAPI documents, for what they leave open.
    pub(crate) documents: Vec<apis::Document>,
    /// The APIs of other styles.
    pub(crate) styles: Vec<StyleDocument>,
    /// What injection inspection was asked to do, route by route: this version has none, and the posture must say so.
    pub(crate) inspect: Vec<literal::Mode>,
}

/// Resolves a file. Faults are reported beside, as many as there are; without errors there is a result.
pub(crate) fn resolve(
    file: &literal::File,
    source: &Source,
    root: &Node,
    kept: HashMap<String, Vec<usize>>,
    environment: &dyn Environment,
) -> (Option<Resolved>, Vec<Fault>) {
    let mut resolver = Resolver {
        path: &source.path,
        root,
        kept,
        environment,
        faults: Vec::new(),
        documents: Vec::new(),
        styles: Vec::new(),
        contents: vec![source.text.clone().into()],
        secrets: Vec::new(),
    };
    let server = resolver.server(file);
    let mut issuers = resolver.issuers(&file.issuers);
    let api_keys = resolver.keys(&file.keys);
    let certificates = resolver.certificates(&file.certificates);
    let webhooks = resolver.webhooks(&file.webhooks);
    let own_issuer = server
        .as_ref()
        .zip(file.identity.as_ref())
        .map(|(server, identity)| format!("{}{}", server.public_url.to_string().trim_end_matches('/'), identity.path));
    let revoked = resolver.revoked(file, own_issuer.as_deref());
    let routes = resolver.routes(file);
    let routes_in_all = routes.len();
    let documents = std::mem::take(&mut resolver.documents);
    let styles = std::mem::take(&mut resolver.styles);
    let vault = resolver.root(file);
    let trace = resolver.trace(file);
    let otlp = resolver.otlp(file);
    let sign_in = resolver.sign_in(file, server.as_ref());
    let provider = resolver.provider(file).unwrap_or_default();
    issuers.extend(sign_in.as_ref().map(clients::own_issuer));
    let resolved = server.zip(vault).map(|(server, vault)| Resolved {
        gateway: gateway::Config {
            server,
            limits: state::limits(&file.limits),
            issuers,
            api_keys,
            certificates,
            webhooks,
            revoked,
            routes,
            assertion: gateway::Assertion { enabled: file.assertion.header, lifetime: file.assertion.lifetime.get() },
            sign_in: sign_in.as_ref().map(clients::way_to_sign_in),
            trace,
        },
        evidence: resolver.evidence(file, otlp),
        store: bartizan_store::Config::Sqlite { directory: resolver.beside(&file.store.path) },
        vault,
        console: Console { listen: file.console.listen.get() },
        identity: resolver.identity(file),
        sign_in,
        provider,
        digest: Digest::of(&resolver.contents, &resolver.secrets),
        inspect: file
            .routes
            .iter()
            .map(|route| route.inspect)
            .chain(std::iter::repeat(literal::Mode::Block))
            .take(routes_in_all)
            .collect(),
        documents,
        styles,
    });
    (resolved, resolver.faults)
}

struct Resolver<'a> {
    path: &'a Path,
    root: &'a Node,
    kept: HashMap<String, Vec<usize>>,
    environment: &'a dyn Environment,
    faults: Vec<Fault>,
    documents: Vec<apis::Document>,
    styles: Vec<StyleDocument>,
    /// The file, and every public file that is part of it.
    contents: Vec<Vec<u8>>,
    /// Every secret and key that is part of it.
    secrets: Vec<Secret<Vec<u8>>>,
}

impl Resolver<'_> {
    /// The place of an element of a list of sections: what is left of the list may be fewer than the file has.
    fn element(&self, section: &str, index: usize) -> Place {
        let in_file = self.kept.get(section).and_then(|kept| kept.get(index)).copied().unwrap_or(index);
        Place::root().key(section).index(in_file)
    }

    /// The elements of a list of sections that were left out for a fault of their own.
    fn dropped(&self, section: &str) -> Vec<(Place, &Node)> {
        let Some(Content::List(elements)) = self.root.member(section).map(|list| &list.content) else {
            return Vec::new();
        };
        let kept = self.kept.get(section).map(Vec::as_slice).unwrap_or_default();
        let dropped = elements.iter().enumerate().filter(|(index, _)| !kept.contains(index));
        dropped.map(|(index, node)| (Place::root().key(section).index(index), node)).collect()
    }

    fn span(&self, place: &Place) -> Range<usize> {
        self.root.locate(place)
    }

    fn error(&mut self, kind: FaultKind, place: &Place, message: impl Into<String>, remedy: impl Into<String>) {
        let fault = Fault::error(kind, self.span(place), message);
        self.faults.push(fault.remedy(remedy));
    }

    fn warning(&mut self, kind: FaultKind, place: &Place, message: impl Into<String>, remedy: impl Into<String>) {
        let fault = Fault::warning(kind, self.span(place), message);
        self.faults.push(fault.remedy(remedy));
    }

    /// Reports every element that says the same as an earlier one.
    fn duplicates<'k, K: Eq + std::hash::Hash + 'k>(
        &mut self,
        keys: impl IntoIterator<Item = (K, Place)>,
        message: impl Fn(&K) -> String,
        remedy: &str,
    ) {
        let mut seen: HashMap<K, Place> = HashMap::new();
        for (key, place) in keys {
            match seen.get(&key) {
                Some(first) => {
                    let fault = Fault::error(FaultKind::Duplicate, self.span(&place), message(&key));
                    self.faults.push(fault.related(self.span(first), "the first is here").remedy(remedy));
                }
                None => drop(seen.insert(key, place)),
            }
        }
    }

    fn beside(&self, path: &Path) -> PathBuf {
        beside(self.path, path)
    }

    /// The content of a file that the configuration names; a fault if it cannot be read.
    fn content(&mut self, path: &Path, place: &Place, what: &str) -> Option<Vec<u8>> {
        let full = self.beside(path);
        match self.environment.read(&full) {
            Ok(content) => Some(content),
            Err(error) => {
                let message = format!("the {what} `{}` cannot be read: {error}", full.display());
                let remedy = match error.kind() {
                    std::io::ErrorKind::NotFound => {
                        "name a file that is there; paths are relative to the configuration file"
                    }
                    std::io::ErrorKind::PermissionDenied => "let the user that runs the gate read it",
                    _ => "see that it is a file that can be read",
                };
                self.error(FaultKind::Unreadable, place, message, remedy);
                None
            }
        }
    }

    /// The value of a named secret; a fault, which does not show it, if there is none.
    fn secret(&mut self, secret: &SecretSource, place: &Place) -> Option<Secret<Vec<u8>>> {
        let value = match secret {
            SecretSource::Environment(from) => {
                let Some(value) = self.environment.variable(&from.env) else {
                    let message = format!("the environment variable `{}` is not set", from.env);
                    let remedy = format!("set it where the gate is started: `export {}=…`", from.env);
                    self.error(FaultKind::SecretUnavailable, &place.key("env"), message, remedy);
                    return None;
                };
                value.into_bytes()
            }
            SecretSource::File(from) => {
                let mut content = self.private_content(&from.file, &place.key("file"), "secret's file")?;
                // Editors and `echo` end a file with a line break, which is not part of the secret.
                if content.ends_with(b"\n") {
                    content.pop();
                }
                if content.ends_with(b"\r") {
                    content.pop();
                }
                content
            }
        };
        if value.is_empty() {
            self.error(FaultKind::SecretUnavailable, place, "the secret is empty", "put the secret there");
            return None;
        }
        let value = Secret::new(value);
        self.secrets.push(value.duplicate());
        Some(value)
    }
}
