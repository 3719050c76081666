//! Which operations and fields carry data of people, as documents declare it and as traffic showed it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bartizan_inspect::learn::Learned;
use bartizan_inspect::sensitive::of_traffic;
use serde_json::{Value, json};

use crate::config::Posture;

/// For each category (`personal`, `payment`, `health`), the operation, the place in it, and what it is taken for.
type Carries = BTreeMap<&'static str, Vec<String>>;

/// What traffic carried, by API or route.
pub(crate) fn seen(learned: &Learned) -> BTreeMap<&str, Carries> {
    let mut seen = BTreeMap::new();
    for (api, operations) in &learned.apis {
        let mut carries = Carries::new();
        for (operation, of) in operations {
            for field in of_traffic(of) {
                let text = format!("{operation}: {} ({})", field.place, field.kind);
                carries.entry(field.category.as_str()).or_default().push(text);
            }
        }
        if !carries.is_empty() {
            seen.insert(api.as_str(), carries);
        }
    }
    seen
}

/// Both, for machines.
pub(crate) fn record(posture: &Posture, learned: &Learned) -> Value {
    let declared =
        posture.apis.iter().filter(|api| !api.carries.is_empty()).map(|api| (api.name.as_str(), &api.carries));
    json!({ "declared": declared.collect::<BTreeMap<_, _>>(), "seen": seen(learned) })
}

/// What traffic carried, in words; nothing where nothing was seen.
pub(crate) fn render(learned: &Learned) -> String {
    /// Fields of each kind that are shown; all of them are in the JSON form.
    const MOST: usize = 5;
    let mut text = String::new();
    for (api, carries) in seen(learned) {
        for (category, fields) in carries {
            let shown = fields.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join("; ");
            let more = fields.len().saturating_sub(MOST);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            let _infallible = writeln!(text, "  {api}: traffic carried {category} data: {shown}{more}");
        }
    }
    if text.is_empty() { text } else { format!("\nWhat traffic carried\n{text}") }
}
