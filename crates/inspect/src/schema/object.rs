use super::apply::Seen;
use super::fault::Path;
use super::keywords::{Named, ObjectRules};
use super::pattern::Verdict;
use super::run::{Direction, Run};
use crate::json::{Json, Member};

impl<'s> Run<'s> {
    pub(super) fn object(
        &mut self,
        rules: &'s ObjectRules,
        value: &Json,
        members: &[Member],
        at: &Path<'_>,
        seen: &mut Seen,
    ) -> bool {
        if rules.declares {
            self.journal.close(value);
        }
        let mut holds = self.count_members(rules, members, at);
        let mut required = 0_u32;
        for (index, member) in members.iter().enumerate() {
            let named = rules.named.get(&member.name);
            required += u32::from(named.is_some_and(|named| self.demands(*named)));
            let at = Path::Name(at, &member.name);
            holds &= self.member(rules, named, member, &at, index, seen);
            if !holds && self.is_hurried() {
                return false;
            }
        }
        if required < rules.required {
            holds &= self.required(rules, value, at);
        }
        if holds || !self.is_hurried() {
            holds &= self.dependencies(rules, value, at, seen);
        }
        if let Some(schema) = rules.unevaluated.filter(|_| holds) {
            for (_, member) in members.iter().enumerate().filter(|(index, _)| !seen.has(*index)) {
                self.journal.declare(&member.value);
                holds &= self.enter(schema, &member.value, &Path::Name(at, &member.name));
            }
            seen.mark_all();
        }
        holds
    }

    fn count_members(&mut self, rules: &ObjectRules, members: &[Member], at: &Path<'_>) -> bool {
        let count = members.len() as u64;
        let mut holds = true;
        if let Some(least) = rules.min_properties.filter(|least| count < *least) {
            holds = self.fail(at, "minProperties", || format!("must have at least {least} members"));
        }
        if let Some(most) = rules.max_properties.filter(|most| count > *most) {
            holds = self.fail(at, "maxProperties", || format!("must have at most {most} members"));
        }
        holds
    }

    /// One member: by its name, by the patterns that its name matches, or as one of those that are left.
    fn member(
        &mut self,
        rules: &'s ObjectRules,
        named: Option<&Named>,
        member: &Member,
        at: &Path<'_>,
        index: usize,
        seen: &mut Seen,
    ) -> bool {
        let mut holds = true;
        let mut is_declared = false;
        if let Some(schema) = named.and_then(|named| named.schema) {
            is_declared = true;
            holds &= self.enter(schema, &member.value, at);
        }
        for (pattern, schema) in &rules.patterns {
            match pattern.find_in(&member.name) {
                Verdict::Matches => {
                    is_declared = true;
                    holds &= self.enter(*schema, &member.value, at);
                }
                Verdict::Differs => {}
                Verdict::TooCostly => return self.give_up("pattern-too-costly"),
            }
        }
        if let Some(schema) = rules.additional.filter(|_| !is_declared) {
            is_declared = true;
            holds &= if self.schemas.node(schema).is_some_and(|schema| schema.always == Some(false)) {
                self.fail(at, "additionalProperties", || "is not declared".to_owned())
            } else {
                self.enter(schema, &member.value, at)
            };
        }
        if is_declared {
            seen.mark(index);
            self.journal.declare(&member.value);
        }
        if let Some(names) = rules.names {
            let name = Json::text(&member.name);
            // The name is no part of the value: nothing that is found of it belongs into the journal.
            let name_holds = self.probe(|run| run.enter(names, &name, at));
            holds &= name_holds || self.fail(at, "propertyNames", || "has a name that is not allowed".to_owned());
        }
        holds
    }

    /// Whether a member has to be there in a message that goes this way: a request need not have what the server sets.
    fn demands(&self, named: Named) -> bool {
        named.required
            && match self.direction {
                Some(Direction::Request) => !named.read_only,
                Some(Direction::Answer) => !named.write_only,
                None => true,
            }
    }

    fn required(&mut self, rules: &ObjectRules, value: &Json, at: &Path<'_>) -> bool {
        let mut holds = true;
        for (name, named) in &rules.named {
            if self.demands(*named) && value.get(name).is_none() {
                holds = self.fail(&Path::Name(at, name), "required", || "is missing".to_owned());
            }
        }
        holds
    }

    fn dependencies(&mut self, rules: &'s ObjectRules, value: &Json, at: &Path<'_>, seen: &mut Seen) -> bool {
        let mut holds = true;
        for (name, needed) in &rules.dependent_required {
            if value.get(name).is_none() {
                continue;
            }
            for missing in needed.iter().filter(|needed| value.get(needed).is_none()) {
                let at = Path::Name(at, missing);
                holds &= self.fail(&at, "dependentRequired", || format!("is missing beside `{name}`"));
            }
        }
        for (name, schema) in &rules.dependent_schemas {
            if value.get(name).is_some() {
                holds &= self.apply(*schema, value, at, seen);
            }
        }
        holds
    }
}
