use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bartizan_inspect::protobuf::{Descriptors, Unknown};
use bytes::Bytes;

use proptest::prelude::*;

use super::messages::{MessageFault, Messages, parse_timeout};
use super::shape::{Encoding, Shapes};
use super::*;
use crate::config::{ContractMode, MethodContract};

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

/// What `protoc` writes of `package shop; message Item { string name = 1; int32 count = 2; }` and
/// `service Shop { rpc Price(Item) returns (Item); }`.
const SET: &[u8] = b"\x0aT\x12\x04shop\x22#\x0a\x04Item\x12\x0c\x0a\x04name\x18\x01 \x01(\x09\x12\x0d\x0a\x05count\x18\x02 \x01(\x052'\x0a\x04Shop\x12\x1f\x0a\x05Price\x12\x0a.shop.Item\x1a\x0a.shop.Item";

fn contract(change: impl FnOnce(&mut MethodContract)) -> Shapes {
    shapes(Encoding::Gzip, change)
}

fn shapes(encoding: Encoding, change: impl FnOnce(&mut MethodContract)) -> Shapes {
    let descriptors = Arc::new(Descriptors::read(SET).unwrap());
    let input = descriptors.methods()[0].input;
    let (unknown, mode) = (Unknown::Refuse, ContractMode::Block);
    let mut contract = MethodContract { descriptors, input, client_streaming: true, unknown, mode };
    change(&mut contract);
    Shapes::new(Arc::new(contract), 1000, encoding)
}

fn framed(flag: u8, message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, message].concat().into()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `Item { name: "tea", count: 3 }`
const TEA: &[u8] = b"\x0a\x03tea\x10\x03";
/// The same with a field 9.
const MORE: &[u8] = b"\x0a\x03tea\x48\x01";

#[test]
fn a_message_goes_on_once_it_is_whole_and_declared_and_not_a_byte_before() {
    let mut shapes = contract(|_| {});
    let (tea, both) = (framed(0, TEA), [framed(0, TEA), framed(0, &[])].concat());
    for byte in &tea[..tea.len() - 1] {
        assert_eq!(shapes.read(&Bytes::copy_from_slice(&[*byte])).unwrap(), "");
        assert!(!shapes.is_whole());
    }
    assert_eq!(shapes.read(&tea.slice(tea.len() - 1..)).unwrap(), tea);
    assert_eq!(shapes.read(&both.clone().into()).unwrap(), both);
    assert!(shapes.is_whole() && shapes.found().is_none());
    assert_eq!(shapes.read(&framed(0, MORE)), Err(MessageFault::Shape));
    assert_eq!(shapes.found(), Some("grpc-undeclared-field"));
    assert_eq!(contract(|_| {}).read(&framed(0, &[0xff])), Err(MessageFault::Shape));
    assert_eq!(contract(|_| {}).read(&Bytes::from_static(&[0, 0, 0, 4, 0])), Err(MessageFault::TooLarge));
}

#[test]
fn what_is_only_told_of_passes_as_it_came() {
    let mut telling = contract(|contract| contract.unknown = Unknown::Report);
    assert_eq!(telling.read(&framed(0, MORE)).unwrap(), framed(0, MORE));
    assert_eq!(telling.found(), Some("grpc-undeclared-field"));
    let mut observing = contract(|contract| contract.mode = ContractMode::Observe);
    assert_eq!(observing.read(&framed(0, &[0xff])).unwrap(), framed(0, &[0xff]));
    assert_eq!(observing.found(), Some("grpc-malformed-message"));
}

#[test]
fn a_call_that_takes_one_message_takes_no_second_one() {
    let mut shapes = contract(|contract| contract.client_streaming = false);
    assert_eq!(shapes.read(&framed(0, TEA)).unwrap(), framed(0, TEA));
    assert_eq!(shapes.read(&framed(0, TEA)), Err(MessageFault::Shape));
    assert_eq!(shapes.found(), Some("grpc-second-message"));
}

#[test]
fn a_compressed_message_is_judged_as_what_it_becomes_and_a_bomb_is_not_unpacked() {
    let packed = framed(1, &gzip(TEA));
    assert_eq!(contract(|_| {}).read(&packed).unwrap(), packed);
    let mut hiding = contract(|_| {});
    assert_eq!(hiding.read(&framed(1, &gzip(MORE))), Err(MessageFault::Shape));
    let mut bomb = contract(|_| {});
    assert_eq!(bomb.read(&framed(1, &gzip(&vec![0; 200_000]))), Err(MessageFault::Shape));
    assert_eq!(bomb.found(), Some("grpc-decompressed-too-large"));
    for encoding in [Encoding::Identity, Encoding::Other, Encoding::Deflate] {
        let mut unreadable = shapes(encoding, |_| {});
        assert_eq!(unreadable.read(&packed), Err(MessageFault::Shape));
        assert_eq!(unreadable.found(), Some("grpc-encoding-unreadable"));
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
