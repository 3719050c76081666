use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Certificate;
use crate::server_process::{ServerProcess, free_port, listens};

/// A private ACME authority (Let's Encrypt's test server) on loopback, with a resolver that answers 127.0.0.1 for every name. It forgets
/// everything when it ends.
pub struct Pebble {
    directory: TempDir,
    ports: Ports,
    resolver: Option<ServerProcess>,
    process: Option<ServerProcess>,
}

struct Ports {
    acme: u16,
    management: u16,
    resolver: u16,
    resolver_management: u16,
}

/// The key that [`Pebble::demanding_accounts`] knows under `kid-1`, in base64url.
pub const EXTERNAL_ACCOUNT_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

impl Pebble {
    /// Starts an authority that checks names at these ports of 127.0.0.1.
    ///
    /// # Panics
    /// If `pebble` and `pebble-challtestsrv` are not installed, or do not start.
    pub fn start(tls_port: u16, http_port: u16) -> Self {
        Self::with(tls_port, http_port, &json!({}))
    }

    /// The same, with certificates that end after `lifetime`.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn issuing_for(lifetime: Duration, tls_port: u16, http_port: u16) -> Self {
        Self::with(tls_port, http_port, &json!({ "certificateValidityPeriod": lifetime.as_secs() }))
    }

    /// The same, for those only who have an account already (external account binding).
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn demanding_accounts(tls_port: u16, http_port: u16) -> Self {
        let rules = json!({
            "externalAccountBindingRequired": true,
            "externalAccountMACKeys": { "kid-1": EXTERNAL_ACCOUNT_KEY },
        });
        Self::with(tls_port, http_port, &rules)
    }

    fn with(tls_port: u16, http_port: u16, more: &Value) -> Self {
        let directory = TempDir::with_prefix("testkit-pebble-").unwrap();
        let ports = Ports {
            acme: free_port(),
            management: free_port(),
            resolver: free_port(),
            resolver_management: free_port(),
        };
        let own = Certificate::for_names(&["localhost"]);
        for (name, text) in [("cert.pem", &own.pem), ("key.pem", &own.key_pem)] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let mut rules = json!({
            "listenAddress": format!("127.0.0.1:{}", ports.acme),
            "managementListenAddress": format!("127.0.0.1:{}", ports.management),
            "certificate": directory.path().join("cert.pem"),
            "privateKey": directory.path().join("key.pem"),
            "httpPort": http_port,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
        });
        let more = more.as_object().unwrap().clone();
        rules.as_object_mut().unwrap().extend(more);
        fs::write(directory.path().join("pebble.json"), json!({ "pebble": rules }).to_string()).unwrap();
        let mut pebble = Self { directory, ports, resolver: None, process: None };
        pebble.resolver = Some(pebble.start_resolver());
        pebble.restart();
        pebble
    }

    /// The URL of its directory.
    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.ports.acme)
    }

    /// The file of the certificate that its own TLS shows.
    pub fn authority_file(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    /// Kills it at once. Its address stays for a [`restart`](Self::restart); accounts, orders and keys do not.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.end(Signal::KILL);
        }
    }

    /// Starts it again, with another issuing key, on the same port.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new("pebble");
        command.arg("-config").arg(self.directory.path().join("pebble.json"));
        command.args(["-dnsserver", &format!("127.0.0.1:{}", self.ports.resolver)]);
        // Validates at once; still refuses some nonces, as any authority may.
        command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "5");
        self.process = Some(ServerProcess::start(command, || listens(self.ports.acme)));
    }

    fn start_resolver(&self) -> ServerProcess {
        let address = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string();
        let mut command = Command::new("pebble-challtestsrv");
        command.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]);
        command.args(["-dns01", &address(self.ports.resolver)]);
        command.args(["-management", &address(self.ports.resolver_management)]);
        // The challenges themselves are the gate's to answer.
        command.args(["-http01", "", "-https01", "", "-tlsalpn01", ""]);
        ServerProcess::start(command, || listens(self.ports.resolver_management))
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.kill();
        if let Some(mut resolver) = self.resolver.take() {
            resolver.end(Signal::KILL);
        }
    }
}
