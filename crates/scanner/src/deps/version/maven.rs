use std::cmp::Ordering;

use super::Natural;

/// Maven's `ComparableVersion` (Maven 3.8.7 and later): numbers and qualifiers in lists that `-`, and each change between
/// digits and letters, open one inside the other.
#[derive(Clone, Debug)]
pub(super) struct Maven {
    // A chain rather than a tree: each list but the last ends in the list that follows it.
    items: Vec<Item>,
}

#[derive(Clone, Debug)]
enum Item {
    Number(Natural),
    Qualifier(Qualifier),
    List(Vec<Self>),
}

/// Known qualifiers by rank, unknown ones after them by their letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Qualifier {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    Release,
    ServicePack,
    Other(Box<str>),
}

/// Each level is one call deep where versions are compared; real versions have three or four.
const MAX_LISTS: usize = 64;

impl Maven {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        if lower.is_empty() || lower.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return None;
        }
        let lists = Lists::read(&lower);
        (lists.done.len() < MAX_LISTS).then(|| Self { items: lists.nest() })
    }

    pub(super) fn is_prerelease(&self) -> bool {
        is_prerelease(&self.items)
    }
}

fn is_prerelease(items: &[Item]) -> bool {
    items.iter().any(|item| match item {
        Item::Number(_) => false,
        Item::Qualifier(qualifier) => *qualifier < Qualifier::Release,
        Item::List(items) => is_prerelease(items),
    })
}

/// The lists in the order in which they are opened.
#[derive(Default)]
struct Lists {
    done: Vec<Vec<Item>>,
    current: Vec<Item>,
}

impl Lists {
    fn read(text: &str) -> Self {
        let mut lists = Self::default();
        let mut token = String::new();
        for c in text.chars() {
            let of_digits = token.starts_with(|first: char| first.is_ascii_digit());
            match c {
                '.' => lists.push(&std::mem::take(&mut token), false),
                '-' => {
                    lists.push(&std::mem::take(&mut token), false);
                    lists.open();
                }
                _ => {
                    if !token.is_empty() && of_digits != c.is_ascii_digit() {
                        lists.open_for_qualifier(of_digits);
                        lists.push(&std::mem::take(&mut token), true);
                        lists.open();
                    }
                    token.push(c);
                }
            }
        }
        if !token.is_empty() {
            lists.open_for_qualifier(token.starts_with(|first: char| first.is_ascii_digit()));
            lists.push(&token, false);
        }
        lists
    }

    /// A qualifier at the end, or before digits, is read as if `-` stood before it: `1.0.X1` is `1.0-X1` (MNG-7644).
    fn open_for_qualifier(&mut self, of_digits: bool) {
        if !of_digits && !self.current.is_empty() {
            self.open();
        }
    }

    fn push(&mut self, token: &str, before_digits: bool) {
        let item = if token.is_empty() {
            Item::Number(Natural::default())
        } else if let Some(number) = Natural::parse(token) {
            Item::Number(number)
        } else {
            Item::Qualifier(Qualifier::named(token, before_digits))
        };
        self.current.push(item);
    }

    fn open(&mut self) {
        self.done.push(std::mem::take(&mut self.current));
    }

    /// Puts each list into the one before it, without what means nothing at its end.
    fn nest(self) -> Vec<Item> {
        let Self { done, current } = self;
        let mut inner = normalized(current);
        for mut outer in done.into_iter().rev() {
            outer.push(Item::List(inner));
            inner = normalized(outer);
        }
        inner
    }
}

/// Without trailing zeros, releases and empty lists, also before a list that closes it: `1.0-x` is `1-x`.
fn normalized(mut items: Vec<Item>) -> Vec<Item> {
    for index in (0..items.len()).rev() {
        match items.get(index) {
            Some(item) if item.is_null() => {
                items.remove(index);
            }
            Some(Item::List(_)) => {}
            _ => break,
        }
    }
    items
}

impl Qualifier {
    fn named(name: &str, before_digits: bool) -> Self {
        match name {
            "a" if before_digits => Self::Alpha,
            "b" if before_digits => Self::Beta,
            "m" if before_digits => Self::Milestone,
            "alpha" => Self::Alpha,
            "beta" => Self::Beta,
            "milestone" => Self::Milestone,
            "rc" | "cr" => Self::Candidate,
            "snapshot" => Self::Snapshot,
            "ga" | "final" | "release" => Self::Release,
            "sp" => Self::ServicePack,
            _ => Self::Other(name.into()),
        }
    }
}

impl Item {
    fn is_null(&self) -> bool {
        match self {
            Self::Number(number) => number.is_zero(),
            Self::Qualifier(qualifier) => *qualifier == Qualifier::Release,
            Self::List(items) => items.is_empty(),
        }
    }

    /// Against nothing, which is where the shorter version has ended.
    fn against_nothing(&self) -> Ordering {
        match self {
            Self::Number(number) => number.cmp(&Natural::default()),
            Self::Qualifier(qualifier) => qualifier.cmp(&Qualifier::Release),
            // The first item that says anything (MNG-6964).
            Self::List(items) => items
                .iter()
                .map(Self::against_nothing)
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal),
        }
    }

    /// A number is more than a list, a list more than a qualifier.
    const fn rank(&self) -> u8 {
        match self {
            Self::Qualifier(_) => 0,
            Self::List(_) => 1,
            Self::Number(_) => 2,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.cmp(right),
            (Self::Qualifier(left), Self::Qualifier(right)) => left.cmp(right),
            (Self::List(left), Self::List(right)) => compare(left, right),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn compare(left: &[Item], right: &[Item]) -> Ordering {
    for index in 0..left.len().max(right.len()) {
        let order = match (left.get(index), right.get(index)) {
            (Some(left), Some(right)) => left.compare(right),
            (Some(left), None) => left.against_nothing(),
            (None, Some(right)) => right.against_nothing().reverse(),
            (None, None) => Ordering::Equal,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

impl PartialEq for Maven {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Maven {}

impl PartialOrd for Maven {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Maven {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.items, &other.items)
    }
}
