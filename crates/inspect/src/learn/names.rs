//! Which names are kept: a member of an object may be named by a value (`{"ann@example.com": …}`), and a segment of a path is one.

/// What stands for a name that is not kept, and for each element of a list.
pub(crate) const ANY: &str = "*";
/// Longest name that is kept.
const LONGEST: usize = 64;

/// The name, if it is one that a programmer gives.
pub(crate) fn folded(name: &str) -> &str {
    let begins = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_' || it == '$');
    let is_word = name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_$.:-".contains(&it));
    if begins && is_word && name.len() <= LONGEST && !is_identifier(name) { name } else { ANY }
}

/// Whether a text names one thing among many: a UUID, a number, a key.
fn is_identifier(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = text.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-');
    digits == text.len()
        || digits * 3 > text.len()
        || is_hex && digits > 0 && text.len() >= 8
        || text.len() >= 24 && digits > 1
}
