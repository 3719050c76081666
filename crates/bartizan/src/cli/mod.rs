//! The command line: what can be typed, and what it calls.
//!
//! Exit codes: 0 fine; 1 a check that failed; 2 wrong usage or configuration; 3 the work could not be done.

mod administration;
mod advisories;
mod audit;
mod check;
mod client;
mod health;
mod key;
mod output;
mod progress;
mod rooms;
mod scan;
mod serve;
mod trust;
mod user;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use output::Output;

/// Something the user asked for is wrong: the usage or the configuration.
const WRONG_USAGE: u8 = 2;
/// The work could not be done: input and output, network, damaged state.
const NOT_DONE: u8 = 3;

/// One binary, a security gate in front of any backend.
#[derive(Debug, Parser)]
#[command(name = "bartizan", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  bartizan demo                   see it hold, attack by attack, before a vulnerable sample API
  bartizan check                  is ./bartizan.toml right, and what does it protect?
  bartizan serve                  run the gate by ./bartizan.toml
  bartizan scan                   is there a credential in the files here?

Exit codes: 0 fine, 1 a check failed, 2 wrong usage or configuration, 3 could not do the work")]
struct Arguments {
    /// How results are written.
    #[arg(long, global = true, value_enum, default_value_t)]
    format: ReportFormat,
    /// Write results and faults only.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Write no colours, as the environment variable NO_COLOR does.
    #[arg(long, global = true)]
    no_color: bool,
    #[command(subcommand)]
    command: Command,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// How results are written, those of `scan` among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
    /// SARIF 2.1.0, for code scanning; `scan` only.
    #[value(hide = true)]
    Sarif,
    /// Markdown, for pull requests; `scan` only.
    #[value(hide = true)]
    Md,
    /// One page with charts; `scan` only.
    #[value(hide = true)]
    Html,
    /// JUnit's XML; `scan` only.
    #[value(hide = true)]
    Junit,
    /// A bill of materials, CycloneDX 1.6 with its vulnerabilities; `scan` only.
    #[value(hide = true)]
    Cyclonedx,
    /// A bill of materials, SPDX 2.3; `scan` only.
    #[value(hide = true)]
    Spdx,
}

impl ReportFormat {
    /// The format, if every command writes it.
    const fn general(self) -> Option<Format> {
        match self {
            Self::Text => Some(Format::Text),
            Self::Json => Some(Format::Json),
            Self::Sarif | Self::Md | Self::Html | Self::Junit | Self::Cyclonedx | Self::Spdx => None,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A vulnerable sample API and the gate before it: every attack on both ways in
    Demo(Demo),
    /// Find what must not be released
    Scan(scan::Scan),
    /// Validate a configuration, then say what it protects and how well
    Check(check::Check),
    /// Run the gate
    Serve(serve::Serve),
    /// Whether the gate on this machine is ready
    Health(health::Health),
    /// Make this machine's browsers know the development certificate
    Trust(trust::Trust),
    /// Accounts of the gate's own sign-in
    #[command(subcommand)]
    User(user::User),
    /// Applications that get tokens from the gate's own sign-in
    #[command(subcommand)]
    Client(client::Client),
    /// API keys
    #[command(subcommand)]
    Key(key::Key),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// The data that dependencies are looked up in
    #[command(subcommand)]
    Advisories(advisories::Advisories),
    /// Evaluate the policy on standard input: `scan` calls this in a process of its own
    #[command(name = scan::EVALUATE, hide = true)]
    EvaluatePolicy,
    /// Print completions for a shell
    #[command(after_help = "Examples:
  bartizan completions bash > /etc/bash_completion.d/bartizan
  bartizan completions zsh > \"${fpath[1]}/_bartizan\"")]
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page, or that of a command
    #[command(after_help = "Examples:
  bartizan man | man -l -
  bartizan man key new | man -l -
  bartizan man --directory /usr/local/share/man/man1      every page")]
    Man {
        /// The command, such as `serve` or `key new`.
        command: Vec<String>,
        /// Write every page into this directory instead.
        #[arg(long, value_name = "DIR", conflicts_with = "command")]
        directory: Option<PathBuf>,
    },
}

/// What `demo` can be told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bartizan demo --once      the table of attacks, then exit: 0 if the gate kept its promises"
)]
struct Demo {
    /// Exit after the table instead of serving on.
    #[arg(long, visible_alias = "attack-only")]
    once: bool,
}

/// Runs a command line.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&command) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be told to a terminal that is gone.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(WRONG_USAGE));
        }
    };
    let format = arguments.format.general();
    let output = Output::new(format.unwrap_or_default(), arguments.quiet, arguments.no_color);
    if format.is_none() && !matches!(arguments.command, Command::Scan(_)) {
        output.complain("bartizan: that is a format of `bartizan scan`; other commands write `text` or `json`");
        return ExitCode::from(WRONG_USAGE);
    }
    let outcome = match arguments.command {
        Command::Demo(demo) => serve::demo(demo.once, output),
        Command::Scan(scan) => Ok(scan.run(arguments.format, output)),
        Command::Check(check) => check.run(output),
        Command::Serve(serve) => serve.run(output, &command),
        Command::Trust(trust) => trust.run(output),
        Command::User(user) => user.run(output),
        Command::Client(client) => client.run(output),
        Command::Key(key) => key.run(output),
        Command::Audit(audit) => audit.run(output),
        Command::Advisories(advisories) => advisories.run(output),
        Command::Completions { shell } => completions(shell, output),
        Command::Health(health) => health.run(output),
        Command::EvaluatePolicy => scan::answer(),
        Command::Man { command, directory: None } => manual(&command, output),
        Command::Man { command: _, directory: Some(directory) } => {
            clap_mangen::generate_to(Arguments::command(), directory).map(|()| ExitCode::SUCCESS).map_err(Into::into)
        }
    };
    outcome.unwrap_or_else(|error| {
        output.complain(&format!("bartizan: {error:#}"));
        ExitCode::from(NOT_DONE)
    })
}

fn completions(shell: Shell, output: Output) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "bartizan", &mut script);
    output.write(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

fn manual(names: &[String], output: Output) -> anyhow::Result<ExitCode> {
    let mut all = Arguments::command();
    // Gives each command its whole name, and the options that hold everywhere.
    all.build();
    let mut command = &all;
    for name in names {
        let Some(found) = command.find_subcommand(name) else {
            output.complain(&format!("bartizan: there is no command `{}`", names.join(" ")));
            return Ok(ExitCode::from(WRONG_USAGE));
        };
        command = found;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    output.write(&String::from_utf8(page)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The configuration that is read when none is named.
fn default_file() -> PathBuf {
    PathBuf::from("bartizan.toml")
}

#[cfg(test)]
mod tests;
