use super::SchemaId;
use super::apply::Seen;
use super::fault::Path;
use super::keywords::{Combine, Schema};
use super::run::Run;
use crate::json::Json;

impl<'s> Run<'s> {
    pub(super) fn combined(
        &mut self,
        schema: &'s Schema,
        rules: &'s Combine,
        value: &Json,
        at: &Path<'_>,
        seen: &mut Seen,
    ) -> bool {
        let mut holds = self.all_of(schema, rules, value, at, seen);
        if !holds && self.is_hurried() {
            return false;
        }
        // A discriminator has said which one it is.
        let is_decided = schema.discriminator.as_ref().is_some_and(|it| it.among_alternatives) && value.is_object();
        if !is_decided {
            holds &= self.any_of(&rules.any_of, value, at, seen);
            if !holds && self.is_hurried() {
                return false;
            }
            holds &= self.one_of(&rules.one_of, value, at, seen);
        }
        if let Some(not) = rules.not {
            let mark = self.journal.mark();
            if self.probe(|run| run.apply(not, value, at, &mut Seen::nobody())) {
                holds = self.fail(at, "not", || "matches what it must not match".to_owned());
            }
            self.journal.forget(mark);
        }
        holds & self.condition(rules, value, at, seen)
    }

    fn all_of(&mut self, schema: &'s Schema, rules: &'s Combine, value: &Json, at: &Path<'_>, seen: &mut Seen) -> bool {
        let inherits = self.inherits;
        self.inherits |= schema.is_heir;
        let mut holds = true;
        for part in &rules.all_of {
            holds &= self.apply(*part, value, at, seen);
            if !holds && self.is_hurried() {
                break;
            }
        }
        self.inherits = inherits;
        holds
    }

    fn alternative(&mut self, id: SchemaId, value: &Json, at: &Path<'_>, seen: &mut Seen) -> bool {
        let mut own = Seen::beside(seen);
        let holds = self.probe(|run| run.apply(id, value, at, &mut own));
        if holds {
            seen.join(&own);
        }
        holds
    }

    fn any_of(&mut self, alternatives: &[SchemaId], value: &Json, at: &Path<'_>, seen: &mut Seen) -> bool {
        if alternatives.is_empty() {
            return true;
        }
        // All of them, even after the first that holds: each may declare members of its own.
        let mut holds = false;
        for id in alternatives {
            holds |= self.alternative(*id, value, at, seen);
        }
        holds || self.no_alternative(alternatives, value, at, "anyOf")
    }

    fn one_of(&mut self, alternatives: &[SchemaId], value: &Json, at: &Path<'_>, seen: &mut Seen) -> bool {
        if alternatives.is_empty() {
            return true;
        }
        let mut holding = 0;
        for id in alternatives {
            holding += usize::from(self.alternative(*id, value, at, seen));
            if holding > 1 {
                return self.fail(at, "oneOf", || "matches more than one of the alternatives".to_owned());
            }
        }
        holding == 1 || self.no_alternative(alternatives, value, at, "oneOf")
    }

    /// Where only one alternative is of the value's type, what is wrong with that one is what the client has to know.
    fn no_alternative(&mut self, alternatives: &[SchemaId], value: &Json, at: &Path<'_>, rule: &'static str) -> bool {
        if !self.is_hurried() {
            let fits = |id: &&SchemaId| self.schemas.node(**id).is_some_and(|it| self.schemas.may_be(it, value));
            let mut fitting = alternatives.iter().filter(fits);
            if let (Some(only), None) = (fitting.next(), fitting.next()) {
                let mark = self.journal.mark();
                self.apply(*only, value, at, &mut Seen::nobody());
                self.journal.forget(mark);
                return false;
            }
        }
        self.fail(at, rule, || "matches none of the alternatives".to_owned())
    }

    fn condition(&mut self, rules: &'s Combine, value: &Json, at: &Path<'_>, seen: &mut Seen) -> bool {
        let Some(condition) = rules.condition else { return true };
        let branch = if self.alternative(condition, value, at, seen) { rules.then } else { rules.otherwise };
        branch.is_none_or(|branch| self.apply(branch, value, at, seen))
    }

    /// Follows a discriminator to the one schema that the value names.
    pub(super) fn discriminated(
        &mut self,
        schema: &'s Schema,
        id: SchemaId,
        value: &Json,
        at: &Path<'_>,
        seen: &mut Seen,
    ) -> bool {
        let Some(discriminator) = schema.discriminator.as_deref() else { return true };
        if !value.is_object() || (!discriminator.among_alternatives && self.inherits) {
            return true;
        }
        let at_name = Path::Name(at, &discriminator.property);
        let Some(named) = value.get(&discriminator.property) else {
            return self.fail(&at_name, "discriminator", || "is missing".to_owned());
        };
        let target = named.as_str().and_then(|name| discriminator.mapping.get(name)).copied();
        match target {
            // The base itself.
            Some(target) if target == id => true,
            Some(target) => self.apply(target, value, at, seen),
            None => self.fail(&at_name, "discriminator", || "names no schema of the document".to_owned()),
        }
    }
}

impl super::Schemas {
    /// Whether a schema takes values of this type, as far as it and what it refers to say.
    fn may_be(&self, schema: &Schema, value: &Json) -> bool {
        const REFERENCES: usize = 16;
        let mut schema = schema;
        for _ in 0..REFERENCES {
            if !schema.types.holds(value) {
                return false;
            }
            match schema.reference.and_then(|target| self.node(target)) {
                Some(target) => schema = target,
                None => break,
            }
        }
        true
    }
}
