use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// A server in a process of its own, killed when this is dropped.
pub(crate) struct ServerProcess {
    child: Child,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl ServerProcess {
    /// Starts `command` and waits until `is_ready`.
    pub(crate) fn start(mut command: Command, mut is_ready: impl FnMut() -> bool) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut server = Self { child: child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")) };
        let begun = Instant::now();
        while !is_ready() {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("{command:?} ended with {status} before it was ready");
            }
            assert!(begun.elapsed() < PATIENCE, "{command:?} was not ready in {PATIENCE:?}");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Sends `signal` and waits for the end.
    pub(crate) fn end(&mut self, signal: Signal) {
        if self.child.try_wait().unwrap().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), signal);
            self.child.wait().unwrap();
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // For PostgreSQL an immediate shutdown, in which its children end too; other servers just end.
        self.end(Signal::QUIT);
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Whether something listens on `port` of the loopback address.
pub(crate) fn listens(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}
