use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framer::{Framer, Place, Verdict};
use super::head::is_token;
use super::pace::{Lapse, Pace};
use super::{Fault, HeadBounds};

/// Bytes that are read at once while a head is held back.
const PIECE: usize = 2048;

/// A socket of HTTP/1 from which only messages come that can be read in one way.
///
/// Bytes are read into the buffer of whoever asks, and judged there: in nearly every read all of them pass, and nothing is copied. The
/// beginning of a head that a read cut off is taken back and held until the head is whole, so that nobody sees half of one.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    framer: Framer,
    /// What was taken back, or stands in for what was refused.
    held: BytesMut,
    /// How many of these bytes are judged, and may pass.
    released: usize,
    flow: Flow,
    pace: Arc<Pace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Open,
    /// A request was refused: what stands in for it is the last thing that passes.
    Refused,
    /// A body was refused: whoever reads it has to know.
    Broken(Fault),
    /// The client's time is over.
    Ended,
}

/// A request that was refused before hyper saw it, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) fault: Fault,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) has_query: bool,
}

impl<S> Wire<S> {
    pub(crate) fn new(stream: S, bounds: HeadBounds, pace: Arc<Pace>) -> Self {
        let framer = Framer::new(bounds);
        Self { stream, framer, held: BytesMut::new(), released: 0, flow: Flow::Open, pace }
    }

    /// The stream below, and what was read of it and not passed, for what is no longer HTTP.
    pub(crate) fn into_parts(self) -> (S, BytesMut) {
        (self.stream, self.held)
    }

    /// Takes the judgement on bytes that begin with what is held, and says how many of them pass.
    fn heed(&mut self, bytes: &[u8]) -> usize {
        let (passed, verdict) = self.framer.judge(bytes);
        self.pace.handed(self.framer.heads());
        let rest = bytes.get(passed..).unwrap_or_default();
        match verdict {
            Verdict::Wait | Verdict::Undecided => {}
            Verdict::Refused(fault, Place::Head) => self.refuse(fault, rest),
            Verdict::Refused(fault, Place::Body) => self.flow = Flow::Broken(fault),
        }
        passed
    }

    /// Lets a request follow that asks for nothing: hyper hands it to the service after all that came before, and the service answers
    /// with the refusal. It asks hyper to close, and nothing passes after it.
    fn refuse(&mut self, fault: Fault, head: &[u8]) {
        let refused = Refused::read(fault, head);
        // Who asked by HEAD would take a body for the next answer.
        let method = if refused.method == "HEAD" { "HEAD" } else { "GET" };
        self.pace.refuse(refused, self.framer.heads());
        self.pace.handed(self.framer.heads().wrapping_add(1));
        self.flow = Flow::Refused;
        self.held =
            BytesMut::from(format!("{method} / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n").as_str());
        self.released = self.held.len();
    }

    /// What the client used up its time for. A head that began is answered; silence is not.
    fn lapse(&mut self, lapse: Lapse) -> io::Result<()> {
        match lapse {
            Lapse::Stall => Err(io::ErrorKind::TimedOut.into()),
            Lapse::Head if self.flow == Flow::Open && !self.held.is_empty() && self.framer.is_in_head() => {
                let head = self.held.split();
                self.refuse(Fault::HeadTooSlow, &head);
                Ok(())
            }
            Lapse::Head => {
                if self.flow == Flow::Open {
                    self.flow = Flow::Ended;
                }
                Ok(())
            }
        }
    }

    fn release(&mut self, out: &mut ReadBuf<'_>) {
        let length = self.released.min(out.remaining());
        out.put_slice(self.held.get(..length).unwrap_or_default());
        self.held.advance(length);
        self.released -= length;
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// Reads into the asker's own buffer; what has to wait is taken out of it again.
    fn read_through(&mut self, task: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let before = out.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(task, out))?;
        let read = out.filled().get(before..).unwrap_or_default();
        if read.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let (length, passed) = (read.len(), self.heed(read));
        if passed < length {
            if self.flow == Flow::Open {
                self.held.extend_from_slice(read.get(passed..).unwrap_or_default());
                if self.pace.has_answered_all() {
                    self.pace.wait_for_head();
                }
            }
            out.set_filled(before + passed);
        }
        Poll::Ready(Ok(length))
    }

    /// Reads more of what is held.
    fn read_held(&mut self, task: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut piece = [0; PIECE];
        let mut piece = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut self.stream).poll_read(task, &mut piece))?;
        let length = piece.filled().len();
        if length > 0 {
            self.held.extend_from_slice(piece.filled());
            self.judge_held();
        }
        Poll::Ready(Ok(length))
    }

    fn judge_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        let released = self.heed(&held);
        if self.flow == Flow::Refused {
            // What passed before the refused request goes first.
            let mut both = held;
            both.truncate(released);
            self.released += released;
            both.extend_from_slice(&self.held);
            self.held = both;
        } else {
            self.held = held;
            self.released = released;
        }
    }

    /// Whether the next byte begins a request.
    pub(crate) fn is_between_requests(&self) -> bool {
        self.flow == Flow::Open && self.framer.is_in_head()
    }

    /// Waits, with no buffer to read into, until there is something to do: the beginning of a request, the connection's end, or its time.
    pub(crate) async fn rest(&mut self) {
        poll_fn(|task| {
            if !self.held.is_empty() || self.pace.lapsed().is_some() || self.pace.is_draining() {
                return Poll::Ready(());
            }
            self.pace.watch(task.waker());
            // What became of it is read once more: an end and an error stay what they are.
            let _ = ready!(self.read_held(task));
            if self.released == 0 {
                self.pace.wait_for_head();
            }
            Poll::Ready(())
        })
        .await;
    }

    fn poll_more(&mut self, task: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.released > 0 {
                self.release(out);
                return Poll::Ready(Ok(()));
            }
            match self.flow {
                Flow::Open => {}
                Flow::Refused => return Poll::Pending,
                Flow::Broken(fault) => return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, fault))),
                Flow::Ended => return Poll::Ready(Ok(())),
            }
            if self.framer.is_undecided() {
                if !self.pace.has_answered_all() {
                    self.pace.await_answer();
                    return Poll::Pending;
                }
                self.framer.stay();
                self.judge_held();
                continue;
            }
            if let Some(lapse) = self.pace.lapsed() {
                self.lapse(lapse)?;
                continue;
            }
            let before = out.filled().len();
            let is_holding = !self.held.is_empty();
            let read = if is_holding { self.read_held(task) } else { self.read_through(task, out) };
            // The end of the stream, or bytes that passed: half a head that nobody will complete is forgotten.
            if ready!(read)? == 0 || out.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let read = me.poll_more(task, out);
        if read.is_pending() {
            me.pace.watch(task.waker());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Passes on what became of a write, and remembers whether the client lets the gate wait.
    fn written(&self, task: &Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(length)) => self.pace.took(length),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                if self.pace.lapsed() == Some(Lapse::Stall) {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                self.pace.blocked();
                self.pace.watch(task.waker());
            }
        }
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let written = Pin::new(&mut me.stream).poll_write(task, bytes);
        me.written(task, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let written = Pin::new(&mut me.stream).poll_write_vectored(task, pieces);
        me.written(task, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let flushed = Pin::new(&mut me.stream).poll_flush(task);
        me.written(task, flushed.map_ok(|()| 0)).map_ok(|_| ())
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let closed = Pin::new(&mut me.stream).poll_shutdown(task);
        me.written(task, closed.map_ok(|()| 0)).map_ok(|_| ())
    }
}

impl Refused {
    /// Reads of a refused head what an event can say about it.
    fn read(fault: Fault, head: &[u8]) -> Self {
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let method = words.next().filter(|word| word.len() <= 32 && word.iter().all(|byte| is_token(*byte)));
        let target = words.next().filter(|_| method.is_some()).unwrap_or_default();
        let mut halves = target.trim_ascii_end().splitn(2, |byte| matches!(byte, b'?' | b'#'));
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..bytes.len().min(2048)).unwrap_or_default()).into_owned();
        Self {
            fault,
            method: text(method.unwrap_or_default()),
            path: text(halves.next().unwrap_or_default()),
            has_query: halves.next().is_some(),
        }
    }
}
