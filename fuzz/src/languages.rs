use bartizan_inspect::graphql::{
    Guards, Limits, from_introspection, from_sdl, judge, read_body, read_query, without_disclosures, write_body, write_query,
};
use bartizan_inspect::protobuf::{self, Descriptors, Unknown};

const SCHEMA: &str = "
interface Node { id: ID! } enum Colour { RED GREEN }
input Filter { colour: Colour = RED colours: [Colour!] min: Int not: Filter }
type Query { me: User node(id: ID!): Node search(text: String!, filter: Filter): [Hit!]! version: String }
type User implements Node { id: ID! name: String friends(first: Int = 5): [User!]! }
type Product implements Node { id: ID! similar(limit: Int): [Product!]! }
union Hit = User | Product
";

/// A request, as a body, as a query, and as the answer to one.
pub fn graphql(input: &[u8]) {
    if let Ok(Some(cleaned)) = without_disclosures(input) {
        assert_eq!(without_disclosures(&cleaned), Ok(None), "what was taken out is gone");
    }
    let schema = from_sdl(SCHEMA).expect("the schema is one");
    let guards = Guards::compile(&schema, ["User.name", "Node.id"]).expect("the fields are there");
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(request) = read_query(text)
    {
        assert_eq!(read_query(&write_query(&request)).expect("it was written").query, request.query);
    }
    let Ok((requests, batch)) = read_body(input, 4) else { return };
    for request in &requests {
        if let Err(faults) = judge(&schema, &guards, &Limits::default(), request) {
            assert!((1..=17).contains(&faults.len()));
        }
    }
    let written = write_body(&requests, batch);
    let (again, _) = read_body(written.as_bytes(), 4).expect("it was written");
    for (one, other) in requests.iter().zip(&again) {
        assert_eq!(one.query, other.query);
    }
}

/// A schema: of the service's own, and from the network where the service is asked for it.
pub fn graphql_schema(input: &[u8]) {
    let language = std::str::from_utf8(input).ok().and_then(|text| from_sdl(text).ok());
    for schema in language.into_iter().chain(from_introspection(input)) {
        let fields: Vec<String> = schema.fields().map(|(ty, field)| format!("{ty}.{field}")).collect();
        for field in fields.iter().take(64) {
            // Members of inputs are fields too, and none that a selection could ask for.
            let _ = Guards::compile(&schema, [field.as_str()]);
        }
    }
}

/// `message Item { string name = 1; int32 count = 2; repeated int32 sizes = 3; Item part = 4; group inner = 5 of Item }`
const SET: &[u8] = include_bytes!("../corpus/protobuf/descriptor-set");

/// A message, and a set of descriptors.
pub fn protobuf(input: &[u8]) {
    let _ = Descriptors::read(input);
    let set = Descriptors::read(SET).expect("the set is one");
    let item = set.named("shop.Item").expect("it is there");
    let limits = protobuf::Limits::default();
    if protobuf::check(&set, item, input, limits, Unknown::Refuse).is_ok() {
        assert_eq!(protobuf::check(&set, item, input, limits, Unknown::Report), Ok(0));
    }
}
