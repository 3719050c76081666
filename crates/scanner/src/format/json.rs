use bartizan_controls::{Finding, Position};
use serde_json::{Map, Value, json};

use crate::Report;

/// The report for programs. The form is part of the interface: `version` changes when a field changes its meaning.
pub fn json(report: &Report, tool_version: &str) -> Value {
    let findings: Vec<Value> = report.numbered().map(|(number, finding)| record(number, finding)).collect();
    let gaps: Vec<Value> = report
        .coverage
        .gaps
        .iter()
        .map(|gap| json!({ "path": gap.path, "reason": gap.reason.as_str(), "detail": gap.detail }))
        .collect();
    let by_severity: Map<String, Value> =
        report.by_severity().into_iter().rev().map(|(severity, count)| (severity.to_string(), count.into())).collect();
    json!({
        "version": 1,
        "tool": { "name": "bartizan", "version": tool_version },
        "findings": findings,
        "summary": {
            "findings": report.findings.len(),
            "by_severity": by_severity,
            "suppressed": report.suppressed,
            "known": report.known,
            "unsure": report.unsure,
        },
        "coverage": {
            "files": report.coverage.files,
            "bytes": report.coverage.bytes,
            "binary": report.coverage.binary,
            "not_looked_at": gaps,
        },
    })
}

fn record(number: u32, finding: &Finding) -> Value {
    let position = |position: Position| json!({ "line": position.line, "column": position.column });
    let controls: Vec<&str> = finding.rule.controls.iter().map(|control| control.as_str()).collect();
    let facts: Map<String, Value> =
        finding.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    json!({
        "rule": finding.rule.id,
        "title": finding.rule.title,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        "path": finding.location.path,
        "start": finding.location.span.map(|span| position(span.start)),
        "end": finding.location.span.map(|span| position(span.end)),
        "excerpt": finding.location.excerpt.as_ref().map(|excerpt| &excerpt.text),
        "fingerprint": finding.fingerprint.to_string(),
        "copy": number,
        "facts": facts,
        "why": finding.rule.why,
        "remedy": finding.rule.remedy,
        "cwe": finding.rule.cwe,
        "controls": controls,
        "fixable": finding.fix.is_some(),
    })
}
