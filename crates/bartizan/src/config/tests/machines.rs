use bartizan_policy::{CredentialKind, Revocation};
use bartizan_token::Presence;

use super::listening::authority;
use super::{Pretended, Style};

const SOUND: &str = r#"
[server]
listen = "127.0.0.1:8443"
client_certificates = { ca = "ca.pem", mode = "optional" }

[[issuers]]
issuer = "https://login.example.com"
audience = "https://api.example.com"
dpop = { tokens = "required", nonce = "required", max_age = "30s" }

[[issuers]]
issuer = "https://opaque.example.com"
audience = "https://api.example.com"
introspection = { endpoint = "https://opaque.example.com/introspect", client_id = "gate", client_secret = { env = "ASKING" }, cache = "10s" }

[[certificates]]
name = "billing"
subject = "CN=billing,O=Example"
roles = ["billing"]

[[certificates]]
uri = "spiffe://example.org/prod/*"

[[webhooks]]
name = "payments"
form = "standard"
secrets = [{ env = "NEW" }, { env = "OLD" }]

[[revoked]]
issuer = "CN=Example CA,O=Example"
token = "4f2a01"

[[routes]]
name = "invoices"
path = "/invoices"
methods = ["GET"]
upstream = "http://127.0.0.1:3000"
access = { roles = ["billing"] }
credentials = ["dpop", "mtls"]

[[routes]]
name = "hooks"
path = "/hooks"
methods = ["POST"]
upstream = "http://127.0.0.1:3000"
webhook = "payments"
access = "signed-in"
"#;

fn environment() -> Pretended {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let pretended = Pretended::default().with_file("ca.pem", authority());
    pretended.with_variable("ASKING", "s3cret").with_variable("NEW", secret).with_variable("OLD", secret)
}

/// What a user sees when these words of the sound file are replaced.
fn faults(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    environment().faults(&SOUND.replace(from, to))
}

#[test]
fn machines_are_configured_and_the_posture_says_what_is_asked_of_them() {
    let loaded = environment().sound(SOUND);
    let gateway = &loaded.gateway;
    assert_eq!(gateway.routes[0].credentials, [CredentialKind::Dpop, CredentialKind::Mtls]);
    assert_eq!(gateway.routes[1].credentials, [CredentialKind::Webhook]);
    assert_eq!(gateway.routes[1].webhook.as_deref(), Some("payments"));
    let dpop = gateway.issuers[0].issuer.dpop;
    assert_eq!((dpop.binding, dpop.nonce, dpop.max_age.as_secs()), (Presence::Required, Presence::Required, 30));
    assert_eq!(gateway.issuers[1].introspection.as_ref().unwrap().cache.as_secs(), 10);
    assert!(
        matches!(&gateway.revoked[0], Revocation::Token { issuer, .. } if issuer.as_str() == "CN=Example CA,O=Example")
    );
    let posture = loaded.posture.render(Style::Plain);
    let posture = posture.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in
        ["bound to a key", "opaque.example.com/introspect", "client certificate", "signature of payments", "standard"]
    {
        assert!(posture.contains(said), "{said}\nis not in\n{posture}");
    }
    assert!(!posture.contains("s3cret"));
}

#[test]
fn what_would_let_somebody_else_in_is_a_fault() {
    for (from, to, told) in [
        ("spiffe://example.org/prod/*", "spiffe://example.org*", "could fit URIs of others"),
        ("https://opaque.example.com/introspect", "http://opaque.example.com/introspect", "in the clear"),
        ("cache = \"10s\"", "cache = \"1h\"", "revoked would pass"),
        ("max_age = \"30s\"", "max_age = \"1h\"", "captured proof"),
        (
            "webhook = \"payments\"\naccess = \"signed-in\"",
            "webhook = \"payments\"\naccess = \"public\"",
            "is not public",
        ),
        ("webhook = \"payments\"", "webhook = \"payment\"", "no webhook `payment`"),
        ("webhook = \"payments\"", "webhook = \"payments\"\ncredentials = [\"bearer\"]", "no other credential"),
        ("subject = \"CN=billing,O=Example\"", "subject = \"CN=billing,O=Example\"\ndns = \"x\"", "exactly one way"),
        ("subject = \"CN=billing,O=Example\"\n", "", "exactly one way"),
        ("subject = \"CN=billing,O=Example\"", "uri = \"spiffe://example.org/prod/*\"", "the same certificates"),
        ("cache = \"10s\" }", "cache = \"10s\" }\njwks = \"keys.json\"", "`jwks` checks signatures"),
    ] {
        let shown = faults(from, to).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(told), "{told}\nis not in\n{shown}");
    }
}

#[test]
fn a_weak_secret_of_a_webhook_is_a_fault_that_does_not_show_it() {
    let shown = environment().with_variable("OLD", "whsec_c2hvcnQ=").faults(SOUND);
    assert!(shown.contains("fewer than 128 bits"), "{shown}");
    assert!(!shown.contains("c2hvcnQ"));
}

#[test]
fn a_route_that_takes_certificates_where_no_handshake_asks_for_one_is_a_fault() {
    let asks = "client_certificates = { ca = \"ca.pem\", mode = \"optional\" }\n";
    let page = faults(asks, "");
    assert!(page.contains("nobody can show a certificate at `invoices`: no handshake asks for one"), "{page}");
    assert_eq!(page.matches("error:").count(), 1, "{page}");
    // Where `[server]` is at fault in another way, that alone is told.
    let page = faults(asks, &format!("{asks}drain = 30\n"));
    assert!(!page.contains("nobody can show a certificate"), "{page}");
}
