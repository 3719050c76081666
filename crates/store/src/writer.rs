use std::time::Duration;

use sqlx::{Connection as _, sqlite::SqliteConnection};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
};

use crate::{Outcome, Place, Query, StoreError, Write, connection::Connection, state_directory::StateDirectory};

/// The one task that writes to `SQLite`.
///
/// Writes that wait together are committed together, each as a savepoint of one transaction: one `fsync` for all of them. No answer
/// leaves before the commit, also none that says "your condition did not hold", since it may rest on a change that is not durable yet.
pub(crate) struct Writer {
    place: Place,
    queue: mpsc::Sender<Command>,
    task: Mutex<Option<JoinHandle<()>>>,
}

enum Command {
    Write(Write, Reply),
    Close,
}

type Answer = Result<Vec<Outcome>, StoreError>;
type Reply = oneshot::Sender<Answer>;

/// How many writes may wait, and for how long one waits to be among them. Beyond, the caller has to shed load.
const WAITING: usize = 1024;
const PATIENCE: Duration = Duration::from_secs(5);
/// How many writes are committed at once: enough to make the `fsync` cheap, few enough that the first does not wait for long.
const BATCH: usize = 256;

impl Writer {
    pub(crate) fn start(connection: SqliteConnection, place: Place, directory: StateDirectory) -> Self {
        let (queue, commands) = mpsc::channel(WAITING);
        let task = Task { connection, place: place.clone(), commands, _directory: directory };
        Self { place, queue, task: Mutex::new(Some(tokio::spawn(task.run()))) }
    }

    pub(crate) async fn write(&self, write: Write) -> Answer {
        let (reply, answer) = oneshot::channel();
        let queued = self.queue.send_timeout(Command::Write(write, reply), PATIENCE).await;
        queued.map_err(|error| match error {
            mpsc::error::SendTimeoutError::Timeout(_) => StoreError::Overloaded { place: self.place.clone() },
            mpsc::error::SendTimeoutError::Closed(_) => StoreError::Closed,
        })?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Finishes what is waiting, and lets go of the database and the directory.
    pub(crate) async fn close(&self) {
        let Some(task) = self.task.lock().await.take() else { return };
        let closing = self.queue.send(Command::Close).await;
        let ended = task.await;
        if closing.is_err() || ended.is_err() {
            tracing::error!(place = %self.place, "the writer had ended before it was closed");
        }
    }
}

struct Task {
    connection: SqliteConnection,
    place: Place,
    commands: mpsc::Receiver<Command>,
    // Held until the last write is done.
    _directory: StateDirectory,
}

impl Task {
    async fn run(mut self) {
        while let Some(command) = self.commands.recv().await {
            match command {
                Command::Write(write, reply) => self.commit_together(write, reply).await,
                Command::Close => self.commands.close(),
            }
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(place = %self.place, %error, "the database was not closed cleanly; it recovers at the next start");
        }
    }

    async fn commit_together(&mut self, write: Write, reply: Reply) {
        let mut answers: Vec<(Reply, Answer)> = Vec::new();
        let committed = match self.execute(BEGIN).await {
            Ok(()) => self.fill(write, reply, &mut answers).await,
            Err(error) => {
                answers.push((reply, Err(error.clone())));
                Err(error)
            }
        };
        let committed = match committed {
            Ok(()) => self.execute(COMMIT).await,
            Err(error) => Err(error),
        };
        if committed.is_err() {
            // After a full disk SQLite may have rolled back on its own; that there is nothing to roll back then is no fault.
            let _ = self.execute(ROLLBACK).await;
        }
        for (reply, answer) in answers {
            // A caller that has gone away is no fault either: what it asked for is done.
            let _ = reply.send(committed.clone().and(answer));
        }
    }

    /// Executes `first` and what waits behind it; fails if nothing of that may be committed.
    async fn fill(&mut self, first: Write, reply: Reply, answers: &mut Vec<(Reply, Answer)>) -> Result<(), StoreError> {
        let mut next = Some((first, reply));
        while let Some((write, reply)) = next {
            let (answer, savepoint) = self.in_savepoint(&write).await;
            answers.push((reply, answer));
            savepoint?;
            next = match self.commands.try_recv() {
                _ if answers.len() >= BATCH => None,
                Ok(Command::Write(write, reply)) => Some((write, reply)),
                Ok(Command::Close) => {
                    self.commands.close();
                    None
                }
                Err(_) => None,
            };
        }
        Ok(())
    }

    /// The answer to one write, and whether the transaction around it can go on.
    async fn in_savepoint(&mut self, write: &Write) -> (Answer, Result<(), StoreError>) {
        if let Err(error) = self.execute(SAVEPOINT).await {
            return (Err(error.clone()), Err(error));
        }
        let answer = run_all(&mut Connection::Sqlite(&mut self.connection), &self.place, write).await;
        let undone = if answer.is_err() { self.execute(UNDO).await } else { Ok(()) };
        let savepoint = match undone {
            Ok(()) => self.execute(RELEASE).await,
            // The savepoint is gone: a fault of the engine ended the whole transaction, and that fault is the reason.
            Err(error) => Err(answer.as_ref().err().cloned().unwrap_or(error)),
        };
        (answer, savepoint)
    }

    async fn execute(&mut self, query: Query) -> Result<(), StoreError> {
        Connection::Sqlite(&mut self.connection).run(&self.place, query, &[]).await.map(|_| ())
    }
}

/// `IMMEDIATE` takes the write lock at once: a deferred transaction could fail for a conflict after it has read.
pub(crate) const BEGIN: Query = Query::new("BEGIN IMMEDIATE");
pub(crate) const COMMIT: Query = Query::new("COMMIT");
pub(crate) const ROLLBACK: Query = Query::new("ROLLBACK");
const SAVEPOINT: Query = Query::new("SAVEPOINT one_write");
const UNDO: Query = Query::new("ROLLBACK TO one_write");
const RELEASE: Query = Query::new("RELEASE one_write");

/// Executes the statements of `write` up to the first that fails or does not meet its expectation.
pub(crate) async fn run_all(connection: &mut Connection<'_>, place: &Place, write: &Write) -> Answer {
    let mut outcomes = Vec::with_capacity(write.statements.len());
    for (position, statement) in write.statements.iter().enumerate() {
        let outcome = connection.run(place, statement.query, &statement.values).await?;
        if !statement.expect.is_met_by(outcome.count) {
            return Err(StoreError::Unmet { statement: position, count: outcome.count });
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}
