use bartizan_inspect::json::{Limits, read};
use bartizan_inspect::openapi::{Api, BodyContract, Head, load};

/// Small enough that an input reaches them.
const LIMITS: Limits = Limits { bytes: 1 << 20, depth: 16, values: 1 << 12 };

pub fn json(input: &[u8]) {
    let Ok(value) = read(input, LIMITS) else { return };
    let theirs: serde_json::Value = serde_json::from_slice(input).expect("what is read here is JSON elsewhere too");
    assert_eq!(theirs.is_object(), value.is_object());
    let written = value.to_string();
    assert_eq!(read(written.as_bytes(), Limits { bytes: usize::MAX, ..LIMITS }).expect("what is written can be read"), value);
}

pub fn document(input: &[u8]) {
    if let Ok(api) = load("openapi.yaml", &mut |name| if name == "openapi.yaml" { Ok(input.to_vec()) } else { Err(String::new()) }) {
        ask(&api, b"{\"a\":[1,\"x\"]}");
    }
}

/// Bodies and queries against operations of every kind that there is.
pub fn body(input: &[u8]) {
    let api = load("openapi.yaml", &mut |_| Ok(DOCUMENT.into())).expect("the document is sound");
    ask(&api, input);
}

fn ask(api: &Api, input: &[u8]) {
    const TYPES: [&str; 4] =
        ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"];
    let (kind, bytes) = input.split_first().map_or((0, input), |(first, rest)| (usize::from(*first), rest));
    let content_type = TYPES[kind % TYPES.len()];
    let text = String::from_utf8_lossy(bytes);
    for operation in &api.operations {
        let path = [("a".into(), text.clone().into_owned())];
        let field = |_: &str| Some(text.clone().into_owned());
        operation.judge_head(&Head { path: &path, query: &text, field: &field, cookies: &text });
        let BodyContract::Judge(media) = operation.body_contract(Some(content_type), true) else { continue };
        let verdict = operation.judge_body(media, content_type, bytes);
        if let Some(cut) = verdict.without.filter(|_| verdict.undeclared.len() < 1000) {
            let again = operation.judge_body(media, content_type, &cut);
            assert!(again.undeclared.is_empty() || !verdict.faults.is_empty(), "{:?}", again.undeclared);
        }
    }
}

const DOCUMENT: &str = "
openapi: 3.1.0
info: {title: fuzzed, version: '1'}
paths:
  /{a}:
    post:
      parameters:
        - {name: a, in: path, required: true, style: matrix, explode: true, schema: {type: array, items: {type: integer}}}
        - {name: b, in: query, style: deepObject, schema: {type: object, properties: {x: {type: number}}}}
        - {name: c, in: query, schema: {type: array, items: {type: boolean}}}
        - {name: d, in: header, schema: {type: object, properties: {x: {type: string}}}}
        - {name: e, in: cookie, schema: {type: [integer, 'null']}}
        - {name: f, in: query, content: {application/json: {schema: {type: object}}}}
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/Node'}}
          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/Form'}}
          multipart/form-data: {schema: {$ref: '#/components/schemas/Form'}}
          text/plain: {schema: {type: string, format: date-time}}
      responses: {}
components:
  schemas:
    Node:
      discriminator: {propertyName: kind}
      oneOf: [{$ref: '#/components/schemas/Leaf'}, {$ref: '#/components/schemas/Branch'}]
    Leaf: {type: object, properties: {kind: {type: string}, value: {anyOf: [{type: string, pattern: '^(a+)+$'}, {type: number, multipleOf: 0.01}]}}}
    Branch:
      type: object
      properties:
        kind: {type: string}
        nodes: {type: array, uniqueItems: true, contains: {properties: {kind: {const: Leaf}}}, items: {$ref: '#/components/schemas/Node'}}
      patternProperties: {'^x-': {format: uri}}
    Form:
      type: object
      properties: {name: {type: string, format: email}, tags: {type: array, items: {type: string}}, at: {type: object, properties: {x: {type: integer}}}, file: {type: string, format: binary}}
";
