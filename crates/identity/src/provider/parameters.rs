//! Parameters of a request as OAuth sends them: `application/x-www-form-urlencoded`, in a query or in a body.

/// The most parameters that one request may have; the longest flows use about twenty.
const MOST: usize = 64;
/// The longest text that is taken apart.
const LONGEST: usize = 64 * 1024;

/// The parameters of one request: each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

/// Why a text holds no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// Too long, or too many.
    #[error("there are too many parameters, or they are too long")]
    TooMany,
    /// `RFC 6749 §3.1`: of two, the client and the server could each mean another one.
    #[error("a parameter is there twice")]
    Repeated,
    /// Text that is no UTF-8, or holds control characters.
    #[error("a parameter is no text")]
    NotText,
}

impl Parameters {
    /// Reads a query, or the body of a form. Parameters without a value count as left out (`RFC 6749 §3.1`).
    ///
    /// # Errors
    /// A [`ParametersError`] if the text could be read in two ways, or in none.
    pub fn parse(text: &[u8]) -> Result<Self, ParametersError> {
        if text.len() > LONGEST {
            return Err(ParametersError::TooMany);
        }
        let mut found: Vec<(String, String)> = Vec::new();
        for (position, (name, value)) in form_urlencoded::parse(text).enumerate() {
            if position >= MOST {
                return Err(ParametersError::TooMany);
            }
            // The decoder puts U+FFFD in the place of what is no UTF-8. Nobody means that character.
            if [&name, &value].into_iter().any(|text| text.contains('\u{fffd}') || text.chars().any(char::is_control)) {
                return Err(ParametersError::NotText);
            }
            if found.iter().any(|(known, _)| *known == *name) {
                return Err(ParametersError::Repeated);
            }
            found.push((name.into_owned(), value.into_owned()));
        }
        found.retain(|(_, value)| !value.is_empty());
        Ok(Self(found))
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same with another value of `name`, or without it.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<&str>) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self
    }

    /// As the text of a query.
    pub fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_parameter_that_is_there_twice_is_refused_in_any_spelling() {
        for text in ["state=a&state=b", "state=a&st%61te=a", "a=&a=1", "scope=openid&x=1&scope=openid"] {
            assert_eq!(Parameters::parse(text.as_bytes()), Err(ParametersError::Repeated), "{text}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for text in [&b"a=%ff"[..], b"a=%00", b"a=1%0d%0aLocation:%20x", b"%c3%28=1", b"a=\xff"] {
            assert_eq!(Parameters::parse(text), Err(ParametersError::NotText), "{text:?}");
        }
    }

    #[test]
    fn a_flood_of_parameters_is_refused() {
        let many: Vec<_> = (0..=MOST).map(|number| format!("p{number}=1")).collect();
        assert_eq!(Parameters::parse(many.join("&").as_bytes()), Err(ParametersError::TooMany));
        assert_eq!(Parameters::parse(&vec![b'a'; LONGEST + 1]), Err(ParametersError::TooMany));
    }

    #[test]
    fn an_empty_value_counts_as_left_out() {
        let parameters = Parameters::parse(b"scope=&state=x%20y+z").unwrap();
        assert_eq!((parameters.get("scope"), parameters.get("state")), (None, Some("x y z")));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(pairs in proptest::collection::btree_map("[a-z_]{1,8}", "[ -~é§]{1,12}", 0..8)) {
            let written: Parameters = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert_eq!(Parameters::parse(written.encoded().as_bytes()), Ok(written));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = Parameters::parse(&bytes);
        }
    }
}
