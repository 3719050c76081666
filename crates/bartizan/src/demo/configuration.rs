use std::fmt::Write;
use std::net::SocketAddr;

use super::issuer::AUDIENCE;

/// What the demo's configuration has to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    /// Where the gate listens.
    pub(super) gate: SocketAddr,
    /// Where its health and metrics are.
    pub(super) console: SocketAddr,
    /// The shop's base URL.
    pub(super) shop: &'a str,
    /// The issuer's URL.
    pub(super) issuer: &'a str,
}

/// Name, path, methods, and what else the route says.
const ROUTES: [(&str, &str, &str, &str); 12] = [
    ("health", "/health", r#""GET""#, r#"access = "public""#),
    ("login", "/login", r#""POST""#, "access = \"public\"\nlimit = \"10/minute\""),
    ("search-page", "/search", r#""GET""#, r#"access = "public""#),
    ("products", "/products", r#""GET""#, r#"access = "public""#),
    ("product", "/products/{id}", r#""GET""#, r#"access = "public""#),
    ("import-image", "/products/import-image", r#""POST""#, r#"access = "signed-in""#),
    ("orders", "/orders", r#""GET", "POST""#, r#"access = "signed-in""#),
    ("read-order", "/orders/{id}", r#""GET""#, r#"access = { owner = { field = "/user_id" } }"#),
    (
        "change-order",
        "/orders/{id}",
        r#""PUT""#,
        r#"access = { owner = { lookup = "GET /orders/{id}", field = "/user_id" } }"#,
    ),
    (
        "profile",
        "/users/{id}",
        r#""GET", "PATCH""#,
        "access = { owner = { param = \"id\" } }\nmask = [\"card-numbers\"]",
    ),
    ("remove-user", "/users/{id}", r#""DELETE""#, r#"access = { roles = ["admin"] }"#),
    ("report", "/admin/report", r#""GET""#, "access = { roles = [\"admin\"] }\nmask = [\"card-numbers\"]"),
];

/// A whole `bartizan.toml` for the shop, as its owner would write it. `jwt-secret` and `state` stand beside the file.
pub(super) fn text(places: &Places<'_>) -> String {
    let Places { gate, console, shop, issuer } = places;
    let mut text = format!(
        r#"# The gate of `bartizan demo`: what stands here is all that protects the shop.

[server]
listen = "{gate}"
public_url = "http://{gate}"
tls = "off"                             # loopback only, so that curl needs no certificate

[store]
path = "state"

[[issuers]]                             # the identity provider of the demo
issuer = "{issuer}"
audience = "{AUDIENCE}"

[[issuers]]                             # the shop's own logins: HS256, no `iss`, no `aud`
issuer = "shop"
hs256 = {{ file = "jwt-secret" }}
require = ["exp"]
claims = {{ subject = "/id", roles = "/role" }}

[console]
listen = "{console}"
"#
    );
    for (name, path, methods, rest) in ROUTES {
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            "\n[[routes]]\nname = \"{name}\"\npath = \"{path}\"\nmethods = [{methods}]\nupstream = \"{shop}\"\n{rest}\n"
        );
    }
    text
}
