/// What a string is said to hold (`x-bartizan-content` of its schema). Markup and queries look like attacks; where they are what the
/// field is for, they are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextContent {
    /// Markdown, with whatever HTML is in it.
    Markdown,
    /// HTML.
    Html,
    /// Source code, of any language.
    Code,
    /// SQL.
    Sql,
}

impl TextContent {
    const ALL: [Self; 4] = [Self::Markdown, Self::Html, Self::Code, Self::Sql];

    pub(super) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// The word for it in a document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Code => "code",
            Self::Sql => "sql",
        }
    }
}

/// A string of a message of which its schema says what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredText {
    /// The place, as a JSON Pointer.
    pub pointer: String,
    /// What it holds.
    pub content: TextContent,
}
