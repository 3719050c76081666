use std::fmt;
use std::str::FromStr;

use super::Malformed;
use super::address::Url;
use super::quantity::not;

macro_rules! text_form {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// As written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

text_form! {
    /// The name of a route, a key or the like: it appears in events and in metrics' labels.
    Name
}
text_form! {
    /// A JSON Pointer (RFC 6901) to something inside a document, so never the empty one.
    Pointer
}
text_form! {
    /// An HTTP method.
    Method
}
text_form! {
    /// The name of a header field (RFC 9110 §5.1).
    HeaderField
}
text_form! {
    /// An origin (RFC 6454), or `*`.
    Origin
}
text_form! {
    /// What is kept of an API key: the SHA-256 of the whole.
    Fingerprint
}

impl Pointer {
    /// One that is known to be sound.
    pub(crate) fn fixed(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl HeaderField {
    /// One that is known to be sound.
    pub(crate) fn fixed(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl FromStr for Name {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let sound = (1..=64).contains(&text.len())
            && text.bytes().all(allowed)
            && text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let remedy = "write letters, digits, `-`, `_` and `.`, at most 64, beginning with a letter or digit";
        if sound { Ok(Self(text.to_owned())) } else { Err(Malformed::new(not(text, "a name"), remedy)) }
    }
}

impl FromStr for Pointer {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if !text.starts_with('/') {
            let remedy = format!("a JSON Pointer begins with `/`: write `\"/{}\"`", text.replace('.', "/"));
            return Err(Malformed::new(not(text, "a JSON Pointer"), remedy));
        }
        if text.split('~').skip(1).any(|after| !after.starts_with(['0', '1'])) {
            let problem = format!("`{text}` has a `~` that is neither `~0` nor `~1`");
            return Err(Malformed::new(problem, "write `~0` for `~` and `~1` for `/` (RFC 6901 §3)"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Method {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    /// Whether a request by it changes nothing (RFC 9110 §9.2.1).
    pub fn is_safe(&self) -> bool {
        matches!(self.0.as_str(), "GET" | "HEAD" | "OPTIONS")
    }
}

impl FromStr for Method {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let capitals = text.to_ascii_uppercase();
        if Self::KNOWN.contains(&text) {
            return Ok(Self(text.to_owned()));
        }
        if Self::KNOWN.contains(&capitals.as_str()) {
            let problem = format!("methods are written in capitals, `{text}` is not");
            return Err(Malformed::new(problem, format!("write `\"{capitals}\"`")));
        }
        if matches!(capitals.as_str(), "CONNECT" | "TRACE") {
            let problem = format!("the gate never forwards `{capitals}`: it opens tunnels or echoes credentials");
            return Err(Malformed::new(problem, "leave it out"));
        }
        if matches!(text, "*" | "ANY" | "ALL") {
            let problem = format!("`{text}` would let through methods that nobody thought of");
            return Err(Malformed::new(problem, "list the methods that the route serves"));
        }
        let extension =
            !text.is_empty() && text.len() <= 32 && text.bytes().all(|it| it.is_ascii_uppercase() || it == b'-');
        let remedy = "write a method in capitals, such as `\"GET\"` or `\"POST\"`";
        if extension { Ok(Self(capitals)) } else { Err(Malformed::new(not(text, "a method"), remedy)) }
    }
}

impl FromStr for HeaderField {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match http::HeaderName::from_bytes(text.as_bytes()) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(Malformed::new(
                not(text, "the name of a header field"),
                "write letters, digits and `-`, such as `\"X-Robots-Tag\"`",
            )),
        }
    }
}

impl FromStr for Origin {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let remedy = "write scheme and host as browsers send them, such as `\"https://app.example.com\"`";
        match text {
            "*" => return Ok(Self(text.to_owned())),
            "null" => {
                let problem = "the origin `null` is every sandboxed frame and local file, anybody's";
                return Err(Malformed::new(problem, remedy));
            }
            _ if text.contains('*') => {
                let problem = format!("`{text}` is a pattern; origins are compared whole");
                return Err(Malformed::new(problem, "list each origin"));
            }
            _ => {}
        }
        let url: Url = text.parse().map_err(|_| Malformed::new(not(text, "an origin"), remedy))?;
        let Some(authority) = url.uri().authority().filter(|_| url.is_origin() && !text.ends_with('/')) else {
            return Err(Malformed::new(
                format!("`{text}` has a path, which an origin has not"),
                "end it after host and port",
            ));
        };
        let usual_port = if url.is_https() { 443 } else { 80 };
        let host = authority.host().to_ascii_lowercase();
        let scheme = if url.is_https() { "https" } else { "http" };
        let canonical = match authority.port_u16().filter(|port| *port != usual_port) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        if canonical == text {
            return Ok(Self(canonical));
        }
        Err(Malformed::new(format!("browsers never send the origin as `{text}`"), format!("write `\"{canonical}\"`")))
    }
}

impl FromStr for Fingerprint {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let remedy = "copy the line `hash = \"sha256:…\"` that `bartizan key new` printed";
        // Neither message echoes the value: somebody may have pasted the key itself.
        if text.starts_with("btz_") {
            return Err(Malformed::new("this is the API key itself, and must not stand in a file", remedy));
        }
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        let sound = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new("this is not the hash of an API key", remedy))
        }
    }
}
