//! An upstream that speaks HTTP/2 in the clear, frame by frame, and so can refuse, leave and ask in ways in which no HTTP library would.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use bartizan_testkit::frames::{ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, SETTINGS, frame, reset};

const PREFACE_BYTES: usize = 24;

/// A request as its head came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Which connection, from 0.
    pub(crate) connection: usize,
    pub(crate) stream: u32,
    /// Which request of all, from 0.
    pub(crate) number: usize,
}

/// What is done with a request, or with its connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Move {
    /// Answers 200.
    Answer,
    /// Resets its stream with this error.
    Reset(u32),
    /// Says that no stream beyond this one was or will be looked at.
    Leave(u32),
    /// Asks whether the gate is there.
    Ping,
    /// Closes the connection without a word.
    Close,
}

/// The upstream.
pub(crate) struct Framed {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    asked: Mutex<Vec<Asked>>,
    answered: Mutex<Vec<Asked>>,
    pongs: Mutex<usize>,
}

impl Framed {
    /// Starts one that asks `script` what to do with each request.
    pub(crate) fn start(script: impl Fn(Asked) -> Vec<Move> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let framed = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (script, seen) = (Arc::new(script), framed.seen.clone());
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let (script, seen) = (script.clone(), seen.clone());
                // A peer that is gone ends the connection.
                thread::spawn(move || drop(seen.follow(stream, connection, &*script)));
            }
        });
        framed
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request whose head came.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.asked.lock().unwrap().clone()
    }

    /// Those that were answered: what a backend would have done.
    pub(crate) fn answered(&self) -> Vec<Asked> {
        self.seen.answered.lock().unwrap().clone()
    }

    /// How many of its questions were answered.
    pub(crate) fn pongs(&self) -> usize {
        *self.seen.pongs.lock().unwrap()
    }
}

impl Seen {
    fn follow(
        &self,
        mut stream: TcpStream,
        connection: usize,
        script: &dyn Fn(Asked) -> Vec<Move>,
    ) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.read_exact(&mut [0; PREFACE_BYTES])?;
        stream.write_all(&frame(SETTINGS, 0, 0, &[]))?;
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head)?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            stream.read_exact(&mut payload)?;
            let (kind, flags) = (head[3], head[4]);
            let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            match kind {
                SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[]))?,
                PING if flags & ACK != 0 => *self.pongs.lock().unwrap() += 1,
                PING => stream.write_all(&frame(PING, ACK, 0, &payload))?,
                HEADERS => {
                    let asked = self.note(connection, id);
                    for step in script(asked) {
                        if matches!(step, Move::Close) {
                            return stream.shutdown(Shutdown::Both);
                        }
                        if matches!(step, Move::Answer) {
                            self.answered.lock().unwrap().push(asked);
                        }
                        stream.write_all(&step.bytes(id))?;
                    }
                }
                _ => {}
            }
        }
    }

    fn note(&self, connection: usize, stream: u32) -> Asked {
        let mut all = self.asked.lock().unwrap();
        let asked = Asked { connection, stream, number: all.len() };
        all.push(asked);
        asked
    }
}

impl Move {
    fn bytes(self, stream: u32) -> Vec<u8> {
        // `:status 200` is one octet of HPACK's static table.
        const OK: &[u8] = &[0x88];
        match self {
            Self::Answer => {
                [frame(HEADERS, END_HEADERS, stream, OK), frame(DATA, END_STREAM, stream, b"done")].concat()
            }
            Self::Reset(code) => reset(stream, code),
            Self::Leave(last) => frame(GOAWAY, 0, 0, &[last.to_be_bytes(), 0_u32.to_be_bytes()].concat()),
            Self::Ping => frame(PING, 0, 0, b"are you?"),
            Self::Close => Vec::new(),
        }
    }
}
