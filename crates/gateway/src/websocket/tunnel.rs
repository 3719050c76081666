//! The tunnel between a client and an upstream that both speak WebSocket now.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use bartizan_evidence::{CloseCause, ClosedEvent, Event, Recorder, RequestId, StreamKind};
use bartizan_policy::{Rate, Tat};
use bytes::{Bytes, BytesMut};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::{Notify, watch as channel};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::watch::{Bounds, From, Violation, Watch};
use crate::config::WebSocket;
use crate::pipeline::Admission;
use crate::upstream::Ticket;
use crate::vigil::Vigil;

/// What is read at once.
const CHUNK: usize = 16 * 1024;
/// How long the two sides have to part, once one has said that it goes.
const PARTING: Duration = Duration::from_secs(2);

const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;
const SERVER_ERROR: u16 = 1011;

/// A connection that was agreed on and does not flow yet.
pub(crate) struct Tunnel {
    upstream: TokioIo<Upgraded>,
    rules: WebSocket,
    bounds: Bounds,
    vigil: Vigil,
    request_id: RequestId,
    ledger: Option<(Recorder, Admission)>,
    /// Its place at the upstream's endpoint, where those are counted.
    ticket: Option<Ticket>,
}

impl Tunnel {
    pub(crate) fn new(
        upstream: Upgraded,
        rules: WebSocket,
        compression: bool,
        vigil: Vigil,
        request_id: RequestId,
        ticket: Option<Ticket>,
    ) -> Self {
        let bounds = Bounds { message_bytes: rules.message_bytes, frame_bytes: rules.frame_bytes, compression };
        Self { upstream: TokioIo::new(upstream), rules, bounds, vigil, request_id, ledger: None, ticket }
    }

    /// Where its end is recorded, and the place among the requests in flight that it keeps.
    pub(crate) fn attach(&mut self, recorder: Recorder, admission: Admission) {
        self.ledger = Some((recorder, admission));
    }

    /// Lets frames flow until one side closes, a rule is broken, or the connection may last no longer. `early` is what the client sent
    /// before the tunnel began; `draining` returns when the node shuts down.
    pub(crate) async fn run(
        self,
        client: impl AsyncRead + AsyncWrite + Unpin,
        early: Bytes,
        draining: impl Future<Output = ()>,
    ) {
        let Self { upstream, rules, bounds, vigil, request_id, ledger, ticket: _kept_until_the_end } = self;
        let shared = Shared::new(ledger, request_id, rules.rate, rules.idle);
        let (from_client, to_client) = split(client);
        let (from_upstream, to_upstream) = split(upstream);
        // The upstream is trusted with its own sizes, not with the protocol.
        let unbounded = Bounds { message_bytes: u64::MAX, frame_bytes: u64::MAX, ..bounds };
        let mut up =
            pin!(pump(from_client, to_upstream, Watch::new(From::Client, bounds), early, From::Client, &shared));
        let down = Watch::new(From::Server, unbounded);
        let mut down = pin!(pump(from_upstream, to_client, down, Bytes::new(), From::Server, &shared));
        let mut supervised = pin!(supervise(&shared, &vigil, &rules, draining));
        let mut parting = pin!(shared.parting());
        let (mut is_up, mut is_down, mut is_supervised) = (true, true, true);
        while is_up || is_down {
            tokio::select! {
                () = &mut up, if is_up => is_up = false,
                () = &mut down, if is_down => is_down = false,
                () = &mut supervised, if is_supervised => is_supervised = false,
                () = &mut parting => return,
            }
        }
    }
}

/// What both directions and their supervisor know.
struct Shared {
    ledger: Option<(Recorder, Admission)>,
    request_id: RequestId,
    rate: Rate,
    tat: Cell<Tat>,
    began: Instant,
    /// How long a peer may take to read what it was sent.
    patience: Duration,
    heard: Cell<Instant>,
    ping: Notify,
    /// Told when one side has said that it closes.
    closing: Notify,
    /// The status to close with, once that is decided.
    end: channel::Sender<Option<u16>>,
    outcome: Cell<Option<(CloseCause, Option<&'static str>)>>,
    received: Cell<Flow>,
    sent: Cell<Flow>,
}

#[derive(Clone, Copy, Default)]
struct Flow {
    bytes: u64,
    messages: u64,
}

impl Shared {
    fn new(ledger: Option<(Recorder, Admission)>, request_id: RequestId, rate: Rate, patience: Duration) -> Self {
        let now = Instant::now();
        Self {
            ledger,
            request_id,
            rate,
            tat: Cell::default(),
            began: now,
            patience,
            heard: Cell::new(now),
            ping: Notify::new(),
            closing: Notify::new(),
            end: channel::Sender::new(None),
            outcome: Cell::new(None),
            received: Cell::default(),
            sent: Cell::default(),
        }
    }

    fn may_send(&self, from: From) -> bool {
        if from == From::Server {
            return true;
        }
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let (tat, verdict) = self.rate.judge(self.tat.get(), now, std::num::NonZeroU32::MIN);
        self.tat.set(tat);
        verdict.allowed
    }

    fn count(&self, from: From, bytes: usize, messages: u64) {
        let flow = if from == From::Client { &self.received } else { &self.sent };
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        flow.set(Flow { bytes: flow.get().bytes.saturating_add(bytes), messages });
    }

    /// Decides how it ends; what was decided first holds.
    fn finish(&self, cause: CloseCause, reason: Option<&'static str>, status: u16) {
        if self.outcome.get().is_none() {
            self.outcome.set(Some((cause, reason)));
        }
        self.end.send_if_modified(|end| {
            let is_first = end.is_none();
            end.get_or_insert(status);
            is_first
        });
    }

    /// Returns when the time to part is over.
    async fn parting(&self) {
        let mut end = self.end.subscribe();
        tokio::select! {
            _ = end.wait_for(Option::is_some) => {}
            () = self.closing.notified() => {}
        }
        sleep(PARTING).await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some((recorder, _admission)) = &self.ledger else { return };
        let Some(slot) = recorder.reserve() else { return };
        // Without an outcome it was cut as it stood, which only a node does that ends.
        let (cause, reason) = self.outcome.get().unwrap_or((CloseCause::Drained, None));
        let (received, sent) = (self.received.get(), self.sent.get());
        slot.record(Event::Closed(ClosedEvent {
            time: SystemTime::now(),
            request_id: self.request_id,
            kind: StreamKind::WebSocket,
            bytes_received: received.bytes,
            bytes_sent: sent.bytes,
            messages_received: Some(received.messages),
            messages_sent: Some(sent.messages),
            duration: self.began.elapsed(),
            cause,
            reason,
        }));
    }
}

/// Ends the connection when it may last no longer, and asks a silent client whether it lives.
async fn supervise(shared: &Shared, vigil: &Vigil, rules: &WebSocket, draining: impl Future<Output = ()>) {
    let lifetime = shared.began + rules.lifetime;
    let mut draining = pin!(draining);
    let mut looked = Instant::now();
    let mut pinged = shared.began;
    loop {
        let heard = shared.heard.get();
        let ping_at = heard + rules.idle / 2;
        let next_word = if pinged > heard { heard + rules.idle } else { ping_at };
        let next_look = if vigil.is_needed() { looked + vigil.next(SystemTime::now()) } else { lifetime };
        tokio::select! {
            () = &mut draining => return shared.finish(CloseCause::Drained, None, GOING_AWAY),
            () = sleep_until(next_word.min(next_look).min(lifetime)) => {}
        }
        let now = Instant::now();
        if now >= lifetime {
            return shared.finish(CloseCause::Timeout, Some("lifetime"), GOING_AWAY);
        }
        if now >= next_look {
            looked = now;
            if let Some(cause) = vigil.ended(SystemTime::now()) {
                return shared.finish(cause, None, POLICY);
            }
        }
        let silence = now.saturating_duration_since(shared.heard.get());
        if silence >= rules.idle {
            return shared.finish(CloseCause::Timeout, Some("idle"), GOING_AWAY);
        }
        if silence >= rules.idle / 2 && pinged <= shared.heard.get() {
            pinged = now;
            shared.ping.notify_one();
        }
    }
}

/// Passes frames on in one direction. Whatever ends it, the side that it writes to gets a Close, if a frame can stand there.
async fn pump(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    mut watch: Watch,
    early: Bytes,
    from: From,
    shared: &Shared,
) {
    let mut buffer = BytesMut::from(early.as_ref());
    let mut end = shared.end.subscribe();
    let status = loop {
        let judged = watch.judge(&buffer, || shared.may_send(from));
        let piece = buffer.split_to(judged.passable);
        if !piece.is_empty() {
            shared.count(from, piece.len(), watch.messages());
            if write(&mut writer, &piece, shared.patience).await.is_err() {
                let (cause, reason) = match from {
                    From::Client => (CloseCause::UpstreamFault, None),
                    From::Server => (CloseCause::ClientGone, None),
                };
                return shared.finish(cause, reason, SERVER_ERROR);
            }
        }
        if let Some(violation) = judged.violation {
            break violated(violation, from, shared);
        }
        if watch.is_closed() {
            // The other side answers in its own direction; then both are done.
            shared.outcome.set(shared.outcome.get().or(Some((CloseCause::Finished, None))));
            shared.closing.notify_one();
            if from == From::Server {
                let _ = timeout(PARTING, writer.shutdown()).await;
            }
            return;
        }
        buffer.reserve(CHUNK);
        let is_free = watch.is_between_frames();
        tokio::select! {
            biased;
            told = end.wait_for(Option::is_some), if is_free => {
                let status = told.ok().and_then(|status| *status).unwrap_or(GOING_AWAY);
                break if from == From::Client { GOING_AWAY } else { status };
            }
            () = shared.ping.notified(), if is_free && from == From::Server => {
                if write(&mut writer, &[0x89, 0], shared.patience).await.is_err() {
                    return shared.finish(CloseCause::ClientGone, None, GOING_AWAY);
                }
            }
            read = reader.read_buf(&mut buffer) => match read {
                Ok(length) if length > 0 => {
                    if from == From::Client {
                        shared.heard.set(Instant::now());
                    }
                }
                _ => break left(from, shared),
            }
        }
    };
    if watch.is_between_frames() {
        let close = close_frame(status, from);
        let _ = write(&mut writer, &close, PARTING).await;
    }
    let _ = timeout(PARTING, writer.shutdown()).await;
}

/// A side broke a rule: the status for the side that is written to.
fn violated(violation: Violation, from: From, shared: &Shared) -> u16 {
    match from {
        From::Client => {
            shared.finish(CloseCause::Violation, Some(violation.code()), violation.status());
            GOING_AWAY
        }
        From::Server => {
            shared.finish(CloseCause::UpstreamFault, Some(violation.code()), SERVER_ERROR);
            SERVER_ERROR
        }
    }
}

/// A side left without a word.
fn left(from: From, shared: &Shared) -> u16 {
    match from {
        From::Client => {
            shared.finish(CloseCause::ClientGone, None, GOING_AWAY);
            GOING_AWAY
        }
        From::Server => {
            shared.finish(CloseCause::UpstreamFault, Some("closed-without-a-word"), SERVER_ERROR);
            SERVER_ERROR
        }
    }
}

async fn write(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8], patience: Duration) -> io::Result<()> {
    let written = async {
        writer.write_all(bytes).await?;
        writer.flush().await
    };
    timeout(patience, written).await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// A Close frame with a status. To the upstream the gate is a client, whose frames are masked.
fn close_frame(status: u16, from: From) -> Vec<u8> {
    let [high, low] = status.to_be_bytes();
    match from {
        From::Server => vec![0x88, 2, high, low],
        From::Client => {
            let mut key = [0; 4];
            // A predictable mask of two known bytes helps nobody.
            let _ = aws_lc_rs::rand::fill(&mut key);
            let [a, b, c, d] = key;
            vec![0x88, 0x82, a, b, c, d, high ^ a, low ^ b]
        }
    }
}
