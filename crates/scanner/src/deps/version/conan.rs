use super::Natural;
use super::natural::split_digits;

/// Conan 2: dotted items, a pre-release after `-`, a build after `+` that carries order.
///
/// Conan compares a number with a word by their letters, which is no order (`1a` < `2` < `10` < `1a`). Here an item is its
/// leading number, then the letters after it: the same answer for every pair that occurs (`1.1.1`, `1.1.1t`, `1.1.1w`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Conan {
    items: Vec<Item>,
    stage: Stage,
    build: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Number(Natural, Box<str>),
    Text(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Prerelease(Vec<Item>),
    Release,
}

impl Conan {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
            return None;
        }
        let (text, build) = match text.rsplit_once('+') {
            Some((text, build)) => (text, items(build)),
            None => (text, Vec::new()),
        };
        let (text, stage) = match text.rsplit_once('-') {
            Some((text, stage)) => (text, Stage::Prerelease(items(stage))),
            None => (text, Stage::Release),
        };
        Some(Self { items: items(text), stage, build })
    }

    pub(super) const fn is_prerelease(&self) -> bool {
        matches!(self.stage, Stage::Prerelease(_))
    }
}

/// Without trailing zeros: `1.0` is `1`.
fn items(text: &str) -> Vec<Item> {
    let mut items: Vec<Item> = text.split('.').map(Item::parse).collect();
    while items
        .last()
        .is_some_and(|item| matches!(item, Item::Number(number, rest) if number.is_zero() && rest.is_empty()))
    {
        items.pop();
    }
    items
}

impl Item {
    fn parse(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let (digits, rest) = split_digits(&lower);
        Natural::parse(digits)
            .map_or_else(|| Self::Text(lower.as_str().into()), |number| Self::Number(number, rest.into()))
    }
}
