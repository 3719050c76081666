use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process,
};

use crate::{DirectoryFault, StoreError};

/// The state directory, held by this process alone for as long as this value lives.
pub(crate) struct StateDirectory {
    pub(crate) database: PathBuf,
    // The lock goes with the open file, also after a crash: nothing is ever left behind that a person would have to remove.
    lock: File,
}

impl Drop for StateDirectory {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread has forked, and that has not reached its `exec` yet, still has it
        // open. If unlocking fails, the lock ends with the last of them.
        let _ = self.lock.unlock();
    }
}

impl StateDirectory {
    /// Makes the directory and the database file, if they are not there, so that only this user can use them, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let unwritable = |path: &Path, error: &io::Error| StoreError::Directory {
            path: path.to_owned(),
            fault: DirectoryFault::Unwritable(error.to_string()),
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| unwritable(path, &error))?;
        refuse_open_to_all(path)?;
        let lock = lock(path)?;
        let database = path.join("bartizan.db");
        // SQLite would make it readable by all; it gives its journal the same permissions as the file has.
        private_file(&database).map_err(|error| unwritable(&database, &error))?;
        Ok(Self { database, lock })
    }
}

/// Whoever may write the directory can replace the files in it, whatever the files' own permissions are.
fn refuse_open_to_all(path: &Path) -> Result<(), StoreError> {
    let fault = |fault| StoreError::Directory { path: path.to_owned(), fault };
    let metadata = fs::metadata(path).map_err(|error| fault(DirectoryFault::Unwritable(error.to_string())))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o002 != 0 {
        return Err(fault(DirectoryFault::Open { mode }));
    }
    if mode & 0o020 != 0 {
        // Kubernetes makes volumes so for `fsGroup`, at every mount, and nobody but the pod is in that group.
        tracing::warn!(path = %path.display(), mode = format_args!("{mode:04o}"), "the state directory can be written by its group");
    }
    Ok(())
}

fn private_file(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), mode = format_args!("{mode:04o}"), "others could read the database: its mode is now 0600");
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("lock");
    let unwritable = |error: &io::Error| StoreError::Directory {
        path: path.clone(),
        fault: DirectoryFault::Unwritable(error.to_string()),
    };
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = opened.map_err(|error| unwritable(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let fault = DirectoryFault::InUse { process: holder(&mut file) };
            return Err(StoreError::Directory { path: directory.to_owned(), fault });
        }
        Err(TryLockError::Error(error)) => return Err(unwritable(&error)),
    }
    let noted = file.set_len(0).and_then(|()| file.write_all(process::id().to_string().as_bytes()));
    noted.map_err(|error| unwritable(&error))?;
    Ok(file)
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
