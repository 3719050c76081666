//! Fields of a form or a query. What comes twice counts for nothing: two readers could each take another one.

use std::borrow::Cow;

/// Fields that are read, at most.
const MOST_FIELDS: usize = 64;

pub(crate) struct Fields<'r>(Vec<(Cow<'r, str>, Cow<'r, str>)>);

impl<'r> Fields<'r> {
    pub(crate) fn parse(encoded: &'r [u8]) -> Self {
        Self(form_urlencoded::parse(encoded).take(MOST_FIELDS).collect())
    }

    /// The value of a field; `None` if it is not there, or there twice.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(found, _)| found == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }

    /// The same, empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_comes_twice_counts_for_nothing() {
        let fields = Fields::parse(b"name=ada&name=eve&code=12%2034&empty=");
        assert_eq!(fields.get("name"), None);
        assert_eq!(fields.get("code"), Some("12 34"));
        assert_eq!(fields.get("empty"), Some(""));
        assert_eq!(fields.get("absent"), None);
    }
}
