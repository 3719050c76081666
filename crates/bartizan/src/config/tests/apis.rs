use insta::assert_snapshot;

use super::{Pretended, Style};

const DOCUMENT: &str = include_str!("../../../../../examples/shop/openapi.yaml");

fn api(lines: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:8443\"\n\n[[issuers]]\nissuer = \"https://login.example.com\"\n\
         audience = \"https://api.example.com\"\n\n[[apis]]\nname = \"shop\"\nopenapi = \"api/openapi.yaml\"\nupstream = \"http://127.0.0.1:3000\"\n{lines}\n"
    )
}

fn shop() -> Pretended {
    Pretended::default().with_file("api/openapi.yaml", DOCUMENT)
}

#[test]
fn every_operation_of_a_document_is_a_route_with_its_access() {
    let loaded = shop().sound(&api(""));
    assert!(loaded.gateway.routes.iter().all(|route| route.contract.is_some()));
    let told: Vec<_> = loaded
        .posture
        .routes
        .iter()
        .map(|it| format!("{} {} {}: {}", it.name, it.methods.join(","), it.path, it.who.join("; ")))
        .collect();
    assert_snapshot!(told.join("\n"));
}

#[test]
fn the_posture_says_what_a_document_leaves_open() {
    let loaded = shop().sound(&api("undeclared = \"report\"\nanswers = \"report\""));
    let posture = loaded.posture.render(Style::Plain);
    let (_, enforced) = posture.split_once("Enforces").unwrap();
    assert_snapshot!(enforced.split("\nServes").next().unwrap());
    assert_eq!(posture.lines().find(|line| line.chars().count() > 80), None);
}

#[test]
fn an_operation_without_security_is_an_error_unless_it_is_said_to_be_public() {
    let document = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /a: {get: {responses: {}}}\n";
    let with = || Pretended::default().with_file("api/openapi.yaml", document);
    assert_snapshot!(with().faults(&api("")));
    assert_eq!(with().sound(&api("unsecured = \"public\"")).gateway.routes.len(), 1);
}

#[test]
fn a_document_that_cannot_be_used_is_a_fault_with_its_place() {
    let document = "openapi: 3.1.0
info: {title: t, version: '1'}
security: [{basic: []}]
paths:
  /a/{user-id}: {get: {parameters: [{name: user-id, in: path, schema: {type: strng}}], responses: {}}}
  /b/{x}{y}: {get: {security: [], x-bartizan-access: public, responses: {}}}
  /c: {get: {x-bartizan-access: [], responses: {}}}
  /d: {get: {x-bartizan-access: public, x-bartizan-undeclared: drop, responses: {}}}
  /e: {get: {x-bartizan-access: public, x-bartizan-flow: checkout, responses: {}}}
  /f: {get: {x-bartizan-acess: public, x-bartizan-content: strip, x-bartizan-limit: 5, security: [], responses: {}}}
components: {securitySchemes: {basic: {type: http, scheme: basic}}}
";
    assert_snapshot!(Pretended::default().with_file("api/openapi.yaml", document).faults(&api("")));
    assert_snapshot!("missing_document", Pretended::default().faults(&api("")));
}

#[test]
fn several_parameters_in_a_segment_are_a_route_and_two_of_which_one_path_matches_both_are_a_fault() {
    let document = |paths: &str| {
        let head = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n";
        Pretended::default().with_file("api/openapi.yaml", format!("{head}{paths}").as_str())
    };
    let get = "{get: {x-bartizan-access: public, responses: {}}}";
    let apart = format!(
        "  /c/{{base}}...{{head-ref}}: {get}\n  /c/{{id}}:open: {get}\n  /c/{{id}}:close: {get}\n  /c/{{id}}: {get}\n"
    );
    // The first two could both match `a...b:open`, the others are told apart by how they end.
    assert_snapshot!("both_match", document(&apart).faults(&api("")));
    let apart = apart.replace("/c/{base}", "/d/{base}");
    let loaded = document(&apart).sound(&api(""));
    let paths: Vec<_> = loaded.gateway.routes.iter().map(|it| it.path.to_string()).collect();
    assert_eq!(paths, ["/d/{base}...{head_ref}", "/c/{id}:open", "/c/{id}:close", "/c/{id}"]);
}

#[test]
fn a_step_of_a_sensitive_flow_is_shown_with_its_limit() {
    let document = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /a: {post: {x-bartizan-access: public, \
                    x-bartizan-flow: checkout, x-bartizan-limit: 5/hour, responses: {}}}\n";
    let loaded = Pretended::default().with_file("api/openapi.yaml", document).sound(&api(""));
    let route = &loaded.posture.routes[0];
    assert_eq!(route.limits[..2], ["5/hour per address", "a step of the sensitive flow `checkout`"]);
    assert!(route.weaker.iter().any(|it| it.because.contains("x-bartizan-flow: checkout")), "{:?}", route.weaker);
}
