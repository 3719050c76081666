use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::server_process::{ServerProcess, free_port, listens};

/// A private Redis (or Valkey) server on a loopback port, without persistence.
pub struct Redis {
    directory: TempDir,
    port: u16,
    process: Option<ServerProcess>,
}

impl Redis {
    /// Starts a server.
    ///
    /// # Panics
    /// If neither `redis-server` nor `valkey-server` is installed, or it does not start.
    pub fn start() -> Self {
        let directory = TempDir::with_prefix("testkit-redis-").unwrap();
        let mut server = Self { directory, port: free_port(), process: None };
        server.restart();
        server
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Kills it at once. Its address stays for a [`restart`](Self::restart), its data does not.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.end(Signal::KILL);
        }
    }

    /// Starts it again, empty, on the same port.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(program());
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(self.directory.path());
        self.process = Some(ServerProcess::start(command, || listens(self.port)));
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program() -> &'static str {
    let installed = |program: &&str| Command::new(program).arg("--version").output().is_ok();
    ["redis-server", "valkey-server"].into_iter().find(installed).expect("neither Redis nor Valkey is installed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw_exchange;

    #[tokio::test]
    async fn a_server_answers_and_comes_back_on_the_same_port() {
        let mut redis = Redis::start();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], redis.port));
        assert_eq!(raw_exchange(address, b"PING\r\nQUIT\r\n").await.unwrap(), b"+PONG\r\n+OK\r\n".as_slice());
        redis.kill();
        assert!(raw_exchange(address, b"PING\r\n").await.is_err());
        redis.restart();
        assert_eq!(raw_exchange(address, b"PING\r\nQUIT\r\n").await.unwrap(), b"+PONG\r\n+OK\r\n".as_slice());
    }
}
