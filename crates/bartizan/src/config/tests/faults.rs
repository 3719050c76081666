use insta::assert_snapshot;

use super::{Pretended, issuer, route, server};
use crate::config::Style;

/// Every fault of `files`, one after another, in one page that can be read.
fn page(files: &[String]) -> String {
    let faults = files.iter().map(|text| Pretended::default().faults(text));
    faults.collect::<Vec<_>>().join("\n------------------------------------------------------------\n\n")
}

#[test]
fn every_fault_of_a_file_is_reported_at_once() {
    let text = include_str!("many_faults.toml");
    assert_snapshot!(Pretended::default().faults(text));
}

#[test]
fn what_is_no_toml_is_answered_with_place_and_remedy() {
    assert_snapshot!(page(&[
        "[server]\nlisten = 127.0.0.1:8443\n".into(),
        "[server]\nlisten = \"127.0.0.1:8443\"\nlisten = \"127.0.0.1:8444\"\n".into(),
        "[server\nlisten = \"127.0.0.1:8443\"\n".into(),
        "[[issuers]]\nissuer = \"a\"\nhs256 = \"hunter2hunter2\n".into(),
    ]));
}

#[test]
fn a_key_that_does_not_exist_is_answered_with_the_one_meant() {
    let access = "access = \"public\"\n";
    assert_snapshot!(page(&[
        server("lisen = \"127.0.0.1:1\""),
        server("threads = 2"),
        server("zzz = 2"),
        route(&format!("{access}proxy_pass = \"x\"")),
        route(&format!("{access}rate_limit = \"1/s\"")),
        route(&format!("{access}max_body = \"1MiB\"")),
        route(&format!("{access}listen = \"127.0.0.1:1\"")),
        "listen = \"127.0.0.1:1\"\n".into(),
        "[sever]\nlisten = \"127.0.0.1:1\"\n".into(),
    ]));
}

#[test]
fn a_value_of_the_wrong_sort_is_answered_with_what_to_write() {
    assert_snapshot!(page(&[
        server("drain = 30"),
        server("max_body = 1048576"),
        server("workers = \"2\""),
        server("workers = 0"),
        server("tls = true"),
        server("tls = { cert = \"a.pem\" }"),
        "[server]\nlisten = \"127.0.0.1:1\"\n\n[routes]\nname = \"x\"\n".into(),
        route("access = \"signed-in\"\nlimit = 60"),
        route("access = { roles = \"staff\" }"),
        route("access = { mfa = \"true\" }"),
        route("access = {}"),
        route("access = \"sigend-in\""),
    ]));
}

#[test]
fn a_malformed_value_is_answered_with_its_form() {
    let access = "access = \"public\"\n";
    assert_snapshot!(page(&[
        server("drain = \"ten seconds\""),
        server("drain = \"10\""),
        server("max_body = \"1MB\""),
        server("redirect_from = \"localhost:80\""),
        server("redirect_from = \":80\""),
        server("trusted_proxies = [\"10.0.0.1/8\"]"),
        server("public_url = \"api.example.com\""),
        server("public_url = \"https://user:hunter2@api.example.com\""),
        route(&format!("{access}limit = \"60 per minute\"")),
        route("access = { attributes = { \"department\" = \"x\" } }"),
        route("access = { until = \"2027-01-31\" }"),
        route("access = { hours = \"9-17\" }"),
        route("access = { owner = { lookup = \"POST /orders/{id}\", field = \"/user\" } }"),
        route(access).replace("/orders/{id}", "/orders/:id"),
        route(access).replace("/orders/{id}", "/orders/{*rest}/x"),
        route(access).replace("/orders/{id}", "orders"),
        route(access).replace("\"GET\"", "\"get\""),
        route(access).replace("\"GET\"", "\"ANY\""),
    ]));
}

#[test]
fn a_secret_in_the_file_is_a_fault_that_does_not_show_it() {
    let secret = "hunter2hunter2hunter2hunter2hunter2";
    let files = [
        issuer(&format!("issuer = \"shop\"\nhs256 = \"{secret}\"")),
        issuer(&format!("issuer = \"shop\"\nhs256 = {{ secret = \"{secret}\" }}")),
        issuer(&format!("issuer = \"shop\"\njwt_secret = \"{secret}\"")),
        issuer(&format!("issuer = \"shop\"\nhs256 = {{ env = \"A\", secret = \"{secret}\" }}")),
        server(&format!("[[keys]]\nname = \"a\"\nid = \"a\"\nhash = \"btz_{secret}\"\nexpires = \"never\"")),
        format!("[[issuers]]\nhs256 = \"{secret}\n"),
    ];
    let page = page(&files);
    assert!(!page.contains(secret));
    assert_snapshot!(page);
}

#[test]
fn a_secret_that_is_not_there_or_too_weak_is_a_fault() {
    let by_env = issuer("issuer = \"shop\"\nrequire = [\"exp\"]\nhs256 = { env = \"JWT_SECRET\" }");
    let by_file = issuer("issuer = \"shop\"\nrequire = [\"exp\"]\nhs256 = { file = \"jwt-secret\" }");
    let weak = Pretended::default().with_variable("JWT_SECRET", "changeme").faults(&by_env);
    assert!(!weak.contains("changeme"));
    assert_snapshot!(
        [Pretended::default().faults(&by_env), Pretended::default().faults(&by_file), weak].join("\n---\n")
    );
}

#[test]
fn what_a_later_version_enforces_is_refused_and_never_ignored() {
    let access = "access = \"public\"\n";
    assert_snapshot!(page(&[
        server("[[apis]]\nname = \"a\""),
        server("[store]\nurl = \"postgres://u:hunter2@db/x\""),
        server("[console]\nlisten = \"127.0.0.1:9443\"\npath = \"/x\""),
        route(&format!("{access}rules = {{ seclang = [] }}")),
        route("access = { policy = \"shop.allow\" }"),
        route(&format!("{access}credentials = [\"session\"]")),
    ]));
}

#[test]
fn a_route_without_access_is_an_error_and_not_public() {
    assert_snapshot!(page(&[route("")]));
}

#[test]
fn an_owner_that_cannot_be_known_is_a_fault() {
    let post = |access: &str| route(access).replace("[\"GET\"]", "[\"GET\", \"DELETE\"]");
    assert_snapshot!(page(&[
        route("access = { owner = { param = \"user\" } }"),
        post("access = { owner = { field = \"/user_id\" } }"),
        route("access = { owner = { lookup = \"GET /orders/{order}\", field = \"/user_id\" } }"),
        route("access = { owner = { lookup = \"GET /orders/{id}\" } }"),
        route("access = { owner = {} }"),
        route("access = { owner = { param = \"id\", field = \"/user_id\" } }"),
    ]));
}

#[test]
fn routes_of_which_two_could_answer_are_a_fault() {
    let two = |path: &str, methods: &str| {
        route("access = \"public\"")
            + &format!(
                "\n[[routes]]\nname = \"other\"\npath = \"{path}\"\nmethods = [{methods}]\nupstream = \"http://127.0.0.1:3000\"\naccess = \"signed-in\"\n"
            )
    };
    assert_snapshot!(page(&[
        two("/orders/{id}", "\"POST\", \"GET\""),
        two("/orders/{order}", "\"POST\""),
        two("/orders/{*rest}", "\"POST\"").replace("\"/orders/{id}\"", "\"/orders/{*all}\""),
        two("/other", "\"GET\"").replace("\"other\"", "\"orders\""),
    ]));
}

#[test]
fn an_issuer_whose_tokens_could_be_anybodys_is_a_fault() {
    assert_snapshot!(page(&[
        issuer("issuer = \"https://login.example.com\""),
        issuer("issuer = \"http://login.example.com\"\naudience = \"a\""),
        issuer("issuer = \"login\"\naudience = \"a\""),
        issuer("issuer = \"https://login.example.com\"\naudience = \"a\"\nalgorithms = [\"HS256\"]"),
        issuer("issuer = \"https://login.example.com\"\naudience = \"a\"\nleeway = \"1h\""),
        issuer(
            "issuer = \"https://login.example.com\"\naudience = \"a\"\n\n[[issuers]]\nissuer = \"https://login.example.com\"\naudience = \"a\""
        ),
        issuer("issuer = \"https://login.example.com\"\naudience = \"a\"\njwks = \"keys.json\""),
        route("access = \"signed-in\"").replace(
            "[[issuers]]\nissuer = \"https://login.example.com\"\naudience = \"https://api.example.com\"\n",
            ""
        ),
    ]));
}

#[test]
fn a_certificate_that_clients_would_refuse_is_a_fault() {
    let tls = server("tls = { cert = \"cert.pem\", key = \"key.pem\" }");
    let other = Pretended::default().with_certificate("other-", 2026, 2030);
    let mixed = Pretended { files: other.files, ..Pretended::default() }.with_certificate("", 2026, 2030);
    let pages = [
        Pretended::default().faults(&tls),
        Pretended::default().with_certificate("", 2020, 2026).faults(&tls),
        Pretended::default().with_certificate("", 2027, 2030).faults(&tls),
        mixed.faults(&tls.replace("\"key.pem\"", "\"other-key.pem\"")),
        Pretended::default().with_certificate("", 2026, 2030).with_file("key.pem", "nothing").faults(&tls),
        Pretended::default().with_certificate("", 2026, 2030).with_file("cert.pem", "nothing").faults(&tls),
    ];
    assert_snapshot!(pages.join("\n---\n\n"));
}

#[test]
fn settings_that_contradict_or_open_the_gate_are_faults() {
    let access = "access = \"public\"\n";
    let key = "[[keys]]\nname = \"a\"\nid = \"a\"\nhash = \"sha256:0000000000000000000000000000000000000000000000000000000000000000\"\nexpires = \"never\"\n";
    assert_snapshot!(page(&[
        server("trusted_proxies = [\"0.0.0.0/0\"]"),
        server("tls = \"off\"\nredirect_from = \"127.0.0.1:8080\""),
        server("redirect_from = \"0.0.0.0:8443\""),
        server("[console]\nlisten = \"127.0.0.1:8443\""),
        server("[vault]\nroot = { file = \"state/root.key\" }"),
        server("[cors]\norigins = [\"*\"]\ncredentials = true"),
        server("[cors]\norigins = [\"https://*.example.com\", \"null\", \"https://a.example.com/\"]"),
        server("[headers]\nset = { \"Transfer-Encoding\" = \"chunked\" }"),
        server("[headers]\nset = { \"X-A\" = \"a\\nb\" }"),
        server(&format!("{key}\n{key}")),
        server("[[revoked]]\nissuer = \"https://logn.example.com\"\nsubject = \"a\""),
        route(access).replace("http://127.0.0.1:3000", "http://127.0.0.1:3000/api"),
        route("access = { mfa = true }\ncredentials = [\"api-key\"]") + "\n" + key,
    ]));
}

#[test]
fn a_file_that_is_not_there_is_answered_with_what_to_do() {
    let faults = super::load(std::path::Path::new("bartizan.toml"), &Pretended::default()).err().unwrap();
    assert_snapshot!(faults.render(super::Style::Plain));
}

#[test]
fn a_key_that_others_can_write_is_an_error_and_one_that_everybody_can_read_is_a_warning() {
    let text = server("tls = { cert = \"cert.pem\", key = \"key.pem\" }");
    let shown = |mode| {
        let environment = Pretended::default().with_certificate("", 2020, 2050).with_mode("key.pem", mode);
        environment.load(&text).map_or_else(|faults| faults.render(Style::Plain), |_| String::new())
    };
    assert!(shown(0o100_620).contains("can be written by others"), "{}", shown(0o100_620));
    assert!(!shown(0o100_600).contains("can be written by others"));
}
