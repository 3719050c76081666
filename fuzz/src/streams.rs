//! What the gate reads of streams: heads of WebSocket frames, prefixes of gRPC messages.

use crate::grpc_messages::{Messages, parse_timeout};
use crate::websocket::watch::{Bounds, From, Judged, Watch};

/// However the bytes are cut, the same of them pass and the same is refused; what is held back is less than a head.
pub fn websocket(input: &[u8]) {
    let Some((&first, bytes)) = input.split_first() else { return };
    let from = if first & 1 == 0 { From::Client } else { From::Server };
    let bounds = Bounds { message_bytes: 5000, frame_bytes: 3000, compression: first & 2 != 0 };
    let whole = Watch::new(from, bounds).judge(bytes, || true);
    assert!(whole.passable <= bytes.len());
    assert!(whole.violation.is_some() || bytes.len() - whole.passable < 14);
    let mut watch = Watch::new(from, bounds);
    let (mut held, mut passed, mut violation) = (Vec::new(), 0, None);
    for piece in bytes.chunks(usize::from(first >> 2) + 1) {
        held.extend_from_slice(piece);
        let judged = watch.judge(&held, || true);
        held.drain(..judged.passable);
        passed += judged.passable;
        violation = judged.violation;
        if violation.is_some() {
            break;
        }
    }
    assert_eq!(whole, Judged { passable: passed, violation });
}

/// However the bytes are cut, the verdict is the same.
pub fn grpc(input: &[u8]) {
    let whole = Messages::new(100).read(input);
    let mut messages = Messages::new(100);
    let pieces = input.iter().try_for_each(|byte| messages.read(&[*byte]));
    assert_eq!(whole, pieces);
    let _ = parse_timeout(input);
}
