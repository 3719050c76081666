use super::apply::Seen;
use super::equal::all_distinct;
use super::fault::Path;
use super::keywords::ArrayRules;
use super::run::Run;
use crate::json::Json;

impl<'s> Run<'s> {
    pub(super) fn array(&mut self, rules: &'s ArrayRules, elements: &[Json], at: &Path<'_>, seen: &mut Seen) -> bool {
        let mut holds = self.count(rules, elements, at);
        // What is too long is refused by its length: nobody pays for looking at a million elements.
        if !holds {
            return false;
        }
        for (index, element) in elements.iter().enumerate() {
            let Some(schema) = rules.prefix.get(index).copied().or(rules.items) else { break };
            seen.mark(index);
            holds &= self.enter(schema, element, &Path::Index(at, index));
            if !holds && self.is_hurried() {
                return false;
            }
        }
        holds &= self.contains(rules, elements, at, seen);
        if let Some(schema) = rules.unevaluated.filter(|_| holds) {
            for (index, element) in elements.iter().enumerate().filter(|(index, _)| !seen.has(*index)) {
                holds &= self.enter(schema, element, &Path::Index(at, index));
            }
            seen.mark_all();
        }
        holds
    }

    fn count(&mut self, rules: &ArrayRules, elements: &[Json], at: &Path<'_>) -> bool {
        let count = elements.len() as u64;
        let mut holds = true;
        if let Some(least) = rules.min_items.filter(|least| count < *least) {
            holds = self.fail(at, "minItems", || format!("must have at least {least} elements"));
        }
        if let Some(most) = rules.max_items.filter(|most| count > *most) {
            holds = self.fail(at, "maxItems", || format!("must have at most {most} elements"));
        }
        if rules.unique && !all_distinct(elements) {
            holds = self.fail(at, "uniqueItems", || "must not have equal elements".to_owned());
        }
        holds
    }

    fn contains(&mut self, rules: &ArrayRules, elements: &[Json], at: &Path<'_>, seen: &mut Seen) -> bool {
        let Some(schema) = rules.contains else { return true };
        let mut count = 0_u64;
        for (index, element) in elements.iter().enumerate() {
            if self.probe(|run| run.enter(schema, element, &Path::Index(at, index))) {
                seen.mark(index);
                count += 1;
            }
        }
        let least = rules.min_contains.unwrap_or(1);
        if count < least {
            return self.fail(at, "contains", || format!("must have at least {least} elements of a kind"));
        }
        match rules.max_contains.filter(|most| count > *most) {
            Some(most) => self.fail(at, "maxContains", || format!("must have at most {most} elements of a kind")),
            None => true,
        }
    }
}
