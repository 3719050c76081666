//! SARIF 2.1.0 (OASIS), within what GitHub's code scanning takes: relative URIs, rules by index, fingerprints, limited numbers.

use std::collections::BTreeMap;

use bartizan_controls::{Confidence, Finding, Rule, Severity};
use serde_json::{Value, json};

use crate::Report;

/// The most results that GitHub takes from one run. Of more, the worst are written.
const MAX_RESULTS: usize = 25_000;

/// The report as a SARIF log.
pub fn sarif(report: &Report, tool_version: &str) -> Value {
    let mut findings: Vec<(u32, &Finding)> = report.numbered().collect();
    let left_out = findings.len().saturating_sub(MAX_RESULTS);
    if left_out > 0 {
        findings.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
        findings.truncate(MAX_RESULTS);
    }
    let mut rules: BTreeMap<&str, (usize, &Rule)> =
        findings.iter().map(|(_, finding)| (finding.rule.id.as_ref(), (0, finding.rule.as_ref()))).collect();
    for (index, (place, _)) in rules.values_mut().enumerate() {
        *place = index;
    }
    let results: Vec<Value> = findings.iter().map(|(number, finding)| result(*number, finding, &rules)).collect();
    let mut notifications: Vec<Value> = report
        .coverage
        .gaps
        .iter()
        .map(|gap| notification(&format!("{} was not looked at: {} {}", gap.path, gap.reason, gap.detail)))
        .collect();
    if left_out > 0 {
        notifications.push(notification(&format!("{left_out} less severe findings were left out of this file")));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "bartizan",
                "semanticVersion": tool_version,
                "informationUri": "https://github.com/bartizan-security/bartizan",
                "rules": rules.values().map(|(_, rule)| descriptor(rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notifications }],
            "results": results,
        }],
    })
}

fn notification(text: &str) -> Value {
    json!({ "level": "warning", "message": { "text": text.trim_end() } })
}

fn descriptor(rule: &Rule) -> Value {
    let mut tags = vec!["security".to_owned()];
    tags.extend(rule.cwe.iter().map(|number| format!("external/cwe/cwe-{number:03}")));
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.why },
        "help": { "text": format!("{} {}", rule.why, rule.remedy) },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": tags, "security-severity": score(rule.severity) },
    })
}

fn result(number: u32, finding: &Finding, rules: &BTreeMap<&str, (usize, &Rule)>) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&finding.location.path), "uriBaseId": "%SRCROOT%" } });
    let region = finding.location.span.map_or_else(
        || json!({ "startLine": 1 }),
        |span| {
            json!({
                "startLine": span.start.line,
                "startColumn": span.start.column,
                "endLine": span.end.line,
                "endColumn": span.end.column,
            })
        },
    );
    if let Some(object) = physical.as_object_mut() {
        object.insert("region".to_owned(), region);
    }
    let facts: serde_json::Map<String, Value> =
        finding.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    json!({
        "ruleId": finding.rule.id,
        "ruleIndex": rules.get(finding.rule.id.as_ref()).map(|(index, _)| index),
        "level": level(finding.severity),
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": physical }],
        "partialFingerprints": { "bartizan/v1": format!("{}:{number}", finding.fingerprint) },
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "precision": precision(finding.confidence),
            "facts": facts,
        },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// GitHub sorts by a number: over 9 critical, from 7 high, from 4 medium.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

const fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "very-high",
        Confidence::Medium => "high",
        Confidence::Low => "low",
    }
}

/// A path as a relative URI (RFC 3986 §3.3).
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _infallible = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
