//! What systemd is told, heard by a socket in its place.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use bartizan_testkit::Upstream;
use http::StatusCode;

use crate::node::{Node, as_whoever_runs_the_tests};

/// A service manager that only listens.
struct Manager(UnixDatagram);

impl Manager {
    /// At an abstract address, as containers have it.
    fn listen(name: &str) -> (Self, String) {
        let name = format!("bartizan-test-{}-{name}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (Self(socket), format!("@{name}"))
    }

    fn hears(&self) -> String {
        let mut message = [0; 4096];
        let length = self.0.recv(&mut message).unwrap();
        String::from_utf8(message.into_iter().take(length).collect()).unwrap()
    }

    fn hears_of(&self, what: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let message = self.hears();
            if message.lines().any(|line| line.starts_with(what)) {
                return message;
            }
            assert!(Instant::now() < end, "never told of {what}");
        }
    }
}

fn node(socket: &str, watchdog: Option<Duration>) -> Node {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\ntls = \"off\"\ndrain = \"1s\"\n\
         [console]\nlisten = \"127.0.0.1:0\"\n[[routes]]\nname = \"all\"\npath = \"/one\"\nmethods = [\"GET\"]\n\
         upstream = \"{}\"\naccess = \"public\"\n",
        upstream.url()
    );
    fs::write(directory.path().join("bartizan.toml"), text).unwrap();
    Node::spawn_with(directory, |command| {
        command.args(as_whoever_runs_the_tests()).env("NOTIFY_SOCKET", socket);
        if let Some(patience) = watchdog {
            command.env("WATCHDOG_USEC", patience.as_micros().to_string());
        }
    })
}

#[test]
fn ready_reload_and_stop_are_told_in_the_order_that_notify_reload_wants() {
    let (manager, socket) = Manager::listen("order");
    let mut node = node(&socket, None);
    assert!(manager.hears_of("READY=1").contains("STATUS=serving"));

    node.signal("HUP");
    let reloading = manager.hears_of("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    manager.hears_of("READY=1");

    let kept = fs::read_to_string(node.path("bartizan.toml")).unwrap();
    node.write("bartizan.toml", "[server]\nlisten = 1\n");
    manager.hears_of("RELOADING=1");
    let answer = manager.hears_of("READY=1");
    assert!(answer.contains("STATUS=serving by the old configuration"), "a failed reload still ends: {answer}");
    node.write("bartizan.toml", &kept);

    node.signal("TERM");
    let stopping = manager.hears_of("STOPPING=1");
    assert!(stopping.contains("EXTEND_TIMEOUT_USEC="), "{stopping}");
    assert_eq!(node.wait().code(), Some(0));
}

#[test]
fn the_watchdog_is_fed_while_the_workers_live() {
    let (manager, socket) = Manager::listen("watchdog");
    let _node = node(&socket, Some(Duration::from_millis(800)));
    manager.hears_of("READY=1");
    for _ in 0..3 {
        manager.hears_of("WATCHDOG=1");
    }
}
