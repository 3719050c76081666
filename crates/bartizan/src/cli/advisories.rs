mod download;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_scanner::deps::Ecosystem;
use bartizan_scanner::deps::import::{ImportLimits, Imported, import};
use serde_json::json;

use super::{Format, NOT_DONE, Output, WRONG_USAGE};

/// Names the index that is written and read where the command line names none.
pub(super) const INDEX: &str = "BARTIZAN_ADVISORIES";
/// Where OSV publishes its exports, one archive for each ecosystem.
const OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";

/// What can be done with the data that `scan` looks dependencies up in.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Advisories {
    /// Make the index from OSV's archives on this machine
    Import(Import),
    /// Fetch OSV's archives from a mirror, and make the index from them
    Update(Update),
}

/// What `advisories import` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan advisories import npm.zip PyPI.zip      OSV's exports, as they are published
  bartizan advisories import /srv/osv              every archive and record below a directory

The index is made anew from what is named; nothing is fetched.")]
pub(super) struct Import {
    /// OSV's zip archives, or directories of archives and records.
    #[arg(required = true, value_name = "DIR|ZIP")]
    sources: Vec<PathBuf>,
    /// The index to write.
    #[arg(long, value_name = "FILE", env = INDEX, default_value_os_t = default_index())]
    index: PathBuf,
}

/// What `advisories update` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan advisories update                                   all ecosystems, from OSV
  bartizan advisories update --from https://mirror.example/osv --ecosystem npm --ecosystem PyPI

This is the one command of the scanner that uses the network. It gets MIRROR/ECOSYSTEM/all.zip, by https alone.")]
pub(super) struct Update {
    /// The mirror.
    #[arg(long, value_name = "URL", default_value = OSV)]
    from: String,
    /// Only these ecosystems, by OSV's names; the index then holds no others.
    #[arg(long, value_name = "NAME", value_parser = ecosystem)]
    ecosystem: Vec<Ecosystem>,
    /// The index to write.
    #[arg(long, value_name = "FILE", env = INDEX, default_value_os_t = default_index())]
    index: PathBuf,
}

/// In the user's cache directory (XDG Base Directory Specification); the working directory, where there is no home.
pub(super) fn default_index() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    cache.unwrap_or_default().join("bartizan").join("advisories.index")
}

fn ecosystem(name: &str) -> Result<Ecosystem, String> {
    let known = Ecosystem::ALL.map(Ecosystem::as_str);
    known
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name))
        .and_then(|index| Ecosystem::ALL.get(index).copied())
        .ok_or_else(|| format!("`{name}` is none of {}", known.join(", ")))
}

impl Advisories {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Import(arguments) => arguments.run(output),
            Self::Update(arguments) => arguments.run(output),
        }
    }
}

impl Import {
    fn run(&self, output: Output) -> anyhow::Result<ExitCode> {
        made(&self.sources, &self.index, output)
    }
}

impl Update {
    fn run(&self, output: Output) -> anyhow::Result<ExitCode> {
        let mirror = match download::Mirror::new(&self.from) {
            Ok(mirror) => mirror,
            Err(fault) => {
                output.complain(&format!("bartizan: --from `{}`: {fault}", self.from));
                return Ok(ExitCode::from(WRONG_USAGE));
            }
        };
        let ecosystems = if self.ecosystem.is_empty() { Ecosystem::ALL.to_vec() } else { self.ecosystem.clone() };
        let folder = tempfile::tempdir().context("there is no place for what is fetched")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        for ecosystem in ecosystems {
            let name = ecosystem.as_str();
            let file = folder.path().join(format!("{name}.zip"));
            if !output.quiet {
                output.complain(&format!("fetching {name}"));
            }
            runtime
                .block_on(mirror.fetch(&format!("{name}/all.zip"), &file))
                .with_context(|| format!("{name} was not fetched"))?;
        }
        made(&[folder.path().to_owned()], &self.index, output)
    }
}

/// Makes the index, and tells what it holds.
fn made(sources: &[PathBuf], index: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let imported = match import(sources, index, &ImportLimits::default()) {
        Ok(imported) => imported,
        Err(error) => {
            output.complain(&format!("bartizan: {error}"));
            return Ok(ExitCode::from(NOT_DONE));
        }
    };
    match output.format {
        Format::Json => output.write_json(&as_json(&imported, index))?,
        Format::Text if output.quiet => {}
        Format::Text => output.write(&as_text(&imported, index))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn as_text(imported: &Imported, index: &Path) -> String {
    let mut lines = vec![format!(
        "{} records read, {} left out (withdrawn, or of other ecosystems)",
        imported.records, imported.left_out
    )];
    for part in &imported.parts {
        let name = part.ecosystem().map_or("", Ecosystem::as_str);
        let newest =
            part.newest.get(..10).map_or_else(|| "of unknown age".to_owned(), |day| format!("newest of {day}"));
        lines
            .push(format!("  {name:<12} {:>7} advisories on {:>7} packages, {newest}", part.advisories, part.packages));
    }
    lines.push(format!("written to {}\n", index.display()));
    lines.join("\n")
}

fn as_json(imported: &Imported, index: &Path) -> serde_json::Value {
    let parts: Vec<_> = imported
        .parts
        .iter()
        .map(|part| {
            json!({
                "ecosystem": part.ecosystem().map(Ecosystem::as_str),
                "advisories": part.advisories,
                "packages": part.packages,
                "newest": part.newest,
            })
        })
        .collect();
    json!({ "index": index, "records": imported.records, "left_out": imported.left_out, "ecosystems": parts })
}

#[cfg(test)]
mod tests;
