//! Guesses the key that was meant: what other tools call it, or what it was nearly spelt as.

use serde_json::{Map, Value};

use super::expect::either;
use super::schema::resolved;

/// What users of other gates type, and the keys of ours that do the same. A name may mean different things in different
/// sections: the first that the section knows is taken.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("port", &["listen"]),
    ("host", &["listen", "hosts"]),
    ("bind", &["listen"]),
    ("address", &["listen"]),
    ("addr", &["listen"]),
    ("server_name", &["hosts"]),
    ("domains", &["hosts"]),
    ("base_url", &["public_url"]),
    ("external_url", &["public_url"]),
    ("url", &["upstream", "public_url", "issuer"]),
    ("http_redirect", &["redirect_from"]),
    ("redirect", &["redirect_from"]),
    ("threads", &["workers"]),
    ("worker_processes", &["workers"]),
    ("grace", &["drain"]),
    ("grace_period", &["drain"]),
    ("shutdown_timeout", &["drain"]),
    ("tls_min_version", &["min_version"]),
    ("ssl", &["tls"]),
    ("https", &["tls"]),
    ("ssl_protocols", &["min_version"]),
    ("proxies", &["trusted_proxies"]),
    ("trust_proxy", &["trusted_proxies"]),
    ("set_real_ip_from", &["trusted_proxies"]),
    ("client_max_body_size", &["max_body", "body"]),
    ("max_body_size", &["max_body", "body"]),
    ("max_body", &["body"]),
    ("body_limit", &["body", "max_body"]),
    ("max_header_size", &["max_header_bytes"]),
    ("keepalive_timeout", &["header_timeout"]),
    ("certificate", &["cert"]),
    ("ssl_certificate", &["cert"]),
    ("cert_file", &["cert"]),
    ("chain", &["cert"]),
    ("key_file", &["key"]),
    ("private_key", &["key"]),
    ("ssl_certificate_key", &["key"]),
    ("directory", &["path"]),
    ("dir", &["path"]),
    ("data_dir", &["path"]),
    ("backend", &["upstream"]),
    ("target", &["upstream"]),
    ("proxy_pass", &["upstream"]),
    ("proxy", &["upstream"]),
    ("service", &["upstream"]),
    ("to", &["upstream"]),
    ("destination", &["upstream"]),
    ("uri", &["path"]),
    ("route", &["routes", "path"]),
    ("pattern", &["path"]),
    ("location", &["routes", "path"]),
    ("prefix", &["path"]),
    ("method", &["methods"]),
    ("verbs", &["methods"]),
    ("allowed_methods", &["methods"]),
    ("allow_methods", &["methods"]),
    ("auth", &["access", "credentials"]),
    ("authorization", &["access"]),
    ("authentication", &["credentials"]),
    ("allow", &["access"]),
    ("require", &["access"]),
    ("public", &["access"]),
    ("role", &["roles"]),
    ("scope", &["scopes"]),
    ("owner_param", &["owner"]),
    ("rate", &["limit"]),
    ("rate_limit", &["limit", "limits"]),
    ("ratelimit", &["limit", "limits"]),
    ("throttle", &["limit", "limits"]),
    ("limit", &["limits"]),
    ("timeout", &["timeouts", "header_timeout"]),
    ("timeout_ms", &["timeouts", "header_timeout"]),
    ("timeout_s", &["timeouts", "header_timeout"]),
    ("connect_timeout", &["connect", "timeouts"]),
    ("read_timeout", &["first_byte", "timeouts", "idle_timeout"]),
    ("waf", &["inspect"]),
    ("mode", &["inspect"]),
    ("redact", &["mask"]),
    ("response_headers", &["headers"]),
    ("add", &["set"]),
    ("add_header", &["set"]),
    ("unset", &["remove"]),
    ("hide", &["remove"]),
    ("iss", &["issuer"]),
    ("authority", &["issuer"]),
    ("provider", &["issuers"]),
    ("idp", &["issuers"]),
    ("aud", &["audience"]),
    ("audiences", &["audience"]),
    ("client_id", &["audience"]),
    ("jwks_uri", &["jwks"]),
    ("jwks_url", &["jwks"]),
    ("keys", &["jwks"]),
    ("secret", &["hs256"]),
    ("jwt_secret", &["hs256"]),
    ("shared_secret", &["hs256"]),
    ("algorithm", &["algorithms"]),
    ("alg", &["algorithms"]),
    ("clock_skew", &["leeway"]),
    ("skew", &["leeway"]),
    ("required_claims", &["require"]),
    ("ca_file", &["ca", "upstream_ca"]),
    ("api_keys", &["keys"]),
    ("apikeys", &["keys"]),
    ("sha256", &["hash"]),
    ("expires_at", &["expires"]),
    ("expiry", &["expires"]),
    ("valid_until", &["expires", "until"]),
    ("jti", &["token"]),
    ("sub", &["subject"]),
    ("user", &["subject"]),
    ("origin", &["origins"]),
    ("allowed_origins", &["origins"]),
    ("allow_origins", &["origins"]),
    ("allow_origin", &["origins"]),
    ("allowed_headers", &["headers"]),
    ("allow_headers", &["headers"]),
    ("exposed_headers", &["expose"]),
    ("expose_headers", &["expose"]),
    ("allow_credentials", &["credentials"]),
    ("enabled", &["header"]),
    ("ttl", &["lifetime", "max_age"]),
    ("output", &["sinks"]),
    ("outputs", &["sinks"]),
    ("sink", &["sinks"]),
    ("log", &["audit"]),
    ("logging", &["audit"]),
    ("retention", &["retain"]),
    ("admin", &["console"]),
    ("metrics", &["console"]),
    ("health", &["console"]),
    ("tls_cert", &["tls"]),
    ("state", &["store"]),
    ("storage", &["store"]),
];

/// A key that was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// A key of the same section.
    Here(String),
    /// The same key, in another section.
    In(String),
}

/// The key that `unknown` was meant to be, among those of the section or elsewhere in the file.
pub(crate) fn meant(root: &Value, section: &Map<String, Value>, unknown: &str) -> Option<Meant> {
    let plain = plain(unknown);
    let same = section.keys().find(|key| self::plain(key) == plain);
    let called = || {
        let (_, names) = SYNONYMS.iter().find(|(name, _)| *name == plain)?;
        names.iter().find_map(|name| section.keys().find(|key| key.as_str() == *name))
    };
    let near = || nearest(section.keys(), &plain);
    if let Some(key) = same.or_else(called).or_else(near) {
        return Some(Meant::Here(key.clone()));
    }
    elsewhere(root, &plain).map(Meant::In)
}

/// The word that `unknown` was meant to be.
pub(crate) fn word<'a>(words: &'a [String], unknown: &str) -> Option<&'a String> {
    let plain_unknown = plain(unknown);
    let same = words.iter().find(|word| plain(word) == plain_unknown);
    same.or_else(|| nearest(words.iter(), &plain_unknown))
}

/// `Rate-Limit` and `rate_limit` are one name to a person.
fn plain(key: &str) -> String {
    key.to_ascii_lowercase().replace('-', "_")
}

/// The nearest of some names, if it is near: one slip in three letters, counting two letters swapped as one.
fn nearest<'a>(names: impl Iterator<Item = &'a String>, unknown: &str) -> Option<&'a String> {
    let length = unknown.chars().count();
    let with_distance = names.map(|name| (strsim::damerau_levenshtein(&plain(name), unknown), name));
    let (distance, name) = with_distance.min_by_key(|(distance, _)| *distance)?;
    (distance * 3 <= length.max(name.len())).then_some(name)
}

/// The section whose key it is, if only one has it.
fn elsewhere(root: &Value, key: &str) -> Option<String> {
    let sections = root.get("properties")?.as_object()?;
    let mut holders = sections.iter().filter_map(|(name, schema)| {
        let is_list = schema.get("type").is_some_and(|kind| kind == "array");
        let section = if is_list { schema.get("items")? } else { schema };
        let members = resolved(root, section).get("properties")?.as_object()?;
        let header = if is_list { format!("[[{name}]]") } else { format!("[{name}]") };
        members.contains_key(key).then_some(header)
    });
    let holders: Vec<String> = holders.by_ref().take(3).map(|header| format!("`{header}`")).collect();
    (!holders.is_empty()).then(|| either(&holders))
}
