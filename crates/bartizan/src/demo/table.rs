//! The outcome on a terminal of 80 columns.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::story::{Outcome, Story, Trial, Verdict};

/// Whether the terminal shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// It does.
    Ansi,
    /// No escape sequence is written.
    Plain,
}

/// Widths of attack, OWASP id, straight, gate and verdict; with the gaps, 80.
const WIDTHS: [usize; 5] = [29, 5, 17, 18, 7];

const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const RED: &str = "\u{1b}[1;31m";
const DIM: &str = "\u{1b}[2m";
const BOLD: &str = "\u{1b}[1m";
const RESET: &str = "\u{1b}[0m";

/// The table of attacks, what passes and why, and what honest users got.
pub(super) fn render(story: &Story, colour: Colour) -> String {
    let mut text = String::new();
    let heading = ["An attacker can …", "OWASP", "straight", "through the gate", ""].map(str::to_owned);
    row(&mut text, &heading, BOLD, colour);
    line(&mut text, &paint(&"─".repeat(80), DIM, colour));
    for trial in &story.attacks {
        let (word, ink) = verdict(trial.verdict);
        let owasp = trial.owasp.split(':').next().unwrap_or_default().to_owned();
        row(
            &mut text,
            &[trial.name.to_owned(), owasp, cell(&trial.straight), cell(&trial.gated), word.to_owned()],
            ink,
            colour,
        );
    }
    line(&mut text, &paint(&"─".repeat(80), DIM, colour));
    summary(&mut text, story, colour);
    text
}

fn summary(text: &mut String, story: &Story, colour: Colour) {
    let stopped = count(story, Verdict::Stopped);
    line(text, &format!("Stopped: {stopped} of {} attacks.", story.attacks.len()));
    let awaited = story.attacks.iter().filter(|trial| trial.verdict == Verdict::Awaited);
    let mut by_capability: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for trial in awaited {
        by_capability.entry(trial.awaits.unwrap_or_default()).or_default().push(trial.name);
    }
    if !by_capability.is_empty() {
        line(text, &paint(&format!("Passing in this version: {}.", count(story, Verdict::Awaited)), YELLOW, colour));
    }
    for (capability, names) in by_capability {
        line(text, &format!("  until there is {capability}:"));
        for name in names {
            line(text, &format!("    - {name}"));
        }
    }
    complain(text, story, Verdict::Passed, "Passing, and should not (please report it)", colour);
    complain(text, story, Verdict::Unclear, "Unclear, the answers do not tell", colour);
    let served = story.uses.iter().filter(|service| service.served).count();
    line(text, &format!("Honest users: {served} of {} requests are served through the gate.", story.uses.len()));
    for service in story.uses.iter().filter(|service| !service.served) {
        let status = service.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        line(text, &paint(&format!("    - {}: {status}", service.name), RED, colour));
    }
}

fn complain(text: &mut String, story: &Story, about: Verdict, what: &str, colour: Colour) {
    let trials: Vec<&Trial> = story.attacks.iter().filter(|trial| trial.verdict == about).collect();
    if trials.is_empty() {
        return;
    }
    line(text, &paint(&format!("{what}: {}.", trials.len()), RED, colour));
    for trial in trials {
        line(text, &format!("    - {}", trial.name));
    }
}

fn count(story: &Story, verdict: Verdict) -> usize {
    story.attacks.iter().filter(|trial| trial.verdict == verdict).count()
}

const fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Stopped => ("stopped", GREEN),
        Verdict::Awaited => ("passes", YELLOW),
        Verdict::Passed => ("PASSES", RED),
        Verdict::Unclear => ("unclear", RED),
    }
}

fn cell(outcome: &Outcome) -> String {
    let status = outcome.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
    let words = outcome.gained.or(outcome.because.as_deref()).unwrap_or_default();
    format!("{status} {words}")
}

/// One row; a cell that is too narrow goes on in the lines below. Only the last cell is coloured.
fn row(text: &mut String, cells: &[String; 5], ink: &str, colour: Colour) {
    let wrapped: Vec<Vec<String>> = cells.iter().zip(WIDTHS).map(|(cell, width)| wrap(cell, width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or_default();
    for level in 0..height {
        let mut parts = Vec::with_capacity(WIDTHS.len());
        for (lines, width) in wrapped.iter().zip(WIDTHS) {
            parts.push(format!("{:width$}", lines.get(level).map(String::as_str).unwrap_or_default()));
        }
        let last = parts.pop().unwrap_or_default();
        let whole_row = ink == BOLD;
        let left = if whole_row { paint(&parts.join(" "), ink, colour) } else { parts.join(" ") };
        line(text, format!("{left} {}", paint(last.trim_end(), ink, colour)).trim_end());
    }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn paint(text: &str, ink: &str, colour: Colour) -> String {
    match colour {
        Colour::Ansi if !text.is_empty() => format!("{ink}{text}{RESET}"),
        Colour::Ansi | Colour::Plain => text.to_owned(),
    }
}

fn line(text: &mut String, content: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{content}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::story::Service;

    fn outcome(status: u16, gained: Option<&'static str>, because: Option<&str>) -> Outcome {
        Outcome { status: Some(status), gained, because: because.map(str::to_owned) }
    }

    fn story() -> Story {
        let trial = |name, gated: Outcome, verdict, awaits| Trial {
            name,
            owasp: "API1:2023".to_owned(),
            straight: outcome(200, Some("alice's address"), None),
            gated,
            verdict,
            awaits,
        };
        let refused = outcome(401, None, Some("credential-refused"));
        let passes = outcome(200, Some("alice's address"), None);
        let silent = Outcome { status: None, gained: None, because: Some("connection refused".to_owned()) };
        Story {
            attacks: vec![
                trial("be alice with a token nobody signed (alg none)", refused, Verdict::Stopped, None),
                trial(
                    "read all users through the search (SQL injection)",
                    passes.clone(),
                    Verdict::Awaited,
                    Some("inspection"),
                ),
                trial("read another customer's order", passes, Verdict::Passed, None),
                trial("remove a user as a customer", silent, Verdict::Unclear, None),
            ],
            uses: vec![
                Service { name: "alice reads her order", status: Some(200), served: true },
                Service { name: "alice buys a lantern", status: Some(403), served: false },
            ],
        }
    }

    #[test]
    fn every_verdict_is_told_as_it_is() {
        insta::assert_snapshot!(render(&story(), Colour::Plain));
    }

    #[test]
    fn no_line_is_wider_than_80_columns() {
        let text = render(&story(), Colour::Plain);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn without_colour_there_is_no_escape_sequence() {
        assert!(!render(&story(), Colour::Plain).contains('\u{1b}'));
        assert!(render(&story(), Colour::Ansi).contains(GREEN));
    }
}
