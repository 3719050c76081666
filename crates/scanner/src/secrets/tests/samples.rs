//! Samples are assembled when the tests run: what stands in the source must not look like a credential to any scanner.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use super::super::checksum::{base62, grafana_sum};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

/// A template with each `{letter number}` filled by so many random characters: `h`/`H` hexadecimal, `a` letters and digits, `l`/`A`
/// small/capital letters and digits, `c` letters, `d` digits, `b` URL-safe Base64, `s` Base64, `B` Base32.
pub(super) fn fill(template: &str, round: u64) -> String {
    let mut random = Random(round.wrapping_mul(0x9e37_79b9) ^ 0x00b4_1271);
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (slot, after) = after.split_once('}').unwrap();
        let filled = slot_value(slot, &text, &mut random).unwrap_or_else(|| format!("{{{slot}}}"));
        text.push_str(&filled);
        rest = after;
    }
    text + rest
}

fn slot_value(slot: &str, before: &str, random: &mut Random) -> Option<String> {
    let start = before.rfind(|it: char| it.is_whitespace() || "\"=:".contains(it)).map_or(0, |at| at + 1);
    let token = before.get(start..)?;
    Some(match slot {
        "U" => [8, 4, 4, 4, 12].map(|length| random.text(&format!("{DIGITS}abcdef"), length)).join("-"),
        "crc62" => String::from_utf8(base62(crc32fast::hash(&token.as_bytes()[4..])).to_vec()).unwrap(),
        "crchex" => String::from_utf8(grafana_sum(token.trim_end_matches('_').as_bytes()).to_vec()).unwrap(),
        "basic" => BASE64_STANDARD.encode(format!("deploy:{}", random.text(&format!("{LOWER}{DIGITS}"), 14))),
        "json" => BASE64_STANDARD.encode(format!(r#"{{"o":"{}","n":"ci"}}"#, random.text(DIGITS, 30))),
        "discord" => {
            let number = format!("9{}", random.text(DIGITS, 17));
            let all = format!("{LOWER}{UPPER}{DIGITS}");
            format!("{}.{}.{}", BASE64_URL_SAFE_NO_PAD.encode(number), random.text(&all, 6), random.text(&all, 38))
        }
        "jwt" => {
            let claims = format!(r#"{{"sub":"svc","jti":"{}"}}"#, random.text(DIGITS, 12));
            let parts =
                [r#"{"alg":"HS256","typ":"JWT"}"#, claims.as_str()].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
            format!("{}.{}", parts.join("."), random.text(&format!("{LOWER}{UPPER}{DIGITS}"), 43))
        }
        "pem" => pem(&[&[0x30, 0x82][..], random.text(LOWER, 200).as_bytes()].concat()),
        "empty_pem" => pem(b"..."),
        "bech58" | "bech40" => {
            random.text("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", slot.strip_prefix("bech")?.parse().ok()?)
        }
        _ => {
            let alphabet = match slot.get(..1)? {
                "h" => format!("{DIGITS}abcdef"),
                "H" => format!("{DIGITS}ABCDEF"),
                "a" => format!("{DIGITS}{UPPER}{LOWER}"),
                "l" => format!("{DIGITS}{LOWER}"),
                "A" => format!("{DIGITS}{UPPER}"),
                "c" => format!("{UPPER}{LOWER}"),
                "d" => DIGITS.to_owned(),
                "b" => format!("{DIGITS}{UPPER}{LOWER}_-"),
                "s" => format!("{DIGITS}{UPPER}{LOWER}+/"),
                "B" => format!("{UPPER}234567"),
                _ => return None,
            };
            random.text(&alphabet, slot.get(1..)?.parse().ok()?)
        }
    })
}

fn pem(content: &[u8]) -> String {
    let label = ["PRIVATE", "KEY"].join(" ");
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", BASE64_STANDARD.encode(content))
}

/// SplitMix64: the same samples in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Each character with its share, in random order: short samples are as random as they claim to be.
    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let mut bag = Vec::new();
        let mut text = String::new();
        while text.len() < length {
            if bag.is_empty() {
                bag.clone_from(&alphabet);
            }
            let at = usize::try_from(self.next() % bag.len() as u64).unwrap();
            text.push(bag.swap_remove(at));
        }
        text
    }
}
