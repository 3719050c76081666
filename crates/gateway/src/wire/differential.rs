//! The promise of *wire*, checked on any bytes in any pieces: what it lets pass, hyper reads just as it is written, and what it refuses
//! hyper never sees. The property tests call this, and so does the fuzzer, which compiles this file a second time.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framer::{Framer, Place, Verdict};
use super::{Budget, Fault, HeadBounds, InFlight, Pace, Ticks, Wire};

pub(crate) const BOUNDS: HeadBounds = HeadBounds { bytes: 4096, fields: 32, target: 1024 };
/// A service that hyper asks for ever would be a fault of its own.
const MOST_POLLS: usize = 10_000;

/// A request, as one of the two read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    method: String,
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    /// `None` where the body was not whole.
    body: Option<Vec<u8>>,
}

/// What became of a connection.
#[derive(Debug, Default)]
struct Seen {
    readings: Vec<Reading>,
    refusals: Vec<Fault>,
    answered: Vec<u8>,
}

/// Checks one connection: `sizes` says in which pieces its bytes come.
pub(crate) fn check(bytes: &[u8], sizes: &[u8]) {
    let (passed, verdict) = judge_whole(bytes);
    // Which fault is met first depends on what has come; that there is one, and where, does not.
    let place = |(passed, verdict): (usize, Verdict)| match verdict {
        Verdict::Refused(_, place) => (passed, Some(place)),
        Verdict::Wait | Verdict::Undecided => (passed, None),
    };
    assert_eq!(place(judge_in_pieces(bytes, sizes)), place((passed, verdict)), "pieces change nothing");
    let (written, closes) = read_as_written(&bytes[..passed]);
    let seen = serve(bytes, sizes);
    let answered = String::from_utf8_lossy(&seen.answered);
    for bare in [" 400 ", " 414 ", " 431 ", " 505 "] {
        assert!(!answered.contains(bare), "hyper refused by itself what passed: {answered}");
    }
    let served = closes.map_or(written.len(), |last| last + 1);
    let heads = |readings: &[Reading]| -> Vec<Reading> {
        readings.iter().map(|reading| Reading { body: None, ..reading.clone() }).collect()
    };
    assert!(
        heads(&written[..served.min(written.len())]) == heads(&seen.readings),
        "hyper reads something else than is written:\n{written:#?}\n{:#?}",
        seen.readings
    );
    for (written, read) in written.iter().zip(&seen.readings) {
        if written.body.is_some() && read.body.is_some() {
            assert_eq!(written.body, read.body, "another body than was written");
        }
        assert!(written.body.is_some() || read.body.is_none(), "half a body passes for a whole one");
    }
    match verdict {
        Verdict::Refused(_, Place::Head) if closes.is_none() => assert_eq!(seen.refusals.len(), 1, "refused once"),
        _ => assert!(seen.refusals.is_empty(), "{:?}", seen.refusals),
    }
}

fn judge_whole(bytes: &[u8]) -> (usize, Verdict) {
    let mut framer = Framer::new(BOUNDS);
    judge_on(&mut framer, bytes)
}

/// No request gets another protocol here.
fn judge_on(framer: &mut Framer, bytes: &[u8]) -> (usize, Verdict) {
    let (mut passed, mut verdict) = framer.judge(bytes);
    while verdict == Verdict::Undecided {
        framer.stay();
        let (more, now) = framer.judge(&bytes[passed..]);
        (passed, verdict) = (passed + more, now);
    }
    (passed, verdict)
}

fn judge_in_pieces(bytes: &[u8], sizes: &[u8]) -> (usize, Verdict) {
    let mut framer = Framer::new(BOUNDS);
    let (mut passed, mut come, mut verdict) = (0, 0, Verdict::Wait);
    let mut sizes = sizes.iter().cycle();
    while come < bytes.len() && verdict == Verdict::Wait {
        come = (come + usize::from(*sizes.next().unwrap_or(&255)) + 1).min(bytes.len());
        let (more, now) = judge_on(&mut framer, &bytes[passed..come]);
        passed += more;
        verdict = now;
    }
    (passed, verdict)
}

/// Reads what *wire* let pass as naively as it is written, and says which request is the last that its connection serves.
fn read_as_written(mut bytes: &[u8]) -> (Vec<Reading>, Option<usize>) {
    let (mut readings, mut closes) = (Vec::new(), None);
    while let Some(end) = find(bytes, b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let raw = &bytes[..end];
        let mut lines = head.split("\r\n");
        let words: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let mut fields = raw
            .split(|byte| *byte == b'\n')
            .skip(1)
            .map(|line| {
                let colon = line.iter().position(|byte| *byte == b':').unwrap();
                let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
                (name, line[colon + 1..].trim_ascii().to_vec())
            })
            .collect::<Vec<_>>();
        sort(&mut fields);
        bytes = &bytes[end + 4..];
        let value = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let body = if value("transfer-encoding").is_some() {
            chunks(&mut bytes)
        } else {
            let length =
                value("content-length").map_or(0, |length| String::from_utf8(length).unwrap().parse().unwrap());
            let whole = bytes.len() >= length;
            let (body, rest) = bytes.split_at(length.min(bytes.len()));
            bytes = rest;
            whole.then(|| body.to_vec())
        };
        if closes.is_none() && is_last(&words, &fields) {
            closes = Some(readings.len());
        }
        readings.push(Reading { method: words[0].to_owned(), target: with_path(words[1]), fields, body });
    }
    (readings, closes)
}

/// An absolute target without a path is one of `/` (`RFC 9110 §4.2.3`), and hyper's type writes it so.
fn with_path(target: &str) -> String {
    let Some((scheme, rest)) = target.split_once("://").filter(|_| !target.starts_with('/')) else {
        return target.to_owned();
    };
    let (authority, after) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let slash = if after.starts_with('/') { "" } else { "/" };
    format!("{scheme}://{authority}{slash}{after}")
}

/// Among fields of different names there is no order (`RFC 9110 §5.3`): hyper gathers those of one name. Theirs stays.
fn sort(fields: &mut [(String, Vec<u8>)]) {
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
}

/// Whether hyper serves nothing after this request.
fn is_last(words: &[&str], fields: &[(String, Vec<u8>)]) -> bool {
    let connection: Vec<String> = fields
        .iter()
        .filter(|(name, _)| name == "connection")
        .flat_map(|(_, value)| {
            String::from_utf8_lossy(value)
                .to_ascii_lowercase()
                .split(',')
                .map(|word| word.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    let has = |word: &str| connection.iter().any(|known| known == word);
    has("close") || words[0] == "CONNECT" || (words[2] == "HTTP/1.0" && !has("keep-alive"))
}

fn chunks(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = find(bytes, b"\r\n")?;
        let line = std::str::from_utf8(&bytes[..end]).unwrap();
        let size = usize::try_from(u64::from_str_radix(line.split(';').next().unwrap(), 16).unwrap()).unwrap();
        *bytes = &bytes[end + 2..];
        if size == 0 {
            // The trailers end with the first empty line.
            let length = if bytes.starts_with(b"\r\n") { 2 } else { find(bytes, b"\r\n\r\n")? + 4 };
            *bytes = &bytes[length..];
            return Some(body);
        }
        if bytes.len() < size.saturating_add(2) {
            *bytes = &[];
            return None;
        }
        body.extend_from_slice(&bytes[..size]);
        *bytes = &bytes[size + 2..];
    }
}

fn find(bytes: &[u8], end: &[u8]) -> Option<usize> {
    bytes.windows(end.len()).position(|window| window == end)
}

/// Has hyper serve the connection behind *wire*, as the gate does.
fn serve(bytes: &[u8], sizes: &[u8]) -> Seen {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let client = Client { bytes: bytes.to_vec(), at: 0, sizes: sizes.to_vec(), reads: 0, seen: seen.clone() };
    let pace = Pace::new(&Ticks::default(), Budget::new(Duration::from_secs(1), Duration::from_secs(1), 1));
    let mut wire = Wire::new(client, BOUNDS, pace.clone());
    let service = service_fn(|request: Request<Incoming>| {
        let (in_flight, refused) = InFlight::begin(&pace);
        let seen = seen.clone();
        async move {
            match refused {
                Some(refused) => seen.borrow_mut().refusals.push(refused.fault),
                None => read(request, &seen).await,
            }
            Ok::<_, Infallible>(Response::new(Empty(in_flight)))
        }
    });
    {
        let mut http = hyper::server::conn::http1::Builder::new();
        http.max_buf_size(BOUNDS.bytes + 8192);
        let mut served = pin!(http.serve_connection(TokioIo::new(&mut wire), service));
        let mut task = Context::from_waker(Waker::noop());
        let is_done = (0..MOST_POLLS).any(|_| served.as_mut().poll(&mut task).is_ready());
        assert!(is_done || bytes.len() > MOST_POLLS, "the connection never ends");
    }
    seen.take()
}

async fn read(request: Request<Incoming>, seen: &RefCell<Seen>) {
    let (head, mut body) = request.into_parts();
    let text = |value: &http::HeaderValue| value.as_bytes().to_vec();
    let mut fields: Vec<_> = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    sort(&mut fields);
    let at = seen.borrow().readings.len();
    let (method, target) = (head.method.to_string(), target(&head.uri));
    seen.borrow_mut().readings.push(Reading { method, target, fields, body: None });
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|task| Pin::new(&mut body).poll_frame(task)).await {
        let Ok(frame) = frame else { return };
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    seen.borrow_mut().readings[at].body = Some(bytes);
}

fn target(uri: &http::Uri) -> String {
    uri.to_string()
}

/// A client that has said everything, and sends it in pieces.
struct Client {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<u8>,
    reads: usize,
    seen: Rc<RefCell<Seen>>,
}

impl AsyncRead for Client {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let size = self.sizes.get(self.reads % self.sizes.len().max(1)).map_or(256, |size| usize::from(*size) + 1);
        self.reads += 1;
        // Between two pieces there is nothing to read. The end comes late: a client that is gone gets no answers.
        if self.reads.is_multiple_of(2) || (self.at == self.bytes.len() && self.reads < 2 * self.bytes.len() + 64) {
            return Poll::Pending;
        }
        let length = size.min(out.remaining()).min(self.bytes.len() - self.at);
        out.put_slice(&self.bytes[self.at..self.at + length]);
        self.at += length;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.seen.borrow_mut().answered.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// No body, and the request in flight until hyper drops it.
struct Empty(#[expect(dead_code, reason = "counts as in flight until it is dropped")] InFlight);

impl Body for Empty {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}
