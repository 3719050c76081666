use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bartizan_scanner::rules::{Evaluator, RuleFault, RuleFile, RuleSet, evaluate};

use super::prepared::Failure;
use super::{FOUND, Output};

/// The command by which this program evaluates a policy in a process of its own.
pub(in crate::cli) const EVALUATE: &str = "evaluate-policy";
/// How long one policy may take.
const TIME: Duration = Duration::from_secs(30);
/// The most files of rules.
const MAX_FILES: usize = 1000;

/// This program again, as the one that evaluates policies.
pub(super) fn evaluator() -> Evaluator {
    let program = std::env::current_exe().unwrap_or_else(|_| "bartizan".into());
    Evaluator { program, arguments: vec![EVALUATE.into()], time: TIME }
}

/// Answers the question of a scan.
pub(in crate::cli) fn answer() -> anyhow::Result<ExitCode> {
    evaluate(std::io::stdin().lock(), std::io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// The rules in files, and in the files of directories.
pub(super) fn load(paths: &[PathBuf]) -> Result<Arc<RuleSet>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let fault = |error| Failure::usage(&format!("the rules `{}` cannot be read: {error}", path.display()));
        for file in files_of(path).map_err(fault)? {
            let bytes = std::fs::read(&file).map_err(fault)?;
            files.push(RuleFile { name: file.display().to_string(), bytes });
        }
        if files.len() > MAX_FILES {
            return Err(Failure::usage(&format!("`{}` has more than {MAX_FILES} files of rules", path.display())));
        }
    }
    RuleSet::read(&files, &evaluator()).map(Arc::new).map_err(|faults| Failure::usage(&listed(&faults)))
}

/// The file itself, or the rules in a directory, not below it: what stands there is for tests and notes.
fn files_of(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        let is_rules =
            file.extension().is_some_and(|ending| ["yaml", "yml", "rego"].iter().any(|known| ending == *known));
        if is_rules && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Tries the rules on their samples.
pub(super) fn check(rules: &RuleSet, output: Output) -> anyhow::Result<ExitCode> {
    let faults = rules.check(&evaluator());
    if !faults.is_empty() {
        output.write(&format!("{}\n", listed(&faults)))?;
        return Ok(ExitCode::from(FOUND));
    }
    if !output.quiet {
        output.write(&format!("{} rules find their samples and let the near misses pass\n", rules.len()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(faults: &[RuleFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
