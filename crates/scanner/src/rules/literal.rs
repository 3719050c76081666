//! Rules as their file writes them: every fault at once, with its line.

use std::borrow::Cow;
use std::sync::Arc;

use bartizan_controls::{Confidence, Rule, Severity, scan};
use ignore::overrides::{Override, OverrideBuilder};
use regex::bytes::{Regex, RegexBuilder};

use super::declared::{Condition, Declared, Search};
use super::path::KeyPath;
use super::sample::Sample;
use crate::tree::{Entry, Node};

/// The largest file of rules, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// The largest expression, compiled.
const MAX_COMPILED: usize = 1 << 20;

/// What is wrong with a file of rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct RuleFault {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// What stands about a rule in front of its search; the same for both kinds of rules.
pub(super) const ABOUT: [&str; 9] =
    ["id", "title", "message", "why", "remedy", "severity", "confidence", "cwe", "files"];
const DECLARED: [&str; 7] = ["pattern", "key", "when", "replace", "finds", "passes", "as"];

/// Reads a file of declared rules.
pub(super) fn read(file: &str, bytes: &[u8], faults: &mut Vec<RuleFault>) -> Vec<Declared> {
    let mut reader = Reader { file, faults };
    if bytes.len() > MAX_BYTES {
        reader.fault(1, "it is larger than 1 MiB: see that it is a file of rules");
        return Vec::new();
    }
    let root = match std::str::from_utf8(bytes)
        .map_err(|_| "it is not UTF-8".to_owned())
        .and_then(|text| Node::yaml(text).map_err(|error| error.to_string()))
    {
        Ok(root) => root,
        Err(error) => {
            reader.fault(1, error);
            return Vec::new();
        }
    };
    reader.unknown(&root, &["rules"]);
    let rules = root.items_of("rules");
    if rules.is_empty() {
        reader.fault(root.line, "there is no list `rules` in it");
    }
    rules.iter().filter_map(|rule| reader.declared(rule)).collect()
}

pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) faults: &'a mut Vec<RuleFault>,
}

/// What every rule says of itself.
pub(super) struct About {
    pub(super) rule: Rule,
    pub(super) confidence: Confidence,
    pub(super) message: String,
    pub(super) files: Override,
}

impl Reader<'_> {
    pub(super) fn fault(&mut self, line: u32, what: impl Into<String>) {
        self.faults.push(RuleFault { file: self.file.to_owned(), line, what: what.into() });
    }

    fn unknown(&mut self, node: &Node<'_>, known: &[&str]) {
        let unknown: Vec<&Entry<'_>> =
            node.entries().iter().filter(|entry| !known.contains(&entry.key.as_ref())).collect();
        for entry in unknown {
            self.fault(entry.line, format!("`{}` is no key here; there are `{}`", entry.key, known.join("`, `")));
        }
    }

    fn declared(&mut self, node: &Node<'_>) -> Option<Declared> {
        let known: Vec<&str> = ABOUT.into_iter().chain(DECLARED).collect();
        self.unknown(node, &known);
        let about = self.about(node);
        let search = self.search(node);
        let samples = (self.samples(node, "finds"), self.samples(node, "passes"));
        let (About { rule, confidence, message, files }, search) = (about?, search?);
        Some(Declared { rule: Arc::new(rule), confidence, message, files, search, finds: samples.0, passes: samples.1 })
    }

    /// What the rule says of itself; none where something that has to be said is not.
    pub(super) fn about(&mut self, node: &Node<'_>) -> Option<About> {
        let id = self.required(node, "id").filter(|id| self.is_id(node, id));
        let title = self.required(node, "title");
        let severity = self.word(node, "severity", &SEVERITIES, Severity::Medium);
        let confidence = self.word(node, "confidence", &CONFIDENCES, Confidence::High);
        let cwe = self.cwe(node);
        let files = self.files(node);
        let title = title?;
        let optional = |key: &str, otherwise: &str| node.text_of(key).unwrap_or(otherwise).to_owned();
        Some(About {
            confidence: confidence?,
            message: optional("message", &title),
            files: files?,
            rule: Rule {
                id: format!("rules.{}", id?).into(),
                why: optional("why", "The project's own rules forbid it.").into(),
                remedy: optional("remedy", "See the rule.").into(),
                title: title.into(),
                severity: severity?,
                cwe: Cow::Owned(cwe),
                controls: Cow::Borrowed(const { &[scan::POLICY.id] }),
            },
        })
    }

    fn required(&mut self, node: &Node<'_>, key: &str) -> Option<String> {
        let text = node.text_of(key).filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.fault(node.line, format!("the rule has no `{key}`"));
        }
        text.map(str::to_owned)
    }

    fn is_id(&mut self, node: &Node<'_>, id: &str) -> bool {
        let is_kebab = id.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        if !is_kebab {
            self.fault(node.line, format!("`{id}` is no id: small letters and digits, joined by `-`"));
        }
        is_kebab
    }

    fn word<T: Copy>(&mut self, node: &Node<'_>, key: &str, words: &[(&str, T)], otherwise: T) -> Option<T> {
        let Some(member) = node.get(key) else { return Some(otherwise) };
        let found = words.iter().find(|(word, _)| member.text() == Some(word)).map(|(_, value)| *value);
        if found.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.fault(member.line, format!("`{key}` is one of `{}`", all.join("`, `")));
        }
        found
    }

    fn cwe(&mut self, node: &Node<'_>) -> Vec<u16> {
        let mut numbers = Vec::new();
        for item in node.items_of("cwe") {
            match item.text().and_then(|text| text.trim_start_matches("CWE-").parse().ok()) {
                Some(number) => numbers.push(number),
                None => self.fault(item.line, "a CWE is its number, such as `1357`"),
            }
        }
        numbers
    }

    fn files(&mut self, node: &Node<'_>) -> Option<Override> {
        let globs: Vec<(u32, &str)> =
            node.items_of("files").iter().filter_map(|item| Some((item.line, item.text()?))).collect();
        if !globs.iter().any(|(_, glob)| !glob.starts_with('!')) {
            self.fault(node.line, "the rule names no `files`: a list of globs, such as `\"*.py\"`");
            return None;
        }
        let mut builder = OverrideBuilder::new("");
        for (line, glob) in globs {
            if let Err(error) = builder.add(glob) {
                self.fault(line, format!("`{glob}` is no glob: {error}"));
            }
        }
        builder.build().ok()
    }

    fn search(&mut self, node: &Node<'_>) -> Option<Search> {
        match (node.get("pattern"), node.get("key")) {
            (Some(pattern), None) => {
                if let Some(when) = node.get("when") {
                    self.fault(when.line, "`when` belongs to `key`");
                }
                let expression = self.regex(pattern)?;
                let replace = node.text_of("replace").map(|text| text.as_bytes().to_vec());
                Some(Search::Pattern { expression, replace })
            }
            (None, Some(key)) => {
                if let Some(replace) = node.get("replace") {
                    self.fault(replace.line, "`replace` belongs to `pattern`");
                }
                let path = match key.text().unwrap_or_default().parse::<KeyPath>() {
                    Ok(path) => path,
                    Err(error) => {
                        self.fault(key.line, format!("`key` is no path: {error}"));
                        return None;
                    }
                };
                let condition = self.condition(node)?;
                if matches!(condition, Condition::Absent) && path.holder().is_none() {
                    self.fault(key.line, "what is absent has a name: the path ends in a key");
                }
                Some(Search::Key { path, condition })
            }
            _ => {
                self.fault(node.line, "a rule has either a `pattern` or a `key`");
                None
            }
        }
    }

    fn condition(&mut self, node: &Node<'_>) -> Option<Condition> {
        let Some(when) = node.get("when") else { return Some(Condition::Present) };
        let [entry] = when.entries() else {
            self.fault(
                when.line,
                "`when` has one condition: `equals`, `in`, `not-in`, `matches`, `not-matches` or `absent`",
            );
            return None;
        };
        let words = |node: &Node<'_>| node.items().iter().filter_map(Node::scalar).map(str::to_owned).collect();
        match entry.key.as_ref() {
            "equals" => Some(Condition::In(entry.node.scalar().map(str::to_owned).into_iter().collect())),
            "in" => Some(Condition::In(words(&entry.node))),
            "not-in" => Some(Condition::NotIn(words(&entry.node))),
            "matches" => self.regex(&entry.node).map(Condition::Matches),
            "not-matches" => self.regex(&entry.node).map(Condition::NotMatches),
            "absent" if entry.node.is_true() => Some(Condition::Absent),
            other => {
                self.fault(entry.line, format!("`{other}` is no condition; there are `equals`, `in`, `not-in`, `matches`, `not-matches`, `absent: true`"));
                None
            }
        }
    }

    fn regex(&mut self, node: &Node<'_>) -> Option<Regex> {
        let text = node.text().unwrap_or_default();
        match RegexBuilder::new(text).multi_line(true).size_limit(MAX_COMPILED).build() {
            // It would be found at every byte.
            Ok(expression) if expression.is_match(b"") => {
                self.fault(node.line, "the expression matches nothing at all, and so it matches everywhere");
                None
            }
            Ok(expression) => Some(expression),
            Err(error) => {
                let error = error.to_string();
                let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.fault(node.line, format!("it is no regular expression: {last}"));
                None
            }
        }
    }

    pub(super) fn samples(&mut self, node: &Node<'_>, key: &str) -> Vec<Sample> {
        let file = node.text_of("as").map_or_else(|| sample_name(node), |name| Some(name.to_owned()));
        let samples = node.items_of(key);
        if samples.is_empty() {
            self.fault(
                node.line,
                format!("the rule has no sample in `{key}`: one at least that it finds, and a near miss that passes"),
            );
        }
        let Some(file) = file.filter(|_| !samples.is_empty()) else {
            if !samples.is_empty() {
                self.fault(node.line, "say with `as` what file the samples would stand in, such as `as: compose.yaml`");
            }
            return Vec::new();
        };
        let sample =
            |item: &Node<'_>| Some(Sample { line: item.line, file: file.clone(), text: item.text()?.to_owned() });
        samples.iter().filter_map(sample).collect()
    }
}

/// A name that the rule's first glob lets through, if it can be read off: `sample.py` of `*.py`.
fn sample_name(node: &Node<'_>) -> Option<String> {
    let glob = node.items_of("files").iter().filter_map(Node::text).find(|glob| !glob.starts_with('!'))?;
    let last = glob.rsplit('/').next()?;
    let name = last.replacen('*', "sample", 1);
    (!name.contains(['*', '?', '[', '{']) && !name.is_empty() && glob.matches('*').count() <= 3).then_some(name)
}

const SEVERITIES: [(&str, Severity); 5] = [
    ("critical", Severity::Critical),
    ("high", Severity::High),
    ("medium", Severity::Medium),
    ("low", Severity::Low),
    ("info", Severity::Info),
];

const CONFIDENCES: [(&str, Confidence); 3] =
    [("high", Confidence::High), ("medium", Confidence::Medium), ("low", Confidence::Low)];
