//! What a process that serves does not keep: root, a way back to it, core dumps with keys in them, files that others can read.

use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, bail};
use bartizan_gateway::listen::Bound;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{self, Gid, Group, Uid, User};

use crate::config::Identity;

/// Whom the process becomes once its ports are bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Become {
    /// It stays who it is.
    Itself,
    /// It was started as root and becomes this user, with no way back.
    Account(Account),
}

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    name: String,
    user: Uid,
    group: Gid,
}

/// Why it cannot be said whom the process becomes.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Root has to be given up, or said.
    #[error(
        "started as root, and nothing says whom to become once the ports are bound: write `user = \"bartizan\"` below `[server]` \
         (`useradd --system bartizan` makes that user), or, to stay root, `user = \"root\"`; `--user` on the command line does the same"
    )]
    Root,
    /// Only root can become somebody else.
    #[error(
        "the gate is to become `{wanted}`, but was started as user {have}, who cannot: start it as `{wanted}` or as root, or \
         leave `user` out of `[server]`"
    )]
    NotRoot {
        /// The user that was named.
        wanted: String,
        /// Who the process is.
        have: u32,
    },
    /// The name means nobody.
    #[error("there is no {what} `{name}` on this machine: create it, or name another in `[server]`")]
    Unknown {
        /// A user or a group.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The machine's user database does not answer.
    #[error("the machine's users cannot be looked up: {0}")]
    Lookup(#[from] nix::Error),
}

impl Become {
    /// As the configuration says, or, before it, the command line.
    ///
    /// # Errors
    /// Root that nobody asked for, and names that mean nobody.
    pub fn of(identity: &Identity, command_line: Option<&str>) -> Result<Self, IdentityError> {
        let user = command_line.or(identity.user.as_deref());
        let have = Uid::effective();
        let Some(name) = user else {
            return if have.is_root() { Err(IdentityError::Root) } else { Ok(Self::Itself) };
        };
        let unknown = |what, name: &str| IdentityError::Unknown { what, name: name.to_owned() };
        let account = User::from_name(name)?.ok_or_else(|| unknown("user", name))?;
        if account.uid == have {
            return Ok(Self::Itself);
        }
        if !have.is_root() {
            return Err(IdentityError::NotRoot { wanted: name.to_owned(), have: have.as_raw() });
        }
        let group = match &identity.group {
            Some(group) => Group::from_name(group)?.ok_or_else(|| unknown("group", group))?.gid,
            None => account.gid,
        };
        Ok(Self::Account(Account { name: account.name, user: account.uid, group }))
    }
}

impl Account {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the state directory, if there is none, so that the account can write it, and whatever is missing above. What is there stays as
    /// it is: whose it is says something.
    pub(super) fn own_new_directory(&self, path: &Path) -> anyhow::Result<()> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
        for path in missing.into_iter().rev() {
            let made = std::fs::DirBuilder::new().mode(0o700).create(path);
            made.and_then(|()| chown(path, Some(self.user.as_raw()), Some(self.group.as_raw())))
                .with_context(|| format!("cannot make the directory `{}` for `{}`", path.display(), self.name))?;
        }
        Ok(())
    }

    /// Leaves it the Unix sockets, which it removes at the end.
    pub(super) fn own_sockets(&self, bound: &Bound) -> anyhow::Result<()> {
        let given = bound.give_unix_sockets_to(self.user.as_raw(), self.group.as_raw());
        given.with_context(|| format!("cannot give the Unix sockets to `{}`", self.name))
    }

    /// Becomes this account for good: its groups, its group, itself, and then tries to go back, which must fail. Called before any thread
    /// is started (though glibc would change all of them).
    pub(super) fn assume(&self) -> anyhow::Result<()> {
        let name = std::ffi::CString::new(self.name.as_str())?;
        // Groups first: afterwards the right to change them is gone, and root's would stay.
        unistd::initgroups(&name, self.group).context("cannot take the user's groups")?;
        unistd::setresgid(self.group, self.group, self.group).context("cannot take the user's group")?;
        unistd::setresuid(self.user, self.user, self.user).context("cannot become the user")?;
        let now = unistd::getresuid().context("cannot tell who the process is now")?;
        let is_for_good = [now.real, now.effective, now.saved].iter().all(|user| *user == self.user)
            && unistd::setuid(Uid::from_raw(0)).is_err()
            && unistd::setgid(Gid::from_raw(0)).is_err();
        if !is_for_good {
            bail!("root could be had back after becoming `{}`: this system does not let go of it", self.name);
        }
        Ok(())
    }
}

/// Gives up what a gate never needs, for this process and its children. Called before any thread is started.
pub(super) fn harden() -> anyhow::Result<()> {
    // A program that we would start (the next version of ourselves) gains nothing from set-user-ID bits or file capabilities.
    prctl::set_no_new_privs().context("cannot give up new privileges")?;
    // Neither a core dump nor a debugger of the same user gets at keys in memory (CWE-528).
    setrlimit(Resource::RLIMIT_CORE, 0, 0).context("cannot forbid core dumps")?;
    prctl::set_dumpable(false).context("cannot keep debuggers out")?;
    // Whatever is written is the gate's alone, also by a library that does not say.
    umask(Mode::from_bits_truncate(0o077));
    // Each connection takes a descriptor, or two; the usual soft limit of 1,024 is for programs that use `select`.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("cannot read the limit of open files")?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("cannot raise the limit of open files")?;
    Ok(())
}

/// After the account is assumed, `dumpable` is the kernel's default again; this sets it back.
pub(super) fn keep_debuggers_out() -> anyhow::Result<()> {
    prctl::set_dumpable(false).context("cannot keep debuggers out")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(user: &str) -> Identity {
        Identity { user: Some(user.to_owned()), group: None }
    }

    #[test]
    fn root_is_given_up_or_said() {
        let is_root = Uid::effective().is_root();
        assert_eq!(Become::of(&Identity::default(), None).is_err(), is_root);
        assert_eq!(Become::of(&identity("root"), None).is_ok(), is_root);
        let nobody = Become::of(&identity("nobody"), None);
        assert_eq!(matches!(nobody, Ok(Become::Account(ref account)) if account.name() == "nobody"), is_root);
    }

    #[test]
    fn the_command_line_goes_before_the_file_and_a_name_that_means_nobody_is_told() {
        let own = User::from_uid(Uid::effective()).unwrap().unwrap().name;
        assert_eq!(Become::of(&identity("no-such-user"), Some(&own)).unwrap(), Become::Itself);
        let told = Become::of(&identity("no-such-user"), None).unwrap_err().to_string();
        assert!(told.contains("no user `no-such-user`"), "{told}");
    }
}
