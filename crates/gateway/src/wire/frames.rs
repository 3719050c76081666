use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pace::{Lapse, Pace};

/// What a client of HTTP/2 sends before its first frame (`RFC 9113 §3.4`).
const PREFACE: usize = 24;
/// Streams that may be cancelled, or broken on purpose, beyond those that were answered. Whoever leaves a page cancels what it was
/// loading, which is one full set of streams.
const MOST_RESETS: u32 = 200;
/// Frames that ask for nothing and may come at once.
const MOST_CONTROL: u32 = 1000;
/// What a frame that carries a request or a body earns: a window update for each half of it, and two to spare.
const EARNED_BY_FRAME: u32 = 4;
/// What a tick earns: twenty pings a second are still honest.
const EARNED_BY_TICK: u32 = 5;
/// More streams than h2 lets stand open; it refuses those beyond its own limit one by one.
const MOST_OPEN: usize = 1024;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

mod kind {
    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const CONTINUATION: u8 = 9;
}

/// Which flood a connection is closed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flood {
    /// Requests are begun and cancelled (CVE-2023-44487): each costs an upstream's work and no answer.
    #[error("more requests cancelled than answered")]
    RapidReset,
    /// Streams are broken so that the gate has to reset them (CVE-2025-8671), which no count of the client's own resets sees.
    #[error("more streams broken by the client than answered")]
    ProvokedReset,
    /// SETTINGS, PING, PRIORITY, window updates, empty DATA, CONTINUATION: cheap to send, not free to read.
    #[error("more control frames than any client needs")]
    ControlFrames,
    /// More streams than may be open.
    #[error("more streams than may be open")]
    Streams,
}

/// A socket of HTTP/2 whose frames are counted on their way, in both directions, without reading what is in them.
#[derive(Debug)]
pub(crate) struct Frames<S> {
    stream: S,
    pace: Arc<Pace>,
    incoming: Cutter,
    outgoing: Cutter,
    /// Streams that stand open on the wire.
    open: Vec<u32>,
    highest: u32,
    answered: u32,
    cancelled: u32,
    provoked: u32,
    is_in_block: bool,
    control: u32,
    seen: u32,
    flood: Option<Flood>,
}

/// Cuts a stream of bytes into frames, whatever reads or writes they come in.
#[derive(Debug)]
struct Cutter {
    /// Bytes to pass before the next frame begins.
    skip: usize,
    /// The head of a frame, and the error code of RST_STREAM behind it.
    head: [u8; 13],
    have: usize,
    /// Whether what is skipped belongs to a block of fields.
    is_block: bool,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    length: usize,
    /// Of RST_STREAM.
    code: u8,
}

impl Cutter {
    fn new(skip: usize) -> Self {
        Self { skip, head: [0; 13], have: 0, is_block: false }
    }

    /// Whether a frame may begin here.
    fn is_between_frames(&self) -> bool {
        self.skip == 0 && self.have == 0
    }

    /// The next frame whose head ends in `bytes`, which is shortened by what was read.
    fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            let (_, rest) = bytes.split_at(skipped);
            let needed = self.needed();
            let taken = needed.saturating_sub(self.have).min(rest.len());
            let (head, rest) = rest.split_at(taken);
            if let Some(free) = self.head.get_mut(self.have..self.have + taken) {
                free.copy_from_slice(head);
            }
            self.have += taken;
            *bytes = rest;
            if self.have == self.needed() && self.skip == 0 {
                return Some(self.cut());
            }
        }
        None
    }

    fn needed(&self) -> usize {
        let is_reset = self.have >= 9 && self.head.starts_with(&[0, 0, 4, kind::RST_STREAM]);
        if is_reset { 13 } else { 9 }
    }

    fn cut(&mut self) -> Frame {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3, _, _, _, code] = self.head;
        let length = usize::from(l0) << 16 | usize::from(l1) << 8 | usize::from(l2);
        self.skip = length - (self.have - 9).min(length);
        self.have = 0;
        self.is_block = matches!(kind, kind::HEADERS | kind::CONTINUATION);
        let stream = u32::from_be_bytes([s0, s1, s2, s3]) & 0x7fff_ffff;
        Frame { kind, flags, stream, length, code }
    }
}

impl<S> Frames<S> {
    pub(crate) fn new(stream: S, pace: Arc<Pace>) -> Self {
        let seen = pace.now();
        Self {
            stream,
            pace,
            incoming: Cutter::new(PREFACE),
            outgoing: Cutter::new(0),
            open: Vec::new(),
            highest: 0,
            answered: 0,
            cancelled: 0,
            provoked: 0,
            is_in_block: false,
            control: 0,
            seen,
            flood: None,
        }
    }

    pub(crate) fn flood(&self) -> Option<Flood> {
        self.flood
    }

    /// Streams that the client cancelled, and that it made the gate reset.
    pub(crate) fn resets(&self) -> (u32, u32) {
        (self.cancelled, self.provoked)
    }

    /// The stream below, and the last stream that was seen, if a frame of ours may be written now.
    pub(crate) fn for_goodbye(&mut self) -> Option<(&mut S, u32)> {
        self.outgoing.is_between_frames().then_some((&mut self.stream, self.highest))
    }

    fn came(&mut self, mut bytes: &[u8]) {
        while let Some(frame) = self.incoming.next(&mut bytes) {
            self.incoming_frame(frame);
        }
        let is_cut = self.incoming.is_block && self.incoming.skip > 0;
        self.pace.in_block(self.is_in_block || is_cut);
        self.pace.streams(self.open.len());
    }

    fn incoming_frame(&mut self, frame: Frame) {
        let has = |flag| frame.flags & flag != 0;
        match frame.kind {
            kind::HEADERS => {
                self.is_in_block = !has(END_HEADERS);
                self.earn(EARNED_BY_FRAME);
                if frame.stream > self.highest {
                    self.highest = frame.stream;
                    self.open.push(frame.stream);
                    self.flood_if(self.open.len() > MOST_OPEN, Flood::Streams);
                }
            }
            kind::CONTINUATION => {
                self.is_in_block = !has(END_HEADERS);
                self.spend();
            }
            kind::DATA if frame.length == 0 && !has(END_STREAM) => self.spend(),
            // A body in pieces of a byte earns nothing, and costs nothing: how slow it may be is limited elsewhere.
            kind::DATA if frame.length < 16 => {}
            kind::DATA => self.earn(EARNED_BY_FRAME),
            kind::RST_STREAM if self.close(frame.stream) => {
                self.cancelled += 1;
                self.flood_if(self.cancelled > self.answered.saturating_add(MOST_RESETS), Flood::RapidReset);
            }
            _ => self.spend(),
        }
    }

    fn went(&mut self, mut bytes: &[u8]) {
        while let Some(frame) = self.outgoing.next(&mut bytes) {
            match frame.kind {
                kind::DATA | kind::HEADERS => {
                    self.earn(EARNED_BY_FRAME);
                    self.pace.earned(frame.length);
                    if frame.flags & END_STREAM != 0 && self.close(frame.stream) {
                        self.answered = self.answered.saturating_add(1);
                    }
                }
                kind::RST_STREAM => {
                    self.close(frame.stream);
                    // PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM: the client's doing.
                    if matches!(frame.code, 1 | 3 | 5 | 6 | 7) {
                        self.provoked += 1;
                        self.flood_if(self.provoked > self.answered.saturating_add(MOST_RESETS), Flood::ProvokedReset);
                    }
                }
                _ => {}
            }
        }
        self.pace.streams(self.open.len());
    }

    fn close(&mut self, stream: u32) -> bool {
        let found = self.open.iter().position(|open| *open == stream);
        found.is_some_and(|at| self.open.swap_remove(at) == stream)
    }

    fn earn(&mut self, frames: u32) {
        self.control = self.control.saturating_sub(frames);
    }

    fn spend(&mut self) {
        let now = self.pace.now();
        let ticks = now.wrapping_sub(std::mem::replace(&mut self.seen, now));
        self.earn(ticks.saturating_mul(EARNED_BY_TICK));
        self.control += 1;
        self.flood_if(self.control > MOST_CONTROL, Flood::ControlFrames);
    }

    fn flood_if(&mut self, is_flood: bool, flood: Flood) {
        if is_flood && self.flood.is_none() {
            self.flood = Some(flood);
        }
    }

    /// Why nothing more is to be read or written.
    fn end(&self) -> Option<io::Error> {
        if let Some(flood) = self.flood {
            return Some(io::Error::new(io::ErrorKind::InvalidData, flood));
        }
        (self.pace.lapsed() == Some(Lapse::Stall)).then(|| io::ErrorKind::TimedOut.into())
    }

    fn written(&mut self, task: &Context<'_>, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(Ok(_)) => self.pace.unblocked(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.pace.blocked();
                self.pace.watch(task.waker());
            }
        }
        if self.flood.is_some() {
            // Whoever reads next is told; nobody else would ask.
            task.waker().wake_by_ref();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Frames<S> {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if let Some(end) = me.end() {
            return Poll::Ready(Err(end));
        }
        if me.pace.lapsed().is_some() {
            return Poll::Ready(Ok(()));
        }
        me.pace.watch(task.waker());
        let before = out.filled().len();
        ready!(Pin::new(&mut me.stream).poll_read(task, out))?;
        me.came(out.filled().get(before..).unwrap_or_default());
        Poll::Ready(me.end().map_or(Ok(()), Err))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Frames<S> {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        if let Some(end) = me.end() {
            return Poll::Ready(Err(end));
        }
        let written = Pin::new(&mut me.stream).poll_write(task, bytes);
        if let Poll::Ready(Ok(length)) = written {
            me.went(bytes.get(..length).unwrap_or_default());
        }
        me.written(task, &written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        if let Some(end) = me.end() {
            return Poll::Ready(Err(end));
        }
        let written = Pin::new(&mut me.stream).poll_write_vectored(task, pieces);
        if let Poll::Ready(Ok(mut left)) = written {
            for piece in pieces {
                let taken = piece.len().min(left);
                me.went(piece.get(..taken).unwrap_or_default());
                left -= taken;
            }
        }
        me.written(task, &written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if let Some(end) = me.end() {
            return Poll::Ready(Err(end));
        }
        let flushed = Pin::new(&mut me.stream).poll_flush(task).map_ok(|()| 0);
        me.written(task, &flushed);
        flushed.map_ok(|_| ())
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(task)
    }
}
