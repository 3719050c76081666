//! Documents that an operator wrote, in YAML 1.2 or JSON, as one tree that keeps its places.

mod scalar;
#[cfg(test)]
mod tests;
mod yaml;

use crate::json::{Json, Limits};

/// A document that is neither YAML nor JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// At which byte.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) message: String,
}

/// Published documents have up to 13 MB and half a million values.
const LIMITS: Limits = Limits { bytes: 64 << 20, depth: 100, values: 4_000_000 };

/// Reads a document: JSON if it begins like an object, YAML otherwise.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json, Unreadable> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        let json = crate::json::read_document(bytes, LIMITS);
        let yaml = |fault: crate::json::JsonFault| {
            // YAML of flow style looks like JSON; what is neither is reported as the JSON that it nearly is.
            yaml::read(bytes, LIMITS).map_err(|_| Unreadable { at: fault.at, message: fault.kind.to_string() })
        };
        return json.or_else(yaml);
    }
    yaml::read(bytes, LIMITS)
}

/// The first byte of each line.
pub(crate) fn lines(bytes: &[u8]) -> Vec<u32> {
    let after_breaks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after_breaks).filter_map(|at| u32::try_from(at).ok()).collect()
}

/// Tells of every `$ref`, but of those in examples and extensions, which are anybody's data.
pub(crate) fn references(root: &Json, tell: &mut dyn FnMut(&str)) {
    for member in root.members() {
        match (&*member.name, member.value.as_str()) {
            ("$ref", Some(reference)) => tell(reference),
            ("example" | "examples" | "default" | "enum" | "const", _) => {}
            (extension, _) if extension.starts_with("x-") => {}
            _ => references(&member.value, tell),
        }
    }
    for element in root.elements() {
        references(element, tell);
    }
}
