use std::time::Duration;

use proptest::prelude::*;

use super::messages::{MessageFault, Messages, parse_timeout};
use super::*;

fn message(length: usize) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
    bytes.resize(length + 5, 7);
    bytes
}

#[test]
fn a_message_that_is_announced_too_large_is_refused_before_it_comes() {
    let mut messages = Messages::new(10);
    assert_eq!(messages.read(&[message(10), message(0), message(3)].concat()), Ok(()));
    assert_eq!(messages.read(&message(11)[..5]), Err(MessageFault::TooLarge));
    assert_eq!(Messages::new(10).read(&[2]), Err(MessageFault::Flag));
}

#[test]
fn only_grpc_is_taken_for_it() {
    let is =
        |kind: &'static str| is_call(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]));
    assert!(["application/grpc", "application/grpc+proto", "Application/gRPC;x=y"].map(is).into_iter().all(|it| it));
    assert!(!["application/grpc-web", "application/json", "application/grp"].map(is).into_iter().any(|it| it));
    assert!(!is_call(&HeaderMap::new()));
}

#[test]
fn the_clients_deadline_is_read_in_all_its_units() {
    assert_eq!(parse_timeout(b"5S"), Some(Duration::from_secs(5)));
    assert_eq!(parse_timeout(b"99999999H"), Some(Duration::from_hours(99_999_999)));
    assert_eq!(parse_timeout(b"250m"), Some(Duration::from_millis(250)));
    for not_one in [&b"5"[..], b"S", b"", b"123456789S", b"-1S", b"5s"] {
        assert_eq!(parse_timeout(not_one), None, "{not_one:?}");
    }
}

proptest! {
    #[test]
    fn every_way_of_cutting_gives_the_same_verdict(
        bytes in prop_oneof![
            proptest::collection::vec(0_u8..3, 0..60),
            proptest::collection::vec((0_usize..12).prop_map(message), 0..6).prop_map(|it| it.concat()),
        ],
        cuts in proptest::collection::vec(1_usize..7, 1..9),
    ) {
        let whole = Messages::new(8).read(&bytes);
        let mut pieces = Messages::new(8);
        let mut rest = bytes.as_slice();
        let mut verdict = Ok(());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() || verdict.is_err() { break; }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            verdict = pieces.read(piece);
            rest = after;
        }
        prop_assert_eq!(whole, verdict);
    }
}
