use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::{Format, Output, WRONG_USAGE, default_file};
use crate::config::{self, Faults, Loaded, Process};

/// What `check` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan check                          ./bartizan.toml: every fault at once, or the posture
  bartizan check --format json prod.toml  the same for machines
  bartizan check --schema > bartizan.schema.json
                                          for editors that complete and check TOML")]
pub(super) struct Check {
    /// The configuration.
    #[arg(default_value_os_t = default_file())]
    file: PathBuf,
    /// Print the JSON Schema of the configuration instead.
    #[arg(long)]
    schema: bool,
}

impl Check {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        if self.schema {
            output.write_json(&config::json_schema())?;
            return Ok(ExitCode::SUCCESS);
        }
        match config::load(&self.file, &Process) {
            Ok(loaded) => self.sound(&loaded, output),
            Err(faults) => self.faulty(&faults, output),
        }
    }

    fn sound(&self, loaded: &Loaded, output: Output) -> anyhow::Result<ExitCode> {
        match output.format {
            Format::Json => output.write_json(&json!({
                "file": self.file,
                "valid": true,
                "digest": loaded.digest.to_string(),
                "warnings": loaded.warnings.records(),
                "posture": loaded.posture,
            }))?,
            Format::Text => {
                let mut text = String::new();
                if !output.quiet {
                    text.push_str(&loaded.posture.render(output.style));
                    text.push('\n');
                }
                if !loaded.warnings.is_empty() {
                    text.push_str(&loaded.warnings.render(output.style));
                }
                if !output.quiet {
                    text.push_str(&self.summary(loaded));
                }
                output.write(&text)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn summary(&self, loaded: &Loaded) -> String {
        format!("{}: valid; {}\n", self.file.display(), loaded.posture.summary())
    }

    fn faulty(&self, faults: &Faults, output: Output) -> anyhow::Result<ExitCode> {
        match output.format {
            Format::Json => {
                output.write_json(&json!({ "file": self.file, "valid": false, "faults": faults.records() }))?;
            }
            Format::Text => output.write(&faults.render(output.style))?,
        }
        Ok(ExitCode::from(WRONG_USAGE))
    }
}
