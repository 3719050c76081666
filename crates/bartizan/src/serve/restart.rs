//! A restart that no client notices: this process starts the next one, hands it the listening sockets and the state, and ends when its
//! last request is answered. If the next one cannot serve, this one goes on.

use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use bartizan_evidence::{Detail, Event, Name, NodeEvent};
use bartizan_gateway::listen::SocketRole;
use bartizan_store::Store;
use tokio::sync::OwnedRwLockWriteGuard;
use tokio::time::timeout;

use super::identity::Holder;
use super::takeover::{Conversation, Word};
use super::{Running, notify};

/// The flag that tells a process that it takes another one's place.
const TAKE_OVER: &str = "--take-over";

/// How long the next process may take for each step: reading ten thousand routes, bringing a schema up to date.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the service manager told this process alone.
const OURS_ALONE: &[&str] = &["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"];

/// Whether the next process got hold of the state before it failed.
enum Failed {
    Early(anyhow::Error),
    /// Until this process has the state again, nobody may use it.
    WithTheState(anyhow::Error, OwnedRwLockWriteGuard<Holder>),
}

impl Running {
    /// Has the same command, started again, take this process's place: the program as it lies on the disk now. True if it serves.
    pub(super) fn replace(&self, command: &[OsString]) -> bool {
        tracing::info!("restarting: starting the next process");
        notify::reloading();
        let started = start(command).map_err(Failed::Early);
        let outcome = started.and_then(|(mut child, conversation)| {
            self.hand_over(&child, &conversation).inspect_err(|_| {
                // Whatever it hangs in: it must not hold the state or the sockets.
                let _ = child.kill();
                let _ = child.wait();
            })
        });
        let cause = match outcome {
            Ok(()) => return true,
            Err(Failed::Early(cause)) => cause,
            Err(Failed::WithTheState(cause, holder)) => {
                self.take_state_back();
                drop(holder);
                cause
            }
        };
        tracing::error!("the next process does not serve ({cause:#}); this one goes on");
        let faults = vec![Detail::new(&format!("the next process does not serve: {cause:#}"))];
        let path = Name::new(&self.shared.file.display().to_string());
        // Also what makes the log's writer notice that the log is its own again.
        self.shared.recorder.record_important(Event::Node(NodeEvent::ConfigurationRefused { path, faults }));
        notify::ready("serving: the restart failed, see the log");
        false
    }

    fn hand_over(&self, child: &Child, conversation: &Conversation) -> Result<(), Failed> {
        self.give_sockets(conversation).map_err(Failed::Early)?;
        conversation.hear(Word::Prepared).map_err(Failed::Early)?;
        let (ours, theirs) = UnixStream::pair().map_err(|cause| Failed::Early(cause.into()))?;
        // Before the log: who uses the state waits for events to be on disk.
        let mut holder = self.hold_state().map_err(Failed::Early)?;
        self.writer.hand_over(ours).map_err(|cause| Failed::Early(cause.into()))?;
        self.control.block_on(self.shared.keys.close());
        if let Err(cause) = give_state(conversation, theirs) {
            return Err(Failed::WithTheState(cause, holder));
        }
        *holder = Holder::Successor;
        drop(holder);
        notify::hands_over_to(child.id());
        // From here on it serves, whatever becomes of this conversation.
        let _ = conversation.say(Word::Drain);
        Ok(())
    }

    /// Waits for the requests that use the state, and keeps others from it until it is clear who has it.
    fn hold_state(&self) -> anyhow::Result<OwnedRwLockWriteGuard<Holder>> {
        let held = self.control.block_on(async { timeout(PATIENCE, self.shared.hold.clone().write_owned()).await });
        held.context("requests to the sign-in do not end")
    }

    fn give_sockets(&self, conversation: &Conversation) -> anyhow::Result<()> {
        for (role, socket) in self.serving.sockets()? {
            conversation.give_socket(role.as_str(), socket.as_fd())?;
        }
        conversation.give_socket(SocketRole::Console.as_str(), self.console_socket.as_fd())?;
        conversation.say(Word::SocketsEnd)
    }

    fn take_state_back(&self) {
        let config = bartizan_store::Config::Sqlite { directory: self.state.clone() };
        let opened = async { Store::open(&config, &super::rooms(), SystemTime::now()).await };
        match self.control.block_on(opened) {
            Ok(store) => {
                if let Some(identity) = &self.shared.identity {
                    identity.reopened(store.clone());
                }
                self.shared.keys.reopened(store);
            }
            Err(cause) => tracing::error!(%cause, "the state cannot be opened again; keys are not rotated any more"),
        }
    }
}

fn give_state(conversation: &Conversation, relay: UnixStream) -> anyhow::Result<()> {
    conversation.say_with(Word::State, relay.as_fd())?;
    // Held here, it would never tell that the other process ended.
    drop(relay);
    conversation.hear(Word::Serving)?;
    Ok(())
}

fn start(command: &[OsString]) -> anyhow::Result<(Child, Conversation)> {
    if std::process::id() == 1 {
        bail!("process 1 of a container ends the container with it: replace the container instead");
    }
    let (program, arguments) = command.split_first().context("the process does not know its own name")?;
    let (conversation, theirs) = Conversation::pair()?;
    conversation.wait_at_most(PATIENCE)?;
    let mut next = Command::new(program);
    next.args(arguments.iter().filter(|argument| *argument != TAKE_OVER)).arg(TAKE_OVER).stdin(Stdio::from(theirs));
    for name in OURS_ALONE {
        next.env_remove(name);
    }
    // With `next` goes our hold on the child's end of the conversation: it ends when the child does.
    let child = next.spawn().with_context(|| format!("`{}` cannot be started", program.to_string_lossy()))?;
    Ok((child, conversation))
}
