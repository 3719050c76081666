//! Listening sockets that whoever started the process opened for it: systemd (`sd_listen_fds(3)`), or the gate that it replaces.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use socket2::{Domain, Socket, Type};

use super::stream::Listener;
use crate::config::ListenAddress;

/// What a socket is for, as `FileDescriptorName=` of a systemd socket unit says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketRole {
    /// The public listener.
    Gate,
    /// The plain HTTP listener that redirects.
    Redirect,
    /// Health, readiness and metrics.
    Console,
}

/// Listening sockets that were handed to the process. They are taken by the address that they listen on, so that what is served is
/// what the configuration says; a name that says another role keeps a socket from being taken: the console's must never serve the
/// public.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<Handed>,
}

#[derive(Debug)]
struct Handed {
    role: Option<SocketRole>,
    address: ListenAddress,
    socket: Socket,
}

/// Sockets that were handed to the process and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InheritedError {
    /// `LISTEN_PID` or `LISTEN_FDS`.
    #[error("the sockets that the process was started with cannot be counted: {0}")]
    Environment(String),
    /// One of them.
    #[error("inherited socket {number}: {cause}")]
    Socket {
        /// Its place among them, from 0.
        number: usize,
        /// Why it cannot be listened on.
        cause: String,
    },
}

impl SocketRole {
    /// The name that sockets are handed over by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Redirect => "redirect",
            Self::Console => "console",
        }
    }

    /// Names that are not ours, such as systemd's default, the unit's own name, leave the role to the address.
    fn of(name: &str) -> Option<Self> {
        [Self::Gate, Self::Redirect, Self::Console].into_iter().find(|role| role.as_str() == name)
    }
}

impl Inherited {
    /// No sockets: every listener is bound by the process itself.
    pub fn none() -> Self {
        Self::default()
    }

    /// The sockets that `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES` tell of; none, if they are not meant for this process.
    /// To be called once, at the start: it takes hold of the descriptors.
    ///
    /// # Errors
    /// A number that cannot be read, or a descriptor that is no listening stream socket.
    pub fn from_environment() -> Result<Self, InheritedError> {
        let handed = sd_listen_fds::get().map_err(|cause| InheritedError::Environment(cause.to_string()))?;
        Self::from_sockets(handed.into_iter().map(|(name, descriptor)| (name, descriptor.into_std())))
    }

    /// Sockets with their names.
    ///
    /// # Errors
    /// A descriptor that is no listening stream socket.
    pub fn from_sockets(handed: impl IntoIterator<Item = (Option<String>, OwnedFd)>) -> Result<Self, InheritedError> {
        let sockets = handed.into_iter().enumerate().map(|(number, (name, descriptor))| {
            Handed::new(name.as_deref(), descriptor.into()).map_err(|cause| InheritedError::Socket { number, cause })
        });
        Ok(Self { sockets: sockets.collect::<Result<_, _>>()? })
    }

    /// Takes the TCP sockets that listen on `address`. Port 0 takes those of one port that nothing else has taken.
    pub fn take_tcp(&mut self, role: SocketRole, address: SocketAddr) -> Vec<std::net::TcpListener> {
        self.take_matching(role, &ListenAddress::Tcp(address)).into_iter().map(Into::into).collect()
    }

    /// What was handed over and not taken, for the operator: the process has no use for it.
    pub fn left(&self) -> impl Iterator<Item = impl fmt::Display> {
        self.sockets.iter().map(|handed| match handed.role {
            Some(role) => format!("{} (`{}`)", handed.address, role.as_str()),
            None => handed.address.to_string(),
        })
    }

    pub(super) fn take(&mut self, role: SocketRole, address: &ListenAddress) -> Vec<Listener> {
        let sockets = self.take_matching(role, address).into_iter();
        match address {
            ListenAddress::Tcp(_) => sockets.map(|socket| Listener::Tcp(socket.into())).collect(),
            ListenAddress::Unix(_) => sockets.map(|socket| Listener::Unix(socket.into())).collect(),
        }
    }

    fn take_matching(&mut self, role: SocketRole, address: &ListenAddress) -> Vec<Socket> {
        let fits = |handed: &Handed| handed.role.is_none_or(|its| its == role);
        let exact = |handed: &Handed| fits(handed) && handed.address == *address;
        let same_host = |handed: &Handed| match (&handed.address, address) {
            (ListenAddress::Tcp(its), ListenAddress::Tcp(asked)) => asked.port() == 0 && its.ip() == asked.ip(),
            _ => false,
        };
        let chosen = self.sockets.iter().find(|handed| exact(handed) || (fits(handed) && same_host(handed)));
        let Some(chosen) = chosen.map(|handed| handed.address.clone()) else { return Vec::new() };
        let is_taken = |handed: &mut Handed| handed.address == chosen && handed.role.is_none_or(|its| its == role);
        self.sockets.extract_if(.., is_taken).map(|handed| handed.socket).collect()
    }
}

impl Handed {
    fn new(name: Option<&str>, socket: Socket) -> Result<Self, String> {
        let fault = |cause: std::io::Error| cause.to_string();
        if socket.r#type().map_err(fault)? != Type::STREAM || !socket.is_listener().map_err(fault)? {
            return Err(
                "does not listen for streams; a systemd socket unit needs `ListenStream=` and `Accept=no`".to_owned()
            );
        }
        // Descriptors are handed over without it; programs that the gate starts have no business with them.
        socket.set_cloexec(true).map_err(fault)?;
        socket.set_nonblocking(true).map_err(fault)?;
        let local = socket.local_addr().map_err(fault)?;
        let address = match socket.domain().map_err(fault)? {
            Domain::UNIX => local.as_pathname().map(|path| ListenAddress::Unix(path.to_owned())),
            _ => local.as_socket().map(ListenAddress::Tcp),
        };
        let address = address.ok_or("listens on neither TCP nor a Unix socket with a path")?;
        Ok(Self { role: name.and_then(SocketRole::of), address, socket })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn listener() -> (SocketAddr, OwnedFd) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        (listener.local_addr().unwrap(), listener.into())
    }

    fn named(sockets: Vec<(&str, OwnedFd)>) -> Inherited {
        Inherited::from_sockets(sockets.into_iter().map(|(name, socket)| (Some(name.to_owned()), socket))).unwrap()
    }

    #[test]
    fn a_socket_is_taken_by_its_address_and_only_for_its_role() {
        let ((public, one), (console, other)) = (listener(), listener());
        let mut inherited = named(vec![("gate", one), ("console", other)]);
        assert!(
            inherited.take_tcp(SocketRole::Gate, console).is_empty(),
            "the console's socket never serves the public"
        );
        assert_eq!(inherited.take_tcp(SocketRole::Gate, public).len(), 1);
        assert_eq!(inherited.left().map(|it| it.to_string()).collect::<Vec<_>>(), [format!("{console} (`console`)")]);
    }

    #[test]
    fn a_name_that_is_not_ours_leaves_the_role_to_the_address_and_port_0_takes_what_is_there() {
        let (address, socket) = listener();
        let mut inherited = named(vec![("bartizan.socket", socket)]);
        let taken = inherited.take_tcp(SocketRole::Gate, "127.0.0.1:0".parse().unwrap());
        assert_eq!(taken[0].local_addr().unwrap(), address);
    }

    #[test]
    fn what_does_not_listen_is_refused_with_its_number() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let fault = Inherited::from_sockets([(None, socket.into())]).unwrap_err().to_string();
        assert!(fault.starts_with("inherited socket 0: does not listen"), "{fault}");
    }
}
