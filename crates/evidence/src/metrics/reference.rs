//! The list of all metrics, for people: `docs/reference/metrics.md`.

use std::fmt::Write;

use super::Metrics;
use super::family::Kind;

impl Metrics {
    /// Every family as a table in Markdown: name, kind, labels and meaning.
    pub fn reference(&self) -> String {
        let mut page = String::from(
            "# Metrics\n\n\
             Generated from the code: what `/metrics` on the console listener shows. How to read them:\n\
             [Observability](../guide/observability.md).\n\n\
             | metric | kind | labels | meaning |\n|---|---|---|---|\n",
        );
        let mut families: Vec<_> = self.snapshot().0.iter().map(|collected| collected.family).collect();
        families.sort_by_key(|family| family.name);
        for family in families {
            let kind = match family.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let labels: Vec<_> = family.labels.iter().map(|label| format!("`{label}`")).collect();
            let _ = writeln!(page, "| `{}` | {kind} | {} | {} |", family.name, labels.join(", "), family.help);
        }
        page
    }
}
