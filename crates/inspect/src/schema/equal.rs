use std::fmt::Write as _;

use crate::json::{Content, Json};

/// `enum`, or `const`, which is an `enum` of one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Equal {
    rule: &'static str,
    /// Sorted: a list of all countries is searched, not walked.
    texts: Box<[Box<str>]>,
    others: Box<[Json]>,
}

impl Equal {
    pub(super) fn new(rule: &'static str, values: &[Json]) -> Self {
        let mut texts: Vec<Box<str>> = values.iter().filter_map(Json::as_str).map(Box::from).collect();
        texts.sort_unstable();
        let others = values.iter().filter(|value| value.as_str().is_none()).cloned().collect();
        Self { rule, texts: texts.into(), others }
    }

    pub(super) const fn rule(&self) -> &'static str {
        self.rule
    }

    pub(super) fn holds(&self, value: &Json) -> bool {
        match &value.content {
            Content::Text(text) => self.texts.binary_search(text).is_ok(),
            _ => self.others.contains(value),
        }
    }
}

/// Whether no two elements are equal. Long arrays are sorted: comparing each with each would be a denial of service.
pub(super) fn all_distinct(elements: &[Json]) -> bool {
    const FEW: usize = 12;
    if elements.len() <= FEW {
        return elements.iter().enumerate().all(|(at, it)| !elements.iter().take(at).any(|other| other == it));
    }
    let mut texts: Vec<String> = elements.iter().map(canonical).collect();
    texts.sort_unstable();
    texts.windows(2).all(|pair| !matches!(pair, [one, other] if one == other))
}

/// A text that equal values have in common, and no others.
fn canonical(value: &Json) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Json, text: &mut String) {
    match &value.content {
        Content::Null => text.push('n'),
        Content::Bool(truth) => text.push(if *truth { 't' } else { 'f' }),
        Content::Number(number) => {
            let _ = match number.as_whole() {
                Some(whole) => write!(text, "{whole};"),
                None => write!(text, "{:e};", number.as_f64()),
            };
        }
        // The length first: no text can look like the end of another.
        Content::Text(string) => drop(write!(text, "\"{}:{string}", string.len())),
        Content::Array(elements) => {
            text.push('[');
            elements.iter().for_each(|element| write_canonical(element, text));
            text.push(']');
        }
        Content::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            text.push('{');
            for member in sorted {
                let _ = write!(text, "{}:{}", member.name.len(), member.name);
                write_canonical(&member.value, text);
            }
            text.push('}');
        }
    }
}
