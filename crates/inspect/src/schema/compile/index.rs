//! Which schema has which URL: identifiers, anchors, and the resources that they divide documents into.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::address;
use crate::json::{Content, Json};
use crate::schema::library::{Library, decoded, why_not};

/// Schemas by their identifiers.
pub(super) struct Index<'l> {
    resources: Vec<Resource<'l>>,
    by_url: HashMap<String, u32>,
    /// By address: the resource of each schema that was looked at.
    of_schema: HashMap<usize, u32>,
    looked_at: HashSet<usize>,
    library: &'l Library,
}

struct Resource<'l> {
    url: Url,
    document: u32,
    root: &'l Json,
    anchors: HashMap<&'l str, &'l Json>,
    dynamic_anchors: Vec<(&'l str, &'l Json)>,
    /// Whether its metaschema has the vocabulary of validation (`JSON Schema Core §8.1.2`).
    validates: bool,
}

/// Keywords whose value is a schema.
const ONE: [&str; 11] = [
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
/// Keywords whose value is a list of schemas.
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value has a schema for each name.
const NAMED: [&str; 5] = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];
const VALIDATION: &str = "https://json-schema.org/draft/2020-12/vocab/validation";

impl<'l> Index<'l> {
    pub(super) fn of(library: &'l Library) -> Self {
        let mut index = Self {
            resources: Vec::new(),
            by_url: HashMap::new(),
            of_schema: HashMap::new(),
            looked_at: HashSet::new(),
            library,
        };
        for (number, url, root) in library.documents() {
            index.add_resource(url.clone(), number, root);
        }
        for (number, _, root) in library.documents() {
            if root.get("openapi").is_none() {
                index.add_schemas(root, number);
            }
            for schema in root.pointer("/components/schemas").map(Json::members).unwrap_or_default() {
                index.add_schemas(&schema.value, number);
            }
        }
        index
    }

    pub(super) fn document_of(&self, resource: u32) -> u32 {
        self.resources.get(resource as usize).map_or(0, |it| it.document)
    }

    pub(super) fn resource_of(&self, schema: &Json) -> Option<u32> {
        self.of_schema.get(&address(schema)).copied()
    }

    pub(super) fn validates(&self, resource: u32) -> bool {
        self.resources.get(resource as usize).is_none_or(|it| it.validates)
    }

    pub(super) fn dynamic_anchors(&self) -> impl Iterator<Item = &[(&'l str, &'l Json)]> {
        self.resources.iter().map(|it| it.dynamic_anchors.as_slice())
    }

    /// Every schema that has a dynamic anchor, and its resource.
    pub(super) fn dynamic_schemas(&self) -> Vec<(&'l Json, u32)> {
        let of_resource = |(number, it): (u32, &Resource<'l>)| {
            it.dynamic_anchors.iter().map(|found| (found.1, number)).collect::<Vec<_>>()
        };
        (0_u32..).zip(&self.resources).flat_map(of_resource).collect()
    }

    fn add_resource(&mut self, url: Url, document: u32, root: &'l Json) -> u32 {
        let number = u32::try_from(self.resources.len()).unwrap_or(u32::MAX);
        let validates = root.get("$schema").and_then(Json::as_str).is_none_or(|metaschema| {
            let found = self.library.documents().find(|(_, known, _)| known.as_str() == metaschema);
            let vocabularies = found.and_then(|(_, _, metaschema)| metaschema.get("$vocabulary"));
            vocabularies.is_none_or(|vocabularies| vocabularies.get(VALIDATION).is_some())
        });
        self.by_url.insert(url.to_string(), number);
        self.resources.push(Resource {
            url,
            document,
            root,
            anchors: HashMap::new(),
            dynamic_anchors: Vec::new(),
            validates,
        });
        number
    }

    /// Looks at a schema and every one inside it. Documents are read with a bound on their depth, and so is this.
    pub(super) fn add_schemas(&mut self, schema: &'l Json, resource: u32) {
        if !self.looked_at.insert(address(schema)) {
            return;
        }
        let resource = self.own_resource(schema, resource);
        self.of_schema.insert(address(schema), resource);
        for member in schema.members() {
            let (name, value) = (&*member.name, &member.value);
            if ONE.contains(&name) {
                self.add_schemas(value, resource);
            } else if LIST.contains(&name) {
                value.elements().iter().for_each(|schema| self.add_schemas(schema, resource));
            } else if NAMED.contains(&name) {
                value.members().iter().for_each(|member| self.add_schemas(&member.value, resource));
            }
        }
    }

    fn own_resource(&mut self, schema: &'l Json, outer: u32) -> u32 {
        let mut resource = outer;
        if let Some(id) = schema.get("$id").and_then(Json::as_str)
            && let Some(mut url) = self.resources.get(outer as usize).and_then(|it| it.url.join(id).ok())
        {
            url.set_fragment(None);
            let document = self.document_of(outer);
            resource = self.add_resource(url, document, schema);
        }
        let names = [("$anchor", false), ("$dynamicAnchor", true)];
        for (keyword, is_dynamic) in names {
            let Some(name) = schema.get(keyword).and_then(Json::as_str) else { continue };
            let Some(resource) = self.resources.get_mut(resource as usize) else { continue };
            resource.anchors.insert(name, schema);
            if is_dynamic {
                resource.dynamic_anchors.push((name, schema));
            }
        }
        resource
    }

    /// The schema that a reference leads to, and the resource it is part of.
    pub(super) fn resolve(&self, reference: &str, from: u32) -> Result<(&'l Json, u32), String> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let number = if file.is_empty() {
            from
        } else {
            let base = self.resources.get(from as usize).map(|it| &it.url);
            let url = base.and_then(|base| base.join(file).ok()).or_else(|| Url::parse(file).ok());
            let url = url.ok_or_else(|| format!("`{reference}` is no reference"))?;
            *self.by_url.get(url.as_str()).ok_or_else(|| why_not(reference, &url))?
        };
        let nothing = || format!("`{reference}` leads to nothing");
        let resource = self.resources.get(number as usize).ok_or_else(nothing)?;
        let fragment = decoded(fragment).ok_or_else(nothing)?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.walk(resource.root, &fragment, number).ok_or_else(nothing);
        }
        resource.anchors.get(fragment.as_str()).map(|found| (*found, number)).ok_or_else(nothing)
    }

    /// Follows a pointer, through the resources that begin on the way.
    fn walk(&self, root: &'l Json, pointer: &str, resource: u32) -> Option<(&'l Json, u32)> {
        let mut at = (root, resource);
        for token in pointer.split('/').skip(1) {
            let name = token.replace("~1", "/").replace("~0", "~");
            let next = match &at.0.content {
                Content::Array(elements) => elements.get(name.parse::<usize>().ok()?)?,
                _ => at.0.get(&name)?,
            };
            at = (next, self.resource_of(next).unwrap_or(at.1));
        }
        Some(at)
    }
}
