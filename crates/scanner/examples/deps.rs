//! Scans the dependencies of a tree, and tells how much work it was: `deps DIR [INDEX] [--cyclonedx|--spdx]`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bartizan_controls::Confidence;
use bartizan_scanner::deps::index::Index;
use bartizan_scanner::deps::{Deps, DepsConfig, Inventory, sbom};
use bartizan_scanner::{Kind, Limits, Progress, Selection, Target, scan};

fn main() -> ExitCode {
    let (flags, names): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let mut names = names.into_iter().map(PathBuf::from);
    let Some(target) = names.next() else {
        eprintln!("usage: deps DIR [INDEX] [--cyclonedx|--spdx]");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let index = match names.next().map(|path| Index::open(&path)).transpose() {
        Ok(index) => index.map(Arc::new),
        Err(error) => return failed(&error),
    };
    let inventory = Arc::new(Mutex::new(Inventory::default()));
    let config = DepsConfig { index, ..DepsConfig::default() };
    let kinds =
        || -> Vec<Box<dyn Kind>> { vec![Box::new(Deps::new(config.clone()).with_inventory(Arc::clone(&inventory)))] };
    let today = jiff::civil::Date::constant(2026, 1, 1);
    let selection = Selection { confidence: Confidence::Low, baseline: None, since: None, today };
    let scanned = Target::single(&target)
        .and_then(|target| scan(&[target], &kinds, &Limits::default(), selection, &Progress::default()));
    let report = match scanned {
        Ok(report) => report,
        Err(error) => return failed(&error),
    };
    let inventory = inventory.lock().unwrap_or_else(PoisonError::into_inner);
    let subject = sbom::Subject { name: "project".to_owned(), created: None };
    if flags.iter().any(|flag| flag == "--cyclonedx") {
        println!("{:#}", sbom::cyclonedx(&inventory, &subject));
    } else if flags.iter().any(|flag| flag == "--spdx") {
        println!("{:#}", sbom::spdx(&inventory, &subject));
    } else {
        for finding in &report.findings {
            let line = finding.location.span.map_or(0, |span| span.start.line);
            println!("{} {} {}:{line} {}", finding.severity, finding.rule.id, finding.location.path, finding.message);
        }
    }
    for gap in &report.coverage.gaps {
        eprintln!("{} {}: {}", gap.path, gap.reason, gap.detail);
    }
    let packages: usize = inventory.files.values().map(|file| file.lock.packages.len()).sum();
    eprintln!(
        "{} findings, {packages} packages of {} files, {:?}",
        report.findings.len(),
        inventory.files.len(),
        began.elapsed()
    );
    ExitCode::SUCCESS
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(3)
}
