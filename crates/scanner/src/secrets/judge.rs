//! Whether a value is a secret, as a reader would judge it: by its name, by how random it is, and by where it stands.

mod name;
mod place;
mod shape;
mod wording;

use bartizan_controls::Confidence;

pub(super) use name::{Meaning, meaning, speaks_of_credentials};
pub(super) use place::{Place, takes_bare_values};
pub(super) use shape::{entropy, is_monotonous, is_random, is_uuid};
use shape::{is_chosen_password, is_identifier};
pub(super) use wording::{is_placeholder, is_reference};

/// How sure it is that a value is a secret, given what its name means. `None` if it is none.
pub(super) fn value(meaning: Meaning, value: &[u8]) -> Option<Confidence> {
    let plausible = (6..=256).contains(&value.len()) && value.iter().all(|byte| (0x21..0x7f).contains(byte));
    if !plausible || is_reference(value) || is_placeholder(value) || is_identifier(value) {
        return None;
    }
    if is_uuid(value) {
        return (meaning == Meaning::Secret).then_some(Confidence::Medium);
    }
    if is_random(value) {
        return Some(Confidence::Medium);
    }
    (meaning == Meaning::Password && is_chosen_password(value)).then_some(Confidence::Low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_placeholders_are_no_secrets() {
        for text in [
            "${DB_PASSWORD}",
            "process.env.TOKEN",
            "{{ token }}",
            "/run/secrets/db",
            "your-api-key-here",
            "changeme123",
            "xxxxxxxxxxxxxxxx",
            "$2b$12$abcdefghijklmnopqrstuv",
            "user.password",
            "abcdefghijklmnop1234",
            "required|alpha_dash|string|max:255",
            "required|between:60,60",
        ] {
            assert_eq!(value(Meaning::Password, text.as_bytes()), None, "{text}");
        }
    }
}
