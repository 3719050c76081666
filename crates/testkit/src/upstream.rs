use std::{
    convert::Infallible,
    future,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{
    body::{Body, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinSet,
};

/// An HTTP/1.1 server that remembers every request and answers as it is told. It runs in a thread of its own, so that a test may
/// block; it stops, and breaks off its connections, when it is dropped.
pub struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The request target as it was sent: nothing is decoded or normalized.
    pub target: String,
    /// The version of the request line.
    pub version: Version,
    /// All header fields, in order for each name.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Fields after a chunked body.
    pub trailers: Option<HeaderMap>,
    /// Which connection it came on, from 0.
    pub connection: usize,
}

/// What an [`Upstream`] does with a request.
pub enum Answer {
    /// Answers.
    Respond(Response<Bytes>),
    /// Answers with a body in pieces, each sent after a pause, chunked unless the head has a Content-Length; then trailers.
    Stream {
        /// The head.
        head: Response<()>,
        /// The pieces, and how long to wait before each.
        pieces: Vec<(Duration, Bytes)>,
        /// Trailer fields.
        trailers: HeaderMap,
    },
    /// Waits before it does something else.
    After(Duration, Box<Answer>),
    /// Never answers, and keeps the connection.
    Hang,
    /// Closes the connection without an answer.
    Close,
}

struct State {
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    answer: Box<dyn Fn(&Received) -> Answer + Send + Sync>,
}

impl Upstream {
    /// Starts a server that asks `answer` what to do with each request, once it has arrived whole.
    pub fn start(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let (received, connections) = (Mutex::default(), AtomicUsize::new(0));
        let state = Arc::new(State { received, connections, answer: Box::new(answer) });
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn({
            let state = Arc::clone(&state);
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(TcpListener::from_std(listener).unwrap(), state) => {}
                        _ = stopped => {}
                    }
                });
            }
        });
        Self { address, state, stop: Some(stop), thread: Some(thread) }
    }

    /// A server that gives every request the same answer, as `text/plain`.
    pub fn answering(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::start(move |_| {
            let response = Response::builder().status(status).header("content-type", "text/plain");
            Answer::Respond(response.body(body.clone()).unwrap())
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// The one request so far.
    ///
    /// # Panics
    /// If there were none or several.
    pub fn only_request(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Acquire)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let connection = state.connections.fetch_add(1, Ordering::AcqRel);
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { state.serve(request, connection).await }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).max_buf_size(1 << 20).half_close(true);
            // How a connection ends is the test's affair.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Tells hyper to break off the connection.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Broken {}

impl State {
    async fn serve(
        &self,
        request: Request<Incoming>,
        connection: usize,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, Broken> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Broken)?;
        let trailers = body.trailers().cloned();
        let received = Received {
            method: head.method,
            target: head.uri.to_string(),
            version: head.version,
            headers: head.headers,
            body: body.to_bytes(),
            trailers,
            connection,
        };
        self.received.lock().unwrap().push(received.clone());
        let mut answer = (self.answer)(&received);
        loop {
            match answer {
                Answer::Respond(response) => return Ok(response.map(|body| Full::new(body).boxed())),
                Answer::Stream { head, pieces, trailers } => return Ok(head.map(|()| streamed(pieces, trailers))),
                Answer::After(time, next) => {
                    tokio::time::sleep(time).await;
                    answer = *next;
                }
                Answer::Hang => future::pending().await,
                Answer::Close => return Err(Broken),
            }
        }
    }
}

fn streamed(pieces: Vec<(Duration, Bytes)>, trailers: HeaderMap) -> BoxBody<Bytes, Infallible> {
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        for (pause, piece) in pieces {
            tokio::time::sleep(pause).await;
            if send.send(Frame::data(piece)).await.is_err() {
                return;
            }
        }
        if !trailers.is_empty() {
            let _ = send.send(Frame::trailers(trailers)).await;
        }
    });
    Pieces(receive).boxed()
}

struct Pieces(mpsc::Receiver<Frame<Bytes>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.get_mut().0.poll_recv(context).map(|frame| frame.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HttpClient, raw_exchange};

    #[tokio::test]
    async fn a_request_is_remembered_as_it_was_sent() {
        let upstream = Upstream::answering(StatusCode::OK, "hello");
        let request = b"POST /a%2Fb/../c;d?x=%00 HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
        let answer = raw_exchange(upstream.address(), request).await.unwrap();
        assert!(answer.ends_with(b"hello"), "{}", String::from_utf8_lossy(&answer));
        let received = upstream.only_request();
        assert_eq!((received.target.as_str(), &*received.body), ("/a%2Fb/../c;d?x=%00", b"body".as_slice()));
        assert_eq!(received.headers.get_all("x-two").iter().collect::<Vec<_>>(), ["1", "2"]);
    }

    #[tokio::test]
    async fn pieces_arrive_with_their_trailers() {
        let upstream = Upstream::start(|_| {
            let head = Response::builder().header("trailer", "x-sum").body(()).unwrap();
            let pieces = ["one ", "two"].map(|piece| (Duration::from_millis(5), Bytes::from(piece))).to_vec();
            Answer::Stream {
                head,
                pieces,
                trailers: HeaderMap::from_iter([("x-sum".parse().unwrap(), "7".parse().unwrap())]),
            }
        });
        let request = Request::get(upstream.url()).header("te", "trailers").body(Bytes::new()).unwrap();
        let answered = HttpClient::plain().send(request).await.unwrap();
        assert_eq!(answered.text(), "one two");
        assert_eq!(answered.trailers.unwrap().get("x-sum").unwrap(), "7");
    }

    #[tokio::test]
    async fn a_server_that_closes_hangs_or_is_gone_gives_no_answer() {
        let closing = Upstream::start(|_| Answer::Close);
        assert!(HttpClient::plain().get(&closing.url()).await.is_err());
        assert_eq!((closing.received().len(), closing.connections()), (1, 1));
        let hanging = Upstream::start(|_| Answer::Hang);
        let client = HttpClient::plain().patience(Duration::from_millis(100));
        assert!(client.get(&hanging.url()).await.is_err());
        let url = hanging.url();
        drop(hanging);
        assert!(client.get(&url).await.is_err());
    }
}
