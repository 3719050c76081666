//! A backend that remembers every request it read, and can be killed and started again at the same address.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A backend that can be killed.
pub(crate) struct Flaky {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The request lines of every request that was read whole, in order.
    read: Mutex<Vec<String>>,
    answer: Mutex<String>,
    open: Mutex<Vec<TcpStream>>,
    is_up: AtomicBool,
    is_over: AtomicBool,
}

impl Flaky {
    pub(crate) fn start(body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let flaky = Self { address: listener.local_addr().unwrap(), shared: Arc::default() };
        flaky.answers(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        flaky.serve(listener);
        flaky
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is answered from now on, as it goes over the wire.
    pub(crate) fn answers(&self, bytes: &str) {
        bytes.clone_into(&mut self.shared.answer.lock().unwrap());
    }

    /// The request lines so far.
    pub(crate) fn read(&self) -> Vec<String> {
        self.shared.read.lock().unwrap().clone()
    }

    /// Refuses connections and resets those that are open, as a process does that is killed.
    pub(crate) fn kill(&self) {
        self.shared.is_up.store(false, Ordering::SeqCst);
        // Wakes the thread that accepts, which then closes the listener.
        let _ = TcpStream::connect(self.address);
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    pub(crate) fn restart(&self) {
        for _ in 0..500 {
            if let Ok(listener) = TcpListener::bind(self.address) {
                return self.serve(listener);
            }
            thread::sleep(Duration::from_millis(2));
        }
        panic!("{} cannot be had again", self.address);
    }

    fn serve(&self, listener: TcpListener) {
        let shared = self.shared.clone();
        shared.is_up.store(true, Ordering::SeqCst);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if !shared.is_up.load(Ordering::SeqCst) || shared.is_over.load(Ordering::SeqCst) {
                    return;
                }
                shared.open.lock().unwrap().push(stream.try_clone().unwrap());
                let shared = shared.clone();
                thread::spawn(move || shared.follow(stream));
            }
        });
    }
}

impl Shared {
    fn follow(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut held = Vec::new();
        let mut piece = [0; 4096];
        loop {
            while let Some((line, length)) = whole_request(&held) {
                held.drain(..length);
                self.read.lock().unwrap().push(line);
                let answer = self.answer.lock().unwrap().clone();
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => return,
                Ok(length) => held.extend_from_slice(&piece[..length]),
            }
        }
    }
}

/// The request line of what is held, and how long the request is; `None` while it is not whole.
fn whole_request(held: &[u8]) -> Option<(String, usize)> {
    let head = held.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&held[..head]).into_owned();
    let length = text
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(|it| it.trim().to_owned()))
        .map_or(0, |length| length.parse().unwrap());
    (held.len() >= head + length).then(|| (text.lines().next().unwrap_or_default().to_owned(), head + length))
}

impl Drop for Flaky {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.kill();
    }
}
