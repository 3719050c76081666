//! The gate's own sign-in: mail, administrators' authenticators, devices, and what can be revoked of it.

use bartizan_identity::{AdminPasskeys, MailSecurity};
use bartizan_policy::Revocation;

use super::{Pretended, Style};

const SOUND: &str = r#"
[server]
listen = "127.0.0.1:8443"
public_url = "https://gate.example"
tls = "self-signed"

[identity]
admin_passkeys = ["cb69481e-8ff7-4039-93ec-0a2729a154a8"]

[identity.smtp]
host = "smtp.example.com"
username = "gate"
password = { env = "SMTP_PASSWORD" }
from = "Example <gate@example.com>"

[[clients]]
id = "tv"
name = "The Television"
grants = ["device_code", "refresh_token"]

[[revoked]]
issuer = "https://gate.example/auth"
subject = "0123456789abcdef0123456789abcdef"

[[routes]]
name = "home"
path = "/"
methods = ["GET"]
upstream = "http://127.0.0.1:3000"
access = "signed-in"
credentials = ["session"]
"#;

fn environment() -> Pretended {
    Pretended::default().with_variable("SMTP_PASSWORD", "a password of the mail server")
}

/// What a user sees when these words of the sound file are replaced.
fn faults(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    let shown = environment().faults(&SOUND.replace(from, to));
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn mail_is_handed_in_by_tls_and_the_posture_tells_where_and_what_administrators_use() {
    let loaded = environment().sound(SOUND);
    let config = loaded.sign_in.as_ref().unwrap();
    let mail = config.mail.as_ref().unwrap();
    assert_eq!((&*mail.host, mail.port, mail.security), ("smtp.example.com", 587, MailSecurity::StartTls));
    assert!(matches!(&config.admin_passkeys, AdminPasskeys::Only(kinds) if kinds.len() == 1));
    let revoked = &loaded.gateway.revoked[0];
    assert!(
        matches!(revoked, Revocation::Subject { issuer, .. } if issuer.as_str() == config.issuer()),
        "the gate's own issuer is one like any other"
    );
    let posture = loaded.posture.render(Style::Plain);
    let posture = posture.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["by mail through smtp.example.com:587, by TLS", "cb69481e-8ff7-4039-93ec-0a2729a154a8"] {
        assert!(posture.contains(said), "{said}\nis not in\n{posture}");
    }
    assert!(!posture.contains("a password of the mail server"));
    let implicit = environment().sound(&SOUND.replace("username", "tls = \"implicit\"\nusername"));
    assert_eq!(implicit.sign_in.unwrap().mail.unwrap().port, 465);
}

#[test]
fn what_would_send_links_to_strangers_or_lock_administrators_out_is_a_fault() {
    for (from, to, told) in [
        ("username", "tls = \"off\"\nusername", "in the clear"),
        ("Example <gate@example.com>", "Example", "is no address that mail could be from"),
        ("username = \"gate\"\n", "", "a name and a password, or neither"),
        ("password = { env = \"SMTP_PASSWORD\" }", "password = { env = \"NOT_SET\" }", "`NOT_SET` is not set"),
        ("\"cb69481e-8ff7-4039-93ec-0a2729a154a8\"", "", "no passkey at all"),
        ("cb69481e-8ff7-4039-93ec-0a2729a154a8", "yubikey", "names no kind of authenticator"),
        ("cb69481e-8ff7-4039-93ec-0a2729a154a8", "00000000-0000-0000-0000-000000000000", "names no kind"),
        ("grants = [\"device_code\", \"refresh_token\"]", "grants = [\"refresh_token\"]", "renews what"),
        ("https://gate.example/auth\"", "https://gate.example\"", "`https://gate.example/auth`"),
    ] {
        let shown = faults(from, to);
        assert!(shown.contains(told), "{told}\nis not in\n{shown}");
    }
}

#[test]
fn a_mail_server_on_this_machine_needs_no_tls_and_the_posture_says_that_it_has_none() {
    let text = SOUND.replace("smtp.example.com", "localhost").replace("username", "tls = \"off\"\nusername");
    let loaded = environment().sound(&text);
    assert_eq!(loaded.sign_in.as_ref().unwrap().mail.as_ref().unwrap().port, 25);
    assert!(loaded.posture.render(Style::Plain).contains("without TLS"));
}
