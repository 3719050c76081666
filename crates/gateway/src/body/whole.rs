use bytes::{Bytes, BytesMut};
use http::header;
use http_body_util::BodyExt as _;

use super::{BodyFault, RequestBody};
use crate::config::ClientTimeouts;
use crate::exchange::{Content, Exchange};
use crate::refusal::Refusal;

/// The first allocation for a body, whatever length is announced: memory is for what comes, not for what is promised.
const FIRST_BYTES: usize = 16 * 1024;

/// The whole body of a request, bounded like every body; `see` gets it piece by piece, so that no single step takes long. The
/// exchange has none until it is given one.
pub(crate) async fn read_whole(
    exchange: &mut Exchange,
    limit: u64,
    timeouts: ClientTimeouts,
    mut see: impl FnMut(&[u8]),
) -> Result<Bytes, Refusal> {
    let incoming = match exchange.take_body() {
        Content::Stream(incoming) => incoming,
        Content::Buffered(bytes) => {
            see(&bytes);
            return Ok(bytes);
        }
    };
    let (mut body, watch) = RequestBody::bounded(incoming, limit, timeouts.into());
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| match watch.fault() {
            Some(BodyFault::TooLarge) => Refusal::BodyTooLarge,
            Some(BodyFault::TooSlow) => Refusal::BodyTooSlow,
            // Half a message is never judged as a whole one.
            Some(BodyFault::Broken | BodyFault::Malformed | BodyFault::Shape) | None => Refusal::Malformed("body-cut"),
        })?;
        // Trailers are judged by nobody, and not passed on.
        let Ok(piece) = frame.into_data() else { continue };
        if whole.is_empty() {
            whole.reserve(piece.len().max(FIRST_BYTES));
        }
        see(&piece);
        whole.extend_from_slice(&piece);
    }
    exchange.head.headers.remove(header::TRAILER);
    Ok(whole.freeze())
}
