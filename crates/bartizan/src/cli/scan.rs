use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use bartizan_controls::{Confidence, Severity};
use bartizan_scanner::deps::index::{Index, IndexError};
use bartizan_scanner::deps::{Deps, DepsConfig, Inventory, sbom};
use bartizan_scanner::{
    Baseline, FailOn, Kind, KindName, Limits, Progress, Report, ScanError, Selection, format, scan, scan_history,
};
use clap::ValueEnum;

use super::progress::showing;
use super::{NOT_DONE, Output, ReportFormat, WRONG_USAGE, advisories};
use crate::config::literal::{Scan as Settings, ScanConfidence, ScanFailOn, ScanKind};
use crate::config::{self, Process, Style};

/// From which age on, in days, the newest advisory of an ecosystem is told to be old.
const OLDEST_DAYS: i64 = 30;
/// A check did not pass: findings, or something that was not looked at.
const FOUND: u8 = 1;

/// What `scan` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Formats: text, json, sarif, md, html, junit; of dependencies cyclonedx, spdx.

Examples:
  bartizan scan                                  the files here that git would have in a commit
  bartizan scan --history                        every version of every file that the repository holds
  bartizan scan --since origin/main              only what a change adds
  bartizan scan --format sarif --output scan.sarif
  bartizan scan --only deps --format cyclonedx   a bill of materials, with the vulnerabilities
  bartizan scan --write-baseline known.json      accept what is there; then: bartizan scan --baseline known.json

Exit codes: 0 nothing at or above the threshold, 1 findings (or, with --strict, gaps), 2 wrong usage, 3 could not do the work")]
pub(super) struct Scan {
    /// A directory or a file.
    #[arg(value_name = "TARGET", default_value = ".")]
    target: PathBuf,
    /// What is looked for, separated by commas.
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    only: Option<Vec<KindName>>,
    /// From which severity on the scan fails [default: high]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Threshold>,
    /// How sure a finding has to be to be told [default: medium]
    #[arg(long, value_name = "CONFIDENCE")]
    confidence: Option<Sureness>,
    /// Write the report into this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Findings that were there before.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what is found as a baseline; the scan passes.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<PathBuf>,
    /// The advisories that dependencies are held against [default: what `bartizan advisories` writes, if it is there]
    #[arg(long, value_name = "FILE", env = advisories::INDEX)]
    advisories: Option<PathBuf>,
    /// What the project is called in a bill of materials.
    #[arg(long, value_name = "NAME", default_value = "project")]
    name: String,
    /// Look for credentials in every version of every file that the git repository holds.
    #[arg(long, conflicts_with_all = ["since", "only"])]
    history: bool,
    /// Tell only what this revision does not have.
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// Fail if there is something that could not be looked at.
    #[arg(long)]
    strict: bool,
    /// What is not scanned, in the syntax of .gitignore; may be repeated.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// The configuration whose `[scan]` is obeyed [default: bartizan.toml in the target, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How many threads [default: as many as there are cores]
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
}

/// From which severity on a scan fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Threshold {
    Critical,
    High,
    Medium,
    Low,
    Never,
}

/// How sure a finding has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sureness {
    Low,
    Medium,
    High,
}

impl Scan {
    pub(super) fn run(self, format: ReportFormat, output: Output) -> anyhow::Result<ExitCode> {
        let is_bill = matches!(format, ReportFormat::Cyclonedx | ReportFormat::Spdx);
        if is_bill && (self.history || self.only.as_ref().is_some_and(|only| !only.contains(&KindName::Deps))) {
            output.complain(
                "bartizan: a bill of materials is of dependencies: add `deps` to `--only`, and scan no history",
            );
            return Ok(ExitCode::from(WRONG_USAGE));
        }
        let settings = match self.settings() {
            Ok(settings) => settings,
            Err(faults) => {
                output.complain(&faults.render(output.error_style));
                return Ok(ExitCode::from(WRONG_USAGE));
            }
        };
        let baseline = match self.baseline(&settings) {
            Ok(baseline) => baseline,
            Err(error) => {
                output.complain(&format!("bartizan: {error:#}"));
                return Ok(ExitCode::from(WRONG_USAGE));
            }
        };
        let deps = match self.deps(&settings) {
            Ok(deps) => deps,
            Err(error) => {
                output.complain(&format!("bartizan: {error}"));
                return Ok(ExitCode::from(NOT_DONE));
            }
        };
        let report = match self.look(&settings, baseline, &deps, output) {
            Ok(report) => report,
            Err(error) => {
                output.complain(&format!("bartizan: {error}"));
                let code = if matches!(error, ScanError::Repository { .. }) { NOT_DONE } else { WRONG_USAGE };
                return Ok(ExitCode::from(code));
            }
        };
        if let Some(file) = &self.write_baseline {
            return write_baseline(&report, file, output);
        }
        let threshold = self.threshold(&settings);
        self.write(&report, &deps, format, threshold, output)?;
        let has_gaps = (self.strict || settings.strict) && !report.coverage.gaps.is_empty();
        let failed = report.fails(threshold) || has_gaps;
        Ok(if failed { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
    }

    /// `[scan]` of the configuration that was named, or of the target's own if it has one.
    fn settings(&self) -> Result<Settings, config::Faults> {
        let own = self.target.join("bartizan.toml");
        let file = match &self.config {
            Some(file) => file.as_path(),
            None if own.is_file() => &own,
            None => return Ok(Settings::default()),
        };
        config::load_scan(file, &Process)
    }

    /// What was there before. A baseline of the configuration is relative to the target.
    fn baseline(&self, settings: &Settings) -> anyhow::Result<Option<Baseline>> {
        if self.write_baseline.is_some() {
            return Ok(None);
        }
        let named = self.baseline.clone();
        let configured = || settings.baseline.as_ref().map(|file| self.beside_configuration(file));
        let Some(file) = named.or_else(configured) else { return Ok(None) };
        let place = || format!("the baseline `{}` cannot be used", file.display());
        let text = std::fs::read(&file).with_context(place)?;
        Baseline::parse(&text).map(Some).with_context(place)
    }

    fn beside_configuration(&self, file: &Path) -> PathBuf {
        let folder = self.config.as_deref().map_or(Some(self.target.as_path()), Path::parent);
        folder.unwrap_or(Path::new(".")).join(file)
    }

    /// What dependencies are held against. An index that was named has to be there; without one, the report says that nothing
    /// was looked up.
    fn deps(&self, settings: &Settings) -> Result<Dependencies, IndexError> {
        let default = advisories::default_index();
        let index = match &self.advisories {
            Some(path) => Some(Index::open(path)?),
            None if default.is_file() => Some(Index::open(&default)?),
            None => None,
        };
        let oldest = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * OLDEST_DAYS);
        let config = DepsConfig {
            index: index.map(Arc::new),
            oldest: oldest.to_string(),
            denied_licences: settings.licences.deny.clone(),
        };
        Ok(Dependencies { config, inventory: Arc::default() })
    }

    fn look(
        &self,
        settings: &Settings,
        baseline: Option<Baseline>,
        deps: &Dependencies,
        output: Output,
    ) -> Result<Report, ScanError> {
        let exclude = settings.exclude.iter().chain(&self.exclude).cloned().collect();
        let limits = Limits { threads: self.threads, max_file: settings.max_file.get(), exclude };
        let selection = Selection {
            confidence: self.confidence(settings),
            baseline,
            since: self.since.clone(),
            today: jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        };
        let kinds = self.kinds(settings);
        let make = || kinds.iter().map(|kind| make(*kind, deps)).collect();
        let progress = Progress::default();
        showing(&progress, output, || {
            if self.history {
                scan_history(&self.target, &limits, selection, &progress)
            } else {
                scan(&self.target, &make, &limits, selection, &progress)
            }
        })
    }

    fn kinds(&self, settings: &Settings) -> Vec<KindName> {
        let configured = || {
            let kinds = settings.only.as_ref()?;
            let name = |kind: &ScanKind| match kind {
                ScanKind::Secrets => KindName::Secrets,
                ScanKind::Deps => KindName::Deps,
            };
            Some(kinds.iter().map(name).collect())
        };
        let mut kinds = self.only.clone().or_else(configured).unwrap_or_else(|| KindName::ALL.to_vec());
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// What a bill of materials is of. Neither the clock nor the directory's name is in it: the same tree gives the same bytes.
    fn subject(&self) -> anyhow::Result<sbom::Subject> {
        let created = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(seconds) => {
                let seconds = seconds.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
                Some(seconds.context("SOURCE_DATE_EPOCH is no count of seconds")?.to_string())
            }
            Err(_) => None,
        };
        Ok(sbom::Subject { name: self.name.clone(), created })
    }

    fn confidence(&self, settings: &Settings) -> Confidence {
        match (self.confidence, settings.confidence) {
            (Some(Sureness::Low), _) | (None, ScanConfidence::Low) => Confidence::Low,
            (Some(Sureness::Medium), _) | (None, ScanConfidence::Medium) => Confidence::Medium,
            (Some(Sureness::High), _) | (None, ScanConfidence::High) => Confidence::High,
        }
    }

    fn threshold(&self, settings: &Settings) -> FailOn {
        match (self.fail_on, settings.fail_on) {
            (Some(Threshold::Critical), _) | (None, ScanFailOn::Critical) => FailOn::Severity(Severity::Critical),
            (Some(Threshold::High), _) | (None, ScanFailOn::High) => FailOn::Severity(Severity::High),
            (Some(Threshold::Medium), _) | (None, ScanFailOn::Medium) => FailOn::Severity(Severity::Medium),
            (Some(Threshold::Low), _) | (None, ScanFailOn::Low) => FailOn::Severity(Severity::Low),
            (Some(Threshold::Never), _) | (None, ScanFailOn::Never) => FailOn::Never,
        }
    }

    fn write(
        &self,
        report: &Report,
        deps: &Dependencies,
        form: ReportFormat,
        threshold: FailOn,
        output: Output,
    ) -> anyhow::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        let style = match output.style {
            Style::Coloured if self.output.is_none() => format::Style::Coloured,
            _ => format::Style::Plain,
        };
        let is_clean = report.findings.is_empty() && report.coverage.gaps.is_empty();
        let text = match form {
            ReportFormat::Text if output.quiet && is_clean => String::new(),
            ReportFormat::Text => format::text(report, style),
            ReportFormat::Json => format!("{:#}\n", format::json(report, version)),
            ReportFormat::Sarif => format!("{:#}\n", format::sarif(report, version)),
            ReportFormat::Md => format::markdown(report),
            ReportFormat::Html => format::html(report),
            ReportFormat::Junit => format::junit(report, threshold),
            ReportFormat::Cyclonedx => format!("{:#}\n", sbom::cyclonedx(&deps.inventory(), &self.subject()?)),
            ReportFormat::Spdx => format!("{:#}\n", sbom::spdx(&deps.inventory(), &self.subject()?)),
        };
        match &self.output {
            None => output.write(&text)?,
            Some(file) => {
                std::fs::write(file, text).with_context(|| format!("`{}` cannot be written", file.display()))?;
                if !output.quiet {
                    output.write(&format!("{}\n", format::summary(report)))?;
                }
            }
        }
        Ok(())
    }
}

/// What dependencies are held against, and what was found to depend on.
struct Dependencies {
    config: DepsConfig,
    inventory: Arc<Mutex<Inventory>>,
}

impl Dependencies {
    fn inventory(&self) -> Inventory {
        self.inventory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A kind, made for one scan.
fn make(kind: KindName, deps: &Dependencies) -> Box<dyn Kind> {
    match kind {
        KindName::Secrets => Box::new(bartizan_scanner::secrets::Secrets),
        KindName::Deps => Box::new(Deps::new(deps.config.clone()).with_inventory(Arc::clone(&deps.inventory))),
    }
}

fn write_baseline(report: &Report, file: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let text = Baseline::write(&report.findings)?;
    std::fs::write(file, text).with_context(|| format!("`{}` cannot be written", file.display()))?;
    if !output.quiet {
        output.write(&format!("{}: {}\n", file.display(), format::summary(report)))?;
    }
    Ok(ExitCode::SUCCESS)
}
