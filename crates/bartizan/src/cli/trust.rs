//! `bartizan trust`: makes this machine's browsers know the development certificate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use bartizan_gateway::{DevelopmentCertificate, config::Tls, development_certificate};
use serde_json::json;

use super::{Format, NOT_DONE, Output, WRONG_USAGE, default_file};
use crate::config::{self, Process};

/// What `trust` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan trust                      browsers of this user open the gate without a warning, and passkeys work
  bartizan trust --remove
  sudo bartizan trust --system        curl and other programs of this machine too

For `tls = \"self-signed\"` alone. What is trusted is an authority that signed this one certificate and whose key was thrown away:
nobody, this gate included, can sign another with it.")]
pub(super) struct Trust {
    /// The configuration that the gate serves by.
    #[arg(default_value_os_t = default_file())]
    file: PathBuf,
    /// Make them forget it.
    #[arg(long)]
    remove: bool,
    /// The machine's own store instead of the user's browsers; needs root.
    #[arg(long)]
    system: bool,
}

/// A place where programs look up whom they trust.
enum Store {
    /// A database of NSS: Chromium's and Chrome's, or that of a profile of Firefox.
    Nss(PathBuf),
    /// A folder of certificates, and the command that reads it.
    Folder(PathBuf, &'static [&'static str]),
    /// The login keychain of macOS.
    Keychain,
}

/// Where distributions keep what the administrator adds, and what makes it count.
const FOLDERS: &[(&str, &[&str])] = &[
    ("/usr/local/share/ca-certificates", &["update-ca-certificates"]),
    ("/etc/pki/ca-trust/source/anchors", &["update-ca-trust", "extract"]),
    ("/etc/ca-certificates/trust-source/anchors", &["trust", "extract-compat"]),
];

impl Trust {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        let loaded = match config::load(&self.file, &Process) {
            Ok(loaded) => loaded,
            Err(faults) => {
                output.complain(&faults.render(output.error_style));
                return Ok(ExitCode::from(WRONG_USAGE));
            }
        };
        let server = &loaded.gateway.server;
        let Tls::SelfSigned { directory, .. } = &server.tls else {
            output.complain(&format!(
                "bartizan: there is nothing to trust: `{}` does not say `tls = \"self-signed\"`, so the certificate has an authority of its own, or there is none",
                self.file.display()
            ));
            return Ok(ExitCode::from(WRONG_USAGE));
        };
        let host = server.public_url.host().unwrap_or("localhost");
        let authority = if self.system || self.remove {
            // What root makes here, the gate's own user could not read.
            DevelopmentCertificate::of(directory, host).authority
        } else {
            development_certificate(directory, host, SystemTime::now())?.authority
        };
        if !self.remove && !authority.exists() {
            bail!(
                "{} is not there yet: run `bartizan serve`, or `bartizan trust` without root, first",
                authority.display()
            );
        }
        let stores = if self.system { system_stores()? } else { user_stores()? };
        if stores.is_empty() {
            bail!("no browser of this user was found; tell yours to trust {}", authority.display());
        }
        let nickname = format!("Bartizan development authority for {host}");
        let mut told = Vec::new();
        let mut failed = Vec::new();
        for store in &stores {
            let done = if self.remove { store.remove(&nickname, &authority) } else { store.add(&nickname, &authority) };
            match done {
                Ok(()) => told.push(store.name()),
                Err(cause) => failed.push(format!("{}: {cause:#}", store.name())),
            }
        }
        self.report(&authority, &told, &failed, output)?;
        Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NOT_DONE) })
    }

    fn report(&self, authority: &Path, told: &[String], failed: &[String], output: Output) -> anyhow::Result<()> {
        for failure in failed {
            output.complain(&format!("bartizan: {failure}"));
        }
        match output.format {
            Format::Json => output.write_json(&json!({
                "authority": authority,
                "trusted": !self.remove,
                "stores": told,
                "failed": failed,
            }))?,
            Format::Text if output.quiet => {}
            Format::Text => {
                let verb = if self.remove { "forgotten by" } else { "trusted by" };
                for store in told {
                    output.write(&format!("{verb} {store}\n"))?;
                }
                if !self.remove {
                    let file = authority.display();
                    output.write(&format!("browsers that are open have to be started again; other programs take the file: curl --cacert {file}\n"))?;
                }
            }
        }
        Ok(())
    }
}

impl Store {
    fn name(&self) -> String {
        match self {
            Self::Nss(folder) | Self::Folder(folder, _) => folder.display().to_string(),
            Self::Keychain => "the login keychain".to_owned(),
        }
    }

    fn add(&self, nickname: &str, authority: &Path) -> anyhow::Result<()> {
        match self {
            Self::Nss(folder) => {
                if !folder.join("cert9.db").exists() {
                    fs::create_dir_all(folder)?;
                    certutil(folder, &["-N", "--empty-password"])?;
                }
                // An older authority of the same name would stay beside the new one.
                let _ = self.remove(nickname, authority);
                certutil(folder, &["-A", "-t", "C,,", "-n", nickname, "-i", text(authority)?])
            }
            Self::Folder(folder, refresh) => {
                let file = folder.join(file_name(authority));
                fs::copy(authority, &file)
                    .with_context(|| format!("{} cannot be written; this needs root", file.display()))?;
                run(refresh)
            }
            Self::Keychain => run(&["security", "add-trusted-cert", "-r", "trustRoot", text(authority)?]),
        }
    }

    fn remove(&self, nickname: &str, authority: &Path) -> anyhow::Result<()> {
        match self {
            Self::Nss(folder) if certutil(folder, &["-L", "-n", nickname]).is_err() => Ok(()),
            Self::Nss(folder) => certutil(folder, &["-D", "-n", nickname]),
            Self::Folder(folder, refresh) => {
                let file = folder.join(file_name(authority));
                if file.exists() {
                    fs::remove_file(&file)
                        .with_context(|| format!("{} cannot be removed; this needs root", file.display()))?;
                }
                run(refresh)
            }
            Self::Keychain => run(&["security", "remove-trusted-cert", text(authority)?]),
        }
    }
}

fn user_stores() -> anyhow::Result<Vec<Store>> {
    if cfg!(target_os = "macos") {
        return Ok(vec![Store::Keychain]);
    }
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .context("HOME is not set, so there is no place of this user's browsers")?;
    let mut stores = vec![Store::Nss(home.join(".pki/nssdb"))];
    let packaged = home.join("snap/chromium/current/.pki/nssdb");
    if packaged.exists() {
        stores.push(Store::Nss(packaged));
    }
    for profiles in [home.join(".mozilla/firefox"), home.join("snap/firefox/common/.mozilla/firefox")] {
        let found = fs::read_dir(profiles).into_iter().flatten().flatten().map(|entry| entry.path());
        stores.extend(found.filter(|profile| profile.join("cert9.db").exists()).map(Store::Nss));
    }
    Ok(stores)
}

fn system_stores() -> anyhow::Result<Vec<Store>> {
    let found = FOLDERS.iter().find(|(folder, _)| Path::new(folder).is_dir());
    let (folder, refresh) =
        found.context("no folder of this machine's certificates was found (Debian: the package ca-certificates)")?;
    Ok(vec![Store::Folder(PathBuf::from(folder), refresh)])
}

fn certutil(database: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let database = format!("sql:{}", text(database)?);
    run(&[&["certutil", "-d", database.as_str()], arguments].concat())
}

fn run(command: &[&str]) -> anyhow::Result<()> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let done = Command::new(program).args(arguments).output().map_err(|cause| match (cause.kind(), *program) {
        (std::io::ErrorKind::NotFound, "certutil") => anyhow::anyhow!(
            "the program `certutil` is missing, which writes what browsers trust (Debian: libnss3-tools, Fedora: nss-tools, Arch: nss)"
        ),
        _ => anyhow::anyhow!("`{program}` cannot be started: {cause}"),
    })?;
    if !done.status.success() {
        bail!("`{program}` failed: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is no text", path.display()))
}

/// Told apart from those of other gates on this machine by the name of its host.
fn file_name(authority: &Path) -> String {
    let own = authority.file_name().unwrap_or_default().to_string_lossy();
    format!("bartizan-{own}")
}
