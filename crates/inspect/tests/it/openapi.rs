//! An OpenAPI document, and requests and answers that keep to it or do not.

use std::sync::Arc;

use bartizan_inspect::openapi::{AnswerContract, Api, BodyContract, Head, HoleKind, Operation, Removed, load};

fn api(document: &str) -> Api {
    let api = load("openapi.yaml", &mut |_| Ok(document.as_bytes().to_vec())).unwrap();
    assert!(api.faults.is_empty(), "{:?}", api.faults);
    api
}

/// An operation at `path` with these lines in it.
fn operation(path: &str, lines: &str) -> Arc<Operation> {
    let lines = lines.replace('\n', "\n      ");
    let document = format!(
        "openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\npaths:\n  {path}:\n    post:\n      {lines}\n      responses: {{'200': {{description: ok}}}}\n"
    );
    api(&document).operations[0].clone()
}

fn parameter(place: &str, more: &str) -> Arc<Operation> {
    let path = if place == "path" { "/a/{p}" } else { "/a" };
    let required = if place == "path" { ", required: true" } else { "" };
    operation(path, &format!("parameters: [{{name: p, in: {place}{required}, {more}}}]"))
}

/// The rules that a head breaks, undeclared names after them.
fn head(operation: &Operation, path: &str, query: &str, cookies: &str) -> Vec<String> {
    let path = [("p".into(), path.to_owned())];
    let field = |name: &str| (name == "p").then(|| cookies.to_owned());
    let verdict = operation.judge_head(&Head { path: &path, query, field: &field, cookies });
    let faults = verdict.faults.iter().map(|it| format!("{} {}", it.fault.rule, it.fault.pointer));
    faults.chain(verdict.undeclared_query.iter().map(|name| format!("undeclared {name}"))).collect()
}

const NUMBERS: &str = "schema: {type: array, maxItems: 3, items: {type: integer}}";
const COLOUR: &str =
    "schema: {type: object, required: [R], properties: {R: {type: integer}, G: {type: integer, maximum: 255}}}";

#[test]
fn a_list_is_read_in_every_style_that_openapi_has() {
    for (place, style, text) in [
        ("path", "style: simple", "3,4,5"),
        ("path", "style: label", ".3,4,5"),
        ("path", "style: label, explode: true", ".3.4.5"),
        ("path", "style: matrix", ";p=3,4,5"),
        ("path", "style: matrix, explode: true", ";p=3;p=4;p=5"),
        ("query", "style: form", "p=3&p=4&p=5"),
        ("query", "style: form, explode: false", "p=3,4,5"),
        ("query", "style: spaceDelimited, explode: false", "p=3%204%205"),
        ("query", "style: pipeDelimited, explode: false", "p=3%7C4%7C5"),
        ("header", "style: simple", "3, 4,5"),
        ("cookie", "style: form, explode: false", "p=3,4,5"),
    ] {
        let operation = parameter(place, &format!("{style}, {NUMBERS}"));
        let judged = |text: &str| match place {
            "path" => head(&operation, text, "", ""),
            "query" => head(&operation, "", text, ""),
            _ => head(&operation, "", "", text),
        };
        assert_eq!(judged(text), [""; 0], "{place} {style}");
        assert_eq!(judged(&text.replace('4', "x")), ["type /p/1"], "{place} {style}");
    }
}

#[test]
fn an_object_is_read_in_every_style_that_openapi_has() {
    for (place, style, text) in [
        ("path", "style: simple", "R,100,G,200"),
        ("path", "style: simple, explode: true", "R=100,G=200"),
        ("path", "style: label, explode: true", ".R=100.G=200"),
        ("path", "style: matrix", ";p=R,100,G,200"),
        ("path", "style: matrix, explode: true", ";R=100;G=200"),
        ("query", "style: form", "R=100&G=200"),
        ("query", "style: form, explode: false", "p=R,100,G,200"),
        ("query", "style: deepObject", "p%5BR%5D=100&p[G]=200"),
        ("header", "style: simple", "R,100,G,200"),
        ("header", "style: simple, explode: true", "R=100,G=200"),
    ] {
        let operation = parameter(place, &format!("{style}, {COLOUR}"));
        let judged = |text: &str| match place {
            "path" => head(&operation, text, "", ""),
            "query" => head(&operation, "", text, ""),
            _ => head(&operation, "", "", text),
        };
        assert_eq!(judged(text), [""; 0], "{place} {style}");
        assert_eq!(judged(&text.replace("200", "256")), ["maximum /p/G"], "{place} {style}");
    }
}

#[test]
fn a_parameter_is_what_its_schema_says_and_stands_once() {
    let limit = parameter("query", "required: true, schema: {type: integer, minimum: 1, maximum: 100}");
    assert_eq!(head(&limit, "", "p=100", ""), [""; 0]);
    assert_eq!(head(&limit, "", "p=101", ""), ["maximum /p"]);
    assert_eq!(head(&limit, "", "", ""), ["required /p"]);
    for text in ["p=", "p=1e1x", "p=0x10", "p=+5", "p=%2B5", "p=5%00", "p=٣"] {
        assert_eq!(head(&limit, "", text, ""), ["type /p"], "{text}");
    }
    // Parameter pollution: gate and upstream could each take another of the two.
    assert_eq!(head(&limit, "", "p=1&p=999", ""), ["repeated /p"]);
    assert_eq!(head(&limit, "", "p=1;p=999", ""), ["ambiguous-separator ", "required /p"]);
    assert_eq!(head(&limit, "", "p=1&admin=true&%61dmin=1", ""), ["undeclared admin", "undeclared admin"]);
    let either = parameter("query", "schema: {oneOf: [{type: integer, maximum: 5}, {type: string, pattern: '^9'}]}");
    assert_eq!(head(&either, "", "p=5", ""), [""; 0]);
    assert_eq!(head(&either, "", "p=99", ""), [""; 0]);
    let json =
        parameter("query", "content: {application/json: {schema: {type: object, properties: {a: {type: integer}}}}}");
    assert_eq!(head(&json, "", "p=%7B%22a%22:1%7D", ""), [""; 0]);
    assert_eq!(head(&json, "", "p=%7B%22a%22:1,%22a%22:2%7D", ""), ["json-duplicate-name /p"]);
}

/// The rules that a body breaks, with their places; undeclared members after them.
fn body(operation: &Operation, content_type: &str, bytes: &[u8]) -> Vec<String> {
    match operation.body_contract(Some(content_type), true) {
        BodyContract::Judge(media) => {
            let verdict = operation.judge_body(media, content_type, bytes);
            let faults = verdict.faults.iter().map(|it| format!("{} {}", it.rule, it.pointer));
            faults.chain(verdict.undeclared.iter().map(|it| format!("undeclared {}", it.pointer))).collect()
        }
        BodyContract::OtherType => vec!["415".to_owned()],
        BodyContract::Opaque => vec!["opaque".to_owned()],
        BodyContract::Nothing | BodyContract::Missing => vec!["none".to_owned()],
    }
}

#[test]
fn a_json_body_is_read_strictly_and_held_against_its_schema() {
    let operation = operation(
        "/a",
        "requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {n: {type: integer}}}}}}",
    );
    assert_eq!(body(&operation, "application/json; charset=UTF-8", br#"{"n":1}"#), [""; 0]);
    assert_eq!(body(&operation, "application/json", br#"{"n":1,"role":"admin"}"#), ["undeclared /role"]);
    assert_eq!(body(&operation, "application/json", br#"{"n":1,"n":2}"#), ["json-duplicate-name "]);
    assert_eq!(body(&operation, "application/json; charset=utf-16", br#"{"n":1}"#), ["415"]);
    for other in ["text/plain", "application/xml", "application/json5", ""] {
        assert_eq!(body(&operation, other, br#"{"n":1}"#), ["415"], "{other}");
    }
    assert!(matches!(operation.body_contract(None, true), BodyContract::OtherType));
    assert!(matches!(operation.body_contract(None, false), BodyContract::Missing));
}

const FORM: &str = "schema: {type: object, required: [name], properties: {name: {type: string, maxLength: 5}, age: {type: integer}, tags: {type: array, items: {type: string}}, file: {type: string, format: binary, maxLength: 4}, at: {type: object, properties: {x: {type: integer}}}}}";

#[test]
fn a_form_is_an_object_of_its_pairs() {
    let operation =
        operation("/a", &format!("requestBody: {{content: {{application/x-www-form-urlencoded: {{{FORM}}}}}}}"));
    let judged = |text: &str| body(&operation, "application/x-www-form-urlencoded", text.as_bytes());
    assert_eq!(judged("name=a+b&age=3&tags=x&tags=y&at=%7B%22x%22%3A1%7D"), [""; 0]);
    assert_eq!(judged("name=abcdef&age=x"), ["maxLength /name", "type /age"]);
    assert_eq!(judged("name=a&is_admin=1"), ["undeclared /is_admin"]);
    assert_eq!(judged("name=a&name=b"), ["repeated "]);
    assert_eq!(judged("name=%zz"), ["form-escape "]);
    assert_eq!(judged("name=%ff"), ["form-encoding "]);
    let BodyContract::Judge(media) = operation.body_contract(Some("application/x-www-form-urlencoded"), true) else {
        panic!()
    };
    let verdict = operation.judge_body(media, "application/x-www-form-urlencoded", b"name=a+b&%69s_admin=1&age=3");
    assert_eq!(verdict.without.unwrap(), b"name=a+b&age=3");
}

fn multipart(parts: &[(&str, &str)]) -> Vec<u8> {
    let parts =
        parts.iter().map(|(head, body)| format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n"));
    (parts.collect::<String>() + "--x--\r\n").into_bytes()
}

#[test]
fn a_multipart_form_is_an_object_of_its_parts() {
    let operation = operation(
        "/a",
        &format!(
            "requestBody: {{content: {{multipart/form-data: {{{FORM}, encoding: {{file: {{contentType: 'image/png, image/*'}}}}}}}}}}"
        ),
    );
    let judged = |bytes: &[u8]| body(&operation, "multipart/form-data; boundary=x", bytes);
    let file = "name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png";
    assert_eq!(judged(&multipart(&[("name=\"name\"", "bob"), (file, "\u{1}\u{2}")])), [""; 0]);
    assert_eq!(judged(&multipart(&[("name=\"name\"", "bob"), (file, "12345")])), ["maxLength /file"]);
    assert_eq!(judged(&multipart(&[("name=\"name\"", "bob"), ("name=\"role\"", "admin")])), ["undeclared /role"]);
    assert_eq!(judged(&multipart(&[("name=\"name\"", "a"), ("name=\"name\"", "b")])), ["repeated "]);
    let traversal = "name=\"file\"; filename=\"../../x.png\"\r\nContent-Type: image/png";
    assert_eq!(judged(&multipart(&[(traversal, "1")])), ["file-name "]);
    let script = "name=\"file\"; filename=\"a.php\"\r\nContent-Type: text/x-php";
    assert_eq!(judged(&multipart(&[(script, "1")])), ["content-type-of-part "]);
    // What some parsers take for a part, and others for nothing.
    assert_eq!(
        judged(&[b"preamble\r\n".to_vec(), multipart(&[("name=\"name\"", "a")])].concat()),
        ["multipart-syntax "]
    );
    assert_eq!(judged(&[multipart(&[("name=\"name\"", "a")]), b"--x".to_vec()].concat()), ["multipart-syntax "]);
    assert_eq!(judged(&multipart(&[("name=\"name\"; name=\"role\"", "a")])), ["multipart-disposition "]);
    assert_eq!(body(&operation, "multipart/form-data", b""), ["multipart-boundary "]);
}

#[test]
fn null_and_exclusive_bounds_are_those_of_openapi_3_0() {
    let document = "
openapi: 3.0.3
info: {title: t, version: '1'}
paths:
  /a:
    post:
      requestBody: {content: {application/json: {schema: {type: object, properties: {
        a: {type: string, nullable: true}, b: {type: integer, minimum: 1, exclusiveMinimum: true}, c: {$ref: '#/components/schemas/C', maxLength: 1}}}}}}
      responses: {}
components: {schemas: {C: {type: string, maxLength: 3}}}";
    let operation = &api(document).operations[0];
    let judged = |text: &str| body(operation, "application/json", text.as_bytes());
    assert_eq!(judged(r#"{"a":null,"b":2,"c":"abc"}"#), [""; 0]);
    assert_eq!(judged(r#"{"a":1,"b":1,"c":"abcd"}"#), ["type /a", "exclusiveMinimum /b", "maxLength /c"]);
}

fn change_pet() -> Arc<Operation> {
    api(PETS).operations.iter().find(|it| it.name == "changePet").unwrap().clone()
}

const PETS: &str = "
openapi: 3.0.3
info: {title: t, version: '1'}
servers: [{url: 'https://{host}/v1/', variables: {host: {default: example.com}}}]
security: [{key: []}]
paths:
  /pets/{pet-id}:
    parameters: [{name: pet-id, in: path, required: true, schema: {type: integer}}]
    put:
      operationId: changePet
      security: [{oauth: [pets:write]}, {oauth: [admin]}]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
        4XX: {content: {application/problem+json: {}}}
    get: {security: [], responses: {default: {description: any}}}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {}}
    key: {type: apiKey, in: header, name: X-Api-Key}
  schemas:
    Pet:
      type: object
      required: [kind, id]
      discriminator: {propertyName: kind}
      properties: {kind: {type: string}, id: {type: integer, readOnly: true}, secret: {type: string, writeOnly: true}}
    Cat: {allOf: [{$ref: '#/components/schemas/Pet'}, {type: object, properties: {lives: {type: integer}}}]}
    Lion: {allOf: [{$ref: '#/components/schemas/Cat'}, {type: object, properties: {mane: {type: boolean}}}]}
    Dog: {allOf: [{$ref: '#/components/schemas/Pet'}, {type: object, properties: {bark: {type: string}}}]}";

#[test]
fn heirs_of_a_base_are_told_apart_by_its_discriminator() {
    let operation = &change_pet();
    let judged = |text: &str| body(operation, "application/json", text.as_bytes());
    assert_eq!(judged(r#"{"kind":"Cat","lives":9}"#), [""; 0]);
    assert_eq!(judged(r#"{"kind":"Lion","lives":9,"mane":true,"secret":"s"}"#), [""; 0]);
    assert_eq!(judged(r#"{"kind":"Dog","lives":9}"#), ["undeclared /lives"]);
    assert_eq!(judged(r#"{"kind":"Dog","id":9}"#), ["undeclared /id"]);
    assert_eq!(judged(r#"{"kind":"Bird"}"#), ["discriminator /kind"]);
    assert_eq!(judged("{}"), ["discriminator /kind", "required /kind"]);
}

#[test]
fn routes_scopes_and_base_paths_are_those_of_the_document() {
    let api = api(PETS);
    let told: Vec<_> = api.operations.iter().map(|it| format!("{} {} {}", it.name, it.method, it.path)).collect();
    assert_eq!(told, ["GET /pets/{pet-id} GET /v1/pets/{pet-id}", "changePet PUT /v1/pets/{pet-id}"]);
    let security = &api.operations[1].security;
    assert!(security.is_effective() && security.alternatives[0].scopes == ["pets:write"]);
    assert!(!api.operations[0].security.is_effective());
    assert_eq!(api.operations[1].place, "openapi.yaml:10:7");
}

#[test]
fn answers_leave_with_what_is_declared() {
    let operation = &change_pet();
    let AnswerContract::Filter(schema) = operation.answer_contract(200, Some("application/json; charset=utf-8")) else {
        panic!()
    };
    let answer = br#"{"kind":"Cat", "id":7,"lives":9,"secret":"s","owner_email":"a@b"}"#;
    let filtered = operation.filter_answer(schema, answer, Removed::Undeclared).unwrap();
    assert_eq!(filtered.body.unwrap(), br#"{"kind":"Cat","id":7,"lives":9}"#);
    assert_eq!(filtered.found, ["/secret", "/owner_email"]);
    let filtered = operation.filter_answer(schema, answer, Removed::WriteOnly).unwrap();
    assert_eq!(filtered.body.unwrap(), br#"{"kind":"Cat","id":7,"lives":9,"owner_email":"a@b"}"#);
    assert_eq!(operation.answer_contract(404, Some("application/problem+json")), AnswerContract::Open);
    assert_eq!(operation.answer_contract(200, Some("text/html")), AnswerContract::OtherType);
    assert_eq!(operation.answer_contract(302, None), AnswerContract::OtherStatus);
    assert!(operation.filter_answer(schema, br#"{"a":1,"a":2}"#, Removed::Undeclared).is_err());
}

#[test]
fn references_lead_to_files_of_the_folder_and_nowhere_else() {
    let document = "
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /a:
    post:
      requestBody: {content: {application/json: {schema: {properties: {
        a: {$ref: 'schemas/a.yaml#/A'}, b: {$ref: '../../etc/passwd'}, c: {$ref: 'https://example.com/c.json'}, d: {$ref: '#/nowhere'}}}}}}
      responses: {}";
    let mut asked = Vec::new();
    let api = load("openapi.yaml", &mut |name| {
        asked.push(name.to_owned());
        Ok(match name {
            "openapi.yaml" => document.into(),
            "schemas/b.json" => br#"{"maxLength": 3}"#.to_vec(),
            _ => b"A: {type: string, $ref: 'b.json'}".to_vec(),
        })
    })
    .unwrap();
    asked.sort();
    assert_eq!(asked, ["openapi.yaml", "schemas/a.yaml", "schemas/b.json"]);
    let mut faults: Vec<_> = api.faults.iter().map(ToString::to_string).collect();
    faults.sort();
    assert_eq!(
        faults,
        [
            "openapi.yaml:8:123: `#/nowhere` leads to nothing",
            "openapi.yaml:8:51: `../../etc/passwd` leads out of the document's folder",
            "openapi.yaml:8:82: `https://example.com/c.json` is not a local file, and nothing is fetched: put a copy beside the document",
        ]
    );
    assert_eq!(body(&api.operations[0], "application/json", br#"{"a":"abcd"}"#), ["maxLength /a"]);
}

#[test]
fn what_a_document_leaves_open_is_told_with_its_place() {
    let document = "openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /a/{id}:
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                name: {type: string}
                kind: {type: string, enum: [a]}
                tags: {type: array, items: {type: integer, minimum: 0, maximum: 9}}
                n: {type: integer}
                any: {}
                meta: {type: object}
      responses: {}
";
    let holes: Vec<_> = api(document).holes.iter().map(|it| (it.place.clone(), it.kind)).collect();
    let place = |line: usize, column: usize| format!("openapi.yaml:{line}:{column}");
    assert_eq!(
        holes,
        [
            (place(6, 7), HoleKind::PathParameter),
            (place(10, 15), HoleKind::OpenBySilence),
            (place(12, 23), HoleKind::String),
            (place(14, 23), HoleKind::Array),
            (place(15, 20), HoleKind::Integer),
            (place(16, 22), HoleKind::Anything),
            (place(17, 23), HoleKind::EmptyObject),
        ]
    );
}

#[test]
fn a_document_that_cannot_be_used_says_why_and_where() {
    let faults = |text: &str| {
        load("a.yaml", &mut |_| Ok(text.into()))
            .map(|api| api.faults.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(
        faults("swagger: '2.0'").unwrap(),
        ["a.yaml:1:1: `openapi` is not 3.0, 3.1 or 3.2: convert a Swagger 2.0 document first"]
    );
    assert_eq!(faults("openapi: 3.1.0\npaths: [").unwrap_err().to_string().split(": ").next(), Some("a.yaml:2:9"));
    let schema = |schema: &str| {
        faults(&format!("openapi: 3.1.0\npaths: {{/a: {{get: {{parameters: [{{name: a, in: query, schema: {schema}}}], responses: {{}}}}}}}}")).unwrap()
    };
    assert!(schema("{type: strng}")[0].contains("`type` is one of"));
    assert!(schema("{pattern: '('}")[0].contains("the pattern cannot be compiled"));
    assert!(schema("{maxLength: -1}")[0].contains("`maxLength` is a whole number"));
}

#[test]
fn a_field_may_say_what_its_text_holds_and_a_word_that_nobody_reads_is_a_fault() {
    let document = |content: &str| {
        format!(
            "openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\npaths:\n  /a:\n    post:\n      requestBody: {{content: {{application/json: \
             {{schema: {{$ref: '#/components/schemas/Post'}}}}}}}}\n      responses: {{}}\ncomponents:\n  schemas:\n    Post:\n      type: object\n      \
             properties:\n        body: {{type: string, x-bartizan-content: {content}}}\n        parts: {{type: array, items: {{anyOf: [{{type: \
             integer}}, {{type: string, x-bartizan-content: sql}}]}}}}\n        plain: {{type: string}}\n"
        )
    };
    let api = |content: &str| load("a.yaml", &mut |_| Ok(document(content).into_bytes())).unwrap();
    let faults: Vec<String> = api("strip").faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        ["a.yaml:13:50: `x-bartizan-content` is what a string holds: `markdown`, `html`, `code` or `sql`"]
    );
    let api = api("markdown");
    let media = match api.operations[0].body_contract(Some("application/json"), true) {
        BodyContract::Judge(media) => Some(media),
        _ => None,
    };
    let message = r#"{"body":"*hi*","parts":[1,"select 1"],"plain":"x"}"#;
    let verdict = api.operations[0].judge_body(media.unwrap(), "application/json", message.as_bytes());
    let texts: Vec<String> = verdict.texts.iter().map(|it| format!("{} {}", it.pointer, it.content.as_str())).collect();
    assert_eq!(texts, ["/body markdown", "/parts/1 sql"]);
}

#[test]
fn whole_numbers_beyond_64_bits_are_bounds_of_a_json_document_too() {
    let document = r#"{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"parameters":[
        {"name":"seed","in":"query","schema":{"type":"integer","minimum":0,"maximum":18446744073709552000}}],"responses":{}}}}}"#;
    let api = load("a.json", &mut |_| Ok(document.into())).unwrap();
    assert!(api.faults.is_empty(), "{:?}", api.faults);
    // A duplicate name is told at its place, and not as something that YAML lacks.
    let twice = document.replace("\"paths\"", "\"info\":1,\"paths\"");
    let fault = load("a.json", &mut |_| Ok(twice.clone().into_bytes())).unwrap_err();
    assert_eq!(fault.to_string(), "a.json:1:55: a name stands twice in one object");
}
