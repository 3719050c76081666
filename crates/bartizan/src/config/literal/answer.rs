use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::units::{HeaderField, Method, Origin, Period};

/// Response headers, for every route.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Headers {
    /// `Strict-Transport-Security`: whether browsers insist on TLS.
    pub hsts: Hsts,
    /// Fields that are set, whatever the upstream says and instead of the gate's own value.
    #[schemars(with = "BTreeMap<String, String>", extend("x-bartizan-keys" = "header"))]
    pub set: BTreeMap<HeaderField, String>,
    /// Fields that are removed, the gate's own among them.
    pub remove: Vec<HeaderField>,
    /// What is done to the upstream's cookies.
    pub cookies: CookieRules,
}

/// Response headers of one route, on top of the global ones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouteHeaders {
    /// `Strict-Transport-Security`, instead of the global one.
    pub hsts: Option<Hsts>,
    /// Fields that are set, whatever the upstream says and instead of the gate's own value.
    #[schemars(with = "BTreeMap<String, String>", extend("x-bartizan-keys" = "header"))]
    pub set: BTreeMap<HeaderField, String>,
    /// Fields that are removed, the gate's own among them.
    pub remove: Vec<HeaderField>,
}

/// How long browsers insist on TLS (RFC 6797).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hsts {
    /// Two years, subdomains included.
    #[default]
    TwoYears,
    /// The same, and the wish to be in the browsers' preload lists, which takes months to undo.
    Preload,
    /// Not sent: a first visit over plain HTTP can be kept on it by whoever stands between.
    Off,
}

/// What is done to the upstream's cookies: `Secure`, `HttpOnly` and `SameSite=Lax` are added where they are missing.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CookieRules {
    /// Cookies that scripts of the page have to read, such as `XSRF-TOKEN`: `HttpOnly` is not added to them.
    pub readable: Vec<String>,
}

impl Default for CookieRules {
    /// The double-submit token of Angular and axios, worth nothing without the session's own cookie.
    fn default() -> Self {
        Self { readable: vec!["XSRF-TOKEN".to_owned()] }
    }
}

/// Other origins that may call from a browser (CORS, as in the Fetch standard).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// The origins, whole; `"*"` is every origin, and never goes with `credentials`.
    #[schemars(length(min = 1))]
    pub origins: Vec<Origin>,
    /// Methods beyond `GET`, `HEAD` and `POST`. Without it, those of the route.
    #[serde(default)]
    pub methods: Vec<Method>,
    /// Request headers that scripts may send.
    #[serde(default = "request_headers")]
    pub headers: Vec<HeaderField>,
    /// Response headers that scripts may read.
    #[serde(default)]
    pub expose: Vec<HeaderField>,
    /// Whether browsers send cookies and the like along.
    #[serde(default)]
    pub credentials: bool,
    /// How long browsers may remember the answer to a preflight.
    #[serde(default = "max_age")]
    pub max_age: Period,
}

fn request_headers() -> Vec<HeaderField> {
    vec![HeaderField::fixed("Authorization"), HeaderField::fixed("Content-Type")]
}

const fn max_age() -> Period {
    Period::new(Duration::from_mins(10))
}
