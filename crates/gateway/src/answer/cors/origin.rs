//! A web origin as browsers write it (RFC 6454 §6.2).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Scheme, host and port: `https://app.example.com`, `http://localhost:5173`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebOrigin(String);

/// Why a text can never equal what a browser sends as `Origin`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OriginFault {
    /// `null`.
    #[error("`null` is sent by sandboxed frames of anybody and cannot be allowed")]
    Null,
    /// `*` among others, or inside.
    #[error("`{0}`: origins are compared exactly, patterns are not supported; list each origin")]
    Pattern(String),
    /// Not `scheme://host[:port]`.
    #[error("`{0}` is not an origin: write `https://host` or `https://host:port`, without a path")]
    Malformed(String),
    /// Upper case.
    #[error("`{0}`: browsers send origins in lower case")]
    UpperCase(String),
    /// `:443` or `:80`.
    #[error("`{0}`: browsers leave out the default port")]
    DefaultPort(String),
}

impl WebOrigin {
    /// The origin as browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebOrigin {
    type Err = OriginFault;

    fn from_str(text: &str) -> Result<Self, OriginFault> {
        if text == "null" {
            return Err(OriginFault::Null);
        }
        if text.contains('*') {
            return Err(OriginFault::Pattern(text.to_owned()));
        }
        if text.contains(|c: char| c.is_ascii_uppercase()) {
            return Err(OriginFault::UpperCase(text.to_owned()));
        }
        let malformed = || OriginFault::Malformed(text.to_owned());
        let (scheme, authority) = text.split_once("://").ok_or_else(malformed)?;
        let (host, port) = split_port(authority);
        if !is_scheme(scheme) || !is_host(host) || !port.is_none_or(is_port) {
            return Err(malformed());
        }
        if matches!((scheme, port), ("https", Some("443")) | ("http", Some("80"))) {
            return Err(OriginFault::DefaultPort(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Splits at the last colon outside the brackets of an IPv6 address.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// A name as browsers send it: IDNs as punycode.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

fn is_port(port: &str) -> bool {
    !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok()
}
