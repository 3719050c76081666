use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// `bartizan serve` in a directory of its own. Killed when dropped.
pub(crate) struct Node {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    directory: TempDir,
}

impl Node {
    /// Starts on `configuration` and waits until it says where it serves.
    pub(crate) fn start(configuration: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("bartizan.toml"), configuration).unwrap();
        Self::start_in(directory)
    }

    pub(crate) fn start_in(directory: TempDir) -> Self {
        let node = Self::spawn(directory);
        node.wait_for("health, readiness and metrics on");
        node
    }

    /// Starts without waiting for it to serve.
    pub(crate) fn spawn(directory: TempDir) -> Self {
        Self::spawn_with(directory, |command| {
            command.args(as_whoever_runs_the_tests());
        })
    }

    /// Starts with other arguments or another environment.
    pub(crate) fn spawn_with(directory: TempDir, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
        command.args(["--no-color", "serve", "bartizan.toml"]);
        change(&mut command);
        let mut child = command
            .current_dir(directory.path())
            .env_remove("BARTIZAN_LOG")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let (output, heard) = (BufReader::new(child.stderr.take().unwrap()), said.clone());
        thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| heard.lock().unwrap().push(line)));
        Self { child, said, directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        write_whole(&self.path(name), text);
    }

    /// The address after these words in what it said.
    pub(crate) fn address_after(&self, words: &str) -> SocketAddr {
        let line = self.wait_for(words);
        line.rsplit(['/', ' ']).next().unwrap().parse().unwrap()
    }

    /// How often it, or who took its place, has said `words` so far.
    pub(crate) fn times(&self, words: &str) -> usize {
        self.said.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    /// Waits until it, or who took its place, has said `words` so many times.
    pub(crate) fn wait_for_times(&self, words: &str, times: usize) {
        let end = Instant::now() + PATIENCE;
        while self.times(words) < times {
            let said = self.said.lock().unwrap().join("\n");
            assert!(Instant::now() < end, "it did not say `{words}` {times} times, but:\n{said}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until it says `words`, and returns the line.
    pub(crate) fn wait_for(&self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.said.lock().unwrap().clone();
            if let Some(line) = said.iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            assert!(Instant::now() < end, "it never said `{words}`, but:\n{}", said.join("\n"));
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it without a word, and starts it again on what it left.
    pub(crate) fn kill_and_restart(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap());
        Self::start_in(directory)
    }
}

/// Root has to be said.
pub(crate) fn as_whoever_runs_the_tests() -> [&'static str; 2] {
    // Whom a process becomes who is already that user: itself.
    static NAME: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let said = Command::new("id").arg("-un").output().unwrap();
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    });
    ["--user", &NAME]
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As a deployment tool does it: a file is never seen half-written.
fn write_whole(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}
