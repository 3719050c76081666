//! Names of backends that lead elsewhere from one moment to the next, by the system's own resolver: the node sees a hosts file of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bartizan_testkit::HttpClient;

use crate::node::{Node, as_whoever_runs_the_tests};

/// A backend that says who it is, and keeps its connections for as long as its clients like.
struct Backend {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Backend {
    fn start(address: &str, says: &'static str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let backend = Self { address: listener.local_addr().unwrap(), connections: Arc::default() };
        let connections = backend.connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || answer(&stream, says));
            }
        });
        backend
    }
}

fn answer(stream: &TcpStream, says: &str) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        while !lines.next()?.ok()?.is_empty() {}
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{says}", says.len());
        { stream }.write_all(answer.as_bytes()).ok()?;
    }
}

fn configuration(upstream: &str, groups: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\ntls = \"off\"\nworkers = 1\n\
         [console]\nlisten = \"127.0.0.1:0\"\n[limits]\naddress = \"10000000/minute\"\n{groups}\
         [[routes]]\nname = \"all\"\npath = \"/one\"\nmethods = [\"GET\"]\nupstream = \"{upstream}\"\naccess = \"public\"\n"
    )
}

/// Whether this process may give another one its own view of a file.
fn may_mount() -> bool {
    Command::new("unshare").args(["--mount", "true"]).output().is_ok_and(|done| done.status.success())
}

fn lead(hosts: &Path, to: &str) {
    fs::write(hosts, format!("127.0.0.1 localhost\n{to}")).unwrap();
}

/// A node for which names lead where the file `hosts` in its directory says.
fn node(configuration: &str, to: &str) -> Node {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("bartizan.toml"), configuration).unwrap();
    lead(&directory.path().join("hosts"), to);
    let node = Node::spawn_with(directory, |command| {
        let program = command.get_program().to_owned();
        *command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", "mount --bind hosts /etc/hosts && exec \"$@\"", "sh"]);
        command.arg(program).args(["--no-color", "serve", "bartizan.toml"]).args(as_whoever_runs_the_tests());
    });
    node.wait_for("health, readiness and metrics on");
    node
}

async fn asked(node: &Node) -> String {
    let url = format!("http://{}/one", node.address_after("serving http://"));
    HttpClient::plain().get(&url).await.unwrap().text().to_owned()
}

/// Asks again and again until another backend answers; every answer on the way is one of the two.
async fn until_answered_by(node: &Node, says: &str, otherwise: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = asked(node).await;
        if answer == says {
            return;
        }
        assert_eq!(answer, otherwise);
        assert!(Instant::now() < end, "`{otherwise}` goes on answering");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
async fn a_name_that_leads_elsewhere_is_followed_without_a_lost_request_and_connections_to_the_old_place_end() {
    if !may_mount() {
        println!("skipped: this user may not mount; as root it runs");
        return;
    }
    let blue = Backend::start("127.0.0.2:0", "blue");
    let green = Backend::start(&format!("127.0.0.3:{}", blue.address.port()), "green");
    let url = format!("http://shop.internal:{}", blue.address.port());
    let group = format!("[[upstreams]]\nname = \"shop\"\nendpoints = [\"{url}\"]\nresolve = {{ every = \"1s\" }}\n");
    let node = node(&configuration("shop", &group), "127.0.0.2 shop.internal\n");
    let hosts = node.path("hosts");
    for _ in 0..20 {
        assert_eq!(asked(&node).await, "blue");
    }
    assert_eq!(blue.connections.load(Ordering::SeqCst), 1, "a connection is kept");

    lead(&hosts, "127.0.0.3 shop.internal\n");
    until_answered_by(&node, "green", "blue").await;
    for _ in 0..20 {
        assert_eq!(asked(&node).await, "green", "nothing goes over the connection that was kept");
    }

    // Both, and then one of the two again: each address is an endpoint of its own.
    lead(&hosts, "127.0.0.2 shop.internal\n127.0.0.3 shop.internal\n");
    until_answered_by(&node, "blue", "green").await;
    lead(&hosts, "127.0.0.2 shop.internal\n");
    let mut in_a_row = 0;
    while in_a_row < 30 {
        in_a_row = if asked(&node).await == "blue" { in_a_row + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // A resolver that finds nothing changes nothing.
    lead(&hosts, "");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(asked(&node).await, "blue");
    assert!(green.connections.load(Ordering::SeqCst) >= 1);
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
async fn where_one_address_is_used_at_a_time_it_is_followed_too() {
    if !may_mount() {
        println!("skipped: this user may not mount; as root it runs");
        return;
    }
    let blue = Backend::start("127.0.0.2:0", "blue");
    let _green = Backend::start(&format!("127.0.0.3:{}", blue.address.port()), "green");
    let url = format!("http://shop.internal:{}", blue.address.port());
    let rules = "resolve = { every = \"1s\", spread = false }";
    let group = format!("[[upstreams]]\nname = \"shop\"\nendpoints = [\"{url}\"]\n{rules}\n");
    let node = node(&configuration("shop", &group), "127.0.0.2 shop.internal\n");
    assert_eq!(asked(&node).await, "blue");
    lead(&node.path("hosts"), "127.0.0.3 shop.internal\n");
    until_answered_by(&node, "green", "blue").await;
    assert_eq!(asked(&node).await, "green");
}
