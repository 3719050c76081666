//! Unix sockets to listen on: created with the mode that was asked for, and taken away when nobody listens any more.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::socket::BACKLOG;
use crate::config::UnixSockets;

/// The file of a socket that we listen on.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode: a file that somebody else has put in its place meanwhile is not ours to remove.
    identity: Option<(u64, u64)>,
}

/// Listens on a path. What a process that was killed left behind is replaced; a socket on which somebody listens, and anything that
/// is no socket, is not.
pub(super) fn listen(path: &Path, rules: UnixSockets) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::at(path);
    // Nobody can connect before `listen`: the mode is right from the first moment that counts.
    let allowed = fs::set_permissions(path, Permissions::from_mode(rules.mode)).and_then(|()| socket.listen(BACKLOG));
    match allowed {
        Ok(()) => Ok((socket.into(), file)),
        Err(cause) => {
            file.remove();
            Err(cause)
        }
    }
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(cause),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
    }
    match UnixStream::connect(path) {
        Err(cause) if cause.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(cause) => Err(cause),
    }
}

impl SocketFile {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: identity(path) }
    }

    pub(super) fn give_to(&self, user: u32, group: u32) -> io::Result<()> {
        chown(&self.path, Some(user), Some(group))
    }

    /// Removes the file, if it is still the one that we made.
    pub(super) fn remove(&self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // A directory that is no longer writable leaves a stale socket, which the next start replaces.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
        listen(path, UnixSockets { mode: 0o600 })
    }

    #[test]
    fn the_socket_has_the_mode_that_was_asked_for_and_goes_with_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gate.sock");
        let (_listener, file) = try_listen(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        file.remove();
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_left_by_the_dead_is_replaced_but_never_a_live_one_or_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gate.sock");
        drop(try_listen(&path).unwrap());
        let (_listener, first) = try_listen(&path).unwrap();
        assert_eq!(try_listen(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert_eq!(try_listen(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        first.remove();
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious", "what took its place is not removed");
    }
}
