//! The promises of the configuration, by the text that a user sees.

mod apis;
mod faults;
mod identity;
mod listening;
mod machines;
mod reference;
mod sound;
mod styles;
mod upstreams;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use bartizan_policy::Timestamp;

use super::{Environment, Faults, Loaded, Style, load};

/// 2026-06-01T00:00:00Z
const NOW: i64 = 1_780_272_000;

/// An environment without a process: nothing is read that a test did not put there.
#[derive(Default)]
struct Pretended {
    variables: HashMap<String, String>,
    files: HashMap<PathBuf, Vec<u8>>,
    modes: HashMap<PathBuf, u32>,
}

impl Pretended {
    fn with_file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    fn with_mode(mut self, path: &str, mode: u32) -> Self {
        self.modes.insert(path.into(), mode);
        self
    }

    fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// With a certificate for `name` in `cert.pem` and its key in `key.pem`, valid from and to the first of January.
    fn with_certificate(self, prefix: &str, from: i32, to: i32) -> Self {
        let mut parameters = rcgen::CertificateParams::new(vec!["api.example.com".into()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        self.with_file(&format!("{prefix}cert.pem"), certificate.pem())
            .with_file(&format!("{prefix}key.pem"), key.serialize_pem())
    }

    fn load(self, text: &str) -> Result<Loaded, Faults> {
        load(Path::new("bartizan.toml"), &self.with_file("bartizan.toml", text))
    }

    /// What the user sees of a file at fault.
    fn faults(self, text: &str) -> String {
        match self.load(text) {
            Ok(loaded) => panic!("no fault was found:\n{}", loaded.posture.render(Style::Plain)),
            Err(faults) => faults.render(Style::Plain),
        }
    }

    fn sound(self, text: &str) -> Loaded {
        self.load(text).unwrap_or_else(|faults| panic!("{}", faults.render(Style::Plain)))
    }
}

impl Environment for Pretended {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.modes.get(path).copied()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix(NOW)
    }
}

/// A file that is right, with a route to put a line into.
fn route(line: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:8443\"\n\n[[issuers]]\nissuer = \"https://login.example.com\"\n\
         audience = \"https://api.example.com\"\n\n[[routes]]\nname = \"orders\"\npath = \"/orders/{{id}}\"\n\
         methods = [\"GET\"]\nupstream = \"http://127.0.0.1:3000\"\n{line}\n"
    )
}

/// A server section with these lines.
fn server(lines: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:8443\"\n{lines}\n\n[[routes]]\nname = \"home\"\npath = \"/\"\nmethods = [\"GET\"]\nupstream = \"http://127.0.0.1:3000\"\naccess = \"public\"\n"
    )
}

/// An issuer section with these lines.
fn issuer(lines: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:8443\"\n\n[[issuers]]\n{lines}\n\n[[routes]]\nname = \"home\"\npath = \"/\"\nmethods = [\"GET\"]\nupstream = \"http://127.0.0.1:3000\"\naccess = \"signed-in\"\n"
    )
}
