//! Where the command line speaks to a running node: a Unix socket in the state directory, which nobody but the state's owner can open.
//! One line of JSON is asked, one is answered.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bartizan_identity::{Command, Identity};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The socket's name in the state directory.
const SOCKET: &str = "control.sock";
/// The longest line.
const LONGEST: u64 = 4 << 20;
/// How long either side may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Conversations at once.
const MOST: usize = 8;

/// Opens the socket in place of one that an earlier process left.
pub(super) fn listen(state: &Path) -> io::Result<UnixListener> {
    let path = state.join(SOCKET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until the node ends.
pub(super) async fn serve(listener: UnixListener, identity: Arc<Identity>) {
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let identity = identity.clone();
                tokio::spawn(async move {
                    let told = timeout(PATIENCE, converse(stream, &identity)).await;
                    if let Ok(Err(cause)) = told {
                        tracing::warn!(%cause, "a conversation on the control socket broke off");
                    }
                    drop(permit);
                });
            }
            Err(cause) => {
                tracing::warn!(%cause, "the control socket takes nobody");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn converse(mut stream: UnixStream, identity: &Identity) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer != 0 && peer != rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let mut line = String::new();
    tokio::io::BufReader::new((&mut stream).take(LONGEST)).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<Command>(&line) {
        Ok(command) => match identity.administer(command).await {
            Ok(value) => json!({ "done": value }),
            Err(cause) => json!({ "refused": cause.to_string() }),
        },
        Err(_) => json!({ "refused": "the node does not understand this command: it may be of another version" }),
    };
    stream.write_all(format!("{answer}\n").as_bytes()).await
}

/// Whether a node with this state can be asked.
pub(crate) fn is_there(state: &Path) -> bool {
    BlockingStream::connect(state.join(SOCKET)).is_ok()
}

/// Asks the node that has this state.
pub(crate) fn ask(state: &Path, command: &Command) -> anyhow::Result<Value> {
    let path = state.join(SOCKET);
    let mut stream = BlockingStream::connect(&path)
        .with_context(|| format!("the running node cannot be asked by `{}`", path.display()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{}\n", serde_json::to_string(command)?).as_bytes())?;
    let mut line = String::new();
    let read = BufReader::new(stream.take(LONGEST * 16)).read_line(&mut line);
    read.context("the running node did not answer")?;
    let mut answer: Value = serde_json::from_str(&line).context("the running node's answer cannot be read")?;
    if let Some(refused) = answer.get("refused").and_then(Value::as_str) {
        bail!("{refused}");
    }
    answer.get_mut("done").map(Value::take).context("the running node's answer says nothing")
}
