use proptest::prelude::*;

use super::frame::{FrameFault, Head};
use super::watch::{Bounds, From, Judged, Violation, Watch};

const BOUNDS: Bounds = Bounds { message_bytes: 1000, frame_bytes: 600, compression: false };

/// A frame as a peer writes it.
fn frame(first: u8, masked: bool, payload: usize) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload {
        0..126 => bytes.push(mask | u8::try_from(payload).unwrap()),
        126..65536 => {
            bytes.push(mask | 0x7E);
            bytes.extend(u16::try_from(payload).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(mask | 0x7F);
            bytes.extend(u64::try_from(payload).unwrap().to_be_bytes());
        }
    }
    if masked {
        bytes.extend([1, 2, 3, 4]);
    }
    bytes.resize(bytes.len() + payload, 0xAA);
    bytes
}

fn judge(bytes: &[u8]) -> Judged {
    Watch::new(From::Client, BOUNDS).judge(bytes, || true)
}

fn violation(bytes: &[u8]) -> Option<&'static str> {
    judge(bytes).violation.map(Violation::code)
}

#[test]
fn honest_frames_pass_whole() {
    let frames = [
        frame(0x81, true, 5),
        frame(0x01, true, 200),
        frame(0x89, true, 3),
        frame(0x80, true, 10),
        frame(0x82, true, 0),
        frame(0x88, true, 2),
    ]
    .concat();
    let mut watch = Watch::new(From::Client, BOUNDS);
    assert_eq!(watch.judge(&frames, || true), Judged { passable: frames.len(), violation: None });
    assert!(watch.is_closed());
    assert_eq!(watch.messages(), 3);
}

#[test]
fn what_breaks_the_protocol_is_named_and_stops_before_the_frame() {
    assert_eq!(violation(&frame(0x81, false, 5)), Some("masking"));
    assert_eq!(violation(&frame(0xC1, true, 5)), Some("reserved-bit"), "compression was not agreed on");
    assert_eq!(violation(&frame(0xA1, true, 5)), Some("reserved-bit"));
    assert_eq!(violation(&frame(0x83, true, 5)), Some("unknown-opcode"));
    assert_eq!(violation(&frame(0x89, true, 126)), Some("long-control-frame"));
    assert_eq!(violation(&frame(0x09, true, 1)), Some("fragmented-control-frame"));
    assert_eq!(violation(&frame(0x80, true, 1)), Some("continuation-of-nothing"));
    assert_eq!(violation(&[frame(0x01, true, 1), frame(0x81, true, 1)].concat()), Some("message-within-message"));
    assert_eq!(violation(&[frame(0x88, true, 2), frame(0x81, true, 1)].concat()), Some("frame-after-close"));
    assert_eq!(violation(&[0x81, 0xFE, 0, 5, 1, 2, 3, 4]), Some("frame-length"), "not in its shortest form");
    assert_eq!(violation(&[0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0]), Some("frame-length"));
    let both = [frame(0x81, true, 7), frame(0x81, false, 1)].concat();
    assert_eq!(judge(&both).passable, frame(0x81, true, 7).len());
}

#[test]
fn a_message_is_measured_over_all_its_fragments_and_by_its_announcement() {
    assert_eq!(violation(&frame(0x81, true, 601)[..8]), Some("message-too-large"), "one frame, before its payload");
    let fragments = [frame(0x01, true, 600), frame(0x00, true, 400), frame(0x00, true, 1)].concat();
    assert_eq!(violation(&fragments), Some("message-too-large"));
    let twice = [frame(0x01, true, 600), frame(0x80, true, 400), frame(0x82, true, 600)].concat();
    assert_eq!(violation(&twice), None);
}

#[test]
fn pings_and_empty_fragments_count_as_messages() {
    for flood in [frame(0x89, true, 0), frame(0x81, true, 1), frame(0x8A, true, 0)] {
        let mut left = 3;
        let may_send = || {
            left -= 1;
            left >= 0
        };
        let judged = Watch::new(From::Client, BOUNDS).judge(&flood.repeat(5), may_send);
        assert_eq!((judged.passable, judged.violation), (flood.len() * 3, Some(Violation::TooOften)));
    }
}

#[test]
fn only_a_servers_frames_are_bare() {
    let mut watch = Watch::new(From::Server, BOUNDS);
    assert_eq!(watch.judge(&frame(0x81, false, 5), || true).violation, None);
    assert_eq!(watch.judge(&frame(0x81, true, 5), || true).violation, Some(Violation::Protocol("masking")));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic_and_a_head_never_reaches_beyond_them(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
        if let Ok(Some(head)) = Head::parse(&bytes) {
            prop_assert!(head.length <= bytes.len() && head.length <= 14);
        }
        prop_assert!(!matches!(Head::parse(&bytes), Err(FrameFault::UnknownOpcode)) || bytes[0] & 0x0F > 2);
    }

    #[test]
    fn every_way_of_cutting_gives_the_same_verdict(
        frames in proptest::collection::vec((any::<u8>(), any::<bool>(), 0_usize..300), 0..8),
        cuts in proptest::collection::vec(1_usize..50, 1..9),
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(|(first, masked, length)| frame(*first, *masked, *length)).collect();
        let whole = judge(&bytes);
        let mut watch = Watch::new(From::Client, BOUNDS);
        let (mut held, mut passed, mut violation) = (Vec::new(), 0, None);
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() || violation.is_some() { break; }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            held.extend_from_slice(piece);
            let judged = watch.judge(&held, || true);
            held.drain(..judged.passable);
            passed += judged.passable;
            violation = judged.violation;
            rest = after;
        }
        prop_assert_eq!(whole, Judged { passable: passed, violation });
    }
}
