//! The documents that schemas stand in, and where `$ref` leads: to these documents and nowhere else. Nothing is fetched.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::document::{self, Unreadable};
use crate::json::Json;

/// Where something stands: in which document, at which byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub(crate) document: u32,
    pub(crate) start: u32,
}

/// Documents that refer to each other.
#[derive(Debug, Default)]
pub struct Library {
    documents: Vec<Document>,
    by_url: HashMap<String, u32>,
}

#[derive(Debug)]
struct Document {
    name: String,
    url: Url,
    /// The first byte of each line.
    lines: Vec<u32>,
    root: Json,
}

/// Why documents could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadFault {
    /// A file that is not there, or may not be read.
    #[error("`{name}` cannot be read: {cause}")]
    Unavailable {
        /// The file.
        name: String,
        /// What the system says.
        cause: String,
    },
    /// A file that is neither YAML nor JSON.
    #[error("{name}:{line}:{column}: {message}")]
    Unreadable {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
        /// The character in it, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// More files than anybody writes.
    #[error("the document refers to more than {MOST_DOCUMENTS} files")]
    TooMany,
}

/// Files of one API.
const MOST_DOCUMENTS: usize = 500;
/// The folder of the first document, as a URL. What a reference resolves to has to begin with it.
const FOLDER: &str = "file:///folder/of/the/document/";

impl Library {
    /// Loads a document, and the files beside it that it refers to. `read` gets paths relative to the document's folder, made of
    /// plain names alone.
    ///
    /// # Errors
    /// The first file that is not there or cannot be read.
    pub fn open(name: &str, read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>) -> Result<Self, LoadFault> {
        let mut library = Self::default();
        let mut waiting = vec![name.to_owned()];
        while let Some(name) = waiting.pop() {
            let Some(url) = Url::parse(FOLDER).ok().and_then(|folder| folder.join(&name).ok()) else { continue };
            if library.by_url.contains_key(url.as_str()) {
                continue;
            }
            if library.documents.len() >= MOST_DOCUMENTS {
                return Err(LoadFault::TooMany);
            }
            let unavailable = |cause| LoadFault::Unavailable { name: name.clone(), cause };
            let bytes = read(&name).map_err(unavailable)?;
            let root = document::parse(&bytes).map_err(|fault| unreadable(&name, &bytes, fault))?;
            document::references(&root, &mut |reference| waiting.extend(file_of(&url, reference)));
            library.put(name, url, &bytes, root);
        }
        Ok(library)
    }

    /// Adds a document under its URL, as a test suite does that names documents by URLs.
    ///
    /// # Errors
    /// A document that cannot be read, or a URL that is none.
    pub fn add(&mut self, url: &str, bytes: &[u8]) -> Result<(), LoadFault> {
        let url = Url::parse(url)
            .map_err(|error| LoadFault::Unavailable { name: url.to_owned(), cause: error.to_string() })?;
        let root = document::parse(bytes).map_err(|fault| unreadable(url.as_str(), bytes, fault))?;
        self.put(url.to_string(), url, bytes, root);
        Ok(())
    }

    fn put(&mut self, name: String, url: Url, bytes: &[u8], root: Json) {
        let number = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        self.by_url.insert(url.to_string(), number);
        self.documents.push(Document { name, url, lines: document::lines(bytes), root });
    }

    /// The root of a document; the first is the one that was opened.
    pub fn root(&self, document: u32) -> Option<&Json> {
        self.documents.get(document as usize).map(|it| &it.root)
    }

    pub(super) fn documents(&self) -> impl Iterator<Item = (u32, &Url, &Json)> {
        (0_u32..).zip(&self.documents).map(|(number, it)| (number, &it.url, &it.root))
    }

    pub(super) fn url(&self, document: u32) -> Option<&Url> {
        self.documents.get(document as usize).map(|it| &it.url)
    }

    /// The value that a reference of an OpenAPI object leads to, and the document it stands in.
    ///
    /// # Errors
    /// Why it leads nowhere.
    pub fn follow(&self, document: u32, reference: &str) -> Result<(u32, &Json), String> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let number = if file.is_empty() {
            document
        } else {
            let url = self.url(document).and_then(|base| base.join(file).ok());
            let url = url.ok_or_else(|| format!("`{reference}` is no reference"))?;
            *self.by_url.get(url.as_str()).ok_or_else(|| why_not(reference, &url))?
        };
        let root = self.root(number).ok_or_else(|| format!("`{reference}` leads nowhere"))?;
        let found = decoded(fragment).and_then(|pointer| root.pointer(&pointer));
        found.map(|found| (number, found)).ok_or_else(|| format!("`{reference}` leads to nothing"))
    }

    /// `file:line:column` of a place.
    pub fn locate(&self, place: Place) -> String {
        let Some(document) = self.documents.get(place.document as usize) else { return String::new() };
        let line = document.lines.partition_point(|start| *start <= place.start);
        let start = line.checked_sub(1).and_then(|at| document.lines.get(at)).copied().unwrap_or(0);
        format!("{}:{}:{}", document.name, line.max(1), place.start.saturating_sub(start) + 1)
    }
}

/// Why a URL is none of the documents.
pub(super) fn why_not(reference: &str, url: &Url) -> String {
    if url.scheme() != "file" {
        return format!("`{reference}` is not a local file, and nothing is fetched: put a copy beside the document");
    }
    if !url.as_str().starts_with(FOLDER) {
        return format!("`{reference}` leads out of the document's folder");
    }
    format!("`{reference}` leads to a file that is not there")
}

/// The text of a fragment, its escapes read.
pub(super) fn decoded(fragment: &str) -> Option<String> {
    percent_decode_str(fragment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The file beside the document that a reference names, by a path of plain names.
fn file_of(base: &Url, reference: &str) -> Option<String> {
    let file = reference.split('#').next().filter(|file| !file.is_empty())?;
    let url = base.join(file).ok()?;
    let path = decoded(url.as_str().strip_prefix(FOLDER)?)?;
    let is_plain = |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains(['\\', '\0', ':']);
    path.split('/').all(is_plain).then_some(path)
}

fn unreadable(name: &str, bytes: &[u8], fault: Unreadable) -> LoadFault {
    let lines = document::lines(bytes);
    let line = lines.partition_point(|start| *start as usize <= fault.at).max(1);
    let start = lines.get(line - 1).map_or(0, |start| *start as usize);
    LoadFault::Unreadable {
        name: name.to_owned(),
        line,
        column: fault.at.saturating_sub(start) + 1,
        message: fault.message,
    }
}
