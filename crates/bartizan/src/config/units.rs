//! The small written forms of the configuration: durations, sizes, rates, addresses, URLs, patterns. Each is read by one
//! `FromStr`, whose error says what is wrong and what to write; the JSON Schema names the form, and the checker asks here.

mod address;
mod path;
mod place;
mod quantity;
mod text;
mod upstream;

use std::fmt;

pub(crate) use address::is_loopback_host;
pub use address::{Address, Network, Url};
pub use path::{LookUp, PathPattern};
pub use place::{Mode, Place};
pub use quantity::{Expiry, Hours, Period, Rate, Size, Time};
pub use text::{Fingerprint, HeaderField, Method, Name, Origin, Pointer};
pub use upstream::{Endpoint, Statuses, Target};

/// Why a text is not of its form. Both parts are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl Malformed {
    fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}; {}", self.problem, self.remedy)
    }
}

impl std::error::Error for Malformed {}

/// The keyword of the generated JSON Schema that names a form.
pub(crate) const FORM: &str = "x-bartizan-form";

/// Holds a text against the form of this name; `None` if there is no such form.
pub(crate) fn check(form: &str, text: &str) -> Option<Result<(), Malformed>> {
    FORMS.iter().find(|(name, _)| *name == form).map(|(_, check)| check(text))
}

macro_rules! forms {
    ($($(#[$attribute:meta])* $type:ident = $name:literal, $description:literal, $pattern:literal, [$($example:literal),+];)+) => {
        const FORMS: &[(&str, fn(&str) -> Result<(), Malformed>)] =
            &[$(($name, |text| text.parse::<$type>().map(drop))),+];

        $(
            impl<'de> serde::Deserialize<'de> for $type {
                fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                    let text = String::deserialize(source)?;
                    text.parse().map_err(<D::Error as serde::de::Error>::custom)
                }
            }

            impl serde::Serialize for $type {
                fn serialize<S: serde::Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
                    target.collect_str(self)
                }
            }

            impl schemars::JsonSchema for $type {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> std::borrow::Cow<'static, str> {
                    $name.into()
                }

                fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    schemars::json_schema!({
                        "type": "string",
                        "description": $description,
                        "pattern": $pattern,
                        "examples": [$($example),+],
                        "x-bartizan-form": $name,
                    })
                }
            }
        )+
    };
}

forms! {
    Period = "duration", "A duration: a whole number and `ms`, `s`, `m`, `h` or `d`.", r"^[0-9]+(ms|s|m|h|d)$", ["500ms", "10s", "5m"];
    Size = "size", "A size: a whole number and `B`, `KiB`, `MiB` or `GiB`.", r"^[0-9]+(B|KiB|MiB|GiB)$", ["64KiB", "1MiB"];
    Rate = "rate", "A rate: a count and a period.", r"^[0-9]+/([0-9]+)?[a-z]+$", ["60/minute", "5/second", "100/10s"];
    Time = "time", "A point in time (RFC 3339).", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+([Zz]|[+-][0-9]{2}:[0-9]{2})$", ["2027-01-31T00:00:00Z"];
    Expiry = "expiry", "A point in time (RFC 3339), or `never`.", r"^(never|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+([Zz]|[+-][0-9]{2}:[0-9]{2}))$", ["2027-01-31T00:00:00Z", "never"];
    Hours = "hours", "A daily window in UTC; one over midnight belongs to the day on which it opens.", r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$", ["08:00-18:00"];
    Address = "address", "An IP address and a port.", r"^.+:[0-9]{1,5}$", ["127.0.0.1:8443", "[::]:8443"];
    Place = "place", "An IP address and a port, or `unix:` and the path of a socket.", r"^(unix:/.+|.+:[0-9]{1,5})$", ["127.0.0.1:8443", "unix:/run/bartizan/gate.sock"];
    Mode = "mode", "A file's permissions in octal.", r"^[0-7]{3,4}$", ["0660"];
    Network = "network", "A network in CIDR notation, or one address.", r"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$", ["10.0.0.0/8", "2001:db8::/32"];
    Url = "url", "A URL of scheme `http` or `https`.", r"^https?://[^/?#@\s]+([/][^?#\s]*)?$", ["http://127.0.0.1:3000"];
    Endpoint = "endpoint", "A URL of scheme, host and port, or `unix:` and the path of a socket.", r"^(https?://[^/?#@\s]+/?|unix:/.+)$", ["http://127.0.0.1:3000", "unix:/run/app.sock"];
    Target = "upstream", "A URL of scheme, host and port, `unix:` and the path of a socket, or the name of one of the `[[upstreams]]`.", r"^(https?://[^/?#@\s]+/?|unix:/.+|[A-Za-z0-9][A-Za-z0-9_-]{0,63})$", ["http://127.0.0.1:3000", "shop"];
    Statuses = "statuses", "A status, or all from one to another.", r"^[1-5][0-9]{2}(-[1-5][0-9]{2})?$", ["200", "200-399"];
    Origin = "origin", "An origin: scheme, host and, if it is not the usual one, port. `*` is every origin.", r"^(\*|[a-z][a-z0-9+.-]*://[^/?#@\s]+)$", ["https://app.example.com"];
    PathPattern = "path", "A path pattern: `{name}` is one segment, `{*rest}` the remainder.", r"^/[^?#\s]*$", ["/orders/{id}", "/assets/{*rest}"];
    LookUp = "look-up", "A request that the gate makes: `GET` and a path.", r"^GET /[^?#\s]*$", ["GET /orders/{id}"];
    Pointer = "pointer", "A JSON Pointer (RFC 6901).", r"^(/([^~/]|~[01])*)+$", ["/user_id", "/realm_access/roles"];
    Method = "method", "An HTTP method, in capitals.", r"^[A-Z][A-Z-]*$", ["GET", "POST"];
    HeaderField = "header", "The name of a header field.", r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", ["X-Robots-Tag"];
    Name = "name", "A name: letters, digits, `-`, `_` and `.`, at most 64.", r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", ["orders"];
    Fingerprint = "fingerprint", "SHA-256 of an API key, as `bartizan key new` prints it.", r"^sha256:[0-9a-f]{64}$", ["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"];
}

#[cfg(test)]
mod tests;
