use std::fmt;
use std::str::FromStr;

use bartizan_gateway::{PatternFault, Piece, pieces};

use super::Malformed;
use super::quantity::not;

/// A path pattern: `{name}` is one segment or a part of one (`{base}...{head}`), `{*rest}` the remainder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPattern(String);

impl PathPattern {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names of its parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.trim_start_matches('*'))
    }

    /// The pattern with its parameters' names left out: two patterns of one shape match the same paths.
    pub fn shape(&self) -> String {
        let mut shape = String::new();
        for (at, piece) in self.0.split('{').enumerate() {
            let (name, text) = if at == 0 { ("", piece) } else { piece.split_once('}').unwrap_or((piece, "")) };
            if at > 0 {
                shape.push_str(if name.starts_with('*') { "{*}" } else { "{}" });
            }
            shape.push_str(text);
        }
        shape
    }
}

impl FromStr for PathPattern {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(Malformed::new(
                format!("the path `{text}` does not begin with `/`"),
                format!("write `\"/{text}\"`"),
            ));
        };
        if text.contains(['?', '#']) {
            return Err(Malformed::new("a path pattern has no query and no fragment", "end it before `?` or `#`"));
        }
        let pattern = Self(text.to_owned());
        let segments: Vec<&str> = rest.split('/').collect();
        for (index, segment) in segments.iter().enumerate() {
            check_segment(segment, index + 1 == segments.len())?;
        }
        let mut names: Vec<&str> = pattern.parameters().collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
            let problem = format!("the path names the parameter `{twice}` twice");
            return Err(Malformed::new(problem, "give each parameter a name of its own"));
        }
        Ok(pattern)
    }
}

fn check_segment(segment: &str, is_last: bool) -> Result<(), Malformed> {
    if segment.is_empty() && !is_last {
        return Err(Malformed::new("the path has an empty segment (`//`)", "write one `/` between segments"));
    }
    if matches!(segment, "." | "..") {
        return Err(Malformed::new(
            format!("the path has a `{segment}` segment"),
            "the gate refuses such requests, so that this path could never match: leave it out",
        ));
    }
    let pieces = pieces(segment).map_err(|fault| unreadable(segment, fault))?;
    match pieces.as_slice() {
        [Piece::Parameter(name)] => check_parameter(segment, name.strip_prefix('*').unwrap_or(name), is_last),
        [Piece::Text(text)] => check_literal(text),
        pieces => pieces.iter().try_for_each(|piece| match piece {
            Piece::Parameter(name) => check_parameter(segment, name, is_last),
            Piece::Text(text) => check_text(text),
        }),
    }
}

fn unreadable(segment: &str, fault: PatternFault) -> Malformed {
    let remedy = match fault {
        PatternFault::Brace => "write `{name}` for a parameter, and no other brace",
        PatternFault::Touching => "put something between them that no value has in it, such as `{name}.{format}`",
    };
    Malformed::new(format!("`{segment}`: {fault}"), remedy)
}

fn check_parameter(segment: &str, name: &str, is_last: bool) -> Result<(), Malformed> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts_well || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let problem = format!("`{segment}` does not name a parameter");
        return Err(Malformed::new(problem, "write letters, digits and `_` between the braces, such as `{id}`"));
    }
    if segment.starts_with("{*") && !is_last {
        let problem = format!("`{segment}` takes the whole remainder, but the path goes on after it");
        return Err(Malformed::new(problem, format!("write `{{{name}}}` for one segment, or end the path there")));
    }
    Ok(())
}

fn check_literal(segment: &str) -> Result<(), Malformed> {
    if let Some(name) = segment.strip_prefix(':').filter(|name| !name.is_empty()) {
        return Err(Malformed::new(
            format!("`{segment}` is not how a parameter is written here"),
            format!("write `{{{name}}}`"),
        ));
    }
    if segment.contains('*') {
        let problem = format!("`{segment}` is not a pattern of this file");
        return Err(Malformed::new(
            problem,
            "write `{name}` for one segment, or `{*rest}` at the end for the remainder",
        ));
    }
    check_text(segment)
}

fn check_text(segment: &str) -> Result<(), Malformed> {
    // The characters of RFC 3986 §3.3 without `;`, which the gate refuses, and with escapes left to be checked below.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,=:@%".contains(&byte);
    if let Some(character) = segment.chars().find(|character| !u8::try_from(*character).is_ok_and(allowed)) {
        let problem = format!("the character `{}` cannot stand in a path", character.escape_debug());
        return Err(Malformed::new(problem, "percent-encode it as UTF-8 in capitals, such as `%20` or `%C3%A9`"));
    }
    check_escapes(segment)
}

/// Paths are compared in the gate's canonical form (RFC 3986 §6.2.2): a pattern in another form would never match.
fn check_escapes(segment: &str) -> Result<(), Malformed> {
    for escape in segment.split('%').skip(1) {
        let hex = escape.get(..2).filter(|hex| hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')));
        let value = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let plain =
            value.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-._~/\\%".contains(&byte) || byte < 0x20);
        if value.is_none() || plain {
            let problem = format!("the escape in `{segment}` is not in the form in which paths are compared");
            return Err(Malformed::new(problem, "write `%` and two capital hexadecimal digits, and only where needed"));
        }
    }
    Ok(())
}

impl fmt::Display for PathPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A request that the gate makes before it decides: `GET /orders/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUp(PathPattern);

impl LookUp {
    /// The path asked for, with the route's parameters to be filled in.
    pub const fn path(&self) -> &PathPattern {
        &self.0
    }
}

impl FromStr for LookUp {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let remedy = "write `GET` and a path, such as `\"GET /orders/{id}\"`";
        let (method, path) = text.split_once(' ').ok_or_else(|| Malformed::new(not(text, "a look-up"), remedy))?;
        if method != "GET" {
            let problem =
                format!("a look-up by `{method}` could change something before the caller is known to be the owner");
            return Err(Malformed::new(problem, remedy));
        }
        let pattern: PathPattern = path.parse()?;
        if pattern.as_str().contains("{*") {
            return Err(Malformed::new("a look-up cannot take `{*…}`", "name each segment, such as `{id}`"));
        }
        Ok(Self(pattern))
    }
}

impl fmt::Display for LookUp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "GET {}", self.0)
    }
}
