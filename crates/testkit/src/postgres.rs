use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use crate::{
    Certificate,
    server_process::{ServerProcess, free_port},
};

/// A private `PostgreSQL` instance: on a loopback port and a Unix socket, with a superuser `postgres` and its password.
pub struct Postgres {
    binaries: PathBuf,
    directory: TempDir,
    port: u16,
    speaks_tls: bool,
    process: Option<ServerProcess>,
}

const PASSWORD: &str = "correct-horse";

impl Postgres {
    /// Makes and starts an instance. Its files are in a private directory that goes with it.
    ///
    /// # Panics
    /// If `PostgreSQL` is not installed, or does not start.
    pub fn start() -> Self {
        let binaries = newest_binaries().expect("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb");
        let directory = TempDir::with_prefix("testkit-postgres-").unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
        let password_file = directory.path().join("password");
        fs::write(&password_file, PASSWORD).unwrap();
        if let Some(user) = server_user() {
            // The server refuses to run as root.
            chown(directory.path(), Some(user), Some(user)).unwrap();
            chown(&password_file, Some(user), Some(user)).unwrap();
        }
        let mut initdb = as_server_user(&binaries.join("initdb"));
        initdb.arg("--pgdata").arg(directory.path().join("data")).arg("--pwfile").arg(&password_file);
        initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]);
        let made = initdb.current_dir("/").stdin(Stdio::null()).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));

        let mut instance = Self { binaries, directory, port: free_port(), speaks_tls: false, process: None };
        instance.restart();
        instance
    }

    /// The URL of its database `postgres`, over loopback.
    pub fn url(&self) -> String {
        self.database_url("postgres")
    }

    /// The same over its Unix socket.
    pub fn socket_url(&self) -> String {
        let directory = self.directory.path().display();
        format!("postgres://postgres:{PASSWORD}@localhost:{}/postgres?host={directory}", self.port)
    }

    /// Makes an empty database `name` and returns its URL.
    pub fn new_database(&self, name: &str) -> String {
        let mut createdb = self.tool("createdb");
        let made = createdb.arg(name).output().unwrap();
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        self.database_url(name)
    }

    /// Restarts it with TLS under `certificate`, and returns the path of the certificate, for `sslrootcert`.
    pub fn enable_tls(&mut self, certificate: &Certificate) -> PathBuf {
        let data = self.directory.path().join("data");
        for (name, pem) in [("server.crt", &certificate.pem), ("server.key", &certificate.key_pem)] {
            let path = data.join(name);
            fs::write(&path, pem).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            if let Some(user) = server_user() {
                chown(&path, Some(user), Some(user)).unwrap();
            }
        }
        self.speaks_tls = true;
        self.restart();
        data.join("server.crt")
    }

    /// Kills it at once, as a crash would. Its data and address stay for a [`restart`](Self::restart).
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.end(Signal::QUIT);
        }
    }

    /// Starts it again on the same port, with the same data.
    pub fn restart(&mut self) {
        self.kill();
        let mut server = as_server_user(&self.binaries.join("postgres"));
        server.arg("-D").arg(self.directory.path().join("data")).arg("-k").arg(self.directory.path());
        server.arg("-p").arg(self.port.to_string()).args(["-c", "listen_addresses=127.0.0.1"]).current_dir("/");
        // Durable, as in production: tests kill it and look for what is left.
        server.args(["-c", "max_connections=100", "-c", "shared_buffers=16MB"]);
        server.args(["-c", if self.speaks_tls { "ssl=on" } else { "ssl=off" }]);
        let process = ServerProcess::start(server, || {
            self.tool("pg_isready").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
        });
        self.process = Some(process);
    }

    fn database_url(&self, name: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{name}", self.port)
    }

    fn tool(&self, name: &str) -> Command {
        let mut tool = Command::new(self.binaries.join(name));
        tool.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()]).env("PGPASSWORD", PASSWORD);
        tool.stdin(Stdio::null());
        tool
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Before its directory goes.
        self.kill();
    }
}

fn newest_binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut versions: Vec<_> = versions.filter(|version| version.join("bin/initdb").exists()).collect();
    versions.sort_by_key(|version| version.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    Some(versions.pop()?.join("bin"))
}

/// The user id of `postgres`, if this process is root's and so needs another.
fn server_user() -> Option<u32> {
    if !geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let user = users.lines().find_map(|line| line.strip_prefix("postgres:")?.split(':').nth(1)?.parse().ok());
    Some(user.expect("there is no user `postgres` to run the server as"))
}

fn as_server_user(program: &Path) -> Command {
    let Some(user) = server_user() else { return Command::new(program) };
    let user = user.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]).arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_starts_survives_a_kill_with_its_data_and_leaves_nothing_behind() {
        let mut postgres = Postgres::start();
        let directory = postgres.directory.path().to_owned();
        assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o077, 0);
        assert!(postgres.new_database("kept").ends_with(&format!("127.0.0.1:{}/kept", postgres.port)));
        postgres.kill();
        postgres.restart();
        let listed = postgres.tool("psql").args(["-Atc", "SELECT datname FROM pg_database"]).output().unwrap();
        assert!(String::from_utf8(listed.stdout).unwrap().lines().any(|name| name == "kept"));
        let port = postgres.port;
        drop(postgres);
        assert!(!directory.exists());
        assert!(!crate::server_process::listens(port));
    }
}
