mod fix;
mod prepared;
mod rules;
mod words;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use bartizan_scanner::deps::index::{Index, IndexError};
use bartizan_scanner::deps::{DepsConfig, sbom};
use bartizan_scanner::{Baseline, FailOn, KindName, Limits, Report, Selection, Target, Uncommitted, format};

use self::prepared::{Dependencies, Failure, Prepared};
pub(super) use self::rules::{EVALUATE, answer};
use self::words::{Sureness, Threshold};
use super::{Output, ReportFormat, advisories};
use crate::config::literal::{Scan as Settings, ScanKind};
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
  bartizan scan --fix                            mend what can be mended safely, and show it as a diff
  bartizan scan --rules rules/ --check-rules     do the project's own rules find their samples?

Exit codes: 0 nothing at or above the threshold, 1 findings (or, with --strict, gaps), 2 wrong usage, 3 could not do the work")]
pub(super) struct Scan {
    /// Directories and files.
    #[arg(value_name = "TARGET", default_value = ".")]
    targets: Vec<PathBuf>,
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
    /// Change the files where that is safe, show the changes, and tell what is left.
    #[arg(long, conflicts_with_all = ["history", "write_baseline"])]
    fix: bool,
    /// With --fix, change files too that have something in them which no commit has.
    #[arg(long, requires = "fix")]
    allow_dirty: bool,
    /// Rules of one's own: a file, or a directory of them (.yaml, .rego); may be repeated.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Scan nothing; try the rules on the samples that they come with.
    #[arg(long)]
    check_rules: bool,
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

impl Scan {
    pub(super) fn run(&self, format: ReportFormat, output: Output) -> ExitCode {
        self.outcome(format, output).unwrap_or_else(|Failure { code, text }| {
            output.complain(&text);
            ExitCode::from(code)
        })
    }

    fn outcome(&self, format: ReportFormat, output: Output) -> Result<ExitCode, Failure> {
        let is_bill = matches!(format, ReportFormat::Cyclonedx | ReportFormat::Spdx);
        if is_bill && (self.history || self.only.as_ref().is_some_and(|only| !only.contains(&KindName::Deps))) {
            let text = "a bill of materials is of dependencies: add `deps` to `--only`, and scan no history";
            return Err(Failure::usage(text));
        }
        let here = std::env::current_dir().map_err(|error| Failure::not_done(&error.into()))?;
        let targets = Target::all(&self.targets, &here)?;
        let settings = self.settings().map_err(|faults| Failure::faults(&faults, output))?;
        let rules = rules::load(&self.rule_paths(&settings))?;
        if self.check_rules {
            return Ok(rules::check(&rules, output)?);
        }
        let baseline = self.baseline(&settings).map_err(|error| Failure::usage(&format!("{error:#}")))?;
        let deps = self.deps(&settings).map_err(|error| Failure::not_done(&error.into()))?;
        let scan = Prepared {
            kinds: self.kinds(&settings),
            limits: self.limits(&settings),
            selection: self.selection(&settings, baseline),
            targets,
            deps,
            rules,
        };
        let report = scan.run(self.history, output)?;
        let report = if self.fix { fix::apply(&scan, report, self.uncommitted(), format, output)? } else { report };
        if let Some(file) = &self.write_baseline {
            return Ok(write_baseline(&report, file, output)?);
        }
        let threshold = words::threshold(self.fail_on, settings.fail_on);
        self.write(&report, &scan.deps, format, threshold, output)?;
        let has_gaps = (self.strict || settings.strict) && !report.coverage.gaps.is_empty();
        let failed = report.fails(threshold) || has_gaps;
        Ok(if failed { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
    }

    /// `[scan]` of the configuration that was named, or of the project's own if it has one.
    fn settings(&self) -> Result<Settings, config::Faults> {
        let own = self.project().join("bartizan.toml");
        let file = match &self.config {
            Some(file) => file.as_path(),
            None if own.is_file() => &own,
            None => return Ok(Settings::default()),
        };
        config::load_scan(file, &Process)
    }

    /// The directory whose rules hold: the target, or the one that the command is called in where it has several or a file.
    fn project(&self) -> &Path {
        match self.targets.as_slice() {
            [target] if target.is_dir() => target,
            _ => Path::new("."),
        }
    }

    fn rule_paths(&self, settings: &Settings) -> Vec<PathBuf> {
        let configured = settings.rules.iter().map(|path| self.beside_configuration(path));
        configured.chain(self.rules.iter().cloned()).collect()
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
        let folder = self.config.as_deref().map_or(Some(self.project()), Path::parent);
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

    fn limits(&self, settings: &Settings) -> Limits {
        let exclude = settings.exclude.iter().chain(&self.exclude).cloned().collect();
        Limits { threads: self.threads, max_file: settings.max_file.get(), exclude }
    }

    fn selection(&self, settings: &Settings, baseline: Option<Baseline>) -> Selection {
        Selection {
            confidence: words::confidence(self.confidence, settings.confidence),
            baseline,
            since: self.since.clone(),
            today: jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        }
    }

    const fn uncommitted(&self) -> Uncommitted {
        if self.allow_dirty { Uncommitted::Allowed } else { Uncommitted::Refused }
    }

    fn kinds(&self, settings: &Settings) -> Vec<KindName> {
        let configured = || {
            let kinds = settings.only.as_ref()?;
            let name = |kind: &ScanKind| match kind {
                ScanKind::Secrets => KindName::Secrets,
                ScanKind::Deps => KindName::Deps,
                ScanKind::Rules => KindName::Rules,
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

fn write_baseline(report: &Report, file: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let text = Baseline::write(&report.findings)?;
    std::fs::write(file, text).with_context(|| format!("`{}` cannot be written", file.display()))?;
    if !output.quiet {
        output.write(&format!("{}: {}\n", file.display(), format::summary(report)))?;
    }
    Ok(ExitCode::SUCCESS)
}
