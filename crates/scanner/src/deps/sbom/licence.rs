/// Whether an SPDX expression leaves no way to use the package without a denied licence: of `A OR B` both have to be denied, of
/// `A AND B` one is enough.
///
/// What is no expression is compared as a whole.
pub(in crate::deps) fn denied(expression: &str, denied: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().take(MAX_WORDS).collect();
    Parser { words: &words, denied }.any_of(0).is_some_and(|(is_denied, _)| is_denied)
}

const MAX_WORDS: usize = 200;
const MAX_DEPTH: usize = 32;

struct Parser<'a> {
    words: &'a [&'a str],
    denied: &'a [String],
}

/// Whether a part is denied, and what follows it.
type Part<'a> = Option<(bool, &'a [&'a str])>;

impl<'a> Parser<'a> {
    fn any_of(&self, depth: usize) -> Part<'a> {
        let (mut is_denied, mut rest) = self.all_of(depth)?;
        while let [word, after @ ..] = rest {
            if !word.eq_ignore_ascii_case("or") {
                break;
            }
            let (other, after) = Parser { words: after, denied: self.denied }.all_of(depth)?;
            is_denied &= other;
            rest = after;
        }
        Some((is_denied, rest))
    }

    fn all_of(&self, depth: usize) -> Part<'a> {
        let (mut is_denied, mut rest) = self.one(depth)?;
        while let [word, after @ ..] = rest {
            if !word.eq_ignore_ascii_case("and") {
                break;
            }
            let (other, after) = Parser { words: after, denied: self.denied }.one(depth)?;
            is_denied |= other;
            rest = after;
        }
        Some((is_denied, rest))
    }

    fn one(&self, depth: usize) -> Part<'a> {
        match self.words {
            ["(", inner @ ..] if depth < MAX_DEPTH => {
                let (is_denied, rest) = Parser { words: inner, denied: self.denied }.any_of(depth + 1)?;
                Some((is_denied, rest.strip_prefix(&[")"]).unwrap_or(rest)))
            }
            // An exception (`WITH Classpath-exception-2.0`) makes it another licence, which has to be denied by its whole name.
            [name, with, exception, rest @ ..] if with.eq_ignore_ascii_case("with") => {
                Some((self.is_denied(&format!("{name} WITH {exception}")), rest))
            }
            [name, rest @ ..] => Some((self.is_denied(name), rest)),
            [] => None,
        }
    }

    fn is_denied(&self, name: &str) -> bool {
        // `GPL-3.0` is the older spelling of `GPL-3.0-only`, `GPL-3.0+` of `-or-later`.
        let family = |name: &str| {
            name.to_ascii_lowercase()
                .trim_end_matches("-only")
                .trim_end_matches("-or-later")
                .trim_end_matches('+')
                .to_owned()
        };
        self.denied.iter().any(|denied| family(denied) == family(name))
    }
}

#[cfg(test)]
mod tests {
    use super::denied;

    #[test]
    fn a_choice_is_denied_only_where_every_way_is() {
        let list = ["GPL-3.0-only".to_owned(), "AGPL-3.0".to_owned()];
        for (expression, expected) in [
            ("MIT", false),
            ("GPL-3.0-only", true),
            ("gpl-3.0", true),
            ("GPL-3.0-or-later", true),
            ("AGPL-3.0+", true),
            ("MIT OR GPL-3.0-only", false),
            ("MIT AND GPL-3.0-only", true),
            ("GPL-3.0-only OR AGPL-3.0", true),
            ("(MIT OR GPL-3.0) AND Apache-2.0", false),
            ("(GPL-3.0 OR AGPL-3.0) AND Apache-2.0", true),
            ("GPL-3.0-only WITH Classpath-exception-2.0", false),
            ("SEE LICENSE IN LICENSE", false),
            ("", false),
            ("((((", false),
        ] {
            assert_eq!(denied(expression, &list), expected, "{expression}");
        }
    }
}
