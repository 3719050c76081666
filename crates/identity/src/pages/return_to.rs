//! Where somebody goes after the sign-in: to a path of this origin, and nowhere else (CWE-601).

/// The longest path and query.
const LONGEST: usize = 4096;

/// `text`, if it is a path of this origin as every browser reads it.
pub(crate) fn local_path(text: &str) -> Option<&str> {
    // `//host` and `/\host` are other hosts to a browser, and tabs or line breaks are dropped before it looks.
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_path = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    (is_path && is_visible && text.len() <= LONGEST).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_that_a_browser_reads_as_another_place_is_followed() {
        let elsewhere = [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "",
            "account",
            " /account",
            "/a b",
            "/%0d%0a\r\nSet-Cookie: x=y",
            "/\u{2f}\u{5c}x",
            "/ä",
        ];
        for text in elsewhere {
            assert_eq!(local_path(text), None, "{text:?}");
        }
        for text in ["/", "/account?tab=1#x", "/auth/authorize?client_id=a&redirect_uri=https%3A%2F%2Fapp.example%2F"] {
            assert_eq!(local_path(text), Some(text));
        }
    }

    proptest! {
        #[test]
        fn what_is_followed_stays_on_this_origin(text in "[/\\\\a-z:.@?#\t\n %0-9]{0,40}") {
            if let Some(path) = local_path(&text) {
                let uri: http::Uri = path.parse().unwrap();
                prop_assert!(uri.authority().is_none() && uri.scheme().is_none());
                prop_assert!(path.starts_with('/') && !path.starts_with("//"));
            }
        }
    }
}
