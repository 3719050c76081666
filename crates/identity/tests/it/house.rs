//! A node's identity room, its clock, and browsers that visit it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bartizan_evidence::{Recorder, WriterHandle};
use bartizan_identity::people::UserCommand;
use bartizan_identity::{Command, Config, Cost, Identity, MIGRATIONS, Parts};
use bartizan_store::Store;
use bartizan_vault::random::SystemRandom;
use bartizan_vault::{Root, RootSource};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Map, Value};
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "https://gate.example";
pub(crate) const PASSWORD: &str = "seven geese above the harbour";

/// Everything that a node has, with a clock that tests move.
pub(crate) struct House {
    pub(crate) identity: Arc<Identity>,
    pub(crate) store: Store,
    seconds: Arc<AtomicI64>,
    directory: TempDir,
    writer: Option<WriterHandle>,
}

impl House {
    pub(crate) async fn build() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = TempDir::new().unwrap();
        let store = bartizan_store::Config::Sqlite { directory: directory.path().to_owned() };
        Self::on(directory, &store, change).await
    }

    pub(crate) async fn on(
        directory: TempDir,
        store: &bartizan_store::Config,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let store = Store::open(store, MIGRATIONS, UNIX_EPOCH).await.unwrap();
        let root = Root::load(&RootSource::Automatic(directory.path().to_owned()), &SystemRandom::new()).unwrap();
        let (recorder, writer) = Recorder::start(bartizan_evidence::Config::in_state(directory.path())).unwrap();
        let seconds = Arc::new(AtomicI64::new(1_900_000_000));
        let clock = seconds.clone();
        let mut config = Config::for_origin(ORIGIN);
        config.passwords.cost = Cost { memory: 64, passes: 1, lanes: 1 };
        change(&mut config);
        let parts = Parts {
            store: store.clone(),
            root: &root,
            recorder,
            clock: Arc::new(move || {
                UNIX_EPOCH + Duration::from_secs(u64::try_from(clock.load(Ordering::SeqCst)).unwrap())
            }),
        };
        let identity = Identity::new(config, &parts).unwrap();
        Self { identity, store, seconds, directory, writer: Some(writer) }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        self.seconds.fetch_add(i64::try_from(time.as_secs()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::try_from(self.seconds.load(Ordering::SeqCst)).unwrap())
    }

    pub(crate) fn browser(&self) -> Browser {
        self.browser_at("192.0.2.7")
    }

    pub(crate) fn browser_at(&self, address: &str) -> Browser {
        Browser { identity: self.identity.clone(), cookies: Mutex::default(), address: address.to_owned() }
    }

    pub(crate) async fn administer(&self, command: UserCommand) -> Result<Value, String> {
        self.identity.administer(Command::User(command)).await.map_err(|error| error.to_string())
    }

    /// Makes an account with [`PASSWORD`], and gives back its id.
    pub(crate) async fn user(&self, username: &str, roles: &[&str]) -> String {
        let command = UserCommand::Create {
            username: username.to_owned(),
            name: None,
            email: Some(format!("{username}@example.com")),
            roles: roles.iter().map(|role| Arc::from(*role)).collect(),
            groups: Vec::new(),
            attributes: Map::new(),
            password: Some(PASSWORD.to_owned()),
            password_hash: None,
        };
        self.administer(command).await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Closes the log and reads all of it.
    pub(crate) async fn events(&mut self) -> Vec<Value> {
        let writer = self.writer.take().expect("the log is read once");
        tokio::task::spawn_blocking(move || writer.shutdown()).await.unwrap().unwrap();
        bartizan_evidence::read(&self.directory.path().join("audit")).unwrap().map(Result::unwrap).collect()
    }

    /// Every byte that the house has on disk.
    pub(crate) async fn everything_on_disk(mut self) -> Vec<u8> {
        drop(self.events().await);
        self.store.close().await;
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.directory.path())
            .unwrap()
            .chain(std::fs::read_dir(self.directory.path().join("audit")).unwrap())
        {
            all.extend(std::fs::read(entry.unwrap().path()).unwrap_or_default());
        }
        all
    }
}

/// What `(action, outcome, reason)` an event tells.
pub(crate) fn told(events: &[Value]) -> Vec<(String, String, String)> {
    let text =
        |event: &Value, pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    events
        .iter()
        .map(|event| (text(event, "/event/action"), text(event, "/event/outcome"), text(event, "/event/reason")))
        .collect()
}

/// A browser without scripts: it keeps cookies, follows links and sends forms as they stand in the page.
pub(crate) struct Browser {
    identity: Arc<Identity>,
    cookies: Mutex<Vec<(String, String)>>,
    address: String,
}

/// A page, or whatever came instead.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) html: String,
}

impl Browser {
    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    /// Sends the form of `page` whose action ends with `action`, with its hidden fields and these.
    pub(crate) async fn submit(&self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let (path, mut all) = page.form(action);
        for (name, value) in fields {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&all).finish();
        let same_site = [("sec-fetch-site", "same-origin"), ("origin", ORIGIN)];
        self.send(Method::POST, &path, &same_site, body.into_bytes()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Page {
        let mut request = Request::builder().method(method).uri(path).header("x-forwarded-for", &self.address);
        request =
            request.header("user-agent", "Test <browser>").header("content-type", "application/x-www-form-urlencoded");
        let cookies = self.cookie_field();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.identity.answer(request.body(Bytes::from(body)).unwrap()).await;
        for cookie in answer.headers().get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap());
        }
        Page {
            status: answer.status(),
            location: answer.headers().get("location").map(|it| it.to_str().unwrap().to_owned()),
            headers: answer.headers().clone(),
            html: String::from_utf8(answer.into_body().to_vec()).unwrap(),
        }
    }

    fn keep(&self, cookie: &str) {
        assert!(cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        cookies.retain(|(known, _)| known != name);
        if !value.is_empty() {
            cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn cookie_field(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn session(&self) -> Option<String> {
        self.cookie("__Host-bartizan")
    }

    /// Types name and password into the sign-in.
    pub(crate) async fn sign_in(&self, username: &str, password: &str) -> Page {
        let page = self.get("/auth/login?prompt=login").await;
        self.submit(&page, "/login", &[("username", username), ("password", password)]).await
    }

    /// Sets up an authenticator app; gives back its secret in base 32, and the recovery codes.
    pub(crate) async fn set_up_app(&self, now: SystemTime) -> (String, Vec<String>) {
        let page = self.get("/auth/account/authenticator").await;
        let secret: String = page.between("<code>", "</code>").split(' ').collect();
        let done = self.submit(&page, "/account/authenticator", &[("code", &code(&secret, now))]).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.html);
        let list = done.between("<ul class=\"codes\">", "</ul>");
        let codes = list.split("<li>").skip(1).map(|item| item.split('<').next().unwrap().to_owned());
        (secret, codes.collect())
    }
}

impl Page {
    /// The action and hidden fields of the form whose action ends so.
    fn form(&self, action: &str) -> (String, Vec<(String, String)>) {
        let wanted = format!("{action}\"");
        let form = self
            .html
            .split("<form ")
            .skip(1)
            .find(|form| attribute(form, "action").is_some_and(|it| format!("{it}\"").ends_with(&wanted)));
        let form = form
            .unwrap_or_else(|| panic!("no form for {action}: {} {}", self.status, self.html))
            .split("</form>")
            .next()
            .unwrap();
        let inputs =
            form.split("<input ").skip(1).filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        let fields =
            inputs.map(|input| (attribute(input, "name").unwrap(), attribute(input, "value").unwrap_or_default()));
        (attribute(form, "action").unwrap(), fields.collect())
    }

    pub(crate) fn between(&self, before: &str, after: &str) -> String {
        let rest = self.html.split_once(before).unwrap_or_else(|| panic!("no {before}: {}", self.html)).1;
        rest.split_once(after).unwrap().0.to_owned()
    }

    pub(crate) fn leads_to(&self, path: &str) -> bool {
        self.status == StatusCode::SEE_OTHER && self.location.as_deref() == Some(path)
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let head = tag.split('>').next()?;
    let value = head.split_once(&format!("{name}=\""))?.1.split('"').next()?;
    Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// What an authenticator app shows.
pub(crate) fn code(secret: &str, now: SystemTime) -> String {
    let key = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let step = now.duration_since(UNIX_EPOCH).unwrap().as_secs() / 30;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = aws_lc_rs::hmac::sign(&key, &step.to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 15);
    let number = u32::from_be_bytes(tag.as_ref()[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}
