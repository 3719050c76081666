use std::fmt::Write as _;
use std::sync::Arc;

/// A regular expression of ECMA-262, as `pattern` has it: it may match anywhere.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Arc<Engine>);

#[derive(Debug)]
enum Engine {
    /// In time linear in the text, whatever the text.
    Linear(regex::Regex),
    /// For what is beyond that (look-around, back-references): it gives up after a fixed number of steps.
    Backtracking(fancy_regex::Regex),
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Matches,
    Differs,
    /// Nobody knows: it would have taken too long.
    TooCostly,
}

/// Compiled size of one expression, in bytes: `(a{1000}){1000}` is refused.
const MOST_PROGRAM: usize = 2 << 20;
/// Steps of a backtracking search.
const MOST_STEPS: usize = 20_000;

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(super) fn new(expression: &str) -> Result<Self, String> {
        // Flags and comments inside a group are of other languages, and would change what follows them.
        let mut groups = expression.split("(?").skip(1);
        if groups.any(|after| !after.starts_with([':', '=', '!', '<'])) && !expression.contains(r"\(?") {
            return Err("a group begins in a way that ECMA-262 does not know".to_owned());
        }
        let translated = translate(expression);
        let linear = regex::RegexBuilder::new(&translated).size_limit(MOST_PROGRAM).build();
        let engine = match linear {
            Ok(regex) => Engine::Linear(regex),
            Err(regex::Error::CompiledTooBig(_)) => return Err("it is too large".to_owned()),
            Err(_) => {
                let mut builder = fancy_regex::RegexBuilder::new(&translated);
                builder.backtrack_limit(MOST_STEPS).delegate_size_limit(MOST_PROGRAM);
                Engine::Backtracking(builder.build().map_err(|error| error.to_string())?)
            }
        };
        Ok(Self(Arc::new(engine)))
    }

    /// Whether its cost is linear in the text.
    pub(crate) fn is_linear(&self) -> bool {
        matches!(*self.0, Engine::Linear(_))
    }

    pub(super) fn find_in(&self, text: &str) -> Verdict {
        let found = match &*self.0 {
            Engine::Linear(regex) => regex.is_match(text),
            Engine::Backtracking(regex) => match regex.is_match(text) {
                Ok(found) => found,
                Err(_) => return Verdict::TooCostly,
            },
        };
        if found { Verdict::Matches } else { Verdict::Differs }
    }
}

/// White space of ECMA-262 §12.2 and §12.3, inside a class.
const SPACE: &str =
    r"\t\n\x0B\x0C\r\u{20}\u{A0}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}";

/// From ECMA-262 to the dialect of our engine: `\d`, `\w` and `\s` mean other characters there, `$` never stands before a last line
/// break, and a few escapes are spelled otherwise.
fn translate(expression: &str) -> String {
    let mut translated = String::with_capacity(expression.len() + 8);
    let mut in_class = false;
    let mut rest = expression.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => escape(&mut rest, in_class, &mut translated),
            '[' if in_class => translated.push_str(r"\["),
            '[' => {
                in_class = true;
                translated.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    translated.push('^');
                }
                // `[]` matches nothing and `[^]` anything; here a bracket that comes first would be a member.
                if rest.next_if_eq(&']').is_some() {
                    in_class = false;
                    let is_negated = translated.ends_with('^');
                    translated.truncate(translated.len() - if is_negated { 2 } else { 1 });
                    translated.push_str(if is_negated { r"[\s\S]" } else { r"[^\s\S]" });
                }
            }
            ']' => {
                in_class = false;
                translated.push(']');
            }
            // Set operations there, plain characters here.
            '&' | '~' if in_class => {
                translated.push('\\');
                translated.push(character);
            }
            '$' if !in_class => translated.push_str(r"\z"),
            '^' if !in_class => translated.push_str(r"\A"),
            other => translated.push(other),
        }
    }
    translated
}

fn escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, in_class: bool, translated: &mut String) {
    let class = |plain: &str| if in_class { plain.to_owned() } else { format!("[{plain}]") };
    let Some(character) = rest.next() else {
        translated.push('\\');
        return;
    };
    match character {
        'd' => translated.push_str(&class("0-9")),
        'D' => translated.push_str("[^0-9]"),
        'w' => translated.push_str(&class("A-Za-z0-9_")),
        'W' => translated.push_str("[^A-Za-z0-9_]"),
        's' => translated.push_str(&class(SPACE)),
        'S' => drop(write!(translated, "[^{SPACE}]")),
        'c' => {
            let control = rest.next().filter(char::is_ascii_alphabetic).map_or(0, |letter| letter as u32 % 32);
            let _ = write!(translated, r"\x{control:02X}");
        }
        '0' => translated.push_str(r"\x00"),
        'u' if rest.peek() != Some(&'{') => unicode(rest, translated),
        // Of these the backslash means something here too.
        'b' | 'B' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' | 'u' | 'p' | 'P' | 'k' | '1'..='9' => {
            translated.push('\\');
            translated.push(character);
        }
        other if other.is_ascii_alphanumeric() => translated.push(other),
        other if other.is_ascii_punctuation() => {
            translated.push('\\');
            translated.push(other);
        }
        other => translated.push(other),
    }
}

/// `\u0041`, and two of them where they are one character.
fn unicode(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, translated: &mut String) {
    let unit = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let digits: String = rest.by_ref().take(4).collect();
        u32::from_str_radix(&digits, 16).ok()
    };
    let Some(high) = unit(rest) else {
        translated.push('u');
        return;
    };
    let mut code = high;
    if (0xd800..0xdc00).contains(&high) {
        let mut ahead = rest.clone();
        if ahead.next() == Some('\\')
            && ahead.next() == Some('u')
            && let Some(low) = unit(&mut ahead).filter(|low| (0xdc00..0xe000).contains(low))
        {
            code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            *rest = ahead;
        }
    }
    let _ = write!(translated, r"\u{{{code:X}}}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expression: &str, text: &str) -> bool {
        Pattern::new(expression).unwrap().find_in(text) == Verdict::Matches
    }

    #[test]
    fn classes_are_those_of_ecma_262() {
        assert!(matches(r"^\d+$", "42") && !matches(r"^\d+$", "४२"));
        assert!(matches(r"^\w$", "_") && !matches(r"^\w$", "é"));
        assert!(matches(r"^[\s]$", "\u{feff}") && !matches(r"^\S$", "\u{2003}"));
        assert!(matches(r"^[a\]&&b]$", "&") && matches(r"^\cA$", "\u{1}") && matches(r"^\u0041\ud83d\ude00$", "A😀"));
        assert!(matches(r"\/", "a/b") && matches(r"^[^]$", "\n") && !matches("[]", "a"));
    }

    #[test]
    fn a_line_break_at_the_end_does_not_slip_past_the_anchor() {
        assert!(!matches("^[a-z]+$", "abc\n") && !matches("^[a-z]+$", "abc\n<script>"));
    }

    #[test]
    fn a_look_ahead_is_bounded_in_steps() {
        assert!(matches("^(?!admin).*$", "user") && !matches("^(?!admin).*$", "administrator"));
        let evil = Pattern::new(r"^(?=((a+)+b))\1$").unwrap();
        assert_ne!(evil.find_in(&"a".repeat(40)), Verdict::Matches);
    }

    #[test]
    fn an_expression_that_would_fill_the_memory_is_refused() {
        assert!(Pattern::new("((a{1000}){1000}){1000}").is_err());
    }
}
