//! What a new password must be (`NIST SP 800-63B-4 §3.1.1.2`): long enough, and not one that an attacker tries first. There are no rules
//! about letters and digits: they make passwords worse, and people angry.

use zxcvbn::Score;

use super::Password;
use crate::config::PasswordRules;

/// How much of a password is looked at for guessability: what is secure so far stays so.
const LOOKED_AT: usize = 100;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFault {
    /// Fewer characters than this.
    Short(usize),
    /// Longer than any password here.
    Long,
    /// Among those that are tried first: a common one, a pattern, or the person's own name.
    Guessable,
    /// The new one is the old one.
    Unchanged,
}

/// Judges a new password of somebody who is called `words`. The library brings the lists: common passwords, names, words.
pub(crate) fn judge(
    password: &Password,
    words: &[&str],
    rules: &PasswordRules,
    has_second_factor: bool,
) -> Result<(), PasswordFault> {
    let (least, wanted) = if has_second_factor {
        (rules.min_length, Score::Two)
    } else {
        (rules.min_length.max(rules.min_length_alone), Score::Three)
    };
    if password.as_str().chars().count() < least {
        return Err(PasswordFault::Short(least));
    }
    let looked_at: String = password.as_str().chars().take(LOOKED_AT).collect();
    if zxcvbn::zxcvbn(&looked_at, words).score() < wanted {
        return Err(PasswordFault::Guessable);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str, has_second_factor: bool) -> Result<(), PasswordFault> {
        let rules = PasswordRules::default();
        judge(
            &Password::typed(text).unwrap(),
            &["ada", "ada.lovelace@example.com", "Bartizan"],
            &rules,
            has_second_factor,
        )
    }

    #[test]
    fn what_attackers_try_first_is_refused_whatever_its_length() {
        for text in [
            "password1234567",
            "qwertyuiopasdfgh",
            "aaaaaaaaaaaaaaaa",
            "ada.lovelace@example.com",
            "123456789012345678",
        ] {
            assert_eq!(verdict(text, false), Err(PasswordFault::Guessable), "{text}");
        }
    }

    #[test]
    fn a_password_that_stands_alone_is_longer_than_one_with_a_second_factor() {
        assert_eq!(verdict("vK7#pq2w", true), Ok(()));
        assert_eq!(verdict("vK7#pq2w", false), Err(PasswordFault::Short(15)));
        assert_eq!(verdict("vK7#pq2", true), Err(PasswordFault::Short(8)));
    }

    #[test]
    fn no_kind_of_character_is_asked_for() {
        assert_eq!(verdict("seven geese above the harbour", false), Ok(()));
        assert_eq!(verdict("сім гусей над гаванню", false), Ok(()));
    }
}
