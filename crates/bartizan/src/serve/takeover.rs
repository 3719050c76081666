//! What two processes say to each other while one takes the other's place: over a socket that the new one finds as its standard input.
//!
//! ```text
//! old                                   new
//! its sockets, one a message    ──▶
//! sockets-end                   ──▶     has read its configuration, takes the sockets
//!                               ◀──     prepared
//! closes the state and the log
//! state, the last records' way  ──▶     opens the state, serves
//!                               ◀──     serving
//! drain                         ──▶
//! ```
//!
//! Descriptors travel with messages (`SCM_RIGHTS`) rather than by the `LISTEN_FDS` convention: that names the process that it is meant
//! for in the environment, which nobody knows before it is started.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair, sockopt,
};

/// The longest message.
const LONGEST: usize = 64;
/// More listening sockets than any machine has workers: what sends more is not a gate.
const MOST_SOCKETS: usize = 16_384;

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// All sockets were sent.
    SocketsEnd,
    /// The configuration holds, and the sockets can be used.
    Prepared,
    /// The state is free; with it comes the way of the last records.
    State,
    /// Requests are served.
    Serving,
    /// The old process has seen it, and takes no more.
    Drain,
}

/// One end of the conversation.
#[derive(Debug)]
pub(super) struct Conversation(OwnedFd);

impl Word {
    const fn as_str(self) -> &'static str {
        match self {
            Self::SocketsEnd => "sockets-end",
            Self::Prepared => "prepared",
            Self::State => "state",
            Self::Serving => "serving",
            Self::Drain => "drain",
        }
    }
}

impl Conversation {
    /// Both ends; the second is the other process's standard input.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(ours), theirs))
    }

    /// The end that a process was started with.
    pub(super) fn at_standard_input() -> anyhow::Result<Self> {
        const NOT_FOR_PEOPLE: &str = "`--take-over` is how a gate starts its own successor: send it SIGUSR2";
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        if sockopt::socket_type(&socket).context(NOT_FOR_PEOPLE)? != SocketType::SEQPACKET {
            bail!(NOT_FOR_PEOPLE);
        }
        Ok(Self(socket))
    }

    /// Bounds each wait for a word.
    pub(super) fn wait_at_most(&self, patience: Duration) -> io::Result<()> {
        for direction in [sockopt::Timeout::Recv, sockopt::Timeout::Send] {
            sockopt::set_socket_timeout(&self.0, direction, Some(patience))?;
        }
        Ok(())
    }

    pub(super) fn say(&self, word: Word) -> anyhow::Result<()> {
        self.send(word.as_str(), None)
    }

    pub(super) fn say_with(&self, word: Word, descriptor: BorrowedFd<'_>) -> anyhow::Result<()> {
        self.send(word.as_str(), Some(descriptor))
    }

    pub(super) fn give_socket(&self, role: &str, socket: BorrowedFd<'_>) -> anyhow::Result<()> {
        self.send(role, Some(socket))
    }

    /// Waits for a word, which must be this one.
    pub(super) fn hear(&self, word: Word) -> anyhow::Result<Option<OwnedFd>> {
        let (said, descriptor) = self.receive()?;
        if said != word.as_str() {
            bail!("it said `{}` where `{}` was due", said.escape_default(), word.as_str());
        }
        Ok(descriptor)
    }

    /// The sockets that the old process hands over, with their roles.
    pub(super) fn sockets(&self) -> anyhow::Result<Vec<(Option<String>, OwnedFd)>> {
        let mut sockets = Vec::new();
        while sockets.len() < MOST_SOCKETS {
            match self.receive()? {
                (role, Some(socket)) => sockets.push((Some(role), socket)),
                (said, None) if said == Word::SocketsEnd.as_str() => return Ok(sockets),
                (said, None) => bail!("it said `{}` where a socket was due", said.escape_default()),
            }
        }
        bail!("it hands over too many sockets")
    }

    fn send(&self, text: &str, descriptor: Option<BorrowedFd<'_>>) -> anyhow::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors = descriptor.map(|descriptor| [descriptor]);
        if let Some(descriptors) = &descriptors {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        let sent = sendmsg(&self.0, &[IoSlice::new(text.as_bytes())], &mut control, SendFlags::NOSIGNAL);
        sent.map(drop).context("the other process is gone")
    }

    fn receive(&self) -> anyhow::Result<(String, Option<OwnedFd>)> {
        let mut text = [0; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            match recvmsg(&self.0, &mut [IoSliceMut::new(&mut text)], &mut control, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                outcome => break outcome,
            }
        };
        let received = received.map_err(|cause| match cause {
            Errno::AGAIN => anyhow!("it did not answer in time"),
            cause => anyhow::Error::new(cause).context("the other process is gone"),
        })?;
        let text = text.get(..received.bytes).filter(|text| !text.is_empty()).context("it ended")?;
        let descriptor = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        Ok((String::from_utf8_lossy(text).into_owned(), descriptor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_arrive_with_their_roles_and_words_in_their_order() {
        let (ours, theirs) = Conversation::pair().unwrap();
        let theirs = Conversation(theirs);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        ours.give_socket("gate", listener.as_fd()).unwrap();
        ours.say(Word::SocketsEnd).unwrap();
        let sockets = theirs.sockets().unwrap();
        assert_eq!(sockets.len(), 1);
        let (role, socket) = sockets.into_iter().next().unwrap();
        assert_eq!(role.as_deref(), Some("gate"));
        assert_eq!(std::net::TcpListener::from(socket).local_addr().unwrap(), listener.local_addr().unwrap());
        theirs.say(Word::Serving).unwrap();
        assert!(ours.hear(Word::Prepared).is_err());
        drop(theirs);
        assert_eq!(ours.hear(Word::Prepared).unwrap_err().to_string(), "it ended");
    }

    #[test]
    fn who_says_nothing_is_not_waited_for_longer_than_agreed() {
        let (ours, _theirs) = Conversation::pair().unwrap();
        ours.wait_at_most(Duration::from_millis(20)).unwrap();
        assert_eq!(ours.hear(Word::Prepared).unwrap_err().to_string(), "it did not answer in time");
    }
}
