use std::cell::OnceCell;

use crate::SourceFile;
use crate::deps::lock::LockError;
use crate::tree::Node;

/// A configuration file as trees, read when a rule first asks for them.
pub(super) struct Documents<'a> {
    file: &'a SourceFile<'a>,
    read: OnceCell<Result<Vec<Node<'a>>, LockError>>,
}

impl<'a> Documents<'a> {
    pub(super) const fn of(file: &'a SourceFile<'a>) -> Self {
        Self { file, read: OnceCell::new() }
    }

    /// # Errors
    /// What its parser says, or that its name promises no form that is known.
    pub(super) fn all(&self) -> Result<&[Node<'a>], &LockError> {
        self.read.get_or_init(|| parse(self.file.path(), self.file.text())).as_deref()
    }
}

/// The documents of a file, by the form that its name promises.
pub(super) fn parse<'a>(path: &str, text: Option<&'a str>) -> Result<Vec<Node<'a>>, LockError> {
    let text = text.ok_or(LockError::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "yaml" | "yml" => Node::yaml_documents(text),
        "json" | "jsonc" | "json5" | "tfstate" => Ok(vec![Node::json(text)?]),
        "toml" => Ok(vec![Node::toml(text)?]),
        _ => Err(LockError::Unknown(
            "a rule asks for a key, and its name ends in none of .yaml, .yml, .json, .toml".to_owned(),
        )),
    }
}
