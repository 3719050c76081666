//! SIGUSR2: the next process takes the place of this one, and nobody outside notices.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bartizan_testkit::{Answer, HttpClient, HttpConnection, Upstream};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value;

use crate::node::Node;

/// A gate that is replaced again and again: whoever holds its state is the one to talk to. Killed when dropped.
struct Line {
    node: Node,
    lock: PathBuf,
}

impl Line {
    fn start(server: &str, upstream: &Upstream) -> Self {
        let node = Node::start(&configuration(server, upstream));
        let lock = node.path("state/lock");
        Self { node, lock }
    }

    /// The process that has the state.
    fn process(&self) -> String {
        fs::read_to_string(&self.lock).unwrap()
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.process()]).status().unwrap().success());
    }

    fn address(&self) -> SocketAddr {
        self.node.address_after("serving http://")
    }

    fn audit(&self) -> Vec<Value> {
        let mut segments: Vec<_> =
            fs::read_dir(self.node.path("state/audit")).unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.sort();
        let text: String = segments.iter().map(|segment| fs::read_to_string(segment).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Ok(process) = fs::read_to_string(&self.lock) {
            let _ = Command::new("kill").args(["-s", "KILL", &process]).status();
        }
    }
}

fn configuration(server: &str, upstream: &Upstream) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\ntls = \"off\"\n{server}\n\
         [console]\nlisten = \"127.0.0.1:0\"\n[limits]\naddress = \"10000000/minute\"\n\
         [[routes]]\nname = \"all\"\npath = \"/{{*rest}}\"\nmethods = [\"GET\"]\nupstream = \"{}\"\naccess = \"public\"\n",
        upstream.url()
    )
}

fn upstream() -> Upstream {
    Upstream::start(|request| {
        let answer = Answer::Respond(Response::new(Bytes::from("hello")));
        if request.target.contains("slow") {
            Answer::After(Duration::from_millis(2500), Box::new(answer))
        } else {
            answer
        }
    })
}

async fn connect(address: SocketAddr) -> HttpConnection {
    HttpClient::plain().connect(&format!("http://{address}").parse().unwrap()).await.unwrap()
}

fn get(path: &str) -> Request<Bytes> {
    Request::get(path).header("host", "localhost").body(Bytes::new()).unwrap()
}

/// One client: requests one after another on a connection that it keeps as long as the gate lets it. Counts its answers; any that
/// is missing fails the test.
async fn client(address: SocketAddr, stop: Arc<AtomicBool>) -> usize {
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut connection = connect(address).await;
        loop {
            let answer = connection.send(get("/one")).await.unwrap();
            assert_eq!(answer.status, StatusCode::OK);
            answered += 1;
            if answer.header("connection") == Some("close") || stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_over_restarts_and_a_long_one_ends_on_the_process_where_it_began() {
    const RESTARTS: usize = 3;
    let upstream = upstream();
    let line = Line::start("workers = 2", &upstream);
    let address = line.address();
    let stop: Arc<AtomicBool> = Arc::default();
    let clients: Vec<_> = (0..8).map(|_| tokio::spawn(client(address, stop.clone()))).collect();
    let slow = tokio::spawn(async move { connect(address).await.send(get("/slow")).await });
    while !upstream.received().iter().any(|request| request.target.contains("slow")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let mut processes = HashSet::from([line.process()]);
    for restart in 1..=RESTARTS {
        // One socket for each worker: more workers share them, fewer take several.
        let workers = [1, 3, 2][restart % 3];
        line.node.write("bartizan.toml", &configuration(&format!("workers = {workers}"), &upstream));
        line.signal("USR2");
        line.node.wait_for_times("serving http://", restart + 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
        processes.insert(line.process());
    }
    assert_eq!(processes.len(), RESTARTS + 1, "each is a process of its own");
    assert_eq!(slow.await.unwrap().unwrap().status, StatusCode::OK);
    line.node.wait_for_times("stopped", RESTARTS);
    stop.store(true, Ordering::Relaxed);
    let mut answered = 1;
    for client in clients {
        answered += client.await.unwrap();
    }
    line.signal("TERM");
    line.node.wait_for_times("stopped", RESTARTS + 1);

    let log = line.audit();
    let of = |action: &str| log.iter().filter(|record| record["event"]["action"] == action).count();
    let sequences: Vec<_> = log.iter().map(|record| record["event"]["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=log.len() as u64).collect::<Vec<_>>(), "one log, in one sequence");
    let requests = log.iter().filter(|record| record["event"]["category"] == serde_json::json!(["web"])).count();
    assert_eq!(requests, answered, "exactly one event for each request, whichever process answered it");
    assert_eq!((of("node-started"), of("node-stopped"), of("audit-gap")), (RESTARTS + 1, RESTARTS + 1, 0));
}

#[tokio::test]
async fn where_the_next_process_cannot_serve_the_old_one_goes_on_and_says_so() {
    let upstream = upstream();
    let line = Line::start("", &upstream);
    let (address, process) = (line.address(), line.process());
    let sound = configuration("", &upstream);
    line.node.write("bartizan.toml", &sound.replace("access", "acces"));
    line.signal("USR2");
    line.node.wait_for("the next process does not serve");
    line.node.wait_for("did you mean `access`?");
    assert_eq!(connect(address).await.send(get("/one")).await.unwrap().status, StatusCode::OK);
    assert_eq!(line.process(), process);

    // With the file mended, the same process can still be replaced.
    line.node.write("bartizan.toml", &sound);
    line.signal("USR2");
    line.node.wait_for_times("serving http://", 2);
    line.node.wait_for("stopped");
    assert_eq!(connect(address).await.send(get("/one")).await.unwrap().status, StatusCode::OK);
    assert_ne!(line.process(), process);
}

#[tokio::test]
async fn a_next_process_that_fails_with_the_state_in_its_hands_gives_it_back() {
    let upstream = upstream();
    let line = Line::start("", &upstream);
    let (address, process) = (line.address(), line.process());
    // What a newer version may leave: the next process gets as far as the state, and refuses it.
    let kept = fs::read(line.node.path("state/vault/root.key")).unwrap();
    let other: Vec<u8> = kept.iter().map(|byte| byte ^ 0x55).collect();
    fs::write(line.node.path("state/vault/root.key"), other).unwrap();
    line.signal("USR2");
    line.node.wait_for("the next process does not serve");
    assert_eq!(connect(address).await.send(get("/one")).await.unwrap().status, StatusCode::OK);
    assert_eq!(line.process(), process, "the state is its own again");
    fs::write(line.node.path("state/vault/root.key"), kept).unwrap();
    line.node.wait_for("the log is written here again");

    line.signal("USR2");
    line.node.wait_for_times("serving http://", 2);
    line.signal("TERM");
    line.node.wait_for_times("stopped", 2);
    let log = line.audit();
    let sequences: Vec<_> = log.iter().map(|record| record["event"]["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=log.len() as u64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_the_file_adds_is_served_after_a_restart_one_that_it_drops_is_not_and_the_others_lose_nothing()
{
    let upstream = upstream();
    let line = Line::start("", &upstream);
    let kept = line.address();
    let added = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stop: Arc<AtomicBool> = Arc::default();
    let clients: Vec<_> = (0..4).map(|_| tokio::spawn(client(kept, stop.clone()))).collect();
    let listening = |list: &str| {
        configuration("", &upstream).replacen("listen = \"127.0.0.1:0\"", &format!("listen = [{list}]"), 1)
    };

    line.node.write("bartizan.toml", &listening(&format!("\"{kept}\", \"{added}\"")));
    line.node.wait_for("`server.listen` is changed in the file; it takes effect at the next start");
    assert!(std::net::TcpStream::connect(added).is_err(), "a reload opens no socket");
    line.signal("USR2");
    line.node.wait_for(&format!("serving http://{added}"));
    line.node.wait_for("stopped");
    assert_eq!(connect(added).await.send(get("/one")).await.unwrap().status, StatusCode::OK);
    assert_eq!(connect(kept).await.send(get("/one")).await.unwrap().status, StatusCode::OK);

    line.node.write("bartizan.toml", &listening(&format!("\"{kept}\"")));
    line.signal("USR2");
    line.node.wait_for("nothing in the configuration listens on");
    line.node.wait_for_times("stopped", 2);
    assert!(std::net::TcpStream::connect(added).is_err(), "nobody listens there any more");
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0, "no answer is missing over both restarts");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sign_in_is_there_throughout_a_restart() {
    let upstream = upstream();
    let configuration = configuration("", &upstream) + "[identity]\n";
    let node = Node::start(&configuration);
    let lock = node.path("state/lock");
    let line = Line { node, lock };
    let address = line.address();
    let stop: Arc<AtomicBool> = Arc::default();
    let visitor = |stop: Arc<AtomicBool>| async move {
        let mut answered = 0;
        while !stop.load(Ordering::Relaxed) {
            let mut connection = connect(address).await;
            loop {
                // The link of a mail: it is looked up in the store.
                let mut request = get("/auth/welcome?token=x");
                request.headers_mut().insert("sec-fetch-mode", "navigate".parse().unwrap());
                let answer = connection.send(request).await.unwrap();
                // 307: once more, by a new connection.
                let is_there = [StatusCode::GONE, StatusCode::TEMPORARY_REDIRECT].contains(&answer.status);
                assert!(is_there, "{}", answer.status);
                answered += 1;
                if answer.header("connection") == Some("close") || stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
        answered
    };
    let visitors: Vec<_> = (0..4).map(|_| tokio::spawn(visitor(stop.clone()))).collect();
    for restart in 1..=2 {
        line.signal("USR2");
        line.node.wait_for_times("serving http://", restart + 1);
        line.node.wait_for_times("stopped", restart);
    }
    stop.store(true, Ordering::Relaxed);
    for visitor in visitors {
        assert!(visitor.await.unwrap() > 0);
    }
}
