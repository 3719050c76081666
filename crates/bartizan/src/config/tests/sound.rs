use insta::assert_snapshot;
use proptest::prelude::{any, proptest};

use super::{Pretended, Style, issuer, load, route, server};
use crate::config::units::Time;

/// The sample of the interface, without what later versions bring.
const SAMPLE: &str = r#"
[server]
listen = "0.0.0.0:8443"
redirect_from = "0.0.0.0:8080"
public_url = "https://api.example.com"
tls = { cert = "cert.pem", key = "key.pem" }
trusted_proxies = ["10.0.0.0/8"]

[store]
path = "state"

[vault]
root = { file = "/etc/bartizan/root.key" }

[[issuers]]
issuer = "https://login.example.com"
audience = "https://api.example.com"

[[issuers]]
issuer = "shop"
hs256 = { env = "JWT_SECRET" }
require = ["exp"]
claims = { subject = "/id", roles = "/role" }

[[keys]]
name = "partner"
id = "abcdefghijkl"
hash = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
scopes = ["orders:read"]
expires = 2027-01-31T00:00:00Z
owner = "integrations team"

[[keys]]
name = "old"
id = "mnopqrstuvwx"
hash = "sha256:0f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
expires = "2026-01-31T00:00:00Z"

[[revoked]]
issuer = "https://login.example.com"
subject = "mallory"
before = 2026-05-01T00:00:00Z

[[routes]]
name = "profile"
path = "/api/users/{id}"
methods = ["GET"]
upstream = "http://127.0.0.1:3000"
access = { roles = ["staff"], scopes = ["profile:read"], owner = { param = "id" }, mfa = true }
credentials = ["bearer", "api-key"]
limit = "60/minute"
inspect = "block"
mask = ["card-numbers", "tokens"]
cors = { origins = ["https://app.example.com"], credentials = true }

[[routes]]
name = "change-order"
path = "/orders/{id}"
methods = ["PUT", "DELETE"]
upstream = "http://10.1.2.3:3000"
access = { owner = { lookup = "GET /orders/{id}", field = "/user_id", unless_roles = ["support"] }, hours = "08:00-18:00", days = ["mon", "fri"], networks = ["10.0.0.0/8"], attributes = { "/department" = ["sales", 7] }, max_age = "15m" }
body = "64KiB"

[[routes]]
name = "assets"
path = "/assets/{*rest}"
methods = ["GET"]
upstream = "http://127.0.0.1:3000"
access = "public"
inspect = "off"
headers = { remove = ["Content-Security-Policy"], set = { "X-Robots-Tag" = "noindex" } }
cors = { origins = ["*"] }

[console]
listen = "127.0.0.1:9443"
"#;

fn complete() -> Pretended {
    Pretended::default().with_certificate("", 2026, 2030).with_variable("JWT_SECRET", &"k".repeat(48))
}

#[test]
fn the_sample_loads_and_its_posture_says_who_may_what() {
    let loaded = complete().sound(SAMPLE);
    assert_eq!(loaded.gateway.routes.len(), 3);
    assert_snapshot!(loaded.posture.render(Style::Plain));
    assert_snapshot!("warnings", loaded.warnings.render(Style::Plain));
}

#[test]
fn the_posture_fits_a_terminal_of_80_columns() {
    let posture = complete().sound(SAMPLE).posture.render(Style::Plain);
    assert_eq!(posture.lines().find(|line| line.chars().count() > 80), None);
}

#[test]
fn what_is_weaker_is_shown_with_the_reason() {
    let weak = server(
        "tls = \"off\"\n[assertion]\nheader = false\n[console]\nlisten = \"0.0.0.0:9443\"\n[headers]\nhsts = \"off\"",
    );
    assert_snapshot!(Pretended::default().sound(&weak).posture.render(Style::Plain));
}

#[test]
fn posture_and_faults_are_there_for_machines_too() {
    let posture = serde_json::to_string_pretty(&Pretended::default().sound(&server("")).posture).unwrap();
    let faults = Pretended::default().load(&server("drain = 1")).err().unwrap();
    assert_snapshot!(posture + "\n" + &serde_json::to_string_pretty(&faults.records()).unwrap());
}

#[test]
fn a_certificate_near_its_end_is_a_warning() {
    let soon = Pretended::default().with_file("x", "").with_certificate("", 2026, 2030);
    let text = server("tls = { cert = \"cert.pem\", key = \"key.pem\" }");
    assert!(soon.sound(&text).warnings.is_empty());
}

#[test]
fn loopback_issuers_may_speak_plain_http() {
    let loaded = Pretended::default().sound(&issuer("issuer = \"http://127.0.0.1:8081\"\naudience = \"a\""));
    assert_eq!(loaded.gateway.issuers.len(), 1);
}

#[test]
fn the_digest_changes_with_a_secret_but_does_not_show_it() {
    let text = issuer("issuer = \"shop\"\nrequire = [\"exp\"]\nhs256 = { env = \"S\" }");
    let digest = |secret: &str| Pretended::default().with_variable("S", secret).sound(&text).digest;
    let (one, other) = (digest(&"a".repeat(32)), digest(&"b".repeat(32)));
    assert_ne!(one, other);
    assert_eq!(one.to_string(), other.to_string());
}

#[test]
fn defaults_are_those_of_the_rooms() {
    let gateway = Pretended::default().sound(&server("")).gateway;
    assert_eq!(gateway.limits, bartizan_gateway::config::Limits::default());
    assert_eq!(gateway.server.bounds, bartizan_gateway::config::Bounds::default());
    assert_eq!(gateway.server.timeouts, bartizan_gateway::config::ClientTimeouts::default());
    assert_eq!(gateway.assertion, bartizan_gateway::config::Assertion::default());
    assert_eq!(gateway.routes[0].timeouts, bartizan_gateway::config::UpstreamTimeouts::default());
    assert_eq!(gateway.routes[0].answer.cookies, bartizan_gateway::CookieRules::default());
}

#[test]
fn a_time_may_be_written_as_toml_has_it() {
    let time: Time = "2027-01-31T00:00:00Z".parse().unwrap();
    let key = &complete().sound(SAMPLE).gateway.api_keys[0];
    assert_eq!(key.expires_at, Some(time.get()));
}

proptest! {
    #[test]
    fn no_text_panics_the_loader(text in any::<String>()) {
        let _ = load(std::path::Path::new("bartizan.toml"), &Pretended::default().with_file("bartizan.toml", text)).map_err(|faults| faults.render(Style::Coloured));
    }

    #[test]
    fn no_change_of_a_sound_file_panics_the_loader(at in 0..SAMPLE.len(), piece in "[\\[\\]{}\"=.,#a-z0-9 \n-]{0,6}", cut in 0_usize..12) {
        let (start, end) = (at, (at + cut).min(SAMPLE.len()));
        let mut text = SAMPLE.to_owned();
        text.replace_range(start..end, &piece);
        let _ = complete().load(&text).map_err(|faults| (faults.render(Style::Plain), serde_json::to_string(&faults.records()).unwrap()));
    }

    #[test]
    fn no_line_of_a_route_panics_the_loader(key in "[a-z_]{1,10}", value in "\\PC{0,20}") {
        let _ = Pretended::default().load(&route(&format!("{key} = {value}"))).map_err(|faults| faults.render(Style::Plain));
    }
}
