/// Few characters over and over, or in the order of the alphabet.
pub(in crate::secrets) fn is_monotonous(value: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in value {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let steps = value.windows(2).filter(|pair| matches!(pair, [one, two] if two.wrapping_sub(*one) <= 1)).count();
    distinct < 5.min(value.len()) || (value.len() >= 8 && steps * 5 > value.len() * 2)
}

/// Words that are joined as identifiers are, with at most a number behind them.
pub(super) fn is_identifier(value: &[u8]) -> bool {
    let end = value.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let body = value.get(..end).unwrap_or_default();
    let digits = body.iter().any(u8::is_ascii_digit);
    let joined = body.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-.:/ ".contains(byte));
    joined && !digits && !has_many_turns(value)
}

/// `8-4-4-4-12` hexadecimal digits.
pub(in crate::secrets) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether a program must have made it: long, and without the order that words have.
pub(in crate::secrets) fn is_random(value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    if !letters || digits < 2 || is_monotonous(value) {
        return false;
    }
    if value.iter().all(u8::is_ascii_hexdigit) {
        return value.len() >= 24 && entropy(value) >= 3.0;
    }
    let is_symbol = |byte: &&u8| !byte.is_ascii_alphanumeric();
    let symbols = value.iter().filter(is_symbol).count();
    value.len() >= 16 && symbols * 3 <= value.len() && entropy(value) >= 3.4 && has_many_turns(value)
}

/// Whether capitals, small letters, digits and symbols follow each other as they do by chance: in words they stay together.
pub(super) fn has_many_turns(value: &[u8]) -> bool {
    let class = |byte: u8| match byte {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let turns = value.windows(2).filter(|pair| matches!(pair, [one, two] if class(*one) != class(*two))).count();
    let mixed = value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    // By chance: 60 % of the steps between characters of base 62, 40 % where all letters are small.
    turns * 100 >= value.len() * if mixed { 33 } else { 22 }
}

/// What a person may have chosen: letters, digits and signs, and no word.
pub(super) fn is_chosen_password(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| usize::from(value.iter().any(test));
    let classes = has(u8::is_ascii_uppercase)
        + has(u8::is_ascii_lowercase)
        + has(u8::is_ascii_digit)
        + has(u8::is_ascii_punctuation);
    value.len() >= 8 && classes >= 3
}

/// Shannon's entropy, in bits a character.
#[expect(clippy::cast_precision_loss, reason = "counts of a few hundred characters")]
pub(in crate::secrets) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = value.len() as f32;
    let share = |count: u32| count as f32 / total;
    counts.iter().filter(|count| **count > 0).map(|count| -share(*count) * share(*count).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_made_is_random_and_what_a_person_wrote_is_not() {
        for value in ["q8Zr2LmX0pVt7NcY5bKd", "9f86d081884c7d659a2feaa0c55ad015", "k3v9x2m7q1w8e5r0t4z6"] {
            assert!(is_random(value.as_bytes()), "{value}");
        }
        for value in
            ["getUserPasswordFromConfig", "some-long-identifier-2", "application/x-www-form", "AbstractTokenFactory1"]
        {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }
}
