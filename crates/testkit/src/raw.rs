use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream as StdTcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Sends `bytes` to `address` as they are, and returns all that comes back until the peer closes, or has been silent for two seconds.
///
/// Our side stays open for writing while it waits: a peer may take a half-closed connection for a client that has gone.
///
/// # Errors
/// If the connection is refused, or breaks before anything came back.
pub async fn raw_exchange(address: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = timeout(PATIENCE, TcpStream::connect(address)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    stream.set_nodelay(true)?;
    // A peer that refuses early may close while it is still being written to; its answer is what counts.
    let written = timeout(PATIENCE, stream.write_all(bytes)).await;
    let mut answer = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match timeout(SILENCE, stream.read(&mut buffer)).await {
            Ok(Ok(0)) | Err(_) => break,
            Ok(Ok(length)) => answer.extend(buffer.iter().take(length)),
            Ok(Err(error)) if answer.is_empty() => return Err(error),
            Ok(Err(_)) => break,
        }
    }
    match written {
        Ok(Err(error)) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(2);

/// What a [`RawUpstream`] does on each connection, in order.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads until the blank line that ends a request's head.
    ReadHead,
    /// Reads so many bytes.
    Read(usize),
    /// Sends these bytes, whatever they are.
    Send(Vec<u8>),
    /// Does nothing for a while.
    Wait(Duration),
    /// Sends back all that comes, until the peer closes.
    Echo,
    /// Keeps the connection open and reads until the peer closes it.
    Hold,
    /// Closes the connection by a reset, as a process does that dies with unread data.
    Reset,
}

/// A server that follows a script of raw bytes on each connection, and so can lie, stall and break off in ways in which no HTTP server
/// would. After the script it closes the connection.
pub struct RawUpstream {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    stopped: Arc<AtomicBool>,
}

impl RawUpstream {
    /// Starts a server that follows `script` on each connection.
    pub fn start(script: Vec<Step>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let server = Self { address, received: Arc::clone(&received), stopped: Arc::clone(&stopped) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                let (script, received) = (script.clone(), Arc::clone(&received));
                thread::spawn(move || {
                    let position = {
                        let mut received = received.lock().unwrap();
                        received.push(Vec::new());
                        received.len() - 1
                    };
                    let mut take = |bytes: &[u8]| {
                        if let Some(all) = received.lock().unwrap().get_mut(position) {
                            all.extend_from_slice(bytes);
                        }
                    };
                    // A peer that breaks off ends the script; what was received until then is there to be looked at.
                    let _ = follow(&script, stream, &mut take);
                });
            }
        });
        server
    }

    /// Reads a request's head, sends `bytes`, and closes.
    pub fn sending(bytes: impl Into<Vec<u8>>) -> Self {
        Self::start(vec![Step::ReadHead, Step::Send(bytes.into())])
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came in so far, for each connection.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        let _ = StdTcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn follow(script: &[Step], mut stream: StdTcpStream, take: &mut impl FnMut(&[u8])) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    for step in script {
        match step {
            Step::ReadHead => read_head(&mut stream, take)?,
            Step::Read(length) => {
                let mut bytes = vec![0; *length];
                stream.read_exact(&mut bytes)?;
                take(&bytes);
            }
            Step::Send(bytes) => stream.write_all(bytes)?,
            Step::Wait(time) => thread::sleep(*time),
            Step::Echo => pass(&mut stream, take, io::Write::write_all)?,
            Step::Hold => pass(&mut stream, take, |_, _| Ok(()))?,
            Step::Reset => {
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
        }
    }
    stream.shutdown(Shutdown::Write)
}

fn read_head(stream: &mut StdTcpStream, take: &mut impl FnMut(&[u8])) -> io::Result<()> {
    let mut last = [0; 4];
    while last != *b"\r\n\r\n" {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        take(&byte);
        last.rotate_left(1);
        last[3] = byte[0];
    }
    Ok(())
}

fn pass(
    stream: &mut StdTcpStream,
    take: &mut impl FnMut(&[u8]),
    mut back: impl FnMut(&mut StdTcpStream, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        take(bytes);
        back(stream, bytes)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_bytes_are_sent_and_received_as_they_are() {
        let lie = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort";
        let upstream = RawUpstream::sending(lie);
        let request = b"GET /%2e%2e;a=b HTTP/1.1\r\n odd : \x00\r\n\r\n";
        assert_eq!(raw_exchange(upstream.address(), request).await.unwrap(), lie);
        assert_eq!(upstream.received(), [request.to_vec()]);
    }

    #[tokio::test]
    async fn a_reset_is_an_error() {
        let upstream = RawUpstream::start(vec![Step::ReadHead, Step::Reset]);
        let error = raw_exchange(upstream.address(), b"GET / HTTP/1.1\r\n\r\n").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
