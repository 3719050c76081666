//! Tokens and keys that begin with a known word.

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind};

use super::{Found, MaskKinds, More, Place, View};

/// Longest first part of a token that is recognized: headers with a certificate chain (`x5c`) are a few KiB.
pub(super) const MAX_JOSE_HEADER: usize = 4096;
/// Longest private key that is masked whole when its end is missing; an RSA key of 16,384 bits has 13 KB.
const MAX_PEM: usize = 16 * 1024;
/// Longest name of a key between `BEGIN` and the dashes.
const MAX_LABEL: usize = 40;
/// Fewest characters that make a bearer token, and an API key after its prefix.
const FEWEST_BEARER: usize = 20;
const FEWEST_KEY: usize = 16;

/// What a secret begins with.
#[derive(Debug, Clone, Copy)]
enum Trigger {
    Jose,
    Bearer,
    ApiKey,
    Pem,
}

const WORDS: [(&str, Trigger); 6] = [
    // `{"` in base64url: the first member of a JOSE header.
    ("eyJ", Trigger::Jose),
    ("Bearer ", Trigger::Bearer),
    ("bearer ", Trigger::Bearer),
    ("BEARER ", Trigger::Bearer),
    ("btz_", Trigger::ApiKey),
    ("-----BEGIN ", Trigger::Pem),
];

/// One search for all words.
#[derive(Debug, Clone)]
pub(super) struct Triggers {
    finder: AhoCorasick,
    words: Vec<(&'static str, Trigger)>,
}

/// Where a secret begins, and how it goes on.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// Where its word begins.
    start: usize,
    /// Where the secret itself begins.
    pub(super) secret: usize,
    pub(super) run: Run,
}

impl Place for Token {
    fn place(&self) -> usize {
        self.start
    }
}

impl Triggers {
    pub(super) fn compile(kinds: MaskKinds) -> Result<Option<Self>, BuildError> {
        let is_wanted = |trigger| match trigger {
            Trigger::Jose | Trigger::Bearer | Trigger::ApiKey => kinds.tokens,
            Trigger::Pem => kinds.private_keys,
        };
        let words: Vec<_> = WORDS.into_iter().filter(|(_, trigger)| is_wanted(*trigger)).collect();
        if words.is_empty() {
            return Ok(None);
        }
        let finder =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words.iter().map(|(word, _)| word))?;
        Ok(Some(Self { finder, words }))
    }

    /// Finds the next secret.
    pub(super) fn next(&self, view: &View<'_>, from: usize) -> Found<Token> {
        let mut at = from;
        let mut base64url = Base64UrlRun::default();
        while let Some(hit) = self.finder.find(Input::new(view.data).range(at..)) {
            let start = hit.start();
            let (_, trigger) = self.words.get(hit.pattern().as_usize()).copied().unwrap_or(("", Trigger::Pem));
            let token = match trigger {
                Trigger::Jose => jose(view, start, &mut base64url),
                Trigger::Bearer => bearer(view, start),
                Trigger::ApiKey => api_key(view, start),
                Trigger::Pem => pem(view, start),
            };
            match token {
                Some(Some(token)) => return Found::Secret(token),
                Some(None) => at = start + 1,
                None => return Found::Undecided(start),
            }
        }
        self.cut_word(view, from)
    }

    /// A word that the end of the chunk may have cut.
    fn cut_word(&self, view: &View<'_>, from: usize) -> Found<Token> {
        let rest = view.data.get(from..).unwrap_or_default();
        let cut = |word: &str| {
            (1..word.len()).rev().find(|&length| word.as_bytes().get(..length).is_some_and(|part| rest.ends_with(part)))
        };
        match self.words.iter().filter_map(|(word, _)| cut(word)).max() {
            Some(length) if view.more == More::Possible => Found::Undecided(view.data.len() - length),
            _ => Found::Nothing,
        }
    }
}

/// `Some(None)`: no secret here. `None`: that depends on bytes to come.
type Decision = Option<Option<Token>>;

/// A signed or encrypted token: `header.payload…`, where the payload may be empty (detached) if a third part follows.
fn jose(view: &View<'_>, start: usize, base64url: &mut Base64UrlRun) -> Decision {
    let end = base64url.end(view, start);
    let is_cut = end == view.data.len() && view.more == More::Possible;
    match (end - start, is_cut) {
        (..=MAX_JOSE_HEADER, true) => return None,
        (11..=MAX_JOSE_HEADER, false) if view.at(end) == Some(b'.') => {}
        _ => return Some(None),
    }
    let second = view.run(end + 1, 8, is_base64url)?;
    let token = Token { start, secret: start, run: Run::Members(|byte| is_base64url(byte) || byte == b'.') };
    if second == 8 {
        return Some(Some(token));
    }
    if view.run(end + 1 + second, 1, |byte| byte == b'.')? == 0 {
        return Some(None);
    }
    let third = view.run(end + 2 + second, 1, is_base64url)?;
    Some((third == 1).then_some(token))
}

/// `Bearer` and a token68 (RFC 6750 §2.1).
fn bearer(view: &View<'_>, start: usize) -> Decision {
    let secret = start + "Bearer ".len();
    let length = view.run(secret, FEWEST_BEARER, is_token68)?;
    Some((length == FEWEST_BEARER).then_some(Token { start, secret, run: Run::Members(is_token68) }))
}

fn api_key(view: &View<'_>, start: usize) -> Decision {
    let length = view.run(start + "btz_".len(), FEWEST_KEY, is_base64url)?;
    Some((length == FEWEST_KEY).then_some(Token { start, secret: start, run: Run::Members(is_base64url) }))
}

/// `-----BEGIN … PRIVATE KEY-----` (RFC 7468), and `OpenPGP`'s `PRIVATE KEY BLOCK`.
fn pem(view: &View<'_>, start: usize) -> Decision {
    let label = start + "-----BEGIN ".len();
    let length = view.run(label, MAX_LABEL + 1, |byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' '))?;
    let is_private =
        view.data.get(label..label + length).is_some_and(|label| label.windows(11).any(|part| part == b"PRIVATE KEY"));
    if !is_private || length > MAX_LABEL {
        return Some(None);
    }
    let dashes = view.run(label + length, 5, |byte| byte == b'-')?;
    Some((dashes == 5).then_some(Token { start, secret: start, run: Run::Pem { taken: 0, progress: 0 } }))
}

/// The rest of a secret, which may go on over many chunks.
#[derive(Debug, Clone)]
pub(super) enum Run {
    /// As long as the characters are those of the token.
    Members(fn(u8) -> bool),
    /// Up to the dashes after `-----END …`. Not up to a quote or tag: a key may stand in several strings.
    Pem { taken: usize, progress: u8 },
}

impl Run {
    /// How many of these bytes belong to the secret. Fewer than all: it ends there.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Members(is_member) => bytes.iter().take_while(|&&byte| is_member(byte)).count(),
            Self::Pem { taken, progress } => {
                let is_open = |byte: &u8| {
                    let is_open = *progress < PEM_ENDED && *taken < MAX_PEM;
                    *progress = if is_open { pem_progress(*progress, *byte) } else { *progress };
                    *taken += usize::from(is_open);
                    is_open
                };
                bytes.iter().copied().take_while(is_open).count()
            }
        }
    }

    /// What stays readable: the line ends of a key.
    pub(super) fn spares(&self) -> fn(u8) -> bool {
        match self {
            Self::Members(_) => |_| false,
            Self::Pem { .. } => |byte| matches!(byte, b'\r' | b'\n'),
        }
    }
}

/// `-----END` is eight bytes, five dashes end it.
const PEM_ENDED: u8 = 13;

/// How much of `-----END … -----` has been seen after this byte.
const fn pem_progress(progress: u8, byte: u8) -> u8 {
    match (progress, byte) {
        (5, b'-') => 5,
        (0..=4 | 8.., b'-') | (5, b'E') | (6, b'N') | (7, b'D') => progress + 1,
        (8.., b'A'..=b'Z' | b'0'..=b'9' | b' ') => 8,
        (_, b'-') => 1,
        _ => 0,
    }
}

/// The end of the base64url characters that a place is among. Remembered, so that a body full of `eyJ` is not read again and again.
#[derive(Default)]
struct Base64UrlRun {
    end: usize,
}

impl Base64UrlRun {
    fn end(&mut self, view: &View<'_>, place: usize) -> usize {
        if place >= self.end {
            self.end = place + view.data.iter().skip(place).take_while(|&&byte| is_base64url(byte)).count();
        }
        self.end
    }
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

const fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}
