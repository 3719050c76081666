use bartizan_gateway::config::{SchemaSource, Unregistered};
use insta::assert_snapshot;

use super::{Pretended, Style};

const SCHEMA: &str = include_str!("../../../../../examples/graphql/schema.graphql");
const DESCRIPTORS: &[u8] = include_bytes!("../../../../../examples/grpc/shop.pb");

fn api(lines: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:8443\"\n\n[[issuers]]\nissuer = \"https://login.example.com\"\n\
         audience = \"https://api.example.com\"\n\n[[apis]]\nname = \"shop\"\nupstream = \"http://127.0.0.1:3000\"\n{lines}\n"
    )
}

fn graphql(lines: &str) -> String {
    api(&format!("style = \"graphql\"\nschema = \"schema.graphql\"\naccess = \"signed-in\"\n{lines}"))
}

fn grpc(lines: &str) -> String {
    api(&format!("style = \"grpc\"\ndescriptors = \"shop.pb\"\n{lines}"))
}

fn files() -> Pretended {
    let documents = r#"{"me":"{ me { id } }"}"#;
    Pretended::default()
        .with_file("schema.graphql", SCHEMA)
        .with_file("shop.pb", DESCRIPTORS)
        .with_file("documents.json", documents)
}

#[test]
fn a_graphql_api_is_one_route_with_its_schema_and_strict_where_nothing_is_said() {
    let loaded = files().sound(&graphql(""));
    let [route] = loaded.gateway.routes.as_slice() else { panic!() };
    let rules = route.graphql.as_ref().unwrap();
    assert_eq!((&*route.name, &*route.path, route.methods.len()), ("shop", "/graphql", 2));
    assert!(matches!(rules.schema, SchemaSource::Given(_)));
    assert!(rules.introspection.is_none() && rules.batch.get() == 1 && rules.unregistered == Unregistered::Serve);
    let registered = files().sound(&graphql("graphql = { documents = \"documents.json\" }"));
    assert_eq!(registered.gateway.routes[0].graphql.as_ref().unwrap().unregistered, Unregistered::Refuse);
}

#[test]
fn the_posture_of_a_graphql_api_says_its_limits_what_is_weaker_and_which_fields_carry_what() {
    let lines = "[apis.graphql]\nintrospection = \"public\"\nsubscriptions = \"websocket\"\nerrors = \"pass\"";
    let posture = files().sound(&graphql(lines)).posture.render(Style::Plain);
    let (_, enforced) = posture.split_once("Enforces").unwrap();
    assert_snapshot!(enforced.split("\nServes").next().unwrap());
    assert_eq!(posture.lines().find(|line| line.chars().count() > 80), None);
}

#[test]
fn faults_of_a_graphql_api_name_what_is_missing_or_not_there() {
    assert_snapshot!("graphql_missing", files().faults(&api("style = \"graphql\"")));
    assert_snapshot!(
        "graphql_fields",
        files().faults(&graphql("graphql = { fields = { \"User.mail\" = \"signed-in\" } }"))
    );
    let owner = "graphql = { fields = { \"User.email\" = { owner = { param = \"id\" } } } }";
    assert_snapshot!("graphql_owner", files().faults(&graphql(owner)));
    let broken = Pretended::default().with_file("schema.graphql", "type Query {\n  me User\n}");
    assert_snapshot!("graphql_schema", broken.faults(&graphql("")));
    let remote = api("style = \"graphql\"\nschema = \"introspect\"\naccess = \"signed-in\"")
        .replace("127.0.0.1:3000", "backend:3000");
    assert_snapshot!("graphql_introspect", files().faults(&remote));
    assert_snapshot!("graphql_foreign_keys", files().faults(&graphql("descriptors = \"shop.pb\"")));
}

#[test]
fn each_method_of_a_descriptor_is_a_route_with_its_rule() {
    let loaded = files().sound(&grpc(
        "access = \"signed-in\"\n[apis.grpc]\nmethods = { \"shop.Shop/Restock\" = { roles = [\"staff\"] } }",
    ));
    let told: Vec<_> = loaded
        .posture
        .routes
        .iter()
        .map(|it| format!("{} {} {}: {}", it.name, it.methods.join(","), it.path, it.who.join("; ")))
        .collect();
    assert_snapshot!(told.join("\n"));
    assert!(loaded.gateway.routes.iter().all(|route| route.method.is_some() && route.grpc.is_some()));
    assert_snapshot!("grpc_missing_access", files().faults(&grpc("")));
    assert_snapshot!(
        "grpc_unknown_method",
        files().faults(&grpc("access = \"signed-in\"\ngrpc = { methods = { \"shop.Shop/Drop\" = \"public\" } }"))
    );
    let text = files().with_file("shop.pb", "syntax = \"proto3\";");
    assert_snapshot!("grpc_no_descriptors", text.faults(&grpc("access = \"signed-in\"")));
}

#[test]
fn a_document_says_which_operations_carry_data_of_people() {
    let document = "openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /people:
    post:
      operationId: create
      x-bartizan-access: public
      parameters: [{name: phone_number, in: query, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Person'}}}}
      responses: {'2XX': {description: d, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Person'}}}}}}
components:
  schemas:
    Person:
      type: object
      properties:
        email: {type: string, x-bartizan-data: none}
        contact: {type: string, format: email}
        note: {type: string, x-bartizan-data: health}
        emailVerified: {type: boolean}
        cards: {type: array, items: {type: object, properties: {cardNumber: {type: string}}}}
        friends: {type: array, items: {$ref: '#/components/schemas/Person'}}
";
    let loaded = Pretended::default().with_file("openapi.yaml", document).sound(&api("openapi = \"openapi.yaml\""));
    let carries = &loaded.posture.apis[0].carries;
    assert!(carries["personal"].contains(&"create: query /phone_number (phone)".to_owned()), "{carries:?}");
    assert!(carries["personal"].contains(&"create: body /contact (email)".to_owned()));
    assert!(carries["payment"].contains(&"create: answer 2XX /*/cards/*/cardNumber (card-number)".to_owned()));
    assert!(carries["health"].contains(&"create: body /friends/*/note (declared)".to_owned()));
    assert!(
        !carries["personal"].iter().any(|it| it.ends_with("/email (email)") || it.contains("Verified")),
        "{carries:?}"
    );
}
