use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::Uri;
use ipnet::IpNet;

use super::Malformed;
use super::quantity::not;

/// An IP address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(SocketAddr);

impl Address {
    /// An address.
    pub const fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The address.
    pub const fn get(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for Address {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.parse().map(Self).map_err(|_| Malformed::new(not(text, "an address and port"), address_remedy(text)))
    }
}

fn address_remedy(text: &str) -> String {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let port_is_number = port.parse::<u16>().is_ok();
    match host {
        "localhost" if port_is_number => format!("names are not looked up here: write `\"127.0.0.1:{port}\"`"),
        "" | "*" if port_is_number => {
            format!("write `\"0.0.0.0:{port}\"` for every interface, or `\"127.0.0.1:{port}\"` for this machine only")
        }
        _ if text.parse::<u16>().is_ok() => {
            format!("write `\"0.0.0.0:{text}\"` for every interface, or `\"127.0.0.1:{text}\"` for this machine only")
        }
        _ if text.parse::<std::net::Ipv4Addr>().is_ok() => format!("add the port: `\"{text}:8443\"`"),
        _ if text.parse::<std::net::Ipv6Addr>().is_ok() => format!("add the port: `\"[{text}]:8443\"`"),
        _ => "write an IP address and a port, such as `\"0.0.0.0:8443\"` or `\"[::]:8443\"`".to_owned(),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A network in CIDR notation; one address is the network that holds only it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// The network.
    pub const fn get(self) -> IpNet {
        self.0
    }
}

impl FromStr for Network {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let remedy = "write CIDR notation, such as `\"10.0.0.0/8\"` or `\"2001:db8::/32\"`, or one address";
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.into()));
        }
        let network: IpNet = text.parse().map_err(|_| Malformed::new(not(text, "a network"), remedy))?;
        if network.addr() != network.network() {
            let problem = format!("`{text}` has bits set beyond its prefix, so that two networks could be meant");
            let remedy = format!("write `\"{}\"`, or `\"{}\"` for the one address", network.trunc(), network.addr());
            return Err(Malformed::new(problem, remedy));
        }
        Ok(Self(network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A URL of scheme `http` or `https`, without user, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String, Uri);

impl Url {
    /// The parsed form.
    pub const fn uri(&self) -> &Uri {
        &self.1
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `https`.
    pub fn is_https(&self) -> bool {
        self.1.scheme_str() == Some("https")
    }

    /// Whether it names this machine only, so that nobody else can read along or answer in its place.
    pub fn is_loopback(&self) -> bool {
        self.1.host().is_some_and(is_loopback_host)
    }

    /// Whether it is an origin: no path beyond `/`.
    pub fn is_origin(&self) -> bool {
        matches!(self.1.path(), "" | "/")
    }

    /// Scheme and authority.
    pub fn origin(&self) -> Option<Uri> {
        let (scheme, authority) = (self.1.scheme()?.clone(), self.1.authority()?.clone());
        Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().ok()
    }
}

/// Whether a host of a URL is this machine whatever a resolver says (RFC 6761 §6.3 for `localhost`).
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromStr for Url {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let remedy = "write scheme and host, such as `\"http://127.0.0.1:3000\"`";
        let Some((scheme, rest)) = text.split_once("://") else {
            let remedy = match text.parse::<http::uri::Authority>() {
                Ok(authority) if authority.port().is_some() => format!("write `\"http://{text}\"`"),
                _ => remedy.to_owned(),
            };
            return Err(Malformed::new(not(text, "a URL"), remedy));
        };
        if !matches!(scheme, "http" | "https") {
            let problem = format!("a URL of scheme `{scheme}` cannot be used here");
            return Err(Malformed::new(problem, "write `http://…` or `https://…`"));
        }
        if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
            // The value is not echoed: what stands before the `@` is a password.
            return Err(Malformed::new("a URL must not carry a user or password", "leave out everything up to `@`"));
        }
        if rest.contains(['?', '#']) {
            return Err(Malformed::new("a URL here has no query and no fragment", "end it before `?` or `#`"));
        }
        let uri: Uri = text.parse().map_err(|_| Malformed::new(not(text, "a URL"), remedy))?;
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        let port_is_sound = uri.authority().is_some_and(|authority| match after_host(authority.as_str()) {
            "" => true,
            port => port.strip_prefix(':').is_some_and(|port| port.parse().is_ok_and(|port: u16| port > 0)),
        });
        if !has_host || !port_is_sound {
            return Err(Malformed::new(not(text, "a URL"), remedy));
        }
        Ok(Self(text.to_owned(), uri))
    }
}

/// What follows the host, an IPv6 address in brackets among them.
fn after_host(authority: &str) -> &str {
    let from = authority.rfind(']').map_or(0, |end| end + 1);
    authority.get(from..).and_then(|rest| rest.find(':').and_then(|colon| rest.get(colon..))).unwrap_or_default()
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
