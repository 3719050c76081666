use bytes::Bytes;
use proptest::prelude::*;

use super::token::MAX_JOSE_HEADER;
use super::{Mask, MaskKinds, Masker};

const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD9\nAiEA==\n-----END RSA PRIVATE KEY-----";

fn masked_in_chunks(kinds: MaskKinds, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut masker = Masker::new(Mask::compile(kinds).expect("compiles"));
    let mut out = Vec::new();
    let mut rest = text;
    for &cut in cuts {
        let (chunk, tail) = rest.split_at(cut.min(rest.len()));
        out.extend_from_slice(&masker.push(Bytes::copy_from_slice(chunk)));
        rest = tail;
    }
    out.extend_from_slice(&masker.push(Bytes::copy_from_slice(rest)));
    out.extend_from_slice(&masker.finish());
    out
}

fn masked(text: &str) -> String {
    String::from_utf8(masked_in_chunks(MaskKinds::ALL, text.as_bytes(), &[])).expect("UTF-8")
}

#[test]
fn a_card_number_keeps_its_last_four_digits_only() {
    for (text, expected) in [
        ("4111111111111111", "************1111"),
        ("{\"pan\":\"5555555555554444\"}", "{\"pan\":\"************4444\"}"),
        ("card 4111 1111 1111 1111 exp 12/30", "card **** **** **** 1111 exp 12/30"),
        ("4111-1111-1111-1111.", "****-****-****-1111."),
        ("3782 822463 10005", "**** ****** *0005"),
        ("378282246310005", "***********0005"),
        ("3056 930902 5904", "**** ****** 5904"),
        ("4222222222222", "*********2222"),
        ("6304000000000000000", "***************0000"),
        ("4111 1111 1111 1111 2030", "**** **** **** 1111 2030"),
        ("no.4111111111111111", "no.************1111"),
        ("4111111111111111,4012888888881881", "************1111,************1881"),
    ] {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn numbers_that_are_no_cards_stay() {
    for text in [
        "4111111111111112",
        "41111111111111110000",
        "94111111111111111111",
        "1732291200000 1732291200000000 1732291200000000000",
        "0.4111111111111111",
        "9780306406157",
        "4111  1111  1111  1111",
        "411 1111 1111 1111 1",
        "2026-11-22 16:00 +49 30 901820 1 2 3 4 5 6 7 8 9 10 11 12 13 14",
        "550e8400-e29b-41d4-a716-446655440000",
        "                                        ",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn tokens_and_keys_are_starred_whole() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_x";
    for (text, secret) in [
        (format!("{{\"token\":\"{jwt}\"}}"), jwt),
        (format!("Authorization: Bearer {jwt}\r\n"), jwt),
        (format!("x\\n{jwt} y"), jwt),
        ("eyJhbGciOiJub25lIn0..c2ln".to_owned(), "eyJhbGciOiJub25lIn0..c2ln"),
        ("bearer abcdefghij/klmnopqrst+uv== end".to_owned(), "abcdefghij/klmnopqrst+uv=="),
        ("Bearer 4000-0000-0000-00020000".to_owned(), "4000-0000-0000-00020000"),
        ("key=btz_live_0123456789abcdefABCDEF&x=1".to_owned(), "btz_live_0123456789abcdefABCDEF"),
    ] {
        assert_eq!(masked(&text), text.replace(secret, &"*".repeat(secret.len())));
    }
}

#[test]
fn what_only_begins_like_a_token_stays() {
    for text in [
        "eyJpZCI6MTIzNDU2Nzg5MH0 is a cursor",
        "eyJpZCI6MTIzNDU2Nzg5MH0. Then a sentence.",
        "eyJpZCI6MTIzNDU2Nzg5MH0.json and eyJ.eyJ",
        "send Bearer tokens; Bearer authentication is common",
        "btz_ keys, btz_live_short",
        "-----BEGIN PUBLIC KEY-----\nMFww\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY---- no",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn a_private_key_is_starred_and_what_follows_stays() {
    let out = masked(&format!("before\n{PEM}\nafter"));
    assert!(out.starts_with("before\n****") && out.ends_with("****\nafter"));
    assert_eq!(out.matches(|c: char| c.is_ascii_alphanumeric() || c == '-').count(), "beforeafter".len());
    assert_eq!(out.matches('\n').count(), PEM.matches('\n').count() + 2);
    let in_json = format!("[\"{}\",\"x\"]", PEM.replace('\n', "\",\""));
    assert!(!masked(&in_json).contains("MII"));
    let block = "-----BEGIN PGP PRIVATE KEY BLOCK-----\r\n\r\nlQOY\r\n-----END PGP PRIVATE KEY BLOCK----- ok";
    assert!(masked(block).ends_with("* ok") && !masked(block).contains("lQOY"));
}

#[test]
fn a_private_key_without_an_end_does_not_blind_the_rest() {
    let text = format!("-----BEGIN PRIVATE KEY-----{}", " plain text".repeat(4_000));
    assert!(masked(&text).ends_with("plain text"));
}

#[test]
fn only_the_chosen_kinds_are_masked() {
    let none = MaskKinds::default();
    let text = format!("4111111111111111 {PEM} btz_0123456789abcdefgh");
    assert_eq!(masked_in_chunks(none, text.as_bytes(), &[3, 9]), text.as_bytes());
    let keys = masked_in_chunks(MaskKinds { tokens: true, ..none }, text.as_bytes(), &[]);
    assert!(keys.starts_with(b"4111111111111111 -----BEGIN") && keys.ends_with(b"-- **********************"));
}

#[test]
fn a_clean_chunk_passes_without_a_copy() {
    let chunk = Bytes::from_static(b"{\"name\":\"Ada\",\"born\":1815}");
    let mut masker = Masker::new(Mask::compile(MaskKinds::ALL).expect("compiles"));
    let out = masker.push(chunk.clone());
    assert_eq!((out.as_ptr(), out.len()), (chunk.as_ptr(), chunk.len()));
    assert_eq!(masker.masked(), 0);
    assert!(masker.finish().is_empty());
}

#[test]
fn no_more_is_held_back_than_a_token_header() {
    let mut masker = Masker::new(Mask::compile(MaskKinds::ALL).expect("compiles"));
    for _ in 0..64 {
        masker.push(Bytes::from("eyJ4".repeat(300)));
        assert!(masker.held.len() <= MAX_JOSE_HEADER);
    }
    masker.push(Bytes::from_static(b" 4111 1111 1111 1111"));
    assert!(masker.held.len() <= 40);
}

#[test]
fn a_body_full_of_beginnings_costs_no_more_than_its_length() {
    let text = "eyJ".repeat(100_000);
    assert_eq!(masked(&text), text);
    let text = "-----BEGIN ".repeat(20_000);
    assert_eq!(masked(&text), text);
    let text = "4111 ".repeat(100_000);
    assert_eq!(masked(&text).len(), text.len());
    let text = "4111 1111 1111 1111 ".repeat(50_000);
    assert_eq!(masked(&text), "**** **** **** 1111 ".repeat(50_000));
}

#[test]
fn a_card_at_the_end_of_a_chunk_does_not_hide_the_token_that_it_is_in() {
    let text = "Bearer 4000-0000-0000-00020000";
    let out = masked_in_chunks(MaskKinds::ALL, text.as_bytes(), &vec![1; text.len()]);
    assert_eq!(String::from_utf8_lossy(&out), "Bearer ***********************");
}

/// Text that is thick with secrets and with what resembles them.
fn thick() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[0-9]{1,20}",
        2 => "[0-9]{4}[ -]",
        2 => "[ .\\-_a-zA-Z\"\\n]{1,4}",
        2 => card(),
        1 => Just("eyJ".to_owned()),
        1 => Just("eyJhbGciOiJIUzI1NiJ9".to_owned()),
        1 => "\\.[A-Za-z0-9_-]{0,9}",
        1 => Just("Bearer ".to_owned()),
        1 => "[A-Za-z0-9_-]{15,24}",
        1 => Just("btz_".to_owned()),
        1 => Just("-----BEGIN ".to_owned()),
        1 => Just("PRIVATE KEY".to_owned()),
        1 => Just("-----".to_owned()),
        1 => Just("-----END PRIVATE KEY-----".to_owned()),
        1 => Just(PEM.to_owned()),
    ];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// A valid card number, plain or in fours.
fn card() -> impl Strategy<Value = String> {
    ("[4-6][0-9]{14}", prop_oneof![Just(""), Just(" "), Just("-")]).prop_map(|(body, separator)| {
        let check = (0..10).map(|digit| format!("{body}{digit}")).find(|number| luhn(number)).expect("one of ten fits");
        let groups: Vec<_> =
            check.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
        groups.join(separator)
    })
}

/// Written apart from the code under test: from the left, over a table.
fn luhn(number: &str) -> bool {
    const DOUBLED: [u32; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let parity = number.len() % 2;
    let weigh = |(at, byte): (usize, u8)| {
        if at % 2 == parity { DOUBLED[usize::from(byte - b'0')] } else { u32::from(byte - b'0') }
    };
    number.bytes().enumerate().map(weigh).sum::<u32>().is_multiple_of(10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_way_of_cutting_gives_the_same_bytes(text in thick(), cuts in proptest::collection::vec(0_usize..24, 0..40)) {
        let whole = masked_in_chunks(MaskKinds::ALL, text.as_bytes(), &[]);
        let cut = masked_in_chunks(MaskKinds::ALL, text.as_bytes(), &cuts);
        let single = masked_in_chunks(MaskKinds::ALL, text.as_bytes(), &vec![1; text.len()]);
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&cut));
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&single));
    }

    #[test]
    fn only_stars_take_the_place_of_bytes(text in thick()) {
        let out = masked_in_chunks(MaskKinds::ALL, text.as_bytes(), &[]);
        prop_assert_eq!(out.len(), text.len());
        prop_assert!(out.iter().zip(text.as_bytes()).all(|(out, byte)| out == byte || *out == b'*'));
    }

    #[test]
    fn a_valid_card_never_survives(before in "[^0-9]{0,40}", card in card(), after in "[^0-9]{0,40}", cut in 0_usize..60) {
        let text = format!("{before}{card}{after}");
        let out = masked_in_chunks(MaskKinds::ALL, text.as_bytes(), &[cut]);
        prop_assert!(!String::from_utf8_lossy(&out).contains(&card));
        prop_assert_eq!(out.len(), text.len());
    }

    #[test]
    fn any_bytes_keep_their_length(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
        prop_assert_eq!(masked_in_chunks(MaskKinds::ALL, &bytes, &[cut]).len(), bytes.len());
    }
}
