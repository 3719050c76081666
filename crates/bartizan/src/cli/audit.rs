use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::{Format, Output};

/// How often `--follow` looks for more.
const POLL: Duration = Duration::from_millis(200);

/// What can be done with the audit log.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Audit {
    /// Show the latest events
    Tail(Tail),
}

/// What `audit tail` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan audit tail                         the last 20 events of ./state
  bartizan audit tail --follow /var/lib/bartizan
  bartizan audit tail --format json | jq 'select(.event.outcome == \"failure\")'")]
pub(super) struct Tail {
    /// The state directory.
    #[arg(default_value = "state")]
    state: PathBuf,
    /// How many events.
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20)]
    lines: usize,
    /// Wait for more, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
}

impl Audit {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        let Self::Tail(tail) = self;
        tail.run(output)
    }
}

impl Tail {
    fn run(&self, output: Output) -> anyhow::Result<ExitCode> {
        let directory = self.state.join("audit");
        let mut reader = bartizan_evidence::read(&directory)
            .with_context(|| format!("no audit log in `{}`: name the state directory", self.state.display()))?;
        let mut last = VecDeque::new();
        for record in reader.by_ref() {
            last.push_back(record?);
            if last.len() > self.lines {
                last.pop_front();
            }
        }
        for record in &last {
            output.write(&line(record, output.format))?;
        }
        if self.follow {
            for record in reader.following(POLL) {
                output.write(&line(&record?, output.format))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// One event as one line.
fn line(record: &Value, format: Format) -> String {
    if format == Format::Json {
        return format!("{record}\n");
    }
    let text = |pointer: &str| match record.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let what = match text("/http/request/method") {
        method if method.is_empty() => text("/event/action"),
        method => format!("{method} {} {}", text("/url/path"), text("/http/response/status_code")),
    };
    let parts = [text("/@timestamp"), text("/client/ip"), what, text("/user/id"), text("/event/reason")];
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    format!("{}\n", parts.join("  "))
}
