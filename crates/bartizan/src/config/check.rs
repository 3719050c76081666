//! Holds the file against its schema and finds every fault, where serde would stop at the first.

mod table;

use std::collections::HashMap;

use serde_json::Value;

use super::expect::{branches, expectation, form, wants, words};
use super::faults::{Fault, FaultKind};
use super::hints;
use super::later;
use super::schema::resolved;
use super::tree::{Content, Node, Place};
use super::units;

/// Everything that was found, and what is sound of the file.
pub(crate) struct Checked {
    pub(crate) faults: Vec<Fault>,
    /// The file without what is at fault; `None` if nothing is left to be read.
    pub(crate) sound: Option<Value>,
    /// Which of a list of sections are left, by their places in the file: `[[routes]]` without the second are 0 and 2.
    pub(crate) kept: HashMap<String, Vec<usize>>,
}

/// Holds a file against a schema.
pub(crate) fn check(schema: &Value, root: &Node) -> Checked {
    let mut checker = Checker { root: schema, faults: Vec::new(), kept: HashMap::new() };
    let sound = checker.value(schema, root, &Place::root());
    Checked { faults: checker.faults, sound, kept: checker.kept }
}

struct Checker<'s> {
    root: &'s Value,
    faults: Vec<Fault>,
    kept: HashMap<String, Vec<usize>>,
}

impl Checker<'_> {
    /// The value, if it is sound. Otherwise at least one fault was recorded.
    fn value(&mut self, schema: &Value, node: &Node, place: &Place) -> Option<Value> {
        let schema = resolved(self.root, schema);
        if schema.get("x-bartizan-secret").is_some() {
            return self.secret(schema, node, place);
        }
        let alternatives = branches(self.root, schema);
        let fitting: Vec<&Value> = alternatives.iter().copied().filter(|branch| wants(branch, &node.content)).collect();
        match (&node.content, fitting.as_slice()) {
            (_, []) => self.wrong_type(schema, node, place),
            (Content::Text(text), fitting) => self.text(schema, fitting, text, node, place),
            (Content::Time(text), [branch, ..]) => {
                self.form(branch, text, node)?;
                Some(Value::String(text.clone()))
            }
            (Content::Integer(number), [branch, ..]) => self.integer(branch, *number, node, place),
            (Content::Float(number), _) => number.and_then(serde_json::Number::from_f64).map(Value::Number),
            (Content::Truth(truth), _) => Some(Value::Bool(*truth)),
            (Content::List(nodes), [branch, ..]) => self.list(branch, nodes, node, place),
            (Content::Table(members), [only]) => self.table(only, members, node, place),
            (Content::Table(members), several) => {
                let shared = |branch: &&&Value| {
                    let known = branch.get("properties").and_then(Value::as_object);
                    members.iter().filter(|member| known.is_some_and(|known| known.contains_key(&member.key))).count()
                };
                let nearest = several.iter().rev().max_by_key(shared)?;
                self.table(nearest, members, node, place)
            }
        }
    }

    fn report(&mut self, fault: Fault) -> Option<Value> {
        self.faults.push(fault);
        None
    }

    fn wrong_type(&mut self, schema: &Value, node: &Node, place: &Place) -> Option<Value> {
        let key = place.last_key().unwrap_or("the file");
        let message = format!("`{key}` cannot be {}", node.content.noun());
        let fault = Fault::error(FaultKind::WrongType, node.span.clone(), message);
        self.report(fault.remedy(self.type_remedy(schema, node, key)))
    }

    fn type_remedy(&self, schema: &Value, node: &Node, key: &str) -> String {
        let alternatives = branches(self.root, schema);
        let wanted = |name: &str| alternatives.iter().find(|branch| branch.get("type").is_some_and(|it| it == name));
        match &node.content {
            Content::Table(_) if wanted("array").is_some() => {
                format!("write the section with two brackets: `[[{key}]]`")
            }
            Content::Text(text) if wanted("array").is_some() => format!("write a list: `{key} = [\"{text}\"]`"),
            Content::Text(text) if wanted("integer").is_some() && text.parse::<i64>().is_ok() => {
                format!("write the number without quotes: `{key} = {text}`")
            }
            Content::Text(text) if wanted("boolean").is_some() && matches!(text.as_str(), "true" | "false") => {
                format!("write it without quotes: `{key} = {text}`")
            }
            Content::Integer(Some(number)) => match alternatives.iter().find_map(|branch| form(branch)) {
                Some("duration") => format!("say the unit: `{key} = \"{number}s\"`, or `\"{number}ms\"`"),
                Some("size") => format!("say the unit: `{key} = \"{number}B\"`, or `KiB`, `MiB`"),
                Some("rate") => format!("say the period: `{key} = \"{number}/minute\"`"),
                _ => format!("write {}", expectation(self.root, schema)),
            },
            _ => format!("write {}", expectation(self.root, schema)),
        }
    }

    /// A text: one of the words, or of the form, whichever the schema has.
    fn text(&mut self, schema: &Value, fitting: &[&Value], text: &str, node: &Node, place: &Place) -> Option<Value> {
        let words = words(self.root, schema);
        if words.iter().any(|word| word == text) {
            return Some(Value::String(text.to_owned()));
        }
        let free = fitting.iter().find(|branch| branch.get("const").is_none() && branch.get("enum").is_none());
        match free {
            None => self.unknown_word(schema, &words, text, node, place),
            Some(branch) => {
                self.form(branch, text, node)?;
                self.length(branch, "minLength", "maxLength", text.chars().count(), node, place)?;
                Some(Value::String(text.to_owned()))
            }
        }
    }

    fn unknown_word(
        &mut self,
        schema: &Value,
        words: &[String],
        text: &str,
        node: &Node,
        place: &Place,
    ) -> Option<Value> {
        if let Some(later) = later::word(&place.dotted(), text) {
            let fault = Fault::error(FaultKind::NotInThisVersion, node.span.clone(), later.message());
            return self.report(fault.remedy(later.remedy()));
        }
        let key = place.last_key().unwrap_or_default();
        let message = format!("`{text}` is not a value of `{key}`");
        let mut fault = Fault::error(FaultKind::UnknownWord, node.span.clone(), message)
            .remedy(format!("write {}", expectation(self.root, schema)));
        if let Some(meant) = hints::word(words, text) {
            fault = fault.label(format!("did you mean `\"{meant}\"`?"));
        }
        self.report(fault)
    }

    /// Holds a text against the form that the schema names. `None` if it is at fault.
    fn form(&mut self, schema: &Value, text: &str, node: &Node) -> Option<()> {
        let Some(Err(malformed)) = form(schema).and_then(|form| units::check(form, text)) else {
            return Some(());
        };
        let fault = Fault::error(FaultKind::Malformed, node.span.clone(), malformed.problem).remedy(malformed.remedy);
        self.report(fault);
        None
    }

    fn integer(&mut self, schema: &Value, number: Option<i64>, node: &Node, place: &Place) -> Option<Value> {
        let bound = |keyword| schema.get(keyword).and_then(Value::as_i64);
        let (least, most) = (bound("minimum").unwrap_or(i64::MIN), bound("maximum").unwrap_or(i64::MAX));
        match number {
            Some(number) if (least..=most).contains(&number) => Some(number.into()),
            _ => {
                let key = place.last_key().unwrap_or_default();
                let remedy = match (bound("minimum"), bound("maximum")) {
                    (Some(least), Some(most)) => format!("write a whole number from {least} to {most}"),
                    (Some(least), None) => format!("write a whole number of at least {least}"),
                    _ => "write a whole number of at most 9223372036854775807".to_owned(),
                };
                let message = format!("the number is out of range for `{key}`");
                self.report(Fault::error(FaultKind::OutOfRange, node.span.clone(), message).remedy(remedy))
            }
        }
    }

    fn length(
        &mut self,
        schema: &Value,
        least: &str,
        most: &str,
        length: usize,
        node: &Node,
        place: &Place,
    ) -> Option<()> {
        let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
        let key = place.last_key().unwrap_or_default();
        let message = match (bound(least), bound(most)) {
            (Some(least), _) if length < least => format!("`{key}` must not be empty"),
            (_, Some(most)) if length > most => format!("`{key}` is longer than {most}"),
            _ => return Some(()),
        };
        self.report(
            Fault::error(FaultKind::OutOfRange, node.span.clone(), message)
                .remedy(format!("write {}, or leave `{key}` out if it may be absent", expectation(self.root, schema))),
        );
        None
    }

    /// A list, if every element is sound; of the file's own sections, those that are.
    fn list(&mut self, schema: &Value, nodes: &[Node], node: &Node, place: &Place) -> Option<Value> {
        self.length(schema, "minItems", "maxItems", nodes.len(), node, place)?;
        let items = schema.get("items")?;
        let mut kept = Vec::new();
        let mut sound = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            if let Some(value) = self.value(items, node, &place.index(index)) {
                kept.push(index);
                sound.push(value);
            }
        }
        let is_section = !place.dotted().contains('.');
        if is_section {
            self.kept.insert(place.dotted(), kept);
        }
        (is_section || sound.len() == nodes.len()).then_some(Value::Array(sound))
    }

    /// A secret is named and not written: whatever was written is not repeated.
    fn secret(&mut self, schema: &Value, node: &Node, place: &Place) -> Option<Value> {
        let key = place.last_key().unwrap_or_default();
        let named = "name where it is: `{ env = \"NAME\" }` or `{ file = \"path\" }`";
        let Content::Table(members) = &node.content else {
            let message = format!("the secret `{key}` is written into the file");
            let remedy = format!("{named}; and replace the secret, since it has been in a file that others read");
            return self.report(Fault::error(FaultKind::LiteralSecret, node.span.clone(), message).remedy(remedy));
        };
        if let Some(stored) = members.iter().find(|member| member.key == "secret") {
            let message = "stored secrets are not part of this version";
            return self
                .report(Fault::error(FaultKind::NotInThisVersion, stored.key_span.clone(), message).remedy(named));
        }
        let known: Vec<&str> =
            ["env", "file"].into_iter().filter(|name| members.iter().any(|it| it.key == *name)).collect();
        let [one] = *known.as_slice() else {
            let message = format!("`{key}` must name one place where the secret is");
            let remedy = "write `{ env = \"NAME\" }` or `{ file = \"path\" }`";
            return self.report(Fault::error(FaultKind::MissingKey, node.span.clone(), message).remedy(remedy));
        };
        let has = |branch: &&Value| branch.pointer(&format!("/properties/{one}")).is_some();
        let branch = branches(self.root, schema).into_iter().find(has)?;
        self.table(branch, members, node, place)
    }
}
