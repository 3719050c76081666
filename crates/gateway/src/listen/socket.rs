use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use super::ListenError;
use crate::config::ListenAddress;

/// Connections that may wait to be accepted: above the usual 128, so that a burst is not refused by the kernel.
pub(super) const BACKLOG: i32 = 4096;

/// An address that is ours, with its port chosen if it was 0. Holding it keeps the port from being taken before the workers have it.
pub(super) struct Reserved {
    pub(super) local: SocketAddr,
    _held: Socket,
}

/// Reserves an address and makes sure that nobody else listens there: with `SO_REUSEPORT` a second gate of the same user would
/// silently get half of the connections.
pub(super) fn reserve(address: SocketAddr) -> Result<Reserved, ListenError> {
    let fault = |cause| explain(address, cause);
    let exclusive = socket(address).map_err(fault)?;
    exclusive.set_reuse_address(true).map_err(fault)?;
    exclusive.bind(&address.into()).map_err(fault)?;
    let local = local(&exclusive).map_err(fault)?;
    drop(exclusive);
    let held = socket(local).map_err(fault)?;
    held.set_reuse_port(true).map_err(fault)?;
    held.set_reuse_address(true).map_err(fault)?;
    held.bind(&local.into()).map_err(fault)?;
    Ok(Reserved { local, _held: held })
}

/// Listens on an address beside the other workers.
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let fault = |cause| explain(address, cause);
    let socket = socket(address).map_err(fault)?;
    socket.set_reuse_address(true).map_err(fault)?;
    socket.set_reuse_port(true).map_err(fault)?;
    socket.set_nonblocking(true).map_err(fault)?;
    socket.bind(&address.into()).map_err(fault)?;
    socket.listen(BACKLOG).map_err(fault)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `[::]` means IPv6 alone, as written; IPv4 is listened on where it is said.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn local(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::Error::other("the socket has no address"))
}

/// Says why an address cannot be had, and what to do about it.
pub(super) fn explain(address: impl Into<ListenAddress>, cause: io::Error) -> ListenError {
    let address = address.into();
    let remedy = match cause.kind() {
        io::ErrorKind::AddrInUse => "; another process listens there: stop it, or choose another port",
        io::ErrorKind::PermissionDenied if matches!(address, ListenAddress::Unix(_)) => {
            "; let the gate's user write to the directory, and be in the group that the socket is given"
        }
        io::ErrorKind::NotFound => "; make the directory first",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need the capability CAP_NET_BIND_SERVICE",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    };
    ListenError { address, cause, remedy }
}
