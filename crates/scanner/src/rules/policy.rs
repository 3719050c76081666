use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_controls::{Confidence, Finding, Rule};
use ignore::overrides::Override;
use serde::Deserialize;
use serde_json::json;

use super::declared::reason;
use super::documents::parse;
use super::evaluate::{Ask, Question};
use super::literal::{About, MAX_BYTES, Reader};
use super::process::{Evaluator, PolicyError};
use super::sample::Sample;
use super::{RuleFault, RuleFile, matches};
use crate::secrets::Detector;
use crate::tree::Node;
use crate::{Findings, GapReason, SourceFile, fingerprint};

/// The most findings of one policy.
const MAX_FINDINGS: usize = 1000;

/// A rule that is a program.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) file: String,
    text: String,
    pub(super) rule: Arc<Rule>,
    confidence: Confidence,
    pub(super) files: Override,
    pub(super) finds: Vec<Sample>,
    pub(super) passes: Vec<Sample>,
}

/// What a policy finds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    message: String,
    path: String,
    /// Which document of the file, from 0.
    #[serde(default)]
    number: usize,
    /// A JSON Pointer into the document.
    #[serde(default)]
    at: String,
}

impl Policy {
    /// Reads a policy; what it is, it says itself.
    pub(super) fn read(file: &RuleFile, evaluator: &Evaluator, faults: &mut Vec<RuleFault>) -> Option<Self> {
        let mut reader = Reader { file: &file.name, faults };
        let text = match String::from_utf8(file.bytes.clone()) {
            Ok(text) if text.len() <= MAX_BYTES => text,
            Ok(_) => {
                reader.fault(1, "it is larger than 1 MiB: see that it is a policy");
                return None;
            }
            Err(_) => {
                reader.fault(1, "it is not UTF-8");
                return None;
            }
        };
        let question = Question { name: file.name.clone(), policy: text, ask: Ask::Rule, input: json!({}) };
        let said = match evaluator.ask(&question) {
            Ok(said) => said.to_string(),
            Err(error) => {
                reader.fault(1, error.to_string());
                return None;
            }
        };
        let node = Node::json(&said).ok()?;
        let about = reader.about(&node);
        let (finds, passes) = (reader.samples(&node, "finds"), reader.samples(&node, "passes"));
        let About { rule, confidence, files, message: _ } = about?;
        let rule = Arc::new(rule);
        Some(Self { file: file.name.clone(), text: question.policy, rule, confidence, files, finds, passes })
    }

    /// Whether it finds something in a sample.
    pub(super) fn finds(&self, sample: &Sample, evaluator: &Evaluator) -> Result<bool, String> {
        if !matches(&self.files, &sample.file) {
            return Ok(false);
        }
        let documents = parse(&sample.file, Some(&sample.text)).map_err(|error| error.to_string())?;
        let resources: Vec<_> =
            documents.iter().enumerate().map(|(number, node)| resource(&sample.file, number, node)).collect();
        let found = self.ask(&resources, evaluator).map_err(|error| error.to_string())?;
        Ok(!found.is_empty())
    }

    /// Looks at all files of the tree at once.
    pub(super) fn look(
        &self,
        texts: &BTreeMap<String, String>,
        evaluator: &Evaluator,
        detector: &Detector,
        findings: &mut Findings,
    ) {
        let mut resources = Vec::new();
        for (path, text) in texts.iter().filter(|(path, _)| matches(&self.files, path)) {
            match parse(path, Some(text)) {
                Ok(documents) => {
                    resources.extend(documents.iter().enumerate().map(|(number, node)| resource(path, number, node)));
                }
                Err(error) => findings.gap(path, reason(&error), error.to_string()),
            }
        }
        if resources.is_empty() {
            return;
        }
        match self.ask(&resources, evaluator) {
            Ok(found) => {
                if found.len() > MAX_FINDINGS {
                    self.gap(format!("it finds more than {MAX_FINDINGS}"), findings);
                }
                for found in found.into_iter().take(MAX_FINDINGS) {
                    match texts.get(&found.path) {
                        Some(text) => findings.push(self.finding(&found, text, detector)),
                        None => self.gap(format!("it names `{}`, which it was not given", found.path), findings),
                    }
                }
            }
            Err(error) => self.gap(error.to_string(), findings),
        }
    }

    fn gap(&self, what: String, findings: &mut Findings) {
        findings.gap(&self.file, GapReason::LimitReached, what);
    }

    fn ask(&self, resources: &[serde_json::Value], evaluator: &Evaluator) -> Result<Vec<Found>, PolicyError> {
        let input = json!({ "resources": resources });
        let question = Question { name: self.file.clone(), policy: self.text.clone(), ask: Ask::Findings, input };
        let answer = evaluator.ask(&question)?;
        serde_json::from_value(answer).map_err(|error| {
            PolicyError::Fault(format!("`findings` is a set of objects with `message`, `path`, and `at`: {error}"))
        })
    }

    fn finding(&self, found: &Found, text: &str, detector: &Detector) -> Finding {
        let file = SourceFile::new(&found.path, text.as_bytes(), detector);
        let documents = parse(&found.path, Some(text)).unwrap_or_default();
        let line = documents.get(found.number).map(|document| document.line_at(&found.at));
        let location = line.map_or_else(
            || file.whole(),
            |line| {
                let last = found.at.rsplit('/').next().unwrap_or_default();
                file.locate(&file.on_line(line, last))
            },
        );
        Finding {
            rule: self.rule.clone(),
            severity: self.rule.severity,
            confidence: self.confidence,
            message: file.without_secrets(&found.message),
            location,
            fingerprint: fingerprint(&self.rule.id, &[found.at.as_bytes(), found.message.as_bytes()]),
            facts: Vec::new(),
            fix: None,
        }
    }
}

/// A document as policies see it.
fn resource(path: &str, number: usize, node: &Node<'_>) -> serde_json::Value {
    json!({ "path": path, "number": number, "document": node.to_json() })
}
