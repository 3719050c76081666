//! Distinguished names as text (`RFC 4514`).

use std::fmt::Write as _;

use x509_parser::asn1_rs::ToDer as _;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::CertificateError;

/// The short names that `RFC 4514 §3` lists; every other type is written by its number.
const SHORT_NAMES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// The name as text: the last relative name comes first (`RFC 4514 §2.1`).
pub(super) fn text(name: &X509Name<'_>) -> Result<String, CertificateError> {
    let mut text = String::new();
    let relative: Vec<_> = name.iter_rdn().collect();
    for (index, relative) in relative.into_iter().rev().enumerate() {
        if index > 0 {
            text.push(',');
        }
        for (index, attribute) in relative.iter().enumerate() {
            if index > 0 {
                text.push('+');
            }
            add_attribute(&mut text, attribute)?;
        }
    }
    Ok(text)
}

/// The last common name: of several, the most specific.
pub(super) fn common_name(name: &X509Name<'_>) -> Result<Option<String>, CertificateError> {
    let Some(last) = name.iter_common_name().last() else { return Ok(None) };
    let text = last.as_str().map_err(|_| CertificateError::UnfitName)?;
    Ok(Some(super::plain(text)?.to_owned()))
}

fn add_attribute(text: &mut String, attribute: &AttributeTypeAndValue<'_>) -> Result<(), CertificateError> {
    let oid = attribute.attr_type().to_id_string();
    let short = SHORT_NAMES.iter().find(|(number, _)| *number == oid).map(|(_, name)| *name);
    match (short, attribute.as_str()) {
        (Some(name), Ok(value)) => {
            let _ = write!(text, "{name}=");
            add_escaped(text, super::plain(value)?);
        }
        // RFC 4514 §2.4: a value without a known text form, or of a type without a name, is its BER in hexadecimal.
        (name, _) => {
            let _ = write!(text, "{}=#", name.unwrap_or(&oid));
            let value = attribute.attr_value().to_der_vec().map_err(|_| CertificateError::Malformed)?;
            super::add_hexadecimal(text, &value);
        }
    }
    Ok(())
}

/// `RFC 4514 §2.4`: what would end or change the value is escaped, so that no value can pretend to be two.
fn add_escaped(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        let at_edge = (character == ' ' && (index == 0 || index == last)) || (character == '#' && index == 0);
        if at_edge || matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=') {
            text.push('\\');
        }
        text.push(character);
    }
}
