//! One node: a store, an audit log, a clock that tests set, and a browser.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bartizan_evidence::{Config as EvidenceConfig, Recorder, WriterHandle};
use bartizan_identity::people::UserCommand;
use bartizan_identity::provider::ProviderConfig;
use bartizan_identity::{Config, Cost, Identity, MIGRATIONS, Parts, PasswordRules};
use bartizan_store::{Config as StoreConfig, Store};
use bartizan_vault::random::SystemRandom;
use bartizan_vault::{Root, RootSource};
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request, Response};
use serde_json::{Map, Value};
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "https://gate.example";
pub(crate) const PASSWORD: &str = "plum orbit lantern gravel";

/// A node that serves, in a directory of its own.
pub(crate) struct Node {
    pub(crate) identity: Arc<Identity>,
    pub(crate) store: Store,
    clock: Arc<AtomicI64>,
    writer: Option<WriterHandle>,
    config: StoreConfig,
    state: Arc<TempDir>,
}

impl Node {
    pub(crate) async fn start(provider: ProviderConfig) -> Self {
        let state = Arc::new(tempfile::tempdir().unwrap());
        let config = StoreConfig::Sqlite { directory: state.path().join("store") };
        Self::on(config, state, provider, 0).await
    }

    pub(crate) async fn on(config: StoreConfig, state: Arc<TempDir>, provider: ProviderConfig, advance: i64) -> Self {
        let clock = Arc::new(AtomicI64::new(1_800_000_000_000_000 + advance));
        let store = Store::open(&config, MIGRATIONS, SystemTime::now()).await.unwrap();
        let root = Root::load(&RootSource::Automatic(state.path().to_owned()), &SystemRandom::new()).unwrap();
        let evidence =
            EvidenceConfig { sync_every: Duration::from_millis(1), ..EvidenceConfig::in_state(state.path()) };
        let (recorder, writer) = Recorder::start(evidence).unwrap();
        let hands = clock.clone();
        let now = move || UNIX_EPOCH + Duration::from_micros(hands.load(Ordering::SeqCst).try_into().unwrap());
        let parts = Parts { store: store.clone(), root: &root, recorder, clock: Arc::new(now) };
        // What is tried here is not how long a hash takes.
        let passwords = PasswordRules { cost: Cost { memory: 64, passes: 1, lanes: 1 }, ..PasswordRules::default() };
        let rules = Config { passwords, ..Config::for_origin(ORIGIN) };
        let identity = Identity::open(rules, provider, &parts).await.unwrap();
        Self { identity, store, clock, writer: Some(writer), config, state }
    }

    /// Stops it and starts it again on the same state, some time later.
    pub(crate) async fn restarted(mut self, provider: ProviderConfig, later: Duration) -> Self {
        self.store.close().await;
        drop(self.writer.take());
        let advance =
            self.clock.load(Ordering::SeqCst) - 1_800_000_000_000_000 + i64::try_from(later.as_micros()).unwrap();
        let config = match &self.config {
            StoreConfig::Sqlite { directory } => StoreConfig::Sqlite { directory: directory.clone() },
            StoreConfig::Postgres { url } => StoreConfig::Postgres { url: url.duplicate() },
        };
        Self::on(config, self.state.clone(), provider, advance).await
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.clock.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst) / 1_000_000
    }

    /// Makes an account, whose password is [`PASSWORD`]; gives back its id.
    pub(crate) async fn user(&self, name: &str) -> String {
        let command = UserCommand::Create {
            username: name.to_owned(),
            name: Some(format!("The {name}")),
            email: Some(format!("{name}@example.com")),
            roles: vec!["staff".into()],
            groups: Vec::new(),
            attributes: Map::new(),
            password: Some(PASSWORD.to_owned()),
            password_hash: None,
        };
        let made = self.identity.people().administer(command).await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.identity.answer(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response<Bytes> {
        self.send(Request::builder().uri(path).body(Bytes::new()).unwrap()).await
    }

    /// Posts a form with these header fields.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)], fields: &[(&str, &str)]) -> Response<Bytes> {
        let mut request = Request::builder().method(Method::POST).uri(path);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.into()).unwrap()).await
    }

    /// All events so far, as `action` and outcome's reason.
    pub(crate) fn events(&self) -> Vec<(String, Option<String>)> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let directory = self.state.path().join("audit");
        let records = bartizan_evidence::read(&directory).unwrap().map(Result::unwrap);
        records.map(|it| (text(&it["event"]["action"]).unwrap(), text(&it["event"]["reason"]))).collect()
    }

    pub(crate) fn has_event(&self, action: &str, reason: Option<&str>) -> bool {
        self.events().iter().any(|(known, why)| known == action && why.as_deref() == reason)
    }
}

/// A browser with its cookies.
pub(crate) struct Browser {
    cookies: HashMap<String, String>,
    pub(crate) language: &'static str,
}

impl Default for Browser {
    fn default() -> Self {
        Self { cookies: HashMap::new(), language: "en" }
    }
}

impl Browser {
    /// Signs somebody in by the form, as they would.
    pub(crate) async fn signed_in(node: &Node, name: &str) -> Self {
        let mut browser = Self::default();
        browser.sign_in(node, name, "/auth/login").await;
        browser
    }

    /// Fills the form at `path`; gives back where it led.
    pub(crate) async fn sign_in(&mut self, node: &Node, name: &str, path: &str) -> Response<Bytes> {
        let page = self.get(node, path).await;
        let token = hidden(&page, "form").unwrap_or_else(|| panic!("no form at {path}: {page:?}"));
        let back = hidden(&page, "return_to").unwrap_or_default();
        let form = [("form", token.as_str()), ("username", name), ("password", PASSWORD), ("return_to", &back)];
        self.post(node, "/auth/login", &form).await
    }

    pub(crate) async fn get(&mut self, node: &Node, path: &str) -> Response<Bytes> {
        let request = Request::builder()
            .uri(path)
            .header(COOKIE, self.cookies())
            .header(ACCEPT_LANGUAGE, self.language)
            .body(Bytes::new())
            .unwrap();
        self.keep(node.send(request).await)
    }

    pub(crate) async fn post(&mut self, node: &Node, path: &str, form: &[(&str, &str)]) -> Response<Bytes> {
        let cookies = self.cookies();
        self.keep(node.post(path, form, &[("cookie", &cookies), ("origin", ORIGIN)]).await)
    }

    fn cookies(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, response: Response<Bytes>) -> Response<Bytes> {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }
}

pub(crate) fn text(response: &Response<Bytes>) -> String {
    String::from_utf8(response.body().to_vec()).unwrap()
}

pub(crate) fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_else(|_| panic!("no JSON: {response:?}"))
}

pub(crate) fn location(response: &Response<Bytes>) -> Option<String> {
    response.headers().get(LOCATION).map(|value| value.to_str().unwrap().to_owned())
}

/// The value of a form's hidden field.
pub(crate) fn hidden(page: &Response<Bytes>, name: &str) -> Option<String> {
    let page = text(page);
    let (_, after) = page.split_once(&format!(r#"name="{name}" value=""#))?;
    Some(after.split_once('"')?.0.replace("&amp;", "&"))
}

/// The value of a parameter of a URL's query.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}
