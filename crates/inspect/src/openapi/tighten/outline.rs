use serde_json::{Map, Value, json};

use crate::learn::{Reads, Seen, Texts};
use crate::schema::Dialect;
use crate::schema::keywords::Types;

/// Schemas made after what was seen.
#[derive(Clone, Copy)]
pub(in crate::openapi) struct Outline {
    pub(in crate::openapi) dialect: Dialect,
}

/// A length that has room for what was seen and a quarter more.
pub(super) fn length(longest: u64) -> u64 {
    (longest + longest / 4).max(1).checked_next_power_of_two().unwrap_or(u64::MAX)
}

/// The bounds of whole numbers of so many digits, least and most; nothing beyond 64 bits.
pub(super) fn whole(seen: &Seen) -> Option<(i64, i64)> {
    let of_text = seen.text().filter(|it| it.reads() == Some(Reads::Integer));
    let (above, below) = match (seen.digits(), of_text) {
        (Some(digits), _) => (digits.above, digits.below),
        (None, Some(text)) => (u32::try_from(text.longest).ok()?, 0),
        (None, None) => return None,
    };
    let bound = |digits: u32| 10_i64.checked_pow(digits).map(|power| power - 1);
    Some((-bound(below)?, bound(above)?))
}

impl Outline {
    /// A schema for what was seen at a place.
    pub(in crate::openapi) fn schema(self, seen: &Seen) -> Value {
        let mut schema = self.types(seen);
        if let Some(text) = seen.text() {
            match text.reads() {
                Some(Reads::Integer) if seen.has(Types::STRING) => {
                    schema.insert("pattern".to_owned(), json!("^-?[0-9]+$"));
                    schema.insert("maxLength".to_owned(), json!(length(text.longest)));
                }
                Some(Reads::Boolean) => drop(schema.insert("enum".to_owned(), json!(["true", "false"]))),
                Some(Reads::Format(format)) => {
                    schema.insert("format".to_owned(), json!(format.name()));
                    schema.insert("maxLength".to_owned(), json!(length(text.longest)));
                }
                _ => drop(schema.insert("maxLength".to_owned(), json!(length(text.longest)))),
            }
        }
        if seen.has(Types::INTEGER)
            && !seen.has(Types::NUMBER)
            && let Some((least, most)) = whole(seen)
        {
            schema.insert("minimum".to_owned(), json!(least));
            schema.insert("maximum".to_owned(), json!(most));
        }
        if let Some(array) = seen.array() {
            schema.insert("maxItems".to_owned(), json!(length(array.longest)));
            schema.insert("items".to_owned(), self.schema(&array.element));
        }
        self.members(seen, &mut schema);
        Value::Object(schema)
    }

    /// A schema for a parameter, whose text stands for what all of them could be read as.
    pub(in crate::openapi) fn parameter(self, seen: &Seen) -> Value {
        match seen.text().and_then(Texts::reads) {
            Some(Reads::Integer) => match whole(seen) {
                Some((least, most)) => json!({ "type": "integer", "minimum": least, "maximum": most }),
                None => json!({ "type": "integer" }),
            },
            Some(Reads::Boolean) => json!({ "type": "boolean" }),
            _ => self.schema(seen),
        }
    }

    fn members(self, seen: &Seen, schema: &mut Map<String, Value>) {
        let Some(object) = seen.object() else { return };
        let named = object.members.iter().filter(|(name, _)| *name != "*");
        let properties: Map<String, Value> =
            named.clone().map(|(name, member)| (name.clone(), self.schema(member))).collect();
        let required: Vec<&String> =
            named.filter(|(_, member)| member.count == object.count).map(|(name, _)| name).collect();
        if !properties.is_empty() {
            schema.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        let others = object.members.get("*").map_or(json!(false), |others| self.schema(others));
        schema.insert("additionalProperties".to_owned(), others);
    }

    /// `type`, as the dialect writes it.
    pub(super) fn types(self, seen: &Seen) -> Map<String, Value> {
        const NAMES: [(u8, &str); 5] = [
            (Types::BOOLEAN, "boolean"),
            (Types::OBJECT, "object"),
            (Types::ARRAY, "array"),
            (Types::STRING, "string"),
            (Types::NUMBER, "number"),
        ];
        let mut names: Vec<&str> = NAMES.iter().filter(|(bit, _)| seen.has(*bit)).map(|(_, name)| *name).collect();
        if seen.has(Types::INTEGER) && !seen.has(Types::NUMBER) {
            names.push("integer");
        }
        let is_nullable = seen.has(Types::NULL);
        let mut schema = Map::new();
        match (self.dialect, names.as_slice(), is_nullable) {
            (_, [], false) => {}
            (_, [name], false) => drop(schema.insert("type".to_owned(), json!(name))),
            (Dialect::OpenApi30, [name], true) => {
                schema.insert("type".to_owned(), json!(name));
                schema.insert("nullable".to_owned(), json!(true));
            }
            (Dialect::OpenApi30, [], true) => drop(schema.insert("enum".to_owned(), json!([null]))),
            // Of several types OpenAPI 3.0 has no list.
            (Dialect::OpenApi30, [_, _, ..], _) => {
                schema.insert("anyOf".to_owned(), names.iter().map(|name| json!({ "type": name })).collect());
                if is_nullable {
                    schema.insert("nullable".to_owned(), json!(true));
                }
            }
            (Dialect::Draft202012, _, _) => {
                names.extend(is_nullable.then_some("null"));
                schema.insert("type".to_owned(), json!(names));
            }
        }
        schema
    }
}
