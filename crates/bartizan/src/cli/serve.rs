use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use tracing_subscriber::EnvFilter;

use super::{Format, Output, WRONG_USAGE, default_file};
use crate::config::{self, Process, Style};
use crate::demo::{self, Afterwards, Colour, Options};
use crate::serve;

/// What `serve` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan serve                      by ./bartizan.toml
  kill -HUP PID                       read the file again; a wrong one changes nothing and says why
  kill PID                            finish the requests in flight, then stop
  bartizan serve --user bartizan      started as root: bind the ports, then become that user for good")]
pub(super) struct Serve {
    /// The configuration.
    #[arg(default_value_os_t = default_file())]
    file: PathBuf,
    /// Whom to become once the ports are bound, before what `[server] user` says.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl Serve {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        log(output);
        let loaded = match config::load(&self.file, &Process) {
            Ok(loaded) => loaded,
            Err(faults) => {
                output.complain(&faults.render(output.error_style));
                return Ok(ExitCode::from(WRONG_USAGE));
            }
        };
        if !loaded.warnings.is_empty() {
            output.complain(&loaded.warnings.render(output.error_style));
        }
        match serve::Become::of(&loaded.identity, self.user.as_deref()) {
            Ok(identity) => serve::run(&self.file, loaded, &identity),
            Err(error) => {
                output.complain(&format!("bartizan: {error}"));
                Ok(ExitCode::from(WRONG_USAGE))
            }
        }
    }
}

/// Runs the demo, the gate in it started as `serve` starts it.
pub(super) fn demo(once: bool, output: Output) -> anyhow::Result<ExitCode> {
    let colour = if output.style == Style::Coloured { Colour::Ansi } else { Colour::Plain };
    let options = Options {
        afterwards: if once { Afterwards::Exit } else { Afterwards::Serve },
        output: match output.format {
            Format::Text => demo::Output::Text(colour),
            Format::Json => demo::Output::Json,
        },
    };
    demo::run(options, |file: &Path| {
        let loaded = config::load(file, &Process).map_err(|faults| anyhow!("{}", faults.render(Style::Plain)))?;
        serve::start(file, loaded)
    })
}

impl demo::Gate for serve::Running {
    fn stop(self) -> anyhow::Result<()> {
        Self::stop(self)
    }
}

/// Messages for the operator go to standard error: standard output may carry the audit log. `BARTIZAN_LOG` chooses which.
fn log(output: Output) {
    let least = if output.quiet { "warn" } else { "info" };
    let filter = EnvFilter::try_from_env("BARTIZAN_LOG").unwrap_or_else(|_| EnvFilter::new(least));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output.error_style == Style::Coloured)
        .with_target(false)
        .finish();
    // A second subscriber in one process is a test's: the first one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
