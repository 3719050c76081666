//! The word of the authority that a certificate is not revoked (OCSP stapling), over real handshakes: signed and read by OpenSSL.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bartizan_gateway::config::{CertificateFiles, Config, Tls, TlsVersion};
use bartizan_testkit::{Authority, Upstream};
use http::StatusCode;
use tempfile::TempDir;

use crate::harness::{Gated, config, route};

/// What index of an authority says of a certificate.
const GOOD: &str = "V\t500101000000Z\t\t1267\tunknown\t/CN=localhost\n";
const REVOKED: &str = "R\t500101000000Z\t240101000000Z\t1267\tunknown\t/CN=localhost\n";
const SERIAL: u64 = 0x1267;

/// An authority, a certificate of it, and what OpenSSL makes of both.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let authority = Authority::new("Servers");
        let leaf = authority.server(&["localhost"], SERIAL);
        let files = Self(tempfile::tempdir().unwrap());
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("ca.key", authority.key_pem()),
            ("leaf.pem", leaf.pem.clone()),
            ("leaf.key", leaf.key_pem.clone()),
        ] {
            fs::write(files.path(name), text).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A response that the authority signs, in DER.
    fn respond(&self, index: &str, name: &str) -> PathBuf {
        fs::write(self.path("index.txt"), index).unwrap();
        let answered = Command::new("openssl")
            .args(["ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key"])
            .args(["-issuer", "ca.pem", "-cert", "leaf.pem", "-ndays", "7", "-noverify", "-respout", name])
            .current_dir(self.0.path())
            .output()
            .unwrap();
        assert!(answered.status.success(), "{}", String::from_utf8_lossy(&answered.stderr));
        self.path(name)
    }

    fn rules(&self, upstream: SocketAddr, ocsp: Option<PathBuf>) -> Config {
        let mut rules = config(vec![route("/", upstream)]);
        let files = CertificateFiles { certificate: self.path("leaf.pem"), key: self.path("leaf.key"), ocsp };
        rules.server.tls = Tls::Files { certificates: vec![files], min_version: TlsVersion::Tls12 };
        rules.server.public_url = "https://localhost".parse().unwrap();
        rules
    }
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn is_installed() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok();
    if !found {
        println!("skipped: `openssl` is not installed; ./test installs it");
    }
    found
}

/// What OpenSSL says about a handshake in which it asks for the response; it verifies it against the authority.
async fn handshake(address: SocketAddr, authority: &Path, version: &str) -> String {
    let (address, authority, version) = (address.to_string(), authority.to_owned(), version.to_owned());
    let client = move || {
        Command::new("openssl")
            .args(["s_client", "-connect", &address, "-servername", "localhost", "-status", &version])
            .args(["-verify_return_error", "-CAfile"])
            .arg(authority)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let said = tokio::task::spawn_blocking(client).await.unwrap();
    format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr))
}

#[tokio::test]
async fn a_response_is_stapled_to_every_handshake_that_asks_and_a_reload_staples_a_newer_one() {
    if !is_installed() {
        return;
    }
    let (upstream, files) = (Upstream::answering(StatusCode::OK, "hello"), Files::new());
    let gate = Gated::start(files.rules(upstream.address(), None));
    let said = handshake(gate.address(), &files.path("ca.pem"), "-tls1_3").await;
    assert!(said.contains("OCSP response: no response sent"), "{said}");

    let response = files.respond(GOOD, "staple.der");
    gate.replace(files.rules(upstream.address(), Some(response)));
    for version in ["-tls1_2", "-tls1_3"] {
        let said = handshake(gate.address(), &files.path("ca.pem"), version).await;
        for expected in [
            "OCSP Response Status: successful",
            "Cert Status: good",
            "Serial Number: 1267",
            "Verify return code: 0 (ok)",
        ] {
            assert!(said.contains(expected), "{version}: {expected}\n{said}");
        }
    }
}

#[tokio::test]
async fn a_response_that_says_revoked_or_is_about_another_certificate_is_never_put_in_force() {
    if !is_installed() {
        return;
    }
    let (upstream, files, other) = (Upstream::answering(StatusCode::OK, "hello"), Files::new(), Files::new());
    for (response, expected) in [
        (files.respond(REVOKED, "revoked.der"), "revoked.der"),
        (other.respond(&GOOD.replace("1267", "1268"), "unknown.der"), "unknown.der"),
    ] {
        let refused = Gated::build(files.rules(upstream.address(), Some(response))).err().unwrap().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}
