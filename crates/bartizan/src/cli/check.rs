mod infer;
mod tighten;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::{Format, Output, WRONG_USAGE, default_file};
use crate::config::{self, Faults, Loaded, Process};
use crate::serve::state_directory;
use crate::{inventory, learned};

/// What `check` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan check                          ./bartizan.toml: every fault at once, or the posture
  bartizan check --format json prod.toml  the same for machines
  bartizan check --tighten > overlay.yaml what traffic says of the documents in `mode = \"observe\"`
  bartizan check --infer legacy > openapi.json
                                          a document of what was seen on the route `legacy`, which has `learn = true`
  bartizan check --schema > bartizan.schema.json
                                          for editors that complete and check TOML")]
pub(super) struct Check {
    /// The configuration.
    #[arg(default_value_os_t = default_file())]
    file: PathBuf,
    /// Print the JSON Schema of the configuration instead.
    #[arg(long)]
    schema: bool,
    /// Print what observed traffic says of each OpenAPI document instead, as an Overlay: where it is wrong, and bounds that it could have.
    #[arg(long, conflicts_with = "schema")]
    tighten: bool,
    /// Print an OpenAPI document of what was seen on this route instead, which has none and `learn = true`.
    #[arg(long, value_name = "ROUTE", conflicts_with_all = ["schema", "tighten"])]
    infer: Option<String>,
}

impl Check {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        if self.schema {
            output.write_json(&config::json_schema())?;
            return Ok(ExitCode::SUCCESS);
        }
        match config::load(&self.file, &Process) {
            Ok(loaded) if self.infer.is_some() => self.inferred(&loaded, output),
            Ok(loaded) if self.tighten => self.tightened(&loaded, output),
            Ok(loaded) => self.sound(&loaded, output),
            Err(faults) => self.faulty(&faults, output),
        }
    }

    fn sound(&self, loaded: &Loaded, output: Output) -> anyhow::Result<ExitCode> {
        let learned = state_directory(&loaded.store).and_then(|state| learned::read(&state)).unwrap_or_else(|cause| {
            output.complain(&format!("bartizan: what traffic carried is not known: {cause:#}"));
            learned::Learned::default()
        });
        match output.format {
            Format::Json => output.write_json(&json!({
                "file": self.file,
                "valid": true,
                "digest": loaded.digest.to_string(),
                "warnings": loaded.warnings.records(),
                "posture": loaded.posture,
                "inventory": inventory::record(&loaded.posture, &learned),
            }))?,
            Format::Text => {
                let mut text = String::new();
                if !output.quiet {
                    text.push_str(&loaded.posture.render(output.style));
                    text.push_str(&inventory::render(&learned));
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

    fn tightened(&self, loaded: &Loaded, output: Output) -> anyhow::Result<ExitCode> {
        let found = tighten::of(loaded)?;
        match output.format {
            Format::Json => {
                let apis: Vec<_> = found.iter().map(tighten::Tightening::record).collect();
                output.write_json(&json!({ "file": self.file, "apis": apis }))?;
            }
            Format::Text => {
                let texts: Vec<String> = found.iter().map(tighten::Tightening::render).collect();
                output.write(&texts.join("---\n"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn inferred(&self, loaded: &Loaded, output: Output) -> anyhow::Result<ExitCode> {
        match infer::of(loaded, self.infer.as_deref().unwrap_or_default())? {
            Ok(document) => {
                output.write_json(&document)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(why) => {
                output.complain(&format!("bartizan: {why}"));
                Ok(ExitCode::from(WRONG_USAGE))
            }
        }
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
