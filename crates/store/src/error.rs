use std::{fmt, path::PathBuf, sync::Arc};

use crate::Query;

/// Why the store could not do what was asked. It names engine, place, cause and remedy, and never credentials or stored values.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The state directory cannot be used.
    #[error("state directory `{}`: {fault}", path.display())]
    Directory {
        /// The directory, or the file in it, that is at fault.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        fault: DirectoryFault,
    },
    /// The URL of the database cannot be used; it is not repeated, since it holds a password.
    #[error("the PostgreSQL URL {fault}")]
    Url {
        /// What is wrong with it.
        fault: String,
    },
    /// The engine failed, or cannot be reached.
    #[error("{place} {fault}")]
    Engine {
        /// Which engine, where.
        place: Place,
        /// What happened, and what to do.
        fault: Fault,
    },
    /// The schema that is there does not fit this program.
    #[error("{place}, schema of `{room}`: {fault}")]
    Migration {
        /// Which engine, where.
        place: Place,
        /// Whose tables.
        room: String,
        /// What does not fit, and what to do.
        fault: MigrationFault,
    },
    /// A statement would break a rule of the schema; nothing was changed.
    #[error("the change breaks a {constraint} constraint")]
    Constraint {
        /// What kind of rule.
        constraint: Constraint,
    },
    /// A statement of a [`Write`](crate::Write) did not change what it was expected to; nothing was changed.
    #[error("statement {statement} changed {count} rows, which was not expected, and everything was undone")]
    Unmet {
        /// Its position, from 0.
        statement: usize,
        /// How many rows it changed or returned.
        count: u64,
    },
    /// The answer has more rows than may be held in memory: the query lacks a limit.
    #[error("`{}` returned more than {most} rows", query.sql())]
    TooManyRows {
        /// The query.
        query: Query,
        /// The limit.
        most: usize,
    },
    /// A query returned several rows where one at most is possible.
    #[error("`{}` returned more than one row", query.sql())]
    NotOneRow {
        /// The query.
        query: Query,
    },
    /// A query cannot be used as it is on this engine.
    #[error("{place} refuses `{}`: {reason}", query.sql())]
    Query {
        /// Which engine, where.
        place: Place,
        /// The query.
        query: Query,
        /// Why.
        reason: String,
    },
    /// A column does not hold what it is read as.
    #[error("column `{column}` should hold {wanted}, found {found}")]
    Column {
        /// Its name.
        column: &'static str,
        /// What it is read as.
        wanted: &'static str,
        /// What it holds.
        found: &'static str,
    },
    /// More writes are waiting than the store takes; this one was not begun.
    #[error("{place} has too many writes waiting; this one was not begun")]
    Overloaded {
        /// Which engine, where.
        place: Place,
    },
    /// The store was closed; this call was not begun.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether an expectation of a [`Write`](crate::Write) was not met: the caller's condition did not hold.
    pub const fn is_unmet(&self) -> bool {
        matches!(self, Self::Unmet { .. })
    }

    /// Whether a row with the same unique value exists already.
    pub const fn is_duplicate(&self) -> bool {
        matches!(self, Self::Constraint { constraint: Constraint::Unique })
    }
}

/// Which engine, and where: for messages and the posture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The path of the database file.
    Sqlite(Arc<str>),
    /// Host, port and database, without user and password.
    Postgres(Arc<str>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite database `{path}`"),
            Self::Postgres(address) => write!(f, "PostgreSQL at `{address}`"),
        }
    }
}

/// What went wrong in an engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no room for the change; nothing was changed.
    #[error("has no room left: free space on its disk; reading goes on, and writing will once there is room")]
    DiskFull,
    /// Reading or writing its files failed.
    #[error("cannot read or write its files ({0}): check disk, quota and mount")]
    Files(String),
    /// It may not be written.
    #[error("cannot be written: it is read-only; check its permissions, the mount, or whether this is a standby")]
    ReadOnly,
    /// Another program holds it.
    #[error("is locked by another program: only this one may have it open")]
    Locked,
    /// It is damaged, or no database.
    #[error("is damaged or no database ({0}): restore a backup")]
    Damaged(String),
    /// It does not answer.
    #[error("cannot be reached ({0}): check that it runs, and the address, port and network between")]
    Unreachable(String),
    /// No connection became free in time.
    #[error("gave no connection in time: it cannot be reached, or all connections are in use")]
    Exhausted,
    /// User name or password are wrong, or the user may not connect.
    #[error("refuses the user name or the password: check them, and `pg_hba.conf`")]
    Credentials,
    /// The user lacks a right.
    #[error("denies a right ({0}): grant it to the user of the URL")]
    Rights(String),
    /// There is no such database.
    #[error("has no database of this name: create it")]
    NoDatabase,
    /// The connection could not be secured.
    #[error(
        "cannot be reached by verified TLS ({0}): name the authority with `sslrootcert=…`, or say `sslmode=disable` on a network that you trust"
    )]
    Tls(String),
    /// The same rows were changed by others at the same time, again and again; nothing was changed.
    #[error("could not settle a conflict with other writers; nothing was changed")]
    Contention,
    /// A statement took longer than it may; nothing was changed.
    #[error("took longer for a statement than it may; nothing was changed")]
    Slow,
    /// The connection broke while the transaction was being committed.
    #[error("was lost during a commit ({0}): whether the change was made is not known")]
    OutcomeUnknown(String),
    /// The engine refuses a statement.
    #[error("refuses a statement ({0})")]
    Statement(String),
    /// Anything else.
    #[error("failed ({0})")]
    Other(String),
}

/// What is wrong with the state directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryFault {
    /// It cannot be made or written.
    #[error(
        "cannot be written ({0}): give it to the user that runs this program, or name another one under `[store] path`"
    )]
    Unwritable(String),
    /// Every user of the machine could replace its files.
    #[error("can be written by every user (mode {mode:04o}): run `chmod 0700` on it")]
    Open {
        /// Its permission bits.
        mode: u32,
    },
    /// Another process runs on it.
    #[error("is in use by another process{}: stop that one, or use another directory", ProcessId(*.process))]
    InUse {
        /// That process, as it wrote itself down.
        process: Option<u32>,
    },
}

struct ProcessId(Option<u32>);

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |process| write!(f, " ({process})"))
    }
}

/// What does not fit between the schema and this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationFault {
    /// A newer version of the program changed it.
    #[error(
        "a newer version of this program has written it (step {found}, this version knows {known}): run that version, or restore a backup"
    )]
    Newer {
        /// The highest step that is recorded.
        found: i64,
        /// The highest step that this program has.
        known: i64,
    },
    /// The room is not known to this program.
    #[error(
        "a newer version of this program has written it, for this version has no such room: run that version, or restore a backup"
    )]
    UnknownRoom,
    /// A step that was applied is not the one that this program has.
    #[error(
        "step {number}, `{name}`, is not the one that was applied: this program was altered, or belongs to another line of versions"
    )]
    Changed {
        /// The step.
        number: i64,
        /// Its name in this program.
        name: String,
    },
    /// Recorded steps have a gap.
    #[error("step {number} was never applied, though later ones were: restore a backup")]
    Gap {
        /// The missing step.
        number: i64,
    },
    /// A step failed; nothing of this upgrade was kept.
    #[error("step {number}, `{name}`, failed ({reason}); nothing was changed")]
    Failed {
        /// The step.
        number: i64,
        /// Its name.
        name: String,
        /// The engine's reason.
        reason: String,
    },
    /// The steps are not numbered 1, 2, 3, …: a fault of this program.
    #[error("its steps are not numbered from 1 without gaps")]
    Misnumbered,
}

/// A kind of rule that a schema has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// `UNIQUE`, `PRIMARY KEY`.
    Unique,
    /// `REFERENCES`.
    ForeignKey,
    /// `NOT NULL`.
    NotNull,
    /// `CHECK`, and rules of other kinds.
    Check,
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unique => "uniqueness",
            Self::ForeignKey => "foreign key",
            Self::NotNull => "not-null",
            Self::Check => "check",
        })
    }
}
