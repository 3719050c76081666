//! What a value proves by its check digits.

/// A card number: 13 to 19 digits by Luhn's check (`ISO/IEC 7812-1`).
pub(crate) const CARD: u8 = 1;
/// An account by `ISO 13616`.
pub(crate) const IBAN: u8 = 2;

/// Nothing longer is one, spaces included.
const LONGEST: usize = 48;

/// What a text is by its check digits, one bit each.
pub(crate) fn marks(text: &str) -> u8 {
    if text.len() > LONGEST || text.len() < 13 || !text.is_ascii() {
        return 0;
    }
    let bare: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).collect();
    (u8::from(is_card(&bare)) * CARD) | (u8::from(is_iban(&bare)) * IBAN)
}

fn is_card(text: &[u8]) -> bool {
    if !(13..=19).contains(&text.len()) || !text.iter().all(u8::is_ascii_digit) || text.iter().all(|byte| *byte == b'0')
    {
        return false;
    }
    let doubled = |(at, byte): (usize, &u8)| {
        let digit = u32::from(byte - b'0');
        if at % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
    };
    text.iter().rev().enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
}

fn is_iban(text: &[u8]) -> bool {
    let Some((head, rest)) = text.split_at_checked(4) else { return false };
    let is_headed = matches!(head, [a, b, c, d] if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit());
    if !is_headed || !(11..=30).contains(&rest.len()) {
        return false;
    }
    // The head goes behind, letters are 10 to 35, and the whole is 1 modulo 97.
    rest.iter().chain(head).try_fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => Some((sum * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((sum * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    }) == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_tell_cards_and_accounts_from_other_numbers() {
        for card in ["4111111111111111", "5500 0000 0000 0004", "3400-0000-0000-009"] {
            assert_eq!(marks(card), CARD, "{card}");
        }
        for iban in ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "NO9386011117947"] {
            assert_eq!(marks(iban), IBAN, "{iban}");
        }
        for other in [
            "4111111111111112",
            "DE88370400440532013000",
            "0000000000000000",
            "1234567890123",
            "a text of some length",
            "",
        ] {
            assert_eq!(marks(other), 0, "{other}");
        }
    }
}
