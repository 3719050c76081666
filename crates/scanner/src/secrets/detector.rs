use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use bartizan_controls::{Confidence, Fingerprint, Rule, Severity};
use regex::bytes::{Regex, RegexBuilder};

use super::assignment::{Quotes, assignment};
use super::checksum::Verdict;
use super::connection::connection;
use super::judge::{
    self, Place, entropy, is_monotonous, is_placeholder, meaning, speaks_of_credentials, takes_bare_values,
};
use super::jwt::jwt;
use super::pattern::{Form, Pattern};
use super::private_key::{Encryption, private_key};
use super::table::TABLES;
use crate::scan::is_binary;
use crate::{blurred, fingerprint};

/// The largest expression, compiled: those of the table stay far below.
const MAX_COMPILED: usize = 4 << 20;

/// Finds credentials in bytes. Made once for a scan and shared by its threads; expressions are compiled when they are first needed.
pub struct Detector {
    /// Every keyword, in any case; overlapping, since `secret` stands in `aws_secret`.
    keywords: AhoCorasick,
    /// The patterns of each keyword.
    by_keyword: Vec<Vec<usize>>,
    patterns: Vec<Entry>,
}

struct Entry {
    pattern: &'static Pattern,
    rule: Arc<Rule>,
    order: usize,
    expression: OnceLock<Option<Regex>>,
}

/// What stands without quotes behind an equals sign.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bare {
    Value,
    Code,
}

/// A credential in a file.
#[derive(Clone, Debug)]
pub struct Match {
    pub(crate) pattern: &'static Pattern,
    pub(crate) rule: Arc<Rule>,
    /// What is underlined.
    pub(crate) at: Range<usize>,
    /// What must not be shown.
    pub(crate) secret: Range<usize>,
    pub(crate) severity: Severity,
    pub(crate) confidence: Confidence,
    pub(crate) facts: Vec<(&'static str, String)>,
    /// How much it is preferred where several match the same bytes.
    rank: u8,
    /// Its place in the table.
    order: usize,
}

impl Match {
    /// The credential as it may be shown: how it begins, where that is the same for many.
    pub(crate) fn mask(&self, value: &[u8]) -> String {
        let shows = matches!(self.pattern.form, Form::Token(_)) && value.len() >= 20;
        let start = if shows { value.get(..4).unwrap_or_default() } else { &[] };
        let start: String = start.iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect();
        format!("{start}…")
    }

    pub(crate) fn message(&self, value: &[u8]) -> String {
        let name = self.pattern.name();
        match self.pattern.form {
            Form::Token(_) => format!("{name} `{}`", self.mask(value)),
            Form::Generic | Form::Assigned(_) => {
                let named = self.facts.iter().find(|(fact, _)| *fact == "name").map_or("", |(_, name)| name.as_str());
                format!("{name} in the value of `{named}`")
            }
            _ => name,
        }
    }

    /// By what was issued; where people choose the value, by little of it.
    pub(crate) fn fingerprint(&self, value: &[u8]) -> Fingerprint {
        match self.pattern.form {
            Form::Generic | Form::Connection => fingerprint(&self.rule.id, &[&blurred(value)]),
            Form::PrivateKey => {
                let digits: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
                fingerprint(&self.rule.id, &[&digits])
            }
            _ if self.pattern.id == "basic-authorization" => fingerprint(&self.rule.id, &[&blurred(value)]),
            _ => fingerprint(&self.rule.id, &[value]),
        }
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    /// With every pattern of the table.
    pub fn new() -> Self {
        let patterns: Vec<Entry> = TABLES
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(order, pattern)| Entry {
                pattern,
                rule: Arc::new(pattern.rule()),
                order,
                expression: OnceLock::new(),
            })
            .collect();
        let mut keywords: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, entry) in patterns.iter().enumerate() {
            for keyword in entry.pattern.keywords {
                keywords.entry(keyword).or_default().push(index);
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(keywords.keys());
        #[expect(clippy::expect_used, reason = "the keywords are constant, and without them nothing would be found")]
        let automaton = automaton.expect("an automaton of the table's keywords");
        Self { keywords: automaton, by_keyword: keywords.into_values().collect(), patterns }
    }

    /// Every credential in a file, in the order in which they stand.
    pub fn detect(&self, path: &str, bytes: &[u8]) -> Vec<Match> {
        if is_binary(bytes) {
            return Vec::new();
        }
        let place = Place::of(path);
        let bare = if takes_bare_values(path) { Bare::Value } else { Bare::Code };
        let mut found = Vec::new();
        for hit in self.keywords.find_overlapping_iter(bytes) {
            let keyword = hit.range();
            for index in self.by_keyword.get(hit.pattern().as_usize()).into_iter().flatten() {
                let Some(entry) = self.patterns.get(*index) else { continue };
                found.extend(entry.judge(bytes, &keyword, place, bare));
            }
        }
        without_overlaps(found)
    }

    /// Every pattern, in the order of the table.
    pub fn patterns(&self) -> impl Iterator<Item = &'static Pattern> {
        self.patterns.iter().map(|entry| entry.pattern)
    }
}

impl Entry {
    /// The credential around the keyword, if there is one.
    fn judge(&self, bytes: &[u8], keyword: &Range<usize>, place: Place, bare: Bare) -> Option<Match> {
        match self.pattern.form {
            Form::Token(_) => {
                begins_word(bytes, keyword.start).then_some(())?;
                self.token(bytes, keyword.start, keyword.start + self.pattern.reach, place)
            }
            Form::Around(before, _) => {
                self.token(bytes, keyword.start.saturating_sub(before), keyword.end + self.pattern.reach, place)
            }
            Form::Assigned(_) => self.assigned(bytes, keyword, place),
            Form::Generic => self.generic(bytes, keyword, place, bare),
            Form::Connection => {
                let found = connection(bytes, keyword.start)?;
                let confidence = if place == Place::Ordinary { found.confidence } else { Confidence::Low };
                Some(self.found(found.url, found.password, confidence, 2))
            }
            Form::PrivateKey => {
                let found = private_key(bytes, keyword.start)?;
                let confidence = if place == Place::Ordinary { Confidence::High } else { Confidence::Low };
                let mut found_match = self.found(found.header, found.body, confidence, 6);
                if found.encryption == Encryption::Encrypted {
                    found_match.severity = Severity::Low;
                    found_match.facts.push(("encryption", "behind a password".to_owned()));
                }
                Some(found_match)
            }
            Form::Jwt => {
                begins_word(bytes, keyword.start).then_some(())?;
                let (token, confidence) = jwt(bytes, keyword.start)?;
                let confidence = if place == Place::Ordinary { confidence } else { Confidence::Low };
                Some(self.found(token.clone(), token, confidence, 3))
            }
        }
    }

    fn token(&self, bytes: &[u8], start: usize, end: usize, place: Place) -> Option<Match> {
        let window = bytes.get(start..bytes.len().min(end))?;
        let groups = self.expression()?.captures(window)?;
        let whole = groups.get(0)?;
        let at = start + whole.start()..start + whole.end();
        if !begins_word(bytes, at.start) || !ends_word(bytes, at.end) {
            return None;
        }
        let random = groups.iter().skip(1).flatten().next().map_or(whole.as_bytes(), |group| group.as_bytes());
        let (confidence, facts) = match self.pattern.check.of(whole.as_bytes(), random) {
            Verdict::Fails => return None,
            Verdict::Holds(facts) => (Confidence::High, facts),
            Verdict::Unknown => (self.unchecked(random, place)?, Vec::new()),
        };
        let rank = if confidence == Confidence::High { 5 } else { 4 };
        let mut found = self.found(at.clone(), at, confidence, rank);
        found.facts = facts;
        Some(found)
    }

    /// How sure it is where nothing can be checked.
    fn unchecked(&self, random: &[u8], place: Place) -> Option<Confidence> {
        if entropy(random) < self.pattern.entropy || is_placeholder(random) {
            return None;
        }
        Some(match place {
            // Nine of ten tokens in tests and manuals were invented for them, with care for their form.
            Place::Example => Confidence::Low,
            Place::Ordinary | Place::Generated => Confidence::Medium,
        })
    }

    fn assigned(&self, bytes: &[u8], keyword: &Range<usize>, place: Place) -> Option<Match> {
        let found = assignment(bytes, keyword)?;
        let (name, value) = (bytes.get(found.name.clone())?, bytes.get(found.value.clone())?);
        if !speaks_of_credentials(name) || !self.expression()?.is_match(value) {
            return None;
        }
        let facts = match self.pattern.check.of(value, value) {
            Verdict::Fails => return None,
            Verdict::Holds(facts) => facts,
            Verdict::Unknown => Vec::new(),
        };
        let random = judge::is_uuid(value) || (entropy(value) >= self.pattern.entropy && !is_monotonous(value));
        if !random || is_placeholder(value) {
            return None;
        }
        let confidence = if place == Place::Ordinary { Confidence::Medium } else { Confidence::Low };
        let mut hit = self.found(found.value.clone(), found.value, confidence, 3);
        hit.facts = facts;
        hit.facts.push(("name", String::from_utf8_lossy(name).into_owned()));
        Some(hit)
    }

    fn generic(&self, bytes: &[u8], keyword: &Range<usize>, place: Place, bare: Bare) -> Option<Match> {
        if place == Place::Generated {
            return None;
        }
        let found = assignment(bytes, keyword)?;
        if found.quotes == Quotes::Bare && bare == Bare::Code {
            return None;
        }
        let (name, value) = (bytes.get(found.name.clone())?, bytes.get(found.value.clone())?);
        let mut confidence = judge::value(meaning(name)?, value)?;
        // Without quotes a random word may still be code; and the signature of a link opens one file, for a while.
        if place == Place::Example
            || signs_a_link(bytes, found.name.start)
            || (found.quotes == Quotes::Bare && !judge::is_random(value))
        {
            confidence = Confidence::Low;
        }
        let mut hit = self.found(found.value.clone(), found.value, confidence, 1);
        hit.facts.push(("name", String::from_utf8_lossy(name).into_owned()));
        Some(hit)
    }

    fn found(&self, at: Range<usize>, secret: Range<usize>, confidence: Confidence, rank: u8) -> Match {
        Match {
            pattern: self.pattern,
            rule: self.rule.clone(),
            at,
            secret,
            severity: self.pattern.severity,
            confidence,
            facts: Vec::new(),
            rank,
            order: self.order,
        }
    }

    fn expression(&self) -> Option<&Regex> {
        let text = match self.pattern.form {
            Form::Token(text) => format!(r"\A(?:{text})"),
            Form::Around(_, text) => format!("(?:{text})"),
            Form::Assigned(text) => format!(r"\A(?:{text})\z"),
            _ => return None,
        };
        self.expression.get_or_init(|| compile(&text)).as_ref()
    }
}

fn compile(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).unicode(false).size_limit(MAX_COMPILED).build().ok()
}

/// Whether a word can begin there: not in the middle of another, but after `\n` written as an escape.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    let previous = at.checked_sub(1).and_then(|before| bytes.get(before));
    let Some(byte) = previous else { return true };
    if !(byte.is_ascii_alphanumeric() || *byte == b'_') {
        return true;
    }
    matches!(byte, b'n' | b't' | b'r') && at >= 2 && bytes.get(at - 2) == Some(&b'\\')
}

/// Whether the name is a parameter of an address that says until when it holds (`?e=1573632632&token=…`).
fn signs_a_link(bytes: &[u8], name: usize) -> bool {
    const LONGEST: usize = 512;
    const ENDS: [&[u8]; 4] = [b"?e=", b"&e=", b"expires=", b"expires_in="];
    let before = bytes.get(name.saturating_sub(LONGEST)..name).unwrap_or_default();
    let start =
        before.iter().rposition(|byte| byte.is_ascii_whitespace() || b"\"'<>`".contains(byte)).map_or(0, |at| at + 1);
    let address = before.get(start..).unwrap_or_default().to_ascii_lowercase();
    memchr::memmem::find(&address, b"://").is_some()
        && ENDS.iter().any(|end| {
            let digits = memchr::memmem::find(&address, end).and_then(|at| address.get(at + end.len()..));
            digits.is_some_and(|digits| digits.iter().take_while(|byte| byte.is_ascii_digit()).count() >= 6)
        })
}

fn ends_word(bytes: &[u8], at: usize) -> bool {
    !bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Of those that overlap, the one that knows most.
fn without_overlaps(mut found: Vec<Match>) -> Vec<Match> {
    found.sort_by_key(|hit| (Reverse(hit.rank), hit.secret.start, Reverse(hit.secret.end), hit.order));
    let mut kept: BTreeMap<usize, Match> = BTreeMap::new();
    for hit in found {
        let before = kept.range(..hit.secret.end).next_back();
        if before.is_none_or(|(_, earlier)| earlier.secret.end <= hit.secret.start) {
            kept.insert(hit.secret.start, hit);
        }
    }
    kept.into_values().collect()
}
