use insta::assert_snapshot;

use super::{Pretended, Style, server};

const ACME: &str = "email = \"ops@example.com\", terms = \"agreed\"";

fn acme(keys: &str) -> String {
    server(&format!("public_url = \"https://api.example.com\"\ntls = {{ acme = {{ {keys} }} }}"))
}

pub(super) fn authority() -> String {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}

#[test]
fn what_connections_must_bring_stands_in_the_posture() {
    let text = server(
        "public_url = \"https://api.example.com\"\ntrusted_proxies = [\"127.0.0.1\"]\nproxy_protocol = \"required\"\n\
         socket_mode = \"0666\"\nclient_certificates = { ca = \"ca.pem\", crl = [\"a.crl\"], unknown_revocation = \"accept\" }\n\
         redirect_from = \"0.0.0.0:80\"\n\
         tls = { acme = { email = [\"ops@example.com\"], terms = \"agreed\", challenge = \"http-01\", domains = [\"api.example.com\", \"WWW.example.com\"], account = { kid = \"k\", hmac = { env = \"EAB\" } } } }",
    )
    .replace("listen = \"127.0.0.1:8443\"", "listen = [\"0.0.0.0:443\", \"unix:/run/bartizan/gate.sock\"]");
    let pretended = Pretended::default().with_file("ca.pem", authority()).with_file("a.crl", "a list");
    assert_snapshot!(pretended.with_variable("EAB", "c2VjcmV0").sound(&text).posture.render(Style::Plain));
}

#[test]
fn a_certificate_that_no_authority_would_give_is_a_fault() {
    let pages = [
        acme("email = \"ops@example.com\""),
        acme("email = \"ops\", terms = \"agreed\""),
        acme("email = \"ops@example.com\", terms = \"yes\""),
        acme(&format!("{ACME}, domains = [\"*.example.com\", \"localhost\", \"192.0.2.1\"]")),
        acme(&format!("{ACME}, directory = \"http://ca.example.com/dir\"")),
        acme(&format!("{ACME}, challenge = \"http-01\"")),
        acme(&format!("{ACME}, challenge = \"dns-01\"")),
        acme(&format!("{ACME}, account = {{ kid = \"k\", hmac = \"hunter2\" }}")),
        server(&format!("tls = {{ acme = {{ {ACME} }} }}")),
    ];
    let page = pages.map(|text| Pretended::default().faults(&text)).join("\n---\n\n");
    assert!(!page.contains("hunter2"));
    assert_snapshot!(page);
}

#[test]
fn a_listener_that_would_let_in_the_wrong_ones_is_a_fault() {
    let pages = [
        server("proxy_protocol = \"required\""),
        server("proxy_protocol = \"optional\""),
        server("socket_mode = \"rw\""),
        server("").replace("127.0.0.1:8443", "unix:gate.sock"),
        server("tls = \"off\"\nclient_certificates = { ca = \"ca.pem\" }"),
        server("client_certificates = { mode = \"optional\" }"),
        server("client_certificates = { ca = \"bartizan.toml\" }"),
        server("client_certificates = { ca = \"ca.pem\", crl = [\"gone.crl\"] }"),
    ];
    let fault = |text: &String| Pretended::default().with_file("ca.pem", authority()).faults(text);
    assert_snapshot!(pages.iter().map(fault).collect::<Vec<_>>().join("\n---\n\n"));
}
