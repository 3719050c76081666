use super::names::{ANY, folded};
use crate::openapi::Pairing;

/// A path, of whose segments some are parameters.
#[derive(Debug)]
pub(super) struct FoldedPath(Vec<Segment>);

#[derive(Debug)]
struct Segment {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    /// It looks like a number, a key, an address.
    Identifier,
    /// There are many words in its place.
    OneOfMany,
}

/// Deeper paths are one.
const DEEPEST: usize = 16;

impl FoldedPath {
    /// The path, with what looks like an identifier as parameters.
    pub(super) fn of(path: &str) -> Self {
        let is_word = |text: &str| text.is_empty() || is_version(text) || folded(text) != ANY;
        let kind = |text: &str| if is_word(text) { Kind::Word } else { Kind::Identifier };
        let segment = |text: &str| Segment { text: text.to_owned(), kind: kind(text) };
        Self(path.split('/').skip(1).take(DEEPEST).map(segment).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn make_parameter(&mut self, at: usize) {
        if let Some(segment) = self.0.get_mut(at) {
            segment.kind = Kind::OneOfMany;
        }
    }

    /// `/users/{id2}/orders/{id4}`
    pub(super) fn template(&self) -> String {
        let segment = |(at, segment): (usize, &Segment)| match segment.kind {
            Kind::Word => format!("/{}", segment.text),
            kind => format!("/{{{}}}", kind.name(at)),
        };
        self.0.iter().enumerate().map(segment).collect()
    }

    /// The values of its parameters.
    pub(super) fn parameters(&self) -> Vec<Pairing> {
        let parameters = self.0.iter().enumerate().filter(|(_, it)| it.kind != Kind::Word);
        parameters.map(|(at, it)| (it.kind.name(at), it.text.clone())).collect()
    }

    /// Whether a template is the same but for one segment, which is a word here.
    pub(super) fn is_like(&self, template: &str, at: usize) -> bool {
        let mut segments = template.split('/').skip(1);
        let is_same = self.0.iter().enumerate().all(|(index, own)| {
            let is_parameter = |text: &str| text.starts_with('{');
            segments
                .next()
                .is_some_and(|other| index == at || own.kind != Kind::Word && is_parameter(other) || own.text == other)
        });
        let is_word =
            self.0.get(at).is_some_and(|own| own.kind == Kind::Word && !own.text.is_empty() && !is_version(&own.text));
        is_same && is_word && segments.next().is_none()
    }
}

/// Whether a template has many words in place of that segment.
pub(super) fn has_many(template: &str, at: usize) -> bool {
    template.split('/').nth(at + 1).is_some_and(|segment| segment.starts_with("{name"))
}

impl Kind {
    /// The name of a parameter, by its place: what it is called does not depend on the segments before it.
    fn name(self, at: usize) -> String {
        format!("{}{}", if self == Self::OneOfMany { "name" } else { "id" }, at + 1)
    }
}

/// `v1`, `v2.1`
fn is_version(segment: &str) -> bool {
    segment.len() <= 6
        && segment.strip_prefix('v').is_some_and(|rest| {
            rest.starts_with(|it: char| it.is_ascii_digit()) && rest.bytes().all(|it| it.is_ascii_digit() || it == b'.')
        })
}
