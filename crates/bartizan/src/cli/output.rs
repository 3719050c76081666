use std::io::{self, IsTerminal as _, Write as _};

use super::Format;
use crate::config::Style;

/// How and where a command writes. Results go to standard output, everything else to standard error.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// For people or for machines.
    pub format: Format,
    /// Results and faults only.
    pub quiet: bool,
    /// What standard output can show.
    pub style: Style,
    /// What standard error can show.
    pub error_style: Style,
}

impl Output {
    /// As the flags, `NO_COLOR` (no-color.org) and the terminals say.
    pub fn new(format: Format, quiet: bool, no_color: bool) -> Self {
        let forbidden = no_color
            || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let style = |is_terminal: bool| if is_terminal && !forbidden { Style::Coloured } else { Style::Plain };
        Self { format, quiet, style: style(io::stdout().is_terminal()), error_style: style(io::stderr().is_terminal()) }
    }

    /// Writes a result.
    ///
    /// # Errors
    /// Whatever standard output says, but a reader that has seen enough (`| head`).
    pub fn write(self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        }
    }

    /// Writes a line about what went wrong.
    pub fn complain(self, text: &str) {
        // There is nowhere else to say that standard error is gone.
        let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
    }

    /// Writes a result for machines.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_json(self, value: &serde_json::Value) -> io::Result<()> {
        self.write(&format!("{value:#}\n"))
    }
}
