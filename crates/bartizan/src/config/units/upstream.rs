use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::quantity::not;
use super::{Malformed, Name, Url};

/// Where an endpoint is: a URL, or a socket in the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Over the network.
    Url(Url),
    /// On this machine.
    Unix(PathBuf),
}

impl FromStr for Endpoint {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let Some(path) = text.strip_prefix("unix:") else { return text.parse().map(Self::Url) };
        // `unix:///run/x` is how URLs write it.
        let path = path.strip_prefix("//").unwrap_or(path);
        if !Path::new(path).is_absolute() {
            let problem = format!("`{text}` does not say from the root where the socket is");
            return Err(Malformed::new(problem, "write the whole path, such as `\"unix:/run/app.sock\"`"));
        }
        Ok(Self::Unix(path.into()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(out),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

/// Whom a route's requests are for: one endpoint, or the name of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One endpoint.
    Endpoint(Endpoint),
    /// One of the `[[upstreams]]`.
    Named(Name),
}

impl FromStr for Target {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if !text.contains([':', '/', '.'])
            && let Ok(name) = text.parse()
        {
            return Ok(Self::Named(name));
        }
        // A name with a point in it is more often a host that lacks its scheme; the error for a URL says what to write.
        text.parse().map(Self::Endpoint)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(endpoint) => endpoint.fmt(out),
            Self::Named(name) => name.fmt(out),
        }
    }
}

/// A status, or all from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses(u16, u16);

impl Statuses {
    /// From the first to the last.
    pub const fn new(first: u16, last: u16) -> Self {
        Self(first, last)
    }

    /// The first and the last.
    pub const fn get(self) -> (u16, u16) {
        (self.0, self.1)
    }
}

impl FromStr for Statuses {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.parse::<u16>().ok().filter(|status| (100..600).contains(status));
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self(first, last)),
            _ => Err(Malformed::new(not(text, "a range of statuses"), "write `\"200\"` or `\"200-399\"`")),
        }
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { write!(out, "{}", self.0) } else { write!(out, "{}-{}", self.0, self.1) }
    }
}
