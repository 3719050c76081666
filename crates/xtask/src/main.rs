//! Checks of the house: `cargo xtask arrows`, `cargo xtask deny`, `cargo xtask fuzz [TARGET] [SECONDS]`.
#![forbid(unsafe_code)]

mod advisories;
mod arrows;
mod deny;
mod fuzz;
mod metadata;
mod report;
mod tools;

use std::process::ExitCode;

use report::Report;

const USAGE: &str = "usage: cargo xtask TASK

tasks:
  arrows                     the dependencies between rooms are those of the table in ARCHITECTURE.md
  deny                       licences, bans, sources and duplicates (cargo-deny), and the RustSec advisories
  fuzz [TARGET] [SECONDS]    fuzz one parser of outside input, or each in turn (60 seconds each)
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut report = Report::to_standard_error();
    let outcome = match words.as_slice() {
        ["arrows"] => arrows::run(&mut report),
        ["deny"] => deny::run(&mut report),
        ["fuzz", options @ ..] => fuzz::run(options, &mut report),
        _ => {
            report.line(USAGE);
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) if report.faults() == 0 => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            report.line(&format!("error: {error:#}"));
            ExitCode::from(3)
        }
    }
}
