//! Which fields carry such data by what traffic looked like: names, formats, and check digits that every value of a place had.

use super::checks::{CARD, IBAN};
use super::{Category, SensitiveField, classify};
use crate::json::push_token;
use crate::learn::{OfOperation, Reads, Seen, Texts};
use crate::schema::Format;
use crate::schema::keywords::Types;

/// One number in ten has Luhn's check digit by chance; six of six have it once in a million.
const LEAST_CARDS: u64 = 6;
/// One text in a hundred of that form would be an account by chance.
const LEAST_ACCOUNTS: u64 = 2;

/// The fields of an operation's traffic that carry such data, in the order of their places.
pub fn of_traffic(learned: &OfOperation) -> Vec<SensitiveField> {
    let mut found = Vec::new();
    for (part, seen) in &learned.parts {
        look(part, "", "", seen, &mut found);
    }
    found
}

fn look(part: &str, name: &str, pointer: &str, seen: &Seen, found: &mut Vec<SensitiveField>) {
    if let Some((category, kind)) = carried(name, seen) {
        found.push(SensitiveField { place: format!("{part} {pointer}"), category, kind });
    }
    for (member, inner) in seen.object().into_iter().flat_map(|object| &object.members) {
        let mut pointer = pointer.to_owned();
        push_token(&mut pointer, member);
        look(part, member, &pointer, inner, found);
    }
    if let Some(array) = seen.array() {
        look(part, name, &format!("{pointer}/*"), &array.element, found);
    }
}

fn carried(name: &str, seen: &Seen) -> Option<(Category, &'static str)> {
    let texts = seen.text();
    let marks = texts.map_or(0, |texts| texts.marks);
    let is_text_only = !seen.has(!Types::STRING);
    if is_text_only && marks & IBAN != 0 && seen.count >= LEAST_ACCOUNTS {
        return Some((Category::Payment, "bank-account"));
    }
    if is_text_only && marks & CARD != 0 && seen.count >= LEAST_CARDS {
        return Some((Category::Payment, "card-number"));
    }
    let is_scalar = texts.is_some() || seen.digits().is_some();
    let is_email = texts.and_then(Texts::reads) == Some(Reads::Format(Format::Email));
    let format = (is_email && is_text_only).then_some("email");
    is_scalar.then(|| classify(name, None, format, false)).flatten()
}
