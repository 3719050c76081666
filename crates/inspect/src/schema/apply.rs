use super::fault::Path;
use super::keywords::{Schema, Types};
use super::run::{Direction, Run};
use super::{SchemaId, Schemas};
use crate::json::{Content, Json, Number};

/// Which members or elements of one value were spoken for: what `unevaluatedProperties` and `unevaluatedItems` ask.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// One flag for each member or element; empty where nobody asks.
    flags: Vec<bool>,
}

impl Seen {
    /// Nobody asks.
    pub(super) const fn nobody() -> Self {
        Self { flags: Vec::new() }
    }

    fn of(value: &Json) -> Self {
        Self { flags: vec![false; value.members().len().max(value.elements().len())] }
    }

    /// As many flags as `other` has, none of them set: for an alternative that may come to nothing.
    pub(super) fn beside(other: &Self) -> Self {
        Self { flags: vec![false; other.flags.len()] }
    }

    pub(super) fn mark(&mut self, index: usize) {
        if let Some(flag) = self.flags.get_mut(index) {
            *flag = true;
        }
    }

    pub(super) fn mark_all(&mut self) {
        self.flags.fill(true);
    }

    pub(super) fn has(&self, index: usize) -> bool {
        self.flags.get(index).copied().unwrap_or(false)
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (flag, other) in self.flags.iter_mut().zip(&other.flags) {
            *flag |= *other;
        }
    }
}

impl<'s> Run<'s> {
    /// Judges a value at a place of its own.
    pub(super) fn enter(&mut self, id: SchemaId, value: &Json, at: &Path<'_>) -> bool {
        let inherits = std::mem::replace(&mut self.inherits, false);
        let holds = self.apply(id, value, at, &mut Seen::nobody());
        self.inherits = inherits;
        holds
    }

    /// Applies a schema to a value, beside whatever else applies to it.
    pub(super) fn apply(&mut self, id: SchemaId, value: &Json, at: &Path<'_>, seen: &mut Seen) -> bool {
        let schemas: &'s Schemas = self.schemas;
        let Some(schema) = schemas.node(id) else { return self.give_up("schema-missing") };
        if !self.step() {
            return false;
        }
        match schema.always {
            Some(true) => return true,
            Some(false) => return self.fail(at, "false", || "nothing may be here".to_owned()),
            None => {}
        }
        self.depth += 1;
        let is_new_resource = self.scope.last() != Some(&schema.resource);
        if is_new_resource {
            self.scope.push(schema.resource);
        }
        let holds = if schema.asks_what_was_seen() {
            let mut own = Seen::of(value);
            let holds = self.keywords(schema, id, value, at, &mut own);
            seen.join(&own);
            holds
        } else {
            self.keywords(schema, id, value, at, seen)
        };
        if is_new_resource {
            self.scope.pop();
        }
        self.depth -= 1;
        holds
    }

    fn keywords(&mut self, schema: &'s Schema, id: SchemaId, value: &Json, at: &Path<'_>, seen: &mut Seen) -> bool {
        self.note(schema, value);
        if !schema.types.holds(value) {
            let is = schema.types.phrase();
            return self.fail(at, "type", || format!("must be {is}"));
        }
        let mut holds = self.scalar(schema, value, at);
        if holds || !self.is_hurried() {
            holds &= self.reference(schema, value, at, seen);
        }
        if holds || !self.is_hurried() {
            holds &= self.discriminated(schema, id, value, at, seen);
        }
        if let Some(rules) = schema.combine.as_deref().filter(|_| holds || !self.is_hurried()) {
            holds &= self.combined(schema, rules, value, at, seen);
        }
        if !holds && self.is_hurried() {
            return false;
        }
        holds
            & match &value.content {
                Content::Object(members) => {
                    if schema.types.allow(Types::OBJECT) && !schema.types.is_any() {
                        self.journal.close(value);
                    }
                    let rules = schema.object.as_deref();
                    rules.is_none_or(|rules| self.object(rules, value, members, at, seen))
                }
                Content::Array(elements) => {
                    let rules = schema.array.as_deref();
                    rules.is_none_or(|rules| self.array(rules, elements, at, seen))
                }
                _ => true,
            }
    }

    /// What a schema says of a value beside whether it is allowed.
    fn note(&mut self, schema: &Schema, value: &Json) {
        if let Some(content) = schema.content {
            self.journal.holds(value, content);
        }
        match self.direction {
            Some(Direction::Request) if schema.read_only => self.journal.wrong_way(value),
            Some(Direction::Answer) if schema.write_only => self.journal.wrong_way(value),
            _ => {}
        }
    }

    fn reference(&mut self, schema: &'s Schema, value: &Json, at: &Path<'_>, seen: &mut Seen) -> bool {
        let mut holds = true;
        if let Some(target) = schema.reference {
            holds &= self.apply(target, value, at, seen);
        }
        if let Some(dynamic) = &schema.dynamic {
            // The outermost resource that has the anchor decides (`JSON Schema Core §8.2.3.2`).
            let anchor = dynamic.anchor.as_deref();
            let outermost = anchor.and_then(|anchor| {
                self.scope.iter().find_map(|resource| self.schemas.dynamic_anchor(*resource, anchor))
            });
            holds &= self.apply(outermost.unwrap_or(dynamic.target), value, at, seen);
        }
        holds
    }
}

impl Schemas {
    fn dynamic_anchor(&self, resource: u32, name: &str) -> Option<SchemaId> {
        let anchors = self.anchors.get(resource as usize)?;
        anchors.iter().find(|(known, _)| &**known == name).map(|(_, id)| *id)
    }
}

impl Schema {
    fn asks_what_was_seen(&self) -> bool {
        self.object.as_ref().is_some_and(|rules| rules.unevaluated.is_some())
            || self.array.as_ref().is_some_and(|rules| rules.unevaluated.is_some())
    }
}

impl Types {
    pub(super) fn holds(self, value: &Json) -> bool {
        self.is_any()
            || match &value.content {
                Content::Null => self.allow(Self::NULL),
                Content::Bool(_) => self.allow(Self::BOOLEAN),
                Content::Number(number) => {
                    self.allow(Self::NUMBER) || self.allow(Self::INTEGER) && Number::is_whole(*number)
                }
                Content::Text(_) => self.allow(Self::STRING),
                Content::Array(_) => self.allow(Self::ARRAY),
                Content::Object(_) => self.allow(Self::OBJECT),
            }
    }
}
