//! What no schema declares does not belong there, by whatever way schemas are put together.

use std::fmt::Write as _;

use bartizan_inspect::json::{Json, Limits, read, without};
use bartizan_inspect::schema::{
    Closed, Compiler, Dialect, Direction, Formats, Judged, Library, Removal, SchemaId, Schemas,
};

fn compiled(document: &str) -> (Schemas, SchemaId) {
    let mut library = Library::default();
    library.add("file:///a.yaml", document.as_bytes()).unwrap();
    let mut compiler = Compiler::new(&library, Dialect::Draft202012, Formats::Assert);
    let id = compiler.schema(0, library.root(0).unwrap());
    let (schemas, faults) = compiler.finish();
    assert!(faults.is_empty(), "{faults:?}");
    (schemas, id)
}

fn json(text: &str) -> Json {
    read(text.as_bytes(), Limits::default()).unwrap()
}

fn judged(schema: &str, message: &str, direction: Direction) -> Judged {
    let (schemas, id) = compiled(schema);
    schemas.judge(id, &json(message), Closed::World(direction))
}

/// The places that are undeclared in a request.
fn undeclared(schema: &str, message: &str) -> Vec<String> {
    let judged = judged(schema, message, Direction::Request);
    assert!(judged.faults.is_empty(), "{:?}", judged.faults);
    judged.undeclared.into_iter().map(|it| it.pointer).collect()
}

#[test]
fn mass_assignment_is_found_where_the_schema_is_silent() {
    let schema =
        "{type: object, properties: {name: {type: string}, address: {type: object, properties: {street: {}}}}}";
    assert_eq!(undeclared(schema, r#"{"name":"a","address":{"street":"b"}}"#), [""; 0]);
    assert_eq!(undeclared(schema, r#"{"name":"a","role":"admin"}"#), ["/role"]);
    assert_eq!(
        undeclared(schema, r#"{"address":{"street":"b","is_admin":true},"x~/y":1}"#),
        ["/address/is_admin", "/x~0~1y"]
    );
}

#[test]
fn what_any_part_of_all_of_declares_is_declared_and_nothing_else() {
    let schema = "
        allOf:
          - {$ref: '#/$defs/base'}
          - {properties: {b: {type: object, properties: {y: {}}}}}
        $defs: {base: {properties: {a: {}, b: {type: object, properties: {x: {}}}}}}";
    assert_eq!(undeclared(schema, r#"{"a":1,"b":{"x":1,"y":2}}"#), [""; 0]);
    assert_eq!(undeclared(schema, r#"{"a":1,"c":1,"b":{"x":1,"z":2}}"#), ["/c", "/b/z"]);
}

#[test]
fn only_the_alternative_that_holds_declares() {
    let schema = "
        oneOf:
          - {required: [kind, pages], properties: {kind: {const: book}, pages: {type: integer}}}
          - {required: [kind], properties: {kind: {const: film}, minutes: {type: integer}}}";
    assert_eq!(undeclared(schema, r#"{"kind":"film","minutes":90}"#), [""; 0]);
    assert_eq!(undeclared(schema, r#"{"kind":"film","pages":90}"#), ["/pages"]);
    let either = "anyOf: [{properties: {a: {type: integer}}}, {properties: {b: {type: integer}}}]";
    assert_eq!(undeclared(either, r#"{"a":1,"b":2}"#), [""; 0]);
    assert_eq!(undeclared(either, r#"{"a":1,"b":"no"}"#), ["/b"]);
    let not = "{properties: {a: {}}, not: {properties: {a: {const: 1}, b: {const: 1}}, required: [b]}}";
    assert_eq!(undeclared(not, r#"{"a":2,"b":2}"#), ["/b"]);
}

#[test]
fn what_the_document_opens_stays_open() {
    assert_eq!(undeclared("{properties: {a: {}}, additionalProperties: true}", r#"{"b":{"c":1}}"#), [""; 0]);
    assert_eq!(undeclared("{properties: {a: {}}}", r#"{"a":{"anything":{"at":"all"}}}"#), [""; 0]);
    assert_eq!(undeclared("{patternProperties: {'^x-': {}}}", r#"{"x-a":1,"y":2}"#), ["/y"]);
    let map = "{additionalProperties: {type: object, properties: {a: {}}}}";
    assert_eq!(undeclared(map, r#"{"one":{"a":1},"two":{"b":1}}"#), ["/two/b"]);
}

#[test]
fn an_object_of_which_nothing_is_declared_is_empty_until_the_document_says_otherwise() {
    assert_eq!(undeclared("type: object", r#"{"a":1}"#), ["/a"]);
    assert_eq!(undeclared("{type: object, additionalProperties: true}", r#"{"a":1}"#), [""; 0]);
    assert_eq!(undeclared("{}", r#"{"a":1}"#), [""; 0]);
}

#[test]
fn what_is_the_servers_to_set_is_not_the_clients_to_send() {
    let schema = "
        required: [id, secret]
        properties: {id: {$ref: '#/$defs/id'}, secret: {type: string, writeOnly: true}, items: {items: {properties: {id: {$ref: '#/$defs/id'}}}}}
        $defs: {id: {type: integer, readOnly: true}}";
    assert_eq!(undeclared(schema, r#"{"secret":"x"}"#), [""; 0]);
    assert_eq!(undeclared(schema, r#"{"id":1,"secret":"x","items":[{"id":2}]}"#), ["/id", "/items/0/id"]);
    let answer = judged(schema, r#"{"id":1,"secret":"x"}"#, Direction::Answer);
    assert!(answer.faults.is_empty());
    assert_eq!(answer.undeclared.iter().map(|it| it.pointer.as_str()).collect::<Vec<_>>(), ["/secret"]);
    assert!(judged(schema, r#"{"id":1}"#, Direction::Answer).is_sound());
    assert!(!judged(schema, r#"{"id":1}"#, Direction::Request).is_sound());
}

#[test]
fn a_discriminator_names_the_one_schema_that_counts() {
    let schema = "
        discriminator: {propertyName: kind, mapping: {kitty: '#/components/schemas/Cat'}}
        oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]
        components: {schemas: {
          Cat: {properties: {kind: {type: string}, lives: {type: integer}}},
          Dog: {properties: {kind: {type: string}, bark: {type: string}}}}}";
    assert_eq!(undeclared(schema, r#"{"kind":"kitty","lives":9}"#), [""; 0]);
    assert_eq!(undeclared(schema, r#"{"kind":"Dog","lives":9}"#), ["/lives"]);
    let faults = judged(schema, r#"{"kind":"Bird"}"#, Direction::Request).faults;
    assert_eq!((faults[0].rule, faults[0].pointer.as_str()), ("discriminator", "/kind"));
    assert_eq!(judged(schema, r#"{"lives":"x","kind":"Cat"}"#, Direction::Request).faults[0].pointer, "/lives");
}

#[test]
fn undeclared_members_are_cut_out_of_an_answer_and_the_rest_is_left_as_it_was() {
    let (schemas, id) = compiled("{type: array, items: {properties: {id: {}, name: {}}}}");
    let text = r#"[ {"id": 1.0, "password_hash": "x", "name":"a"}, {"card": {"n":1}} ]"#;
    let message = json(text);
    let judged = schemas.judge(id, &message, Closed::World(Direction::Answer));
    let removal = Removal::of(&judged.undeclared);
    let stripped = without(text.as_bytes(), &message, &|it| removal.takes(it));
    assert_eq!(String::from_utf8(stripped).unwrap(), r#"[{"id": 1.0,"name":"a"},{}]"#);
}

#[test]
fn a_fault_names_its_place_and_its_rule_and_never_the_value() {
    let schema =
        "{properties: {card: {type: string, maxLength: 4}, age: {type: integer, minimum: 18}}, required: [name]}";
    let faults = judged(schema, r#"{"card":"4111111111111111","age":7}"#, Direction::Request).faults;
    let told: Vec<_> = faults.iter().map(|it| (it.pointer.as_str(), it.rule)).collect();
    assert_eq!(told, [("/card", "maxLength"), ("/age", "minimum"), ("/name", "required")]);
    assert!(!format!("{faults:?}").contains("4111"));
}

#[test]
fn a_schema_that_leads_to_itself_and_one_that_explodes_are_refused_and_end() {
    let faults = judged("{$ref: '#'}", "{}", Direction::Request).faults;
    assert_eq!(faults[0].rule, "too-deep");
    let mut schema = String::from("$ref: '#/$defs/a0'\n$defs:\n");
    for level in 0..40 {
        let next = level + 1;
        writeln!(schema, "  a{level}: {{anyOf: [{{$ref: '#/$defs/a{next}'}}, {{$ref: '#/$defs/a{next}'}}]}}").unwrap();
    }
    schema.push_str("  a40: {type: string}\n");
    assert_eq!(judged(&schema, "1", Direction::Request).faults[0].rule, "too-costly");
}
