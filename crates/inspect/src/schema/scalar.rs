use super::fault::Path;
use super::keywords::{NumberRules, Schema, TextRules};
use super::pattern::Verdict;
use super::run::Run;
use crate::json::{Content, Json, Number};

impl<'s> Run<'s> {
    /// `enum`, `const`, `format`, and what bounds numbers and strings.
    pub(super) fn scalar(&mut self, schema: &'s Schema, value: &Json, at: &Path<'_>) -> bool {
        let mut holds = true;
        if let Some(equal) = schema.equal.as_deref().filter(|equal| !equal.holds(value)) {
            holds = self.fail(at, equal.rule(), || "must be one of the values that the document lists".to_owned());
        }
        if let Some(format) = schema.format.filter(|format| !format.holds(value)) {
            holds = self.fail(at, "format", || format!("must have the format `{}`", format.name()));
        }
        match &value.content {
            Content::Number(number) => {
                let rules = schema.number.as_deref();
                holds & rules.is_none_or(|rules| self.number(rules, *number, at))
            }
            Content::Text(text) => {
                let rules = schema.text.as_deref();
                holds & rules.is_none_or(|rules| self.text(rules, text, at))
            }
            _ => holds,
        }
    }

    fn number(&mut self, rules: &NumberRules, number: Number, at: &Path<'_>) -> bool {
        let mut holds = true;
        if let Some(least) = rules.minimum.filter(|least| number < *least) {
            holds = self.fail(at, "minimum", || format!("must be at least {least}"));
        }
        if let Some(least) = rules.exclusive_minimum.filter(|least| number <= *least) {
            holds = self.fail(at, "exclusiveMinimum", || format!("must be more than {least}"));
        }
        if let Some(most) = rules.maximum.filter(|most| number > *most) {
            holds = self.fail(at, "maximum", || format!("must be at most {most}"));
        }
        if let Some(most) = rules.exclusive_maximum.filter(|most| number >= *most) {
            holds = self.fail(at, "exclusiveMaximum", || format!("must be less than {most}"));
        }
        if let Some(divisor) = rules.multiple_of.filter(|divisor| !number.is_multiple_of(*divisor)) {
            holds = self.fail(at, "multipleOf", || format!("must be a multiple of {divisor}"));
        }
        holds
    }

    fn text(&mut self, rules: &TextRules, text: &str, at: &Path<'_>) -> bool {
        let mut holds = true;
        if rules.min_length.is_some() || rules.max_length.is_some() {
            let length = text.chars().count() as u64;
            if let Some(least) = rules.min_length.filter(|least| length < *least) {
                holds = self.fail(at, "minLength", || format!("must have at least {least} characters"));
            }
            if let Some(most) = rules.max_length.filter(|most| length > *most) {
                holds = self.fail(at, "maxLength", || format!("must have at most {most} characters"));
            }
        }
        // What is too long already is not searched as well.
        if let Some(pattern) = rules.pattern.as_ref().filter(|_| holds) {
            match pattern.find_in(text) {
                Verdict::Matches => {}
                Verdict::Differs => holds = self.fail(at, "pattern", || "must match the pattern".to_owned()),
                Verdict::TooCostly => holds = self.give_up("pattern-too-costly"),
            }
        }
        holds
    }
}
