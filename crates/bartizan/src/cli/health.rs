use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use super::{Format, Output, default_file};
use crate::config::literal::Console;

/// A gate that takes longer to say that it is ready is not.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer that is read: head and one line.
const LONGEST: u64 = 4096;
/// Not ready: the code that a container's health check understands.
const NOT_READY: u8 = 1;

/// What `health` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan health                     the gate that serves by ./bartizan.toml: 0 ready, 1 not
  bartizan health --address 127.0.0.1:9443

For a container's HEALTHCHECK, where there is no curl. Only the file's `[console] listen` is read.")]
pub(super) struct Health {
    /// The configuration that the gate serves by.
    #[arg(default_value_os_t = default_file())]
    file: PathBuf,
    /// Where the console listens, instead of what the configuration says.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "file")]
    address: Option<SocketAddr>,
}

impl Health {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        let address = match self.address {
            Some(address) => address,
            None => console(&self.file)?,
        };
        let (is_ready, said) = match ask(reachable(address)) {
            Ok((status, said)) => (status == 200, said),
            Err(cause) => (false, format!("{address} does not answer: {cause}")),
        };
        match output.format {
            Format::Json => output.write_json(&json!({ "ready": is_ready, "said": said }))?,
            Format::Text if output.quiet => {}
            Format::Text => output.write(&format!("{said}\n"))?,
        }
        Ok(if is_ready { ExitCode::SUCCESS } else { ExitCode::from(NOT_READY) })
    }
}

/// The console's address in a file whose other parts may be wrong at the moment: the gate serves by what it has read.
fn console(file: &Path) -> anyhow::Result<SocketAddr> {
    let text = std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("`{}` is no TOML", file.display()))?;
    let listen = table.get("console").and_then(|console| console.get("listen")).and_then(|listen| listen.as_str());
    match listen {
        Some(listen) => listen.parse().with_context(|| format!("`[console] listen = \"{listen}\"` is no address")),
        None => Ok(Console::default().listen.get()),
    }
}

/// Where this machine reaches a listener: who listens everywhere listens on loopback too.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        other => other,
    }
}

/// The status of `/readyz`, and what is said with it.
fn ask(address: SocketAddr) -> io::Result<(u16, String)> {
    let end = Instant::now() + PATIENCE;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut limited = stream.take(LONGEST);
    loop {
        let left = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        limited.get_ref().set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
        let mut chunk = [0; 1024];
        let length = limited.read(&mut chunk)?;
        if length == 0 {
            return parse(&answer).ok_or_else(|| io::Error::other("it answers no HTTP"));
        }
        answer.extend_from_slice(chunk.get(..length).unwrap_or_default());
    }
}

fn parse(answer: &[u8]) -> Option<(u16, String)> {
    let text = std::str::from_utf8(answer).ok()?;
    let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let (_, body) = text.split_once("\r\n\r\n")?;
    Some((status, body.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_anything_else_is_not_health() {
        let ready = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nready\n";
        assert_eq!(parse(ready), Some((200, "ready".to_owned())));
        for other in [&b""[..], b"SSH-2.0-x\r\n", b"HTTP/1.1 200", b"HTTP/1.1 20\xff OK\r\n\r\n"] {
            assert_eq!(parse(other), None);
        }
    }

    #[test]
    fn who_listens_everywhere_is_asked_on_loopback() {
        assert_eq!(reachable("0.0.0.0:9443".parse().unwrap()), "127.0.0.1:9443".parse().unwrap());
        assert_eq!(reachable("[::]:9443".parse().unwrap()), "[::1]:9443".parse().unwrap());
        assert_eq!(reachable("192.0.2.1:9443".parse().unwrap()), "192.0.2.1:9443".parse().unwrap());
    }
}
