use std::collections::BTreeMap;
use std::fmt::Write as _;

use bartizan_controls::{Finding, Severity};

use super::{SEVERITIES, escaped, gaps, place, summary};
use crate::Report;

/// The most bars of the chart of rules.
const MAX_BARS: usize = 15;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}article{border-left:4px solid;padding:.2rem 1rem;margin:1rem 0}\
pre{background:#f4f5f7;padding:.5rem;overflow-x:auto}mark{background:#ffd8a8}code{font-size:.9em}\
.critical{border-color:#9b1c1c;fill:#9b1c1c}.high{border-color:#d9480f;fill:#d9480f}.medium{border-color:#c99700;fill:#c99700}\
.low{border-color:#2b7a9b;fill:#2b7a9b}.info,.rule{border-color:#6b7280;fill:#6b7280}\
@media(prefers-color-scheme:dark){body{background:#16181c;color:#e6e6e6}pre{background:#22252b}mark{background:#7a4a12;color:#fff}text{fill:#e6e6e6}}";

/// The report as one page: no script, nothing loaded from elsewhere, and a policy that says so to the browser.
pub fn html(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Bartizan scan</title><style>{STYLE}</style></head>\n\
         <body><h1>Bartizan scan</h1>\n<p>{}</p>\n",
        escaped(&summary(report))
    );
    let gaps = gaps(report);
    if !gaps.is_empty() {
        let _infallible = writeln!(page, "<p>{}</p>", escaped(&gaps));
    }
    if !report.findings.is_empty() {
        page.push_str("<h2>By severity</h2>\n");
        page.push_str(&chart(&by_severity(report)));
        page.push_str("<h2>By rule</h2>\n");
        page.push_str(&chart(&by_rule(report)));
        page.push_str("<h2>Findings</h2>\n");
    }
    for severity in SEVERITIES {
        for finding in report.findings.iter().filter(|finding| finding.severity == severity) {
            page.push_str(&article(finding));
        }
    }
    page.push_str("</body></html>\n");
    page
}

/// A bar of a chart: its name, its class, its length.
struct Bar<'a>(&'a str, &'static str, usize);

fn by_severity(report: &Report) -> Vec<Bar<'static>> {
    let counts = report.by_severity();
    let bar = |severity: &Severity| counts.get(severity).map(|count| Bar(severity.as_str(), severity.as_str(), *count));
    SEVERITIES.iter().filter_map(bar).collect()
}

fn by_rule(report: &Report) -> Vec<Bar<'_>> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &report.findings {
        *counts.entry(finding.rule.id.as_ref()).or_default() += 1;
    }
    let mut bars: Vec<_> = counts.into_iter().map(|(rule, count)| Bar(rule, "rule", count)).collect();
    bars.sort_by_key(|Bar(rule, _, count)| (std::cmp::Reverse(*count), *rule));
    bars.truncate(MAX_BARS);
    bars
}

fn chart(bars: &[Bar<'_>]) -> String {
    const ROW: usize = 24;
    const LEFT: usize = 280;
    const WIDTH: usize = 360;
    let most = bars.iter().map(|Bar(.., count)| *count).max().unwrap_or(1).max(1);
    let (height, width) = (bars.len() * ROW, LEFT + WIDTH + 60);
    let mut svg = format!("<svg role=\"img\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">");
    for (index, Bar(name, class, count)) in bars.iter().enumerate() {
        let (top, length) = (index * ROW, (count * WIDTH / most).max(2));
        let _infallible = write!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" width=\"{length}\" height=\"{}\"/>\
             <text x=\"{}\" y=\"{}\">{count}</text>",
            top + 16,
            escaped(name),
            top + 4,
            ROW - 8,
            LEFT + length + 6,
            top + 16
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn article(finding: &Finding) -> String {
    let mut article = format!(
        "<article class=\"{}\"><strong>{}</strong> · {}<br><code>{}</code> · <code>{}</code>",
        finding.severity,
        finding.severity,
        escaped(&finding.message),
        escaped(&place(finding)),
        escaped(&finding.rule.id)
    );
    if let Some(excerpt) = &finding.location.excerpt {
        let part = |range: std::ops::Range<usize>| escaped(excerpt.text.get(range).unwrap_or_default());
        let _infallible = write!(
            article,
            "<pre>{}<mark>{}</mark>{}</pre>",
            part(0..excerpt.marked.start),
            part(excerpt.marked.into()),
            part(excerpt.marked.end..excerpt.text.len())
        );
    }
    for (name, value) in &finding.facts {
        let _infallible = write!(article, "{}: {}<br>", escaped(name), escaped(value));
    }
    let _infallible =
        writeln!(article, "<p>{} {}</p></article>", escaped(&finding.rule.why), escaped(&finding.rule.remedy));
    article
}
