use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::evaluate::{Answer, Question};

/// The largest answer, in bytes.
const MAX_ANSWER: u64 = 8 << 20;

/// The program that evaluates policies: one whose arguments lead it to [`super::evaluate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluator {
    /// The program.
    pub program: PathBuf,
    /// What it is called with.
    pub arguments: Vec<OsString>,
    /// How long one policy may take.
    pub time: Duration,
}

/// Why a policy gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The program cannot be run.
    #[error("its process cannot be run: {0}")]
    Process(#[from] io::Error),
    /// It took too long.
    #[error("it took longer than {} s and was stopped", .0.as_secs())]
    Time(Duration),
    /// It ended without an answer.
    #[error(
        "its process ended without an answer ({0}): it asked for more memory or time than a policy has, or crashed"
    )]
    Ended(String),
    /// It answered more than is read.
    #[error("its answer is larger than 8 MiB")]
    TooMuch,
    /// It is wrong.
    #[error("{0}")]
    Fault(String),
}

impl Evaluator {
    /// Asks in a process of its own, without environment, files or descriptors of ours.
    pub(super) fn ask(&self, question: &Question) -> Result<serde_json::Value, PolicyError> {
        let text = serde_json::to_vec(question).map_err(io::Error::from)?;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let outcome = self.converse(&mut child, text);
        // Whatever happened, it neither lives on nor stays as a zombie.
        let _ended_already = child.kill();
        let status = child.wait()?;
        let answer = outcome?;
        if answer.len() as u64 > MAX_ANSWER {
            return Err(PolicyError::TooMuch);
        }
        match serde_json::from_slice(&answer) {
            Ok(Answer::Value(value)) => Ok(value),
            Ok(Answer::Fault(fault)) => Err(PolicyError::Fault(fault)),
            Err(_) => Err(PolicyError::Ended(status.to_string())),
        }
    }

    fn converse(&self, child: &mut Child, question: Vec<u8>) -> Result<Vec<u8>, PolicyError> {
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        };
        let (done, answered) = channel();
        // Both end with the process: its pipes break.
        std::thread::spawn(move || stdin.write_all(&question));
        std::thread::spawn(move || {
            let mut answer = Vec::new();
            let outcome = stdout.take(MAX_ANSWER + 1).read_to_end(&mut answer).map(|_| answer);
            // Nobody listens any more when the time is over.
            let _ = done.send(outcome);
        });
        match answered.recv_timeout(self.time) {
            Ok(outcome) => Ok(outcome?),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(PolicyError::Time(self.time)),
        }
    }
}
