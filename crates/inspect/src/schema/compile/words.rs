use super::Compiler;
use crate::json::{Json, Number};
use crate::schema::Dialect;
use crate::schema::content::TextContent;
use crate::schema::keywords::{ArrayRules, Combine, Named, NumberRules, ObjectRules, Schema, TextRules, Types};
use crate::sensitive::Declared;

impl<'l> Compiler<'l> {
    /// One keyword of a schema. What is not known here describes, and binds nobody.
    pub(super) fn keyword(
        &mut self,
        schema: &mut Schema,
        json: &'l Json,
        name: &str,
        value: &'l Json,
        resource: u32,
        validates: bool,
    ) {
        match name {
            "$ref" => self.reference(schema, value, resource),
            "$dynamicRef" => self.dynamic_reference(schema, value, resource),
            "readOnly" => schema.read_only = value.as_bool() == Some(true),
            "writeOnly" => schema.write_only = value.as_bool() == Some(true),
            "format" => self.format(schema, value),
            "x-bartizan-data" => schema.data = value.as_str().and_then(Declared::named),
            "x-bartizan-content" => self.content(schema, value, resource),
            _ => {
                self.applicator(schema, name, value, resource);
                if validates {
                    self.assertion(schema, json, name, value, resource);
                }
            }
        }
    }

    /// Keywords that apply other schemas (`JSON Schema Core §10`).
    fn applicator(&mut self, schema: &mut Schema, name: &str, value: &'l Json, resource: u32) {
        match name {
            "allOf" => combine(schema).all_of = self.list(value, resource),
            "anyOf" => combine(schema).any_of = self.list(value, resource),
            "oneOf" => combine(schema).one_of = self.list(value, resource),
            "not" => combine(schema).not = Some(self.inner(value, resource)),
            "if" => combine(schema).condition = Some(self.inner(value, resource)),
            "then" => combine(schema).then = Some(self.inner(value, resource)),
            "else" => combine(schema).otherwise = Some(self.inner(value, resource)),
            "prefixItems" => array(schema).prefix = self.list(value, resource),
            "items" => array(schema).items = Some(self.inner(value, resource)),
            "contains" => array(schema).contains = Some(self.inner(value, resource)),
            "unevaluatedItems" => array(schema).unevaluated = Some(self.inner(value, resource)),
            "properties" => {
                for member in value.members() {
                    let id = self.inner(&member.value, resource);
                    named(schema, &member.name).schema = Some(id);
                }
                object(schema).declares = true;
            }
            "patternProperties" => {
                for member in value.members() {
                    let Some(pattern) = self.pattern(&member.value, &member.name, resource) else { continue };
                    let id = self.inner(&member.value, resource);
                    object(schema).patterns.push((pattern, id));
                }
                object(schema).declares = true;
            }
            "additionalProperties" => {
                let id = self.inner(value, resource);
                let rules = object(schema);
                (rules.additional, rules.declares) = (Some(id), true);
            }
            "unevaluatedProperties" => {
                let id = self.inner(value, resource);
                let rules = object(schema);
                (rules.unevaluated, rules.declares) = (Some(id), true);
            }
            "propertyNames" => object(schema).names = Some(self.inner(value, resource)),
            "dependentSchemas" => {
                for member in value.members() {
                    let id = self.inner(&member.value, resource);
                    object(schema).dependent_schemas.push((member.name.clone(), id));
                }
            }
            "minContains" => array(schema).min_contains = self.count(value, name, resource),
            "maxContains" => array(schema).max_contains = self.count(value, name, resource),
            _ => {}
        }
    }

    /// Keywords of validation (`JSON Schema Validation §6`).
    fn assertion(&mut self, schema: &mut Schema, json: &'l Json, name: &str, value: &'l Json, resource: u32) {
        match name {
            "type" => self.types(schema, value, resource),
            "enum" => Self::equal(schema, "enum", value.elements()),
            "const" => Self::equal(schema, "const", std::slice::from_ref(value)),
            "minimum" if self.is_exclusive(json, "exclusiveMinimum") => {
                number(schema).exclusive_minimum = self.bound(value, name, resource);
            }
            "maximum" if self.is_exclusive(json, "exclusiveMaximum") => {
                number(schema).exclusive_maximum = self.bound(value, name, resource);
            }
            "minimum" => number(schema).minimum = self.bound(value, name, resource),
            "maximum" => number(schema).maximum = self.bound(value, name, resource),
            "exclusiveMinimum" if value.as_bool().is_none() => {
                number(schema).exclusive_minimum = self.bound(value, name, resource);
            }
            "exclusiveMaximum" if value.as_bool().is_none() => {
                number(schema).exclusive_maximum = self.bound(value, name, resource);
            }
            "multipleOf" => number(schema).multiple_of = self.bound(value, name, resource),
            "minLength" => text(schema).min_length = self.count(value, name, resource),
            "maxLength" => text(schema).max_length = self.count(value, name, resource),
            "pattern" => {
                let pattern = value.as_str().and_then(|expression| self.pattern(value, expression, resource));
                // What cannot be judged holds for nothing; the fault keeps the document from being used anyway.
                text(schema).pattern = pattern;
            }
            "minItems" => array(schema).min_items = self.count(value, name, resource),
            "maxItems" => array(schema).max_items = self.count(value, name, resource),
            "uniqueItems" => array(schema).unique = value.as_bool() == Some(true),
            "minProperties" => object(schema).min_properties = self.count(value, name, resource),
            "maxProperties" => object(schema).max_properties = self.count(value, name, resource),
            "required" => {
                for needed in value.elements().iter().filter_map(Json::as_str) {
                    named(schema, needed).required = true;
                }
            }
            "dependentRequired" => {
                for member in value.members() {
                    let needed = member.value.elements().iter().filter_map(Json::as_str).map(Box::from).collect();
                    object(schema).dependent_required.push((member.name.clone(), needed));
                }
            }
            _ => {}
        }
    }

    fn types(&mut self, schema: &mut Schema, value: &'l Json, resource: u32) {
        let names = match value.as_str() {
            Some(name) => vec![name],
            None => value.elements().iter().filter_map(Json::as_str).collect(),
        };
        let bits: Option<u8> = names.iter().try_fold(0, |bits, name| Some(bits | Types::named(name)?));
        if let Some(bits) = bits.filter(|bits| *bits != 0) {
            schema.types.0 = bits;
        } else {
            let message =
                "`type` is one of null, boolean, object, array, string, integer and number, or a list of them";
            self.fault(self.place(value, resource), message);
        }
    }

    /// An unknown word would be read as none, and the field inspected as any other: whoever wrote it means something else.
    fn content(&mut self, schema: &mut Schema, value: &Json, resource: u32) {
        schema.content = value.as_str().and_then(TextContent::named);
        if schema.content.is_none() {
            let message = "`x-bartizan-content` is what a string holds: `markdown`, `html`, `code` or `sql`";
            self.fault(self.place(value, resource), message);
        }
    }

    fn is_exclusive(&self, json: &Json, keyword: &str) -> bool {
        self.dialect == Dialect::OpenApi30 && json.get(keyword).and_then(Json::as_bool) == Some(true)
    }

    fn bound(&mut self, value: &Json, name: &str, resource: u32) -> Option<Number> {
        let bound = value.as_number();
        if bound.is_none() {
            self.fault(self.place(value, resource), format!("`{name}` is a number"));
        }
        bound
    }

    fn count(&mut self, value: &Json, name: &str, resource: u32) -> Option<u64> {
        let count = value.as_count();
        if count.is_none() {
            self.fault(self.place(value, resource), format!("`{name}` is a whole number of at least 0"));
        }
        count
    }
}

fn combine(schema: &mut Schema) -> &mut Combine {
    schema.combine.get_or_insert_default()
}

fn number(schema: &mut Schema) -> &mut NumberRules {
    schema.number.get_or_insert_default()
}

fn text(schema: &mut Schema) -> &mut TextRules {
    schema.text.get_or_insert_default()
}

fn array(schema: &mut Schema) -> &mut ArrayRules {
    schema.array.get_or_insert_default()
}

fn object(schema: &mut Schema) -> &mut ObjectRules {
    schema.object.get_or_insert_default()
}

fn named<'s>(schema: &'s mut Schema, name: &str) -> &'s mut Named {
    object(schema).named.entry(name.into()).or_default()
}
