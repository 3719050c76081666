//! Names that people type: one spelling of each, so that no two accounts look alike to the store and the same to a person.

use unicode_normalization::UnicodeNormalization as _;

/// The longest name, in characters.
const LONGEST: usize = 64;
/// The longest mail address (`RFC 5321 §4.5.3.1.3`, less the angle brackets).
const LONGEST_EMAIL: usize = 254;

/// Why a name cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// Too short or too long.
    #[error("a user name has 1 to 64 characters")]
    Length,
    /// A character that may not stand in it.
    #[error(
        "a user name has letters, digits, `.`, `-` and `_`, and begins with a letter or digit; an address is given as e-mail"
    )]
    Character,
    /// No mail address.
    #[error("a mail address has the form `name@example.com`")]
    Email,
}

/// A user name in the spelling in which it is kept: NFKC, lower case.
///
/// # Errors
/// What is wrong with it.
pub fn username(typed: &str) -> Result<String, NameFault> {
    let name = spelled(typed);
    if name.is_empty() || name.chars().count() > LONGEST {
        return Err(NameFault::Length);
    }
    let is_allowed = |it: char| it.is_alphanumeric() || matches!(it, '.' | '-' | '_');
    // Letters of one alphabet that look like another's (Cyrillic `а` beside Latin `a`) would make two names look the same.
    let letters = || name.chars().filter(|it| it.is_alphabetic());
    let is_mixed = letters().any(is_latin) && !letters().all(is_latin);
    if is_mixed || !name.chars().all(is_allowed) || !name.starts_with(char::is_alphanumeric) {
        return Err(NameFault::Character);
    }
    Ok(name)
}

const fn is_latin(letter: char) -> bool {
    matches!(letter, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// A mail address in the spelling in which it is kept.
///
/// # Errors
/// If it has not the form of one. Whether mail reaches anybody there, only mail can tell.
pub fn email(typed: &str) -> Result<String, NameFault> {
    let address = spelled(typed);
    let Some((local, domain)) = address.rsplit_once('@') else { return Err(NameFault::Email) };
    let is_plain = |it: char| !it.is_whitespace() && !it.is_control() && !"<>()[],;:\\\"@".contains(it);
    let has_form = !local.is_empty() && local.len() <= 64 && domain.contains('.') && address.len() <= LONGEST_EMAIL;
    let is_domain =
        domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    if has_form && is_domain && local.chars().all(is_plain) && domain.chars().all(is_plain) {
        return Ok(address);
    }
    Err(NameFault::Email)
}

/// What somebody typed at the sign-in, spelled as names are kept. Whether there is such an account shows when it is looked for.
pub(crate) fn spelled(typed: &str) -> String {
    typed.trim().chars().take(LONGEST_EMAIL).collect::<String>().nfkc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_spelling() {
        assert_eq!(username(" Ada.Lovelace ").unwrap(), "ada.lovelace");
        assert_eq!(username("Ａｄａ").unwrap(), "ada", "full-width letters are the same letters");
        assert_eq!(username("Z\u{30c}ofie").unwrap(), username("Žofie").unwrap(), "composed or not, it is one letter");
        assert_eq!(username("Ольга").unwrap(), "ольга");
    }

    #[test]
    fn a_name_that_could_be_read_as_something_else_is_refused() {
        for name in ["", "   ", "a b", "ada@example.com", "-ada", "ada\u{202e}", "ad\u{430}", "a/b", "<b>"] {
            assert!(username(name).is_err(), "{name:?}");
        }
        assert_eq!(username(&"a".repeat(65)), Err(NameFault::Length));
    }

    #[test]
    fn an_address_that_would_end_a_line_or_begin_another_is_refused() {
        assert_eq!(email("Ada@Example.COM").unwrap(), "ada@example.com");
        for address in [
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a da@example.com",
            "ada@example.com\r\nBcc: x@y.z",
            "a@b..c",
            "a@b@c.d",
        ] {
            assert!(email(address).is_err(), "{address:?}");
        }
    }
}
