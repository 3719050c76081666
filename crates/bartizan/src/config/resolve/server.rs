use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;

use bartizan_gateway::config as gateway;
use http::Uri;

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{File, Server, Tls, TlsVersion, TlsWord};
use crate::config::load::Identity;
use crate::config::tree::Place;
use crate::config::units::{Address, Size};

impl Resolver<'_> {
    pub(super) fn server(&mut self, file: &File) -> Option<gateway::Server> {
        let server = &file.server;
        let place = Place::root().key("server");
        self.listeners(file, &place);
        self.trusted_proxies(server, &place);
        let hosts = self.hosts(server, &place);
        let tls = self.tls(file, &place.key("tls"))?;
        let plain = matches!(tls, gateway::Tls::Off);
        if plain && server.redirect_from.is_some() {
            let message = "`redirect_from` sends clients to TLS, but `tls` is \"off\"";
            self.error(
                FaultKind::Contradiction,
                &place.key("redirect_from"),
                message,
                "leave it out, or configure `tls`",
            );
        }
        let public_url = self.public_url(server, plain, &place)?;
        Some(gateway::Server {
            listen: server.listen.as_slice().iter().map(|address| address.get().clone()).collect(),
            listening: self.listening(server, plain, &place)?,
            redirect_from: server.redirect_from.map(Address::get),
            public_url,
            hosts,
            tls,
            trusted_proxies: server.trusted_proxies.iter().map(|network| network.get()).collect(),
            workers: server.workers.map(NonZeroUsize::from),
            drain: server.drain.get(),
            bounds: self.bounds(server, &place)?,
            timeouts: gateway::ClientTimeouts {
                min_rate: self.min_rate(server, &place)?,
                handshake: server.handshake_timeout.get(),
                head: server.header_timeout.get(),
                body_idle: server.idle_timeout.get(),
            },
        })
    }

    /// No two listeners on one address: the console must never answer on the public one.
    fn listeners(&mut self, file: &File, place: &Place) {
        let server = &file.server;
        if server.listen.as_slice().is_empty() {
            let remedy = "write an address, such as `\"127.0.0.1:8443\"`";
            self.error(FaultKind::OutOfRange, &place.key("listen"), "`listen` names no address", remedy);
        }
        let many = matches!(server.listen, crate::config::literal::OneOrMany::Many(_));
        let listen = place.key("listen");
        let public = server.listen.as_slice().iter().enumerate().filter_map(|(index, address)| {
            let gateway::ListenAddress::Tcp(address) = address.get() else { return None };
            Some((*address, if many { listen.index(index) } else { listen.clone() }))
        });
        let redirect = server.redirect_from.map(|address| (address.get(), place.key("redirect_from")));
        let console = (file.console.listen.get(), Place::root().key("console").key("listen"));
        let all: Vec<(SocketAddr, Place)> = public.chain(redirect).chain([console]).collect();
        let mut taken: HashMap<u16, Vec<(SocketAddr, Place)>> = HashMap::new();
        // Port 0 is chosen by the system, differently each time.
        for (address, place) in all.into_iter().filter(|(address, _)| address.port() != 0) {
            let on_port = taken.entry(address.port()).or_default();
            if let Some((other, _)) = on_port.iter().find(|(other, _)| overlap(*other, address)) {
                let message = format!("`{address}` is already listened on as `{other}`");
                self.error(FaultKind::Duplicate, &place, message, "give each listener an address or port of its own");
            }
            on_port.push((address, place));
        }
        let console = file.console.listen.get();
        if !console.ip().is_loopback() {
            let place = Place::root().key("console").key("listen");
            let message = format!("the console listens on `{console}`, where others can reach it, in plain HTTP");
            self.warning(FaultKind::Unsafe, &place, message, "listen on 127.0.0.1, or keep others out by a firewall");
        }
    }

    /// Whether the names exist is asked where the gate starts: `check` may run on another machine.
    pub(super) fn identity(&mut self, file: &File) -> Identity {
        let Server { user, group, .. } = &file.server;
        if user.is_none() && group.is_some() {
            let place = Place::root().key("server").key("group");
            let message = "`group` says nothing without `user`";
            self.error(FaultKind::Contradiction, &place, message, "name the user as well: `user = \"bartizan\"`");
        }
        Identity { user: user.clone(), group: group.clone() }
    }

    /// Whoever may say which address a client has can say any: past limits, networks and the audit log.
    fn trusted_proxies(&mut self, server: &Server, place: &Place) {
        for (index, network) in server.trusted_proxies.iter().enumerate() {
            if network.get().prefix_len() == 0 {
                let message = format!("`{network}` is everybody: each client could choose its own address");
                let remedy = "name the networks of your proxies only";
                self.error(FaultKind::Unsafe, &place.key("trusted_proxies").index(index), message, remedy);
            }
        }
    }

    fn hosts(&mut self, server: &Server, place: &Place) -> Vec<Arc<str>> {
        let mut hosts = Vec::new();
        for (index, host) in server.hosts.iter().enumerate() {
            let is_name = |name: &http::uri::Authority| name.port().is_none() && !name.as_str().contains(['@', '*']);
            let sound = host == "*" || host.parse().is_ok_and(|name| is_name(&name));
            if sound {
                hosts.push(host.to_ascii_lowercase().into());
            } else {
                let message = format!("`{host}` is not a host name");
                let remedy = "write the name without a port, such as `\"api.example.com\"`, or `\"*\"` for any";
                self.error(FaultKind::Malformed, &place.key("hosts").index(index), message, remedy);
            }
        }
        hosts
    }

    /// How the outside names the gate; without the key, its first address.
    fn public_url(&mut self, server: &Server, plain: bool, place: &Place) -> Option<Uri> {
        let Some(url) = &server.public_url else { return default_url(server, plain) };
        let place = place.key("public_url");
        if !url.is_origin() {
            let message = format!("`{url}` has a path");
            self.error(FaultKind::Malformed, &place, message, "name scheme and host only: routes bring their paths");
            return None;
        }
        if !url.is_https() && !plain {
            let message = "`public_url` is `http`, but the gate speaks TLS";
            self.error(FaultKind::Contradiction, &place, message, "write `https://…`, or say `tls = \"off\"`");
        }
        url.origin()
    }

    fn bounds(&mut self, server: &Server, place: &Place) -> Option<gateway::Bounds> {
        let head_bytes = self.bound(server.max_header_bytes, 1 << 10, 1 << 20, &place.key("max_header_bytes"));
        let target_bytes = self.bound(server.max_uri, 128, 1 << 20, &place.key("max_uri"));
        let (head_bytes, target_bytes) = (head_bytes?, target_bytes?);
        if target_bytes > head_bytes {
            let message = "`max_uri` is larger than `max_header_bytes`, of which it is a part";
            self.error(FaultKind::Contradiction, &place.key("max_uri"), message, "make it smaller");
        }
        Some(gateway::Bounds { headers: server.max_headers, head_bytes, target_bytes })
    }

    fn min_rate(&mut self, server: &Server, place: &Place) -> Option<NonZeroU32> {
        let rate = self.bound(server.min_rate, 1, 1 << 20, &place.key("min_rate"))?;
        u32::try_from(rate.get()).ok().and_then(NonZeroU32::new)
    }

    /// A size within what the gate can keep in memory per connection.
    fn bound(&mut self, size: Size, least: u64, most: u64, place: &Place) -> Option<NonZeroUsize> {
        if !(least..=most).contains(&size.get()) {
            let message = format!("`{size}` is out of range for `{}`", place.last_key().unwrap_or_default());
            let remedy = format!("write at least `\"{}\"` and at most `\"{}\"`", Size::new(least), Size::new(most));
            self.error(FaultKind::OutOfRange, place, message, remedy);
            return None;
        }
        usize::try_from(size.get()).ok().and_then(NonZeroUsize::new)
    }

    fn tls(&mut self, file: &File, place: &Place) -> Option<gateway::Tls> {
        let min_version = match file.server.min_version {
            TlsVersion::Tls12 => gateway::TlsVersion::Tls12,
            TlsVersion::Tls13 => gateway::TlsVersion::Tls13,
        };
        let files = match &file.server.tls {
            Tls::Word(TlsWord::Off) => return Some(gateway::Tls::Off),
            Tls::Word(TlsWord::SelfSigned) => {
                let directory = self.beside(&file.store.path).join("tls");
                return Some(gateway::Tls::SelfSigned { directory, min_version });
            }
            Tls::Acme(rules) => {
                let acme = std::sync::Arc::new(self.acme(&rules.acme, file, &place.key("acme"))?);
                return Some(gateway::Tls::Acme { acme, min_version });
            }
            Tls::Certificate(one) => vec![(one, place.clone())],
            Tls::Certificates(many) => {
                many.iter().enumerate().map(|(index, certificate)| (certificate, place.index(index))).collect()
            }
        };
        if files.is_empty() {
            let remedy = "write `{ cert = \"…\", key = \"…\" }`";
            self.error(FaultKind::OutOfRange, place, "`tls` names no certificate", remedy);
            return None;
        }
        let certificates = files
            .into_iter()
            .map(|(certificate, place)| self.certificate(certificate, &place))
            .collect::<Vec<Option<_>>>()
            .into_iter()
            .collect::<Option<Vec<_>>>()?;
        Some(gateway::Tls::Files { certificates, min_version })
    }
}

/// Whether two listeners would take each other's connections: a wildcard takes every address of its port, and `[::]` on Linux
/// takes IPv4's as well.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let covers =
        |wide: SocketAddr, narrow: SocketAddr| wide.ip().is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4());
    one.port() == other.port() && (one.ip() == other.ip() || covers(one, other) || covers(other, one))
}

fn default_url(server: &Server, plain: bool) -> Option<Uri> {
    let tcp = |place: &crate::config::units::Place| match place.get() {
        gateway::ListenAddress::Tcp(address) => Some(*address),
        gateway::ListenAddress::Unix(_) => None,
    };
    let scheme = if plain { "http" } else { "https" };
    // Whoever reaches the gate by a Unix socket alone asks for this machine.
    let Some(address) = server.listen.as_slice().iter().find_map(tcp) else {
        return format!("{scheme}://localhost/").parse().ok();
    };
    let authority =
        if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() };
    format!("{scheme}://{authority}/").parse().ok()
}
