//! Following references between the objects of a document.

use crate::json::Json;
use crate::schema::{Library, Place};

/// An object of a document, and in which document it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'l> {
    pub(super) document: u32,
    pub(super) json: &'l Json,
}

impl<'l> At<'l> {
    pub(super) const fn place(self) -> Place {
        Place { document: self.document, start: self.json.start }
    }

    pub(super) fn get(self, name: &str) -> Option<Self> {
        self.json.get(name).map(|json| Self { document: self.document, json })
    }

    pub(super) fn text(self, name: &str) -> Option<&'l str> {
        self.json.get(name).and_then(Json::as_str)
    }

    pub(super) fn truth(self, name: &str) -> bool {
        self.json.get(name).and_then(Json::as_bool).unwrap_or(false)
    }

    /// The members of an object, each with its name, without extensions.
    pub(super) fn entries(self) -> impl Iterator<Item = (&'l str, Self)> {
        let entry = move |member: &'l crate::json::Member| {
            (&*member.name, Self { document: self.document, json: &member.value })
        };
        self.json.members().iter().map(entry).filter(|(name, _)| !name.starts_with("x-"))
    }

    pub(super) fn elements(self) -> impl Iterator<Item = Self> {
        self.json.elements().iter().map(move |json| Self { document: self.document, json })
    }

    /// What it stands for, if it is a reference.
    ///
    /// # Errors
    /// Why the reference leads nowhere.
    pub(super) fn followed(self, library: &'l Library) -> Result<Self, String> {
        /// A chain of references is short; one that is a circle has no end.
        const LONGEST: usize = 16;
        let mut at = self;
        for _ in 0..LONGEST {
            let Some(reference) = at.text("$ref") else { return Ok(at) };
            let (document, json) = library.follow(at.document, reference)?;
            at = Self { document, json };
        }
        Err("the reference leads to itself".to_owned())
    }
}
