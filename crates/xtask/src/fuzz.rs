//! `cargo xtask fuzz [TARGET] [SECONDS]`: cargo-fuzz on `fuzz/`, with the compiler that the project is built with.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::metadata::{Metadata, cargo};
use crate::report::Report;
use crate::tools::CARGO_FUZZ;

const SECONDS: u32 = 60;
const TARGETS: &str = "fuzz/fuzz_targets";

pub(crate) fn run(options: &[&str], report: &mut Report) -> Result<()> {
    let metadata = Metadata::read()?;
    let all = targets(&metadata.file(TARGETS))?;
    let (chosen, seconds) = choose(options, &all)?;
    let program = CARGO_FUZZ.locate(&metadata.target_directory)?;
    for target in chosen {
        report.line(&format!("fuzz: {target} for {seconds} s"));
        let status = Command::new(&program)
            .args([
                "fuzz",
                "run",
                "--features",
                "fuzzer",
                target,
                "--",
                &format!("-max_total_time={seconds}"),
                "-timeout=10",
                "-rss_limit_mb=2048",
            ])
            .current_dir(&metadata.workspace_root)
            // The sanitizers ship with the stable compiler too; only its flag for them is unstable. A nightly compiler
            // would fuzz other code than what is built.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO", cargo())
            .status()
            .with_context(|| format!("cannot run {}", program.display()))?;
        if !status.success() {
            report.fault(
                &format!("fuzzing `{target}` found an input that it cannot take"),
                &format!("mend it, and keep the input: move it from fuzz/artifacts/{target} to fuzz/corpus/{target}"),
            );
        }
    }
    Ok(())
}

fn targets(directory: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let (Some("rs"), Some(name)) = (path.extension().and_then(|it| it.to_str()), path.file_stem()) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Which targets, and for how many seconds each; both may be left out.
fn choose<'a>(options: &[&str], all: &'a [String]) -> Result<(Vec<&'a str>, u32)> {
    let mut chosen: Vec<&str> = all.iter().map(String::as_str).collect();
    let mut seconds = SECONDS;
    for option in options {
        if let Ok(number) = option.parse() {
            seconds = number;
        } else {
            chosen.retain(|target| target == option);
            ensure!(!chosen.is_empty(), "there is no fuzz target `{option}`: {}", all.join(", "));
        }
    }
    Ok((chosen, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_and_seconds_may_each_be_left_out() {
        let all = ["path".to_owned(), "token".to_owned()];
        assert_eq!(choose(&[], &all).unwrap(), (vec!["path", "token"], SECONDS));
        assert_eq!(choose(&["token"], &all).unwrap(), (vec!["token"], SECONDS));
        assert_eq!(choose(&["5"], &all).unwrap(), (vec!["path", "token"], 5));
        assert_eq!(choose(&["path", "5"], &all).unwrap(), (vec!["path"], 5));
        assert!(choose(&["tokens"], &all).is_err());
    }
}
