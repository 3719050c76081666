//! Patterns of paths: `{name}` is a segment or a part of one, `{*rest}` the remainder.
//!
//! A segment may hold several parameters (`{base}...{head}`, `{name}.{format}`), which frameworks take apart in ways of their own: one
//! from the left, one from the right. So a segment is taken apart in the one way that there is, and matches nothing if there are two:
//! what the gate judged as `format` must not be what the upstream takes for a part of `name`.

use std::cmp::Ordering;
use std::fmt::Write as _;

use thiserror::Error;

/// A piece of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'p> {
    /// Text that has to be there.
    Text(&'p str),
    /// A parameter, by its name; `*rest` with its star.
    Parameter(&'p str),
}

/// Why a segment is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PatternFault {
    /// A brace without its other half.
    #[error("a brace has no other half")]
    Brace,
    /// Two parameters with nothing between them: nobody could say where one ends.
    #[error("nothing stands between two parameters")]
    Touching,
}

/// The pieces of a segment of a pattern.
///
/// # Errors
/// Why it is none.
pub fn pieces(segment: &str) -> Result<Vec<Piece<'_>>, PatternFault> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(PatternFault::Brace)?;
        if text.contains('}') || name.contains('{') {
            return Err(PatternFault::Brace);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        } else if matches!(pieces.last(), Some(Piece::Parameter(_))) {
            return Err(PatternFault::Touching);
        }
        pieces.push(Piece::Parameter(name));
        rest = after;
    }
    if rest.contains('}') {
        return Err(PatternFault::Brace);
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// A pattern, as the router gets it and as its segments come apart.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// The pattern with a parameter in place of each segment that has any, named by its place.
    pub(crate) router: String,
    /// For each parameter of the router: how it comes apart, if it does.
    pub(crate) templates: Vec<Option<Template>>,
}

/// How two patterns of one form of the router stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// They match the same paths.
    Same,
    /// No path matches both.
    Apart,
    /// Whatever the one matches that comes first, by this order, the other matches too.
    Within(Ordering),
    /// Some path matches both, and neither is the narrower one.
    Ambiguous,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The first segment that is none.
    pub fn read(pattern: &str) -> Result<Self, PatternFault> {
        let mut read = Self { router: String::with_capacity(pattern.len()), templates: Vec::new() };
        for (at, segment) in pattern.split('/').enumerate() {
            if at > 0 {
                read.router.push('/');
            }
            let pieces = pieces(segment)?;
            if !pieces.iter().any(|piece| matches!(piece, Piece::Parameter(_))) {
                read.router.push_str(segment);
                continue;
            }
            let star = if segment.starts_with("{*") { "*" } else { "" };
            read.templates.push(Template::of(&pieces));
            let _ = write!(read.router, "{{{star}p{}}}", read.templates.len());
        }
        Ok(read)
    }

    /// What tells patterns apart for the router.
    pub fn router_form(&self) -> &str {
        &self.router
    }

    /// How it stands to another pattern of the same [`Self::router_form`].
    pub fn meets(&self, other: &Self) -> Meeting {
        let mut meeting = Meeting::Same;
        for pair in self.templates.iter().zip(&other.templates) {
            let here = match pair {
                (None, None) => Meeting::Same,
                (Some(_), None) => Meeting::Within(Ordering::Less),
                (None, Some(_)) => Meeting::Within(Ordering::Greater),
                (Some(one), Some(other)) if one == other => Meeting::Same,
                (Some(one), Some(other)) if one.is_apart_from(other) => return Meeting::Apart,
                (Some(_), Some(_)) => Meeting::Ambiguous,
            };
            meeting = match (meeting, here) {
                (Meeting::Same, here) => here,
                (meeting, Meeting::Same) => meeting,
                (meeting, here) if meeting == here => meeting,
                _ => Meeting::Ambiguous,
            };
        }
        meeting
    }
}

/// What a segment is to a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading<'s> {
    /// The values of its parameters, still escaped.
    One(Vec<&'s str>),
    /// It could be taken apart in more ways than one.
    Several,
    /// It does not match.
    Other,
}

/// A segment of text and parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    prefix: Box<str>,
    separators: Box<[Box<str>]>,
    suffix: Box<str>,
}

impl Template {
    /// None for a segment that is one parameter as a whole.
    fn of(pieces: &[Piece<'_>]) -> Option<Self> {
        let text = |piece: Option<&Piece<'_>>| match piece {
            Some(Piece::Text(text)) => Box::from(*text),
            _ => Box::from(""),
        };
        let inner = pieces.get(1..pieces.len().saturating_sub(1)).unwrap_or_default();
        let separators = inner.iter().filter(|piece| matches!(piece, Piece::Text(_)));
        let template = Self {
            prefix: text(pieces.first()),
            separators: separators.map(|piece| text(Some(piece))).collect(),
            suffix: text(pieces.last()),
        };
        (pieces.len() > 1).then_some(template)
    }

    /// Takes a segment apart, if it can be.
    pub(crate) fn split<'s>(&self, segment: &'s str) -> Reading<'s> {
        let inner = segment.strip_prefix(&*self.prefix).and_then(|rest| rest.strip_suffix(&*self.suffix));
        let is_whole_suffix = is_between_characters(segment, segment.len().saturating_sub(self.suffix.len()));
        let Some((inner, first)) =
            inner.filter(|_| is_whole_suffix).and_then(|inner| Some((inner, self.earliest(inner)?)))
        else {
            return Reading::Other;
        };
        // Where the earliest places of the separators are the latest ones too, there are no others. Empty values count for that:
        // some frameworks take them.
        let is_whole = first.iter().all(|value| !value.is_empty());
        if is_whole && self.latest(inner).as_ref() == Some(&first) { Reading::One(first) } else { Reading::Several }
    }

    fn earliest<'s>(&self, inner: &'s str) -> Option<Vec<&'s str>> {
        let (mut values, mut rest) = (Vec::with_capacity(self.separators.len() + 1), inner);
        for separator in &self.separators {
            let mut places = rest.match_indices(&**separator).map(|(at, _)| at);
            let at = places.find(|at| is_between_characters(rest, *at))?;
            values.push(rest.get(..at)?);
            rest = rest.get(at + separator.len()..)?;
        }
        values.push(rest);
        Some(values)
    }

    fn latest<'s>(&self, inner: &'s str) -> Option<Vec<&'s str>> {
        let (mut values, mut rest) = (Vec::with_capacity(self.separators.len() + 1), inner);
        for separator in self.separators.iter().rev() {
            let mut places = rest.rmatch_indices(&**separator).map(|(at, _)| at);
            let at = places.find(|at| is_between_characters(rest, *at))?;
            values.push(rest.get(at + separator.len()..)?);
            rest = rest.get(..at)?;
        }
        values.push(rest);
        values.reverse();
        Some(values)
    }

    /// Whether no segment matches both.
    fn is_apart_from(&self, other: &Self) -> bool {
        let begins_alike = self.prefix.starts_with(&*other.prefix) || other.prefix.starts_with(&*self.prefix);
        let ends_alike = self.suffix.ends_with(&*other.suffix) || other.suffix.ends_with(&*self.suffix);
        !begins_alike || !ends_alike
    }
}

/// Whether no escape goes over this place: the `2` of `%2A` is no digit.
fn is_between_characters(text: &str, at: usize) -> bool {
    let is_percent = |before: usize| at.checked_sub(before).and_then(|at| text.as_bytes().get(at)) == Some(&b'%');
    !is_percent(1) && !is_percent(2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split<'s>(pattern: &str, segment: &'s str) -> Option<Vec<&'s str>> {
        match Template::of(&pieces(pattern).unwrap()).unwrap().split(segment) {
            Reading::One(values) => Some(values),
            Reading::Several | Reading::Other => None,
        }
    }

    #[test]
    fn a_segment_of_several_parameters_is_taken_apart() {
        assert_eq!(split("{base}...{head}", "v1.0...v1.1"), Some(vec!["v1.0", "v1.1"]));
        assert_eq!(split("{id}:archive", "7:archive"), Some(vec!["7"]));
        assert_eq!(split("v{major}.{minor}-{patch}x", "v1.2-3x"), Some(vec!["1", "2", "3"]));
        assert_eq!(split("{name}.{format}", "report"), None);
        assert_eq!(split("{name}.{format}", ".json"), None);
        assert_eq!(split("{name}.{format}", "report."), None);
    }

    #[test]
    fn a_segment_that_could_be_taken_apart_in_two_ways_matches_nothing() {
        assert_eq!(split("{name}.{format}", "archive.tar.gz"), None);
        assert_eq!(split("{a}:{b}", "x::y"), None);
        assert_eq!(split("{name}.{format}", "..json"), None);
        let template = Template::of(&pieces("{name}.{format}").unwrap()).unwrap();
        assert_eq!((template.split(".json"), template.split("json")), (Reading::Several, Reading::Other));
    }

    #[test]
    fn an_escape_is_one_character_and_holds_no_separator() {
        assert_eq!(split("{a}2{b}", "x%2Ay"), None);
        assert_eq!(split("{a}2{b}", "%2A2y"), Some(vec!["%2A", "y"]));
        assert_eq!(split("{a}A", "x%2A"), None);
    }

    #[test]
    fn two_parameters_with_nothing_between_them_and_lone_braces_are_refused() {
        assert_eq!(pieces("{a}{b}"), Err(PatternFault::Touching));
        for segment in ["{a", "a}", "{a{b}}", "}{a}", "{a}}"] {
            assert_eq!(pieces(segment), Err(PatternFault::Brace), "{segment}");
        }
    }

    #[test]
    fn of_two_patterns_it_is_known_whether_a_path_matches_both() {
        let meet = |one: &str, other: &str| Pattern::read(one).unwrap().meets(&Pattern::read(other).unwrap());
        assert_eq!(meet("/x/{a}:open", "/x/{b}:close"), Meeting::Apart);
        assert_eq!(meet("/x/{a}.{b}", "/x/{c}"), Meeting::Within(Ordering::Less));
        assert_eq!(meet("/x/{a}.{b}/{c}", "/x/{a}/{c}.{d}"), Meeting::Ambiguous);
        assert_eq!(meet("/x/{a}.{b}", "/x/{a}:{b}"), Meeting::Ambiguous);
        assert_eq!(meet("/x/{a}.{b}", "/x/{c}.{d}"), Meeting::Same);
    }

    proptest! {
        #[test]
        fn what_is_taken_apart_is_the_segment_again(segment in "([a-c0-9.]|%2A|%C3%A9){0,8}") {
            if let Some(values) = split("{a}.{b}", &segment) {
                prop_assert_eq!(values.join("."), segment.clone());
                prop_assert_eq!(segment.matches('.').count(), 1);
            }
        }

        #[test]
        fn patterns_that_are_apart_share_no_segment(
            one in "[ab]?\\{x\\}[ab.]\\{y\\}[ab]?", other in "[ab]?\\{x\\}[ab.]\\{y\\}[ab]?", segment in "[ab.]{1,8}",
        ) {
            let meeting = Pattern::read(&one).unwrap().meets(&Pattern::read(&other).unwrap());
            let both = split(&one, &segment).is_some() && split(&other, &segment).is_some();
            prop_assert!(!(both && meeting == Meeting::Apart), "{one} {other} {segment}");
        }
    }
}
