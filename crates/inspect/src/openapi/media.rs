//! Media types: which of those that an operation declares a message has, and how it is read.

use std::collections::BTreeMap;

use super::components::At;
use super::shape::Shape;
use crate::schema::{Compiler, Library, SchemaId, Schemas};

/// The body of a request, as declared.
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) media: Vec<Media>,
}

/// A media type of an operation, and what a message of it has to be.
pub struct Media {
    /// As the document writes it, without parameters: `application/json`, `image/*`.
    pub range: String,
    /// How it is read.
    pub kind: MediaKind,
    pub(super) schema: Option<SchemaId>,
    pub(super) shape: Option<Shape>,
    /// For each part of a form: the media types that it may have.
    pub(super) parts: BTreeMap<String, Vec<String>>,
}

/// How messages of a media type are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// `application/json`, and what ends in `+json`.
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
    /// `multipart/form-data`
    Multipart,
    /// `text/…`
    Text,
    /// Anything else: bytes that nobody here reads.
    Opaque,
}

impl MediaKind {
    pub(super) fn of(media: &str) -> Self {
        let essence = essence(media);
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            "multipart/form-data" => Self::Multipart,
            "application/json" | "text/json" => Self::Json,
            it if it.ends_with("+json") => Self::Json,
            it if it.starts_with("text/") && it != "text/xml" => Self::Text,
            _ => Self::Opaque,
        }
    }
}

/// Type and subtype, in lower case.
pub(super) fn essence(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A parameter of a media type, without its quotes.
pub(super) fn parameter<'m>(media: &'m str, name: &str) -> Option<&'m str> {
    let parameters = media.split(';').skip(1).filter_map(|it| it.split_once('='));
    let found =
        parameters.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value))
}

impl Media {
    /// Whether its text is read as anything but UTF-8: gate and upstream would read two texts.
    pub(super) fn is_other_charset(media: &str) -> bool {
        parameter(media, "charset")
            .is_some_and(|it| !it.eq_ignore_ascii_case("utf-8") && !it.eq_ignore_ascii_case("us-ascii"))
    }

    /// Whether something of it is checked.
    pub(super) fn is_checked(&self) -> bool {
        match self.kind {
            // JSON is read strictly even where nothing is said of what it holds.
            MediaKind::Json => true,
            MediaKind::Form | MediaKind::Multipart | MediaKind::Text => self.schema.is_some(),
            MediaKind::Opaque => false,
        }
    }

    pub(super) fn fit(&mut self, schemas: &Schemas) {
        // JSON says of each value itself what it is.
        let schema = self.schema.filter(|_| self.kind != MediaKind::Json);
        self.shape = schema.map(|schema| Shape::of(schemas, schema));
    }
}

/// Reads a `content` object.
pub(super) fn read<'l>(
    content: At<'l>,
    library: &'l Library,
    compiler: &mut Compiler<'l>,
) -> Result<Vec<Media>, String> {
    let mut media = Vec::new();
    for (name, value) in content.entries() {
        let value = value.followed(library)?;
        let schema = value.get("schema");
        let mut parts = BTreeMap::new();
        for (part, encoding) in value.get("encoding").into_iter().flat_map(At::entries) {
            let types = encoding.text("contentType").unwrap_or_default().split(',').map(essence);
            let types: Vec<String> = types.filter(|it| !it.is_empty()).collect();
            if !types.is_empty() {
                parts.insert(part.to_owned(), types);
            }
        }
        media.push(Media {
            range: essence(name),
            kind: MediaKind::of(name),
            schema: schema.map(|schema| compiler.schema(schema.document, schema.json)),
            shape: None,
            parts,
        });
    }
    Ok(media)
}

/// Whether a media type lies in a range: `image/png` in `image/*`.
pub(super) fn is_in(essence: &str, range: &str) -> bool {
    range == essence
        || range == "*/*"
        || range.strip_suffix('*').is_some_and(|family| family.ends_with('/') && essence.starts_with(family))
}

/// The declared media type that a message has; the narrowest that fits.
pub(super) fn choose<'m>(media: &'m [Media], of_message: &str) -> Option<&'m Media> {
    let essence = essence(of_message);
    let fitting = media.iter().filter(|it| is_in(&essence, &it.range));
    fitting.min_by_key(|it| (it.range.contains('*'), it.range == "*/*"))
}

/// How a message is read whose declared range may be wider than its type.
pub(super) fn kind(media: &Media, of_message: &str) -> MediaKind {
    if media.range.contains('*') { MediaKind::of(of_message) } else { media.kind }
}
