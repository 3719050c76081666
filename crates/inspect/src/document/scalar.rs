//! What a plain scalar means: the core schema of YAML 1.2.2 §10.3.2.

use crate::json::{Content, Number};

/// The value of a scalar without quotes. Dates, `yes` and `on` are strings; `.inf` and `.nan` have no place in JSON, and are too.
pub(super) fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" => Content::Bool(true),
        "false" | "False" | "FALSE" => Content::Bool(false),
        _ => number(text).map_or_else(|| Content::Text(text.into()), Content::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(plain_digits(digits)?, 16).ok().map(whole);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(plain_digits(digits)?, 8).ok().map(whole);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = unsigned.starts_with(|it: char| it.is_ascii_digit() || it == '.')
        && unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if !is_number {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let exact = text.parse().map(Number::Integer).or_else(|_| text.parse().map(Number::Unsigned)).ok();
        if exact.is_some() {
            return exact;
        }
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Number::Float)
}

/// `from_str_radix` would take a sign.
fn plain_digits(digits: &str) -> Option<&str> {
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(digits)
}

fn whole(number: u64) -> Number {
    i64::try_from(number).map_or(Number::Unsigned(number), Number::Integer)
}
