use std::collections::HashMap;

use super::equal::Equal;
use super::format::Format;
use super::keywords::{Discriminator, Dynamic, Schema, Types};
use super::library::{Library, Place};
use super::pattern::Pattern;
use super::{Dialect, Formats, SchemaId, Schemas};
use crate::json::{Content, Json};

mod index;
mod words;

use index::Index;

/// Something in a document that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileFault {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

/// Compiles schemas of a library. A schema is compiled once, however many refer to it, and whether or not it refers to itself.
pub struct Compiler<'l> {
    pub(super) library: &'l Library,
    dialect: Dialect,
    formats: Formats,
    schemas: Schemas,
    /// By the address of a schema in its document.
    known: HashMap<usize, SchemaId>,
    waiting: Vec<(SchemaId, &'l Json, u32)>,
    index: Index<'l>,
    /// By the address of a base: who refers to it by `allOf`, with their names.
    heirs: HashMap<usize, Vec<(String, u32, &'l Json)>>,
    faults: Vec<CompileFault>,
}

impl<'l> Compiler<'l> {
    /// A compiler for the schemas of `library`.
    pub fn new(library: &'l Library, dialect: Dialect, formats: Formats) -> Self {
        Self {
            library,
            dialect,
            formats,
            schemas: Schemas::default(),
            known: HashMap::new(),
            waiting: Vec::new(),
            index: Index::of(library),
            heirs: HashMap::new(),
            faults: Vec::new(),
        }
    }

    /// Tells which named schemas build on `base` by `allOf`: those that a discriminator of the base chooses among.
    pub(crate) fn set_heirs(&mut self, base: &'l Json, heirs: Vec<(String, u32, &'l Json)>) {
        self.heirs.insert(address(base), heirs);
    }

    /// The number of a schema that stands in a document; it is compiled by [`Self::finish`].
    pub fn schema(&mut self, document: u32, schema: &'l Json) -> SchemaId {
        // Documents are the first resources, in their order.
        self.index.add_schemas(schema, document);
        let resource = self.index.resource_of(schema).unwrap_or(document);
        self.queue(schema, resource)
    }

    /// The number of a schema that the document does not spell out.
    pub(crate) fn made(&mut self, schema: Schema) -> SchemaId {
        let id = SchemaId(u32::try_from(self.schemas.nodes.len()).unwrap_or(u32::MAX));
        self.schemas.nodes.push(schema);
        id
    }

    /// Notes something that cannot be compiled.
    pub(crate) fn fault(&mut self, place: Place, message: impl Into<String>) {
        const MOST: usize = 200;
        if self.faults.len() < MOST {
            self.faults.push(CompileFault { place, message: message.into() });
        }
    }

    /// Compiles everything that was asked for and what it refers to.
    pub fn finish(mut self) -> (Schemas, Vec<CompileFault>) {
        self.run();
        if self.schemas.nodes.iter().any(|node| node.dynamic.is_some()) {
            // What a `$dynamicRef` may find need not be referred to by anything else.
            for (schema, resource) in self.index.dynamic_schemas() {
                self.queue(schema, resource);
            }
            self.run();
        }
        self.link();
        self.schemas.anchors = self.dynamic_anchors();
        (self.schemas, self.faults)
    }

    fn run(&mut self) {
        while let Some((id, json, resource)) = self.waiting.pop() {
            let compiled = self.compile(json, resource);
            if let Some(node) = self.schemas.nodes.get_mut(id.0 as usize) {
                *node = compiled;
            }
        }
    }

    fn queue(&mut self, json: &'l Json, resource: u32) -> SchemaId {
        if let Some(known) = self.known.get(&address(json)) {
            return *known;
        }
        let id = self.made(Schema::default());
        self.known.insert(address(json), id);
        self.waiting.push((id, json, resource));
        id
    }

    /// A subschema of a schema of `resource`.
    fn inner(&mut self, json: &'l Json, resource: u32) -> SchemaId {
        let resource = self.index.resource_of(json).unwrap_or(resource);
        self.queue(json, resource)
    }

    fn list(&mut self, value: &'l Json, resource: u32) -> Vec<SchemaId> {
        value.elements().iter().map(|part| self.inner(part, resource)).collect()
    }

    fn place(&self, json: &Json, resource: u32) -> Place {
        Place { document: self.index.document_of(resource), start: json.start }
    }

    fn compile(&mut self, json: &'l Json, resource: u32) -> Schema {
        let mut schema = Schema { place: self.place(json, resource), resource, ..Schema::default() };
        match &json.content {
            Content::Bool(truth) => schema.always = Some(*truth),
            Content::Object(members) => {
                // OpenAPI 3.0.4 §4.7.23: whatever stands beside a reference is ignored.
                if let Some(reference) = json.get("$ref").filter(|_| self.dialect == Dialect::OpenApi30) {
                    self.reference(&mut schema, reference, resource);
                    return schema;
                }
                let validates = self.index.validates(resource);
                for member in members {
                    self.keyword(&mut schema, json, &member.name, &member.value, resource, validates);
                }
                self.nullable(&mut schema, json);
                self.discriminator(&mut schema, json, resource);
            }
            _ => self.fault(schema.place, "a schema is an object, `true` or `false`"),
        }
        schema
    }

    fn reference(&mut self, schema: &mut Schema, reference: &'l Json, resource: u32) {
        if let Some(target) = self.target(reference, resource) {
            schema.reference = Some(target);
        } else {
            // What cannot be found is held for nothing that passes.
            schema.always = Some(false);
        }
    }

    fn target(&mut self, reference: &'l Json, resource: u32) -> Option<SchemaId> {
        let place = self.place(reference, resource);
        let Some(text) = reference.as_str() else {
            self.fault(place, "`$ref` is a string");
            return None;
        };
        match self.index.resolve(text, resource) {
            Ok((found, resource)) => Some(self.inner(found, resource)),
            Err(message) => {
                self.fault(place, message);
                None
            }
        }
    }

    fn dynamic_reference(&mut self, schema: &mut Schema, reference: &'l Json, resource: u32) {
        let Some(target) = self.target(reference, resource) else {
            schema.always = Some(false);
            return;
        };
        let name = reference.as_str().and_then(|text| text.split_once('#')).map(|(_, name)| name);
        let anchor = name.filter(|name| {
            let text = reference.as_str().unwrap_or_default();
            let found = self.index.resolve(text, resource).ok();
            found.is_some_and(|(found, _)| found.get("$dynamicAnchor").and_then(Json::as_str) == Some(name))
        });
        schema.dynamic = Some(Box::new(Dynamic { target, anchor: anchor.map(Box::from) }));
    }

    /// OpenAPI 3.0: `null` beside the one type; without a type it says nothing (OpenAPI 3.0.4 §4.7.24.1).
    fn nullable(&self, schema: &mut Schema, json: &Json) {
        let is_nullable = json.get("nullable").and_then(Json::as_bool).unwrap_or(false);
        if self.dialect == Dialect::OpenApi30 && is_nullable && json.get("type").is_some() {
            schema.types.0 |= Types::NULL;
        }
    }

    fn discriminator(&mut self, schema: &mut Schema, json: &'l Json, resource: u32) {
        let Some(said) = json.get("discriminator") else { return };
        let place = self.place(said, resource);
        let Some(property) = said.get("propertyName").and_then(Json::as_str) else {
            self.fault(place, "the discriminator does not say its `propertyName`");
            return;
        };
        let alternatives = json.get("oneOf").or_else(|| json.get("anyOf"));
        let mut mapping = std::collections::BTreeMap::new();
        if let Some(alternatives) = alternatives {
            for alternative in alternatives.elements() {
                let Some(reference) = alternative.get("$ref") else {
                    if alternative.get("type").and_then(Json::as_str) == Some("null") {
                        continue;
                    }
                    // OpenAPI 3.1 §4.8.25: only schemas that are referred to have a name; without one it decides nothing.
                    return;
                };
                let name = reference.as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
                if let Some(target) = self.target(reference, resource) {
                    mapping.insert(Box::from(name), target);
                }
            }
        } else {
            for (name, document, heir) in self.heirs.get(&address(json)).cloned().unwrap_or_default() {
                let id = self.inner(heir, document);
                mapping.insert(name.into(), id);
            }
        }
        for member in said.get("mapping").map(Json::members).unwrap_or_default() {
            let Some(named) = member.value.as_str() else { continue };
            let found = self.named(named, resource).or_else(|| self.index.resolve(named, resource).ok());
            match found {
                Some((found, resource)) => drop(mapping.insert(member.name.clone(), self.inner(found, resource))),
                None => self.fault(self.place(&member.value, resource), format!("`{named}` names no schema")),
            }
        }
        if mapping.is_empty() {
            return;
        }
        let among_alternatives = alternatives.is_some();
        schema.discriminator = Some(Box::new(Discriminator { property: property.into(), mapping, among_alternatives }));
    }

    /// The schema of that name in the components of the first document.
    fn named(&self, name: &str, resource: u32) -> Option<(&'l Json, u32)> {
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let document = self.index.document_of(resource);
        [document, 0].into_iter().filter(|_| is_name).find_map(|document| {
            let found = self.library.root(document)?.pointer("/components/schemas")?.get(name)?;
            Some((found, document))
        })
    }

    fn pattern(&mut self, value: &Json, text: &str, resource: u32) -> Option<Pattern> {
        match Pattern::new(text) {
            Ok(pattern) => Some(pattern),
            Err(cause) => {
                let cause: String = cause.lines().last().unwrap_or_default().trim().chars().take(120).collect();
                self.fault(self.place(value, resource), format!("the pattern cannot be compiled: {cause}"));
                None
            }
        }
    }

    fn equal(schema: &mut Schema, rule: &'static str, values: &[Json]) {
        schema.equal = Some(Box::new(Equal::new(rule, values)));
    }

    fn format(&self, schema: &mut Schema, value: &Json) {
        if self.formats == Formats::Assert {
            schema.format = value.as_str().and_then(Format::named);
        }
    }

    /// What can only be known once everything is compiled.
    fn link(&mut self) {
        let heirs: Vec<SchemaId> = self
            .schemas
            .nodes
            .iter()
            .filter_map(|node| node.discriminator.as_deref())
            .filter(|it| !it.among_alternatives)
            .flat_map(|it| it.mapping.values().copied())
            .collect();
        for id in heirs {
            if let Some(node) = self.schemas.nodes.get_mut(id.0 as usize) {
                node.is_heir = true;
            }
        }
        for at in 0..self.schemas.nodes.len() {
            let Some(mut rules) = self.schemas.nodes.get_mut(at).and_then(|node| node.object.take()) else { continue };
            for named in rules.named.values_mut() {
                if let Some(schema) = named.schema {
                    (named.read_only, named.write_only) = self.schemas.ways(schema, 0);
                }
                rules.required += u32::from(named.required);
            }
            if let Some(node) = self.schemas.nodes.get_mut(at) {
                node.object = Some(rules);
            }
        }
    }

    fn dynamic_anchors(&self) -> Vec<Vec<(Box<str>, SchemaId)>> {
        let resources = self.index.dynamic_anchors();
        let number = |json: &Json| self.known.get(&address(json)).copied();
        resources
            .map(|anchors| anchors.iter().filter_map(|(name, json)| Some(((*name).into(), number(json)?))).collect())
            .collect()
    }
}

impl Schemas {
    /// Whether a schema, or what it builds on, is `readOnly` and `writeOnly`.
    fn ways(&self, id: SchemaId, depth: usize) -> (bool, bool) {
        const DEEPEST: usize = 8;
        let Some(node) = self.node(id).filter(|_| depth < DEEPEST) else { return (false, false) };
        let parts = node.combine.iter().flat_map(|combine| &combine.all_of).chain(&node.reference);
        parts.fold((node.read_only, node.write_only), |ways, part| {
            let of_part = self.ways(*part, depth + 1);
            (ways.0 || of_part.0, ways.1 || of_part.1)
        })
    }
}

pub(super) fn address(json: &Json) -> usize {
    std::ptr::from_ref(json).addr()
}
