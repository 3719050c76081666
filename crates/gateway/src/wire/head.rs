use memchr::memchr;

use super::{Fault, HeadBounds, target};

/// Longer than any method that is registered.
const LONGEST_METHOD: usize = 32;
/// Longer than any field name in use. Beyond 64 KiB hyper could not even build the name.
const LONGEST_NAME: usize = 1024;
/// Fields that hyper could keep, whatever the configuration says.
const MOST_FIELDS: usize = 16 * 1024;
/// Bytes of a request line beside its target: method, spaces, version.
const AROUND_TARGET: usize = LONGEST_METHOD + 12;

/// Where the body of a message ends (`RFC 9112 §6.3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is no body.
    Empty,
    /// After so many bytes.
    Length(u64),
    /// After the last chunk and the trailers.
    Chunked,
}

/// A head, or the trailers of a body, on its way in: judged line by line, each line once, however the bytes are cut into reads.
#[derive(Clone, Debug)]
pub(super) struct Head {
    section: Section,
    /// Where the line that is not judged yet begins.
    line: usize,
    /// Before this there is no end of that line.
    sought: usize,
    fields: usize,
    version: Version,
    has_host: bool,
    length: Option<u64>,
    is_chunked: bool,
    wants_upgrade: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    RequestLine,
    Fields,
    Trailers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

impl Head {
    pub(super) fn of_request() -> Self {
        Self::new(Section::RequestLine)
    }

    /// What follows the last chunk.
    pub(super) fn of_trailers() -> Self {
        Self::new(Section::Trailers)
    }

    fn new(section: Section) -> Self {
        Self {
            section,
            line: 0,
            sought: 0,
            fields: 0,
            version: Version::Http11,
            has_host: false,
            length: None,
            is_chunked: false,
            wants_upgrade: false,
        }
    }

    /// Whether the connection may leave HTTP after this head (`RFC 9110 §7.8`).
    pub(super) fn wants_upgrade(&self) -> bool {
        self.wants_upgrade
    }

    pub(super) fn framing(&self) -> Framing {
        match self.length {
            _ if self.is_chunked => Framing::Chunked,
            None | Some(0) => Framing::Empty,
            Some(length) => Framing::Length(length),
        }
    }

    /// Judges what has come of it: its length if it is whole. `bytes` always begins where the head begins.
    pub(super) fn advance(&mut self, bytes: &[u8], bounds: &HeadBounds) -> Result<Option<usize>, Fault> {
        loop {
            let unsought = bytes.get(self.sought..).unwrap_or_default();
            let Some(found) = memchr(b'\n', unsought) else {
                return self.wait(bytes, unsought, bounds);
            };
            let end = self.sought + found;
            let line = bytes.get(self.line..end).unwrap_or_default();
            self.sought = end + 1;
            self.line = self.sought;
            self.check_size(self.line, bounds)?;
            let Some((b'\r', line)) = line.split_last() else {
                return Err(Fault::Malformed("bare-line-feed"));
            };
            match self.section {
                Section::RequestLine => self.request_line(line, bounds)?,
                Section::Fields | Section::Trailers if line.is_empty() => return self.whole(),
                Section::Fields | Section::Trailers => self.field(line, bounds)?,
            }
        }
    }

    /// A line that is not whole yet: what can never become one is not waited for.
    fn wait(&mut self, bytes: &[u8], unsought: &[u8], bounds: &HeadBounds) -> Result<Option<usize>, Fault> {
        self.check_size(bytes.len(), bounds)?;
        let (last, before) = unsought.split_last().map_or((b'a', unsought), |(last, before)| (*last, before));
        let never_before = |byte: &u8| is_control(*byte);
        if before.iter().any(never_before) || (is_control(last) && last != b'\r') {
            return Err(Fault::Malformed("control-character"));
        }
        // A carriage return may be the end of this line: it is looked at again.
        self.sought = bytes.len() - usize::from(last == b'\r' && !unsought.is_empty());
        Ok(None)
    }

    fn check_size(&self, bytes: usize, bounds: &HeadBounds) -> Result<(), Fault> {
        if self.section == Section::RequestLine && bytes > bounds.target.saturating_add(AROUND_TARGET) {
            return Err(Fault::TargetTooLong);
        }
        if bytes > bounds.bytes { Err(Fault::HeadTooLarge) } else { Ok(()) }
    }

    /// `method SP request-target SP HTTP-version`, with exactly these spaces (`RFC 9112 §3`).
    fn request_line(&mut self, line: &[u8], bounds: &HeadBounds) -> Result<(), Fault> {
        if line.is_empty() {
            return Err(Fault::Malformed("blank-line-before-request"));
        }
        let Some(space) = memchr(b' ', line) else { return Err(Fault::Malformed("unreadable-request-line")) };
        let (method, rest) = line.split_at(space);
        if method.is_empty() || method.len() > LONGEST_METHOD || !method.iter().all(|byte| is_token(*byte)) {
            return Err(Fault::Malformed("unreadable-method"));
        }
        let Some((target, version)) = rest.len().checked_sub(9).and_then(|at| rest.split_at_checked(at)) else {
            return Err(Fault::Malformed("unreadable-request-line"));
        };
        self.version = match version {
            b" HTTP/1.1" => Version::Http11,
            b" HTTP/1.0" => Version::Http10,
            _ if version.starts_with(b" HTTP/") => return Err(Fault::Malformed("unsupported-version")),
            _ => return Err(Fault::Malformed("unreadable-request-line")),
        };
        let Some((b' ', target)) = target.split_first() else {
            return Err(Fault::Malformed("unreadable-request-line"));
        };
        self.section = Section::Fields;
        target::judge(method, target, bounds.target)
    }

    /// `field-name ":" OWS field-value OWS` (`RFC 9112 §5`).
    fn field(&mut self, line: &[u8], bounds: &HeadBounds) -> Result<(), Fault> {
        self.fields += 1;
        if self.fields > bounds.fields.min(MOST_FIELDS) {
            return Err(Fault::HeadTooLarge);
        }
        let Some(colon) = memchr(b':', line) else { return Err(Fault::Malformed(without_colon(line))) };
        let (name, value) = line.split_at(colon);
        if !name.iter().all(|byte| is_token(*byte)) {
            return Err(Fault::Malformed(bad_name(name)));
        }
        if !(1..=LONGEST_NAME).contains(&name.len()) {
            return Err(if name.is_empty() { Fault::Malformed("empty-field-name") } else { Fault::HeadTooLarge });
        }
        // Without branches, so that it is done sixteen bytes at a time.
        if value.iter().fold(false, |bad, byte| bad | is_control(*byte)) {
            return Err(Fault::Malformed("control-character"));
        }
        let value = || value.get(1..).unwrap_or_default().trim_ascii();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.wants_upgrade = true;
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value()),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value()),
            _ => Ok(()),
        }
    }

    fn host(&mut self) -> Result<(), Fault> {
        self.not_in_trailers()?;
        if std::mem::replace(&mut self.has_host, true) {
            return Err(Fault::Malformed("repeated-host"));
        }
        Ok(())
    }

    /// Digits, once: neither a sign nor a list (`RFC 9110 §8.6` lets a recipient refuse even an equal repetition).
    fn content_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        self.not_in_trailers()?;
        if self.length.is_some() {
            return Err(Fault::Malformed("repeated-content-length"));
        }
        if !(1..=18).contains(&value.len()) || !value.iter().all(u8::is_ascii_digit) {
            return Err(Fault::Malformed("unreadable-content-length"));
        }
        let length = value.iter().fold(0, |length: u64, digit| length * 10 + u64::from(digit - b'0'));
        self.length = Some(length);
        Ok(())
    }

    /// `chunked`, once, and alone: no upstream is asked to undo another coding (`RFC 9112 §6.1`).
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Fault> {
        self.not_in_trailers()?;
        if self.version == Version::Http10 {
            return Err(Fault::Malformed("transfer-encoding-outside-http-1.1"));
        }
        if std::mem::replace(&mut self.is_chunked, true) {
            return Err(Fault::Malformed("repeated-transfer-encoding"));
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Fault::Malformed("transfer-encoding-other-than-chunked"));
        }
        Ok(())
    }

    /// A trailer that frames or routes would be believed by whoever merges trailers into fields (`RFC 9110 §6.5.1`).
    fn not_in_trailers(&self) -> Result<(), Fault> {
        if self.section == Section::Trailers {
            return Err(Fault::Malformed("framing-field-in-trailers"));
        }
        Ok(())
    }

    fn whole(&self) -> Result<Option<usize>, Fault> {
        if self.section == Section::Fields {
            if self.is_chunked && self.length.is_some() {
                return Err(Fault::Malformed("content-length-with-transfer-encoding"));
            }
            if !self.has_host && self.version == Version::Http11 {
                return Err(Fault::Malformed("missing-host"));
            }
        }
        Ok(Some(self.line))
    }
}

fn without_colon(line: &[u8]) -> &'static str {
    if is_folded(line) { "folded-field" } else { "field-without-colon" }
}

fn bad_name(name: &[u8]) -> &'static str {
    match name.last() {
        _ if is_folded(name) => "folded-field",
        Some(b' ' | b'\t') => "space-before-colon",
        _ => "unreadable-field-name",
    }
}

/// A line that continues the one before it (obs-fold, `RFC 9112 §5.2`): parsers disagree on whose it is.
fn is_folded(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// `tchar` (`RFC 9110 §5.6.2`).
pub(super) const fn is_token(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'z' | b'|' | b'~')
}

const fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}
