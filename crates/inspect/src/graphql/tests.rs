use proptest::prelude::*;

use super::*;
use crate::json;

const SHOP: &str = r#"
"A shop." schema { query: Query mutation: Mutation subscription: Subscription }
directive @tag(name: String!) repeatable on FIELD | QUERY
scalar Date
interface Node { id: ID! }
enum Colour { RED GREEN }
input Filter { colour: Colour = RED, colours: [Colour!], min: Int, not: Filter, at: Date }
input By @oneOf { id: ID, name: String }
type Query {
  me: User
  node(id: ID!): Node
  user(by: By!): User
  search(text: String!, filter: Filter): [Hit!]!
  products(first: Int, after: String): Products!
  all: [Product!]!
  heavy: Int @cost(weight: "100")
  matrix: [[Product]]
  sized: [Product] @listSize(assumedSize: 3)
}
type Mutation { rename(id: ID!, name: String!): User, delete(id: ID!): Boolean }
type Subscription { ticks: Int, hits: Hit }
type User implements Node { id: ID!, name: String, email: String, friends(first: Int = 5): [User!]!, orders: [Order!]! }
type Order implements Node { id: ID!, total: Float, buyer: User! }
type Product implements Node { id: ID!, name: String, similar(limit: Int): [Product!]! }
type Products { edges: [Edge!]!, total: Int }
type Edge { node: Product! }
union Hit = User | Product
extend type Query { version: String }
"#;

fn judged(query: &str, variables: &str, limits: &Limits) -> Result<Judged, Vec<Fault>> {
    let schema = from_sdl(SHOP).unwrap();
    let guards = Guards::compile(&schema, ["User.email", "Mutation", "Node.id"]).unwrap();
    let variables = json::read(variables.as_bytes(), json::Limits::default()).unwrap();
    let request = Request { query: Some(query.into()), variables: Some(variables), ..Request::default() };
    judge(&schema, &guards, limits, &request)
}

fn pass(query: &str) -> Judged {
    judged(query, "{}", &Limits::default()).unwrap_or_else(|faults| panic!("{query}: {faults:?}"))
}

/// So many texts, one after the other.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().concat()
}

/// The rules that an operation breaks, with their places.
fn broken_with(query: &str, variables: &str) -> Vec<String> {
    let faults = judged(query, variables, &Limits::default()).expect_err(query);
    faults.iter().map(|fault| fault.to_string().trim_start_matches("graphql-").to_owned()).collect()
}

fn broken(query: &str) -> Vec<String> {
    broken_with(query, "{}")
}

/// The only rule that an operation breaks.
fn breaks(query: &str, rule: Rule) {
    let faults = judged(query, "{}", &Limits::default()).expect_err(query);
    assert!(faults.iter().all(|fault| fault.rule == rule), "{query}: {faults:?}");
}

#[test]
fn honest_operations_pass_and_are_told_for_what_they_are() {
    let judged =
        pass("query Profile { me { ...Names friends(first: 2) { id } } version } fragment Names on User { id name }");
    assert_eq!((judged.kind, judged.name.as_deref()), (OperationKind::Query, Some("Profile")));
    assert_eq!(judged.roots, ["me".into(), "version".into()]);
    assert!(!judged.introspects);
    assert_eq!(judged.cost, 1 + 2);
    for query in [
        "{ __typename search(text: \"a\", filter: { colour: GREEN, not: { min: 3, colours: RED } }) { __typename ... on User { id } ... on Product { name } } }",
        "{ search(text: \"\"\"a \\\"\"\" b\"\"\") { ... on Node { id } } }",
        "{ me { id id id } again: me { id @include(if: true) @tag(name: \"x\") @tag(name: \"y\") } }",
        "mutation { rename(id: 7, name: \"\\u{1F600}\\uD83D\\uDE00\") { id } }",
        "subscription { ticks }",
        "query A { me { id } } ",
        "{ search(text: \"a\") { ... on User { v: name } ... on Product { v: name } } }",
        "#comment\n\u{20}{ me { ... @skip(if: false) { id } } }",
    ] {
        pass(query);
    }
}

#[test]
fn what_the_schema_does_not_have_is_refused_at_its_place_and_nothing_is_suggested() {
    assert_eq!(broken("{\n  me { nam }\n}"), ["unknown-field at 2:8"]);
    assert_eq!(broken("{ me(id: 1) { id } }"), ["unknown-argument at 1:6"]);
    assert_eq!(broken("{ node { id } }"), ["missing-argument at 1:3"]);
    assert_eq!(broken("{ node(id: null) { id } }"), ["value at 1:12"]);
    assert_eq!(broken("{ me @client { id } }"), ["unknown-directive at 1:6"]);
    assert_eq!(broken("{ me { ... on Nobody { id } } }"), ["unknown-type at 1:8"]);
    breaks("{ me { ... on Product { id } } }", Rule::Fragment);
    breaks("{ me }", Rule::Selection);
    breaks("{ me { id { x } } }", Rule::Selection);
    breaks("{ __typename { x } me { id } }", Rule::Selection);
    breaks("{ me { ...Nobody } }", Rule::Fragment);
    breaks("{ me { id } } fragment Idle on User { id }", Rule::UnusedFragment);
    breaks("{ me { id } me { id } x: me { id } x: version }", Rule::Conflict);
    breaks("{ search(text: \"a\") { ... on User { v: id } ... on Product { v: name } } }", Rule::Conflict);
    breaks("{ me { friends(first: 1) { id } friends(first: 2) { id } } }", Rule::Conflict);
    breaks("subscription { ticks hits { __typename } }", Rule::Subscription);
    breaks("{ me { id @skip(if: true) @skip(if: true) } }", Rule::Duplicate);
    breaks("{ node(id: 1, id: 2) { id } }", Rule::Duplicate);
    breaks("query A { me { id } } query A { me { id } }", Rule::Duplicate);
    breaks("query A { me { id } } { version }", Rule::Duplicate);
    breaks("query A { me { id } } query B { version }", Rule::OperationName);
    breaks("fragment A on User { id }", Rule::NoOperation);
    for rule in Rule::all_for_tests() {
        for name in ["User", "email", "Did you mean"] {
            assert!(!rule.message().contains(name), "{rule:?}");
        }
    }
}

#[test]
fn values_are_of_the_types_that_the_schema_says() {
    for (value, fits) in [
        ("min: 3", true),
        ("min: 3.0", false),
        ("min: 2147483648", false),
        ("min: \"3\"", false),
        ("colour: GREEN", true),
        ("colour: BLUE", false),
        ("colour: \"RED\"", false),
        ("colours: [RED, GREEN]", true),
        ("colours: [null]", false),
        ("not: { not: { min: 1 } }", true),
        ("admin: true", false),
        ("at: { anything: [1] }", true),
    ] {
        let query = format!("{{ search(text: \"a\", filter: {{ {value} }}) {{ __typename }} }}");
        assert_eq!(judged(&query, "{}", &Limits::default()).is_ok(), fits, "{query}");
    }
    breaks("{ user(by: { id: 1, name: \"a\" }) { id } }", Rule::Value);
    breaks("{ user(by: {}) { id } }", Rule::Value);
    pass("{ user(by: { id: 1 }) { id } }");
}

#[test]
fn variables_are_declared_used_and_of_their_types() {
    let query = "query Find($text: String!, $filter: Filter, $by: By) { search(text: $text, filter: $filter) { __typename } user(by: $by) { id } }";
    assert_eq!(broken_with(query, "{\"text\":\"a\"}"), ["variable at 1:117"]);
    let query = "query Find($text: String!, $filter: Filter) { search(text: $text, filter: $filter) { __typename } }";
    for (variables, told) in [
        (r#"{"text":"a"}"#, None),
        (r#"{"text":"a","filter":{"colour":"RED","not":{"min":1}}}"#, None),
        (r#"{"text":"a","filter":{"colours":"RED"}}"#, None),
        ("{}", Some("missing-argument at 1:12")),
        (r#"{"text":null}"#, Some("value at /variables/text")),
        (r#"{"text":7}"#, Some("value at /variables/text")),
        (r#"{"text":"a","filter":{"is_admin":true}}"#, Some("value at /variables/filter/is_admin")),
        (
            r#"{"text":"a","filter":{"not":{"colours":["RED","BLUE"]}}}"#,
            Some("value at /variables/filter/not/colours/1"),
        ),
        (r#"{"text":"a","filter":{"min":1.5}}"#, Some("value at /variables/filter/min")),
        (r#"{"text":"a","debug":true}"#, Some("variable at /variables/debug")),
    ] {
        match told {
            None => drop(judged(query, variables, &Limits::default()).unwrap()),
            Some(told) => assert_eq!(broken_with(query, variables), [told], "{variables}"),
        }
    }
    breaks("{ search(text: $text) { __typename } }", Rule::Variable);
    breaks("query A($unused: Int) { me { id } }", Rule::Variable);
    breaks("query A($text: Int) { search(text: $text) { __typename } }", Rule::Variable);
    assert_eq!(broken("query A($u: User) { me { id } }"), ["unknown-type at 1:9", "variable at 1:9"]);
    pass("query A($first: Int = 3) { me { friends(first: $first) { id } } }");
}

#[test]
fn an_operation_that_nests_repeats_or_multiplies_is_refused() {
    let nested = |depth: usize| {
        format!("{{ me {} id {} }}", "{ friends(first: 1)".repeat(depth).as_str(), "}".repeat(depth))
            .replace(") id", ") { id }")
    };
    pass(&nested(10));
    breaks(&nested(12), Rule::Depth);
    breaks(&nested(70), Rule::Nesting);

    let aliases = each(16, |at| format!("a{at}: version "));
    assert!(broken(&format!("{{ {aliases} }}")).iter().any(|it| it.starts_with("aliases")));
    let inside = each(16, |at| format!("a{at}: id "));
    breaks(&format!("{{ me {{ {inside} }} }}"), Rule::Aliases);
    breaks(&format!("{{ {} }}", each(11, |at| format!("a{at}: version "))), Rule::RootFields);
    breaks(&format!("{{ me {{ {} }} }}", "id ".repeat(500)), Rule::Repetition);
    breaks(&format!("{{ me {{ {} }} }}", "id ".repeat(5000)), Rule::Tokens);
    breaks(&format!("{{ me {{ id {} }} }}", "@tag(name: \"x\") ".repeat(30)), Rule::Directives);

    breaks("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", Rule::FragmentCycle);
    breaks("{ me { ...A } } fragment A on User { friends { ...A } }", Rule::FragmentCycle);
    let doubling = each(24, |at| format!("fragment F{at} on User {{ ...F{n} friends {{ ...F{n} }} }} ", n = at + 1));
    let doubling = format!("{{ me {{ ...F0 }} }} {doubling} fragment F24 on User {{ id }}");
    assert!(!broken(&doubling).is_empty());
    let wide = each(40, |at| {
        format!("fragment F{at} on User {{ a{at}: friends {{ ...F{n} }} b{at}: friends {{ ...F{n} }} }} ", n = at + 1)
    });
    let wide = format!("{{ me {{ ...F0 }} }} {wide} fragment F40 on User {{ id }}");
    let limits = Limits { depth: 1000, aliases: 1_000_000, cost: u32::MAX, ..Limits::default() };
    let faults = judged(&wide, "{}", &limits).unwrap_err();
    assert!(
        faults.iter().all(|fault| matches!(fault.rule, Rule::Selections | Rule::Nesting | Rule::Cost)),
        "{faults:?}"
    );
}

#[test]
fn lists_multiply_what_is_below_them() {
    let cost = |query: &str| judged(query, "{\"n\":7}", &Limits { cost: u32::MAX, ..Limits::default() }).unwrap().cost;
    assert_eq!(cost("query A($n: Int) { me { friends(first: $n) { id } } }"), 1 + 7);
    assert_eq!(
        cost("query A($n: Int, $m: Int = 4) { me { friends(first: $m) { friends(first: $n) { id } } } }"),
        1 + 4 * (1 + 7)
    );
    let plain = |query: &str| judged(query, "{}", &Limits { cost: u32::MAX, ..Limits::default() }).unwrap().cost;
    assert_eq!(plain("{ all { similar { id } } }"), 10 * (1 + 10));
    assert_eq!(plain("{ products(first: 50) { edges { node { id } } } }"), 1 + 50 * (1 + 1));
    assert_eq!(plain("{ products { edges { node { id } } } }"), 1 + 10 * 2);
    assert_eq!(plain("{ matrix { id } sized { id } heavy }"), 100 + 3 + 100);
    breaks("{ products(first: 1000000) { edges { node { id } } } }", Rule::Cost);
    breaks("{ me { friends(first: -1) { id } } }", Rule::Cost);
    breaks("{ all { similar { similar { similar { id } } } } }", Rule::Cost);
}

#[test]
fn the_schema_is_asked_for_openly_and_not_without_end() {
    let limits = Limits { root_fields: 1, cost: 500, ..Limits::default() };
    assert!(judged(INTROSPECTION_QUERY, "{}", &limits).unwrap().introspects);
    assert!(pass("{ __type(name: \"User\") { name } }").introspects);
    assert!(pass("query A { ...S } fragment S on Query { __schema { queryType { name } } }").introspects);
    breaks(
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        Rule::IntrospectionDepth,
    );
}

#[test]
fn a_rule_for_a_field_holds_by_whatever_way_it_is_asked_for() {
    assert_eq!(pass("{ me { name } }").touched, Vec::<usize>::new());
    assert_eq!(pass("{ me { x: email } }").touched, [0]);
    assert_eq!(pass("{ search(text: \"a\") { ... on User { ...E } } } fragment E on User { email }").touched, [0]);
    assert_eq!(pass("mutation { delete(id: 1) }").touched, [1]);
    // The rule is for the interface's field: whoever asks an object for it asks for the same.
    assert_eq!(pass("{ all { id } }").touched, [2]);
    assert_eq!(pass("{ node(id: 1) { id } }").touched, [2]);
    let schema = from_sdl(SHOP).unwrap();
    let through_interface = Guards::compile(&schema, ["User.id"]).unwrap();
    let request = Request { query: Some("{ node(id: 1) { id } }".into()), ..Request::default() };
    assert_eq!(judge(&schema, &through_interface, &Limits::default(), &request).unwrap().touched, [0]);
    assert_eq!(
        Guards::compile(&schema, ["User.e-mail"]).unwrap_err(),
        SchemaFault::NoCoordinate("User.e-mail".to_owned())
    );
    assert!(Guards::compile(&schema, ["Colour"]).is_err());
}

#[test]
fn texts_that_two_servers_could_read_differently_are_refused() {
    for text in [
        "{ me { id }",
        "{ me { id } } }",
        "{}",
        "query",
        "{ me { id(x: 01) } }",
        "\u{feff}{ version }",
        "{ a: }",
        "{ me { id\0 } }",
        "{ node(id: \"a\nb\") { id } }",
        "{ node(id: \"\\uD800\") { id } }",
        "type Query { a: Int }",
        "{ node(id: 1x) { id } }",
    ] {
        assert!(!broken(text).is_empty(), "{text:?}");
    }
}

#[test]
fn requests_are_read_in_the_forms_of_graphql_over_http() {
    let body = br#"{"query":"{ version }","operationName":null,"variables":{"a":1},"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"},"x":1}}"#;
    let (requests, batch) = read_body(body, 1).unwrap();
    assert_eq!((requests.len(), batch, requests[0].hash.as_deref()), (1, Batch::No, Some("ab")));
    assert_eq!(write_body(&requests, batch), r#"{"query":"{ version }","variables":{"a":1},"extensions":{"x":1}}"#);
    let several = br#"[{"query":"{ version }"},{"documentId":"d"}]"#;
    assert_eq!(read_body(several, 1).unwrap_err().rule, Rule::Batch);
    assert_eq!(read_body(several, 2).unwrap().0[1].document_id.as_deref(), Some("d"));
    for body in [
        "[]",
        "7",
        "{\"query\":7}",
        "{\"query\":\"a\",\"query\":\"b\"}",
        "{\"query\":\"a\",\"debug\":1}",
        "{\"variables\":[]}",
        "[[]]",
    ] {
        assert_eq!(read_body(body.as_bytes(), 9).unwrap_err().rule, Rule::Request, "{body}");
    }
    let request = read_query("query=%7B+version+%7D&variables=%7B%22a%22%3A1%7D").unwrap();
    assert_eq!(request.query.as_deref(), Some("{ version }"));
    assert_eq!(read_query(&write_query(&request)).unwrap().variables.unwrap().to_string(), r#"{"a":1}"#);
    assert!(
        read_query("query=a&query=b").is_err()
            && read_query("query=a&x=1").is_err()
            && read_query("query=%FF").is_err()
    );
}

#[test]
fn a_schema_that_a_service_tells_is_the_one_that_it_has() {
    let told = r#"{"data":{"__schema":{"queryType":{"name":"Q"},"mutationType":null,"subscriptionType":null,"directives":[],
      "types":[{"kind":"OBJECT","name":"Q","interfaces":[],"fields":[{"name":"list","args":[{"name":"first","type":{"kind":"NON_NULL","name":null,
      "ofType":{"kind":"SCALAR","name":"Int","ofType":null}},"defaultValue":null}],"type":{"kind":"LIST","name":null,"ofType":{"kind":"OBJECT","name":"Q"}}}]},
      {"kind":"SCALAR","name":"Int"}]}}}"#;
    let schema = from_introspection(told.as_bytes()).unwrap();
    let ask = |query: &str| {
        let request = Request { query: Some(query.into()), ..Request::default() };
        judge(&schema, &Guards::default(), &Limits::default(), &request)
    };
    assert_eq!(ask("{ list(first: 3) { list(first: 2) { __typename } } }").unwrap().cost, 3 * (1 + 2));
    assert!(ask("{ list { __typename } }").is_err());
    assert!(ask("mutation { list }").is_err());
    for wrong in
        ["", "{}", r#"{"data":{"__schema":{"types":[]}}}"#, &told.replace("\"Int\",\"ofType\"", "\"Long\",\"ofType\"")]
    {
        assert!(from_introspection(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn a_schema_with_a_mistake_names_it() {
    let fault = |text: &str| from_sdl(text).unwrap_err().to_string();
    assert_eq!(fault("type Query {\n  a Int\n}"), "the schema cannot be read at 2:5");
    assert_eq!(
        fault("type Query { a: Nope }"),
        "`Query.a` uses the type `Nope`, which is not defined, or not of the kind that is needed there"
    );
    assert_eq!(fault("type A { b: Int }"), "the schema has no query type");
    assert_eq!(fault("type Query { b: Int } type Query { b: Int }"), "the type `Query` is defined twice");
    assert_eq!(fault("type Query { b: Int b: Int }"), "the type `Query.b` is defined twice");
}

#[test]
fn suggestions_and_stack_traces_do_not_leave_and_all_else_stays() {
    let clean = |text: &str| without_disclosures(text.as_bytes()).unwrap().map(|it| String::from_utf8(it).unwrap());
    let answer = r#"{ "data" : {"a":1.50}, "errors":[{"message":"Cannot query field \"nam\" on type \"User\". Did you mean \"name\"?","extensions":{"code":"X","exception":{"stacktrace":["at /srv/app.js"]}}}] }"#;
    assert_eq!(
        clean(answer).unwrap(),
        r#"{ "data" : {"a":1.50}, "errors":[{"message":"Cannot query field \"nam\" on type \"User\".","extensions":{"code":"X"}}] }"#
    );
    assert_eq!(clean(r#"{"data":{"text":"Did you mean it?"}}"#), None);
    assert_eq!(clean(r#"{"errors":[{"message":"no"}]}"#), None);
    assert!(clean(r#"{"err\u006frs":[{"message":"x Did you mean y"}]}"#).is_some());
    assert!(without_disclosures(b"{\"errors\":").is_err());
}

#[test]
fn registered_documents_are_read_in_both_forms_and_held_to_their_hashes() {
    let sha256 = |bytes: &[u8]| format!("{:064x}", bytes.len());
    let plain = Documents::read(br#"{"a":"{ version }"}"#, sha256).unwrap();
    assert_eq!(plain.get("a").map(|it| &**it), Some("{ version }"));
    assert!(plain.has("{ version }") && !plain.has("{ me }"));
    let manifest = br#"{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","name":"A","type":"query","body":"{ version }"}]}"#;
    assert_eq!(Documents::read(manifest, sha256).unwrap().len(), 1);
    let hashed = |hash: &str| Documents::read(format!("{{\"{hash}\":\"{{ version }}\"}}").as_bytes(), sha256);
    assert!(hashed(&format!("{:064x}", 11)).is_ok());
    assert_eq!(hashed(&"ab".repeat(32)).unwrap_err(), DocumentsFault::Hash("ab".repeat(32)));
    assert!(matches!(Documents::read(br#"{"a":"{ version"}"#, sha256), Err(DocumentsFault::Document { .. })));
}

/// Documents made of the language's own pieces: most of them are wrong in a way that a random text is not.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "me",
        "id",
        "friends",
        "query",
        "fragment",
        "F",
        "on",
        "User",
        "...",
        "@include",
        "if",
        ":",
        "$a",
        "Int",
        "\"x\"",
        "7",
        "[",
        "]",
        "!",
        "=",
        "search",
        "text",
        "mutation",
        "true",
        "null",
        "{ me { id } }",
        "...F",
        "fragment F on User { id }",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn whatever_is_sent_the_answer_is_bounded(query in prop_oneof![pieces(), "\\PC{0,200}"], variables in "\\{(\"a\":[0-9],?)?\\}") {
        let read = json::read(variables.as_bytes(), json::Limits::default()).ok();
        let schema = from_sdl(SHOP).unwrap();
        let request = Request { query: Some(query.into()), variables: read, ..Request::default() };
        if let Err(faults) = judge(&schema, &Guards::default(), &Limits::default(), &request) {
            prop_assert!(!faults.is_empty() && faults.len() <= 17);
        }
        let _ = from_sdl(request.query.as_deref().unwrap_or_default());
    }

    #[test]
    fn a_request_that_was_read_is_the_same_when_it_is_written_and_read_again(query in "\\PC{0,40}", name in "[a-zA-Z]{1,8}") {
        let request = Request { query: Some(query.as_str().into()), operation_name: Some(name.into()), ..Request::default() };
        let (again, _) = read_body(write_body(std::slice::from_ref(&request), Batch::No).as_bytes(), 1).unwrap();
        prop_assert_eq!(&again[0].query, &request.query);
        prop_assert_eq!(read_query(&write_query(&request)).unwrap().query, request.query);
    }
}
