use std::sync::Arc;

use bartizan_controls::{Confidence, Finding, Fix, Location, Rule};
use ignore::overrides::Override;
use regex::bytes::{Captures, Regex};

use super::documents::Documents;
use super::path::{KeyPath, Place};
use super::sample::Sample;
use crate::deps::lock::LockError;
use crate::{Findings, GapReason, SourceFile, blurred, fingerprint};

/// The most findings of one rule in one file: more is one fault of the rule.
const MAX_FINDINGS: usize = 1000;

/// A rule that says what it looks for.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) rule: Arc<Rule>,
    pub(super) confidence: Confidence,
    /// `{value}` stands for what was found, `{key}` for the way to it.
    pub(super) message: String,
    pub(super) files: Override,
    pub(super) search: Search,
    pub(super) finds: Vec<Sample>,
    pub(super) passes: Vec<Sample>,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) enum Search {
    /// A text. What the first group matches is marked.
    Pattern { expression: Regex, replace: Option<Vec<u8>> },
    /// A value in a configuration file.
    Key { path: KeyPath, condition: Condition },
}

/// What the value has to be for a finding.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Present,
    /// What the path's last key is missing in.
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Matches(Regex),
    NotMatches(Regex),
}

impl Declared {
    pub(super) fn look(&self, file: &SourceFile<'_>, documents: &Documents<'_>, findings: &mut Findings) {
        match &self.search {
            Search::Pattern { expression, replace } => self.pattern(expression, replace.as_deref(), file, findings),
            Search::Key { path, condition } => match documents.all() {
                Ok(documents) => {
                    let places = documents.iter().flat_map(|document| hits(document, path, condition));
                    self.keys(places, file, findings);
                }
                Err(error) => findings.gap(file.path(), reason(error), error.to_string()),
            },
        }
    }

    fn pattern(&self, expression: &Regex, replace: Option<&[u8]>, file: &SourceFile<'_>, findings: &mut Findings) {
        for (count, captures) in expression.captures_iter(file.bytes()).enumerate() {
            if count == MAX_FINDINGS {
                return self.too_many(file, findings);
            }
            let Some((whole, marked)) = captures.get(0).zip(captures.get(1).or(captures.get(0))) else { continue };
            let value: String = file.masked(marked.range()).chars().take(200).collect();
            let is_secret =
                file.secrets().iter().any(|hit| hit.secret.start < whole.end() && whole.start() < hit.secret.end);
            let text: Vec<u8> = whole.as_bytes().iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let known = if is_secret { blurred(&text).to_vec() } else { text };
            findings.push(Finding {
                fix: replace.map(|template| fix(&self.rule, &captures, template)),
                ..self.finding(&self.message.replace("{value}", &value), file.locate(&marked.range()), &known)
            });
        }
    }

    fn keys<'n, 'a: 'n>(
        &self,
        places: impl Iterator<Item = Place<'a, 'n>>,
        file: &SourceFile<'_>,
        findings: &mut Findings,
    ) {
        for (count, place) in places.enumerate() {
            if count == MAX_FINDINGS {
                return self.too_many(file, findings);
            }
            let way = place.way.join(".");
            let value = place.node.scalar().unwrap_or_default();
            let last = place.way.last().copied().unwrap_or_default();
            let shown = if value.is_empty() { last } else { value };
            let message = self
                .message
                .replace("{value}", &file.without_secrets(value))
                .replace("{key}", &file.without_secrets(&way));
            let location = file.locate(&file.on_line(place.line, shown));
            let known = [way.as_bytes(), &blurred(value.as_bytes())].concat();
            findings.push(self.finding(&message, location, &known));
        }
    }

    fn finding(&self, message: &str, location: Location, known: &[u8]) -> Finding {
        Finding {
            rule: self.rule.clone(),
            severity: self.rule.severity,
            confidence: self.confidence,
            message: message.split_whitespace().collect::<Vec<_>>().join(" "),
            location,
            fingerprint: fingerprint(&self.rule.id, &[known]),
            facts: Vec::new(),
            fix: None,
        }
    }

    fn too_many(&self, file: &SourceFile<'_>, findings: &mut Findings) {
        findings.gap(
            file.path(),
            GapReason::LimitReached,
            format!("`{}` finds more than {MAX_FINDINGS}", self.rule.id),
        );
    }
}

fn fix(rule: &Rule, captures: &Captures<'_>, template: &[u8]) -> Fix {
    let range = captures.get(0).map_or(0..0, |whole| whole.range());
    let mut replacement = Vec::new();
    captures.expand(template, &mut replacement);
    Fix { what: format!("as `{}` has it", rule.id), range, replacement }
}

/// The places of a document that the condition holds for.
fn hits<'a, 'n>(document: &'n crate::tree::Node<'a>, path: &KeyPath, condition: &Condition) -> Vec<Place<'a, 'n>> {
    if let Condition::Absent = condition {
        let Some((holder, key)) = path.holder() else { return Vec::new() };
        let holders = holder.places(document).into_iter();
        return holders.filter(|place| place.node.is_table() && place.node.get(key).is_none()).collect();
    }
    let holds = |place: &Place<'_, '_>| match (condition, place.node.scalar()) {
        (Condition::Present, _) => true,
        (Condition::In(words), Some(value)) => words.iter().any(|word| word == value),
        (Condition::NotIn(words), Some(value)) => !words.iter().any(|word| word == value),
        (Condition::Matches(expression), Some(value)) => expression.is_match(value.as_bytes()),
        (Condition::NotMatches(expression), Some(value)) => !expression.is_match(value.as_bytes()),
        _ => false,
    };
    path.places(document).into_iter().filter(holds).collect()
}

pub(super) fn reason(error: &LockError) -> GapReason {
    match error {
        LockError::TooLarge => GapReason::TooLarge,
        LockError::TooMany | LockError::TooDeep { .. } | LockError::Alias { .. } => GapReason::LimitReached,
        LockError::NotUtf8 | LockError::Syntax { .. } | LockError::Unknown(_) => GapReason::Unparsed,
    }
}
