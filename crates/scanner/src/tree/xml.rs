use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Lines, LockError, MAX_DEPTH};

/// An element of XML. Entities beyond the five of XML are not expanded, and nothing is fetched: a document type that tries
/// either (XXE) changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Without its prefix.
    pub(crate) name: String,
    pub(crate) line: u32,
    /// Its own text, trimmed.
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
    attributes: Vec<(String, String)>,
}

/// A project file has some hundred elements.
const MAX_ELEMENTS: usize = 500_000;

impl Element {
    /// Reads a document; gives its root.
    pub(crate) fn parse(text: &str) -> Result<Self, LockError> {
        let lines = Lines::of(text);
        let mut reader = Reader::from_str(text);
        // The document itself is the lowest.
        let mut open = vec![Self::default()];
        let mut elements = 0;
        loop {
            let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let event = reader.read_event().map_err(|error| LockError::Syntax {
                line: lines.at(usize::try_from(reader.error_position()).unwrap_or(before)),
                what: error.to_string(),
            })?;
            match event {
                Event::Start(start) => open.push(element(&start, lines.at(before + 1))),
                Event::Empty(start) => close(&mut open, element(&start, lines.at(before + 1))),
                Event::End(_) => {
                    if let Some(done) = open.pop().filter(|_| !open.is_empty()) {
                        close(&mut open, done);
                    }
                }
                Event::Text(text) => append(&mut open, &text),
                Event::CData(text) => append(&mut open, &text),
                Event::GeneralRef(name) => append(&mut open, predefined(&name)),
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            }
            elements += 1;
            if open.len() > MAX_DEPTH {
                return Err(LockError::TooDeep { line: lines.at(before) });
            }
            if elements > MAX_ELEMENTS {
                return Err(LockError::TooMany);
            }
        }
        let root = open.into_iter().next().and_then(|document| document.children.into_iter().next());
        root.ok_or_else(|| LockError::Syntax { line: 1, what: "there is no element in it".to_owned() })
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children_named(name).next()
    }

    pub(crate) fn children_named(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

fn element(start: &BytesStart<'_>, line: u32) -> Element {
    let attributes = start
        .attributes()
        .with_checks(false)
        .flatten()
        .map(|attribute| (attribute.key.local_name().as_ref().to_owned(), attribute.value.trim().to_owned()))
        .collect();
    let name = start.local_name().as_ref().to_owned();
    Element { name, line, attributes, ..Element::default() }
}

fn close(open: &mut [Element], mut done: Element) {
    let trimmed = done.text.trim().to_owned();
    done.text = trimmed;
    if let Some(parent) = open.last_mut() {
        parent.children.push(done);
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn predefined(name: &str) -> &'static str {
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
}
