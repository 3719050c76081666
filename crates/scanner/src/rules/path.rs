use std::str::FromStr;

use crate::tree::Node;

/// A way through a document: `services.*.image`. `*` is any one member or item, `**` (once) any number of them, and a key that has a dot
/// in it stands in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Any,
    Deep,
}

/// A place that a path leads to.
pub(super) struct Place<'a, 'n> {
    pub(super) node: &'n Node<'a>,
    /// The line of the key, or of the item.
    pub(super) line: u32,
    /// The way as it went: items of lists without their numbers, which change when others are put before them.
    pub(super) way: Vec<&'n str>,
}

/// Why a path is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PathError {
    #[error("it has an empty part: keys are separated by one dot, and one that has a dot in it stands in quotes")]
    Empty,
    #[error("`**` may stand in it once")]
    TwiceDeep,
    #[error("a quote is not closed")]
    Quote,
}

impl FromStr for KeyPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            let (step, after) = if let Some(quoted) = rest.strip_prefix('"') {
                let (key, after) = quoted.split_once('"').ok_or(PathError::Quote)?;
                (Step::Key(key.to_owned()), after)
            } else {
                let (word, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                let step = match word {
                    "" => return Err(PathError::Empty),
                    "*" => Step::Any,
                    "**" => Step::Deep,
                    key => Step::Key(key.to_owned()),
                };
                (step, after)
            };
            steps.push(step);
            if after.is_empty() {
                break;
            }
            rest = after.strip_prefix('.').ok_or(PathError::Quote)?;
        }
        if steps.iter().filter(|step| **step == Step::Deep).count() > 1 {
            return Err(PathError::TwiceDeep);
        }
        Ok(Self(steps))
    }
}

impl KeyPath {
    /// Every place that the path leads to, in the order of the document.
    pub(super) fn places<'a, 'n>(&self, root: &'n Node<'a>) -> Vec<Place<'a, 'n>> {
        let mut places = Vec::new();
        follow(root, root.line, &self.0, &mut Vec::new(), &mut places);
        places
    }

    /// The path to what holds the last key, and that key; none where the last step is no key.
    pub(super) fn holder(&self) -> Option<(Self, &str)> {
        match self.0.split_last()? {
            (Step::Key(key), holder) => Some((Self(holder.to_vec()), key)),
            _ => None,
        }
    }
}

/// As deep as the document, whose depth its reader bounds.
fn follow<'a, 'n>(
    node: &'n Node<'a>,
    line: u32,
    steps: &[Step],
    way: &mut Vec<&'n str>,
    places: &mut Vec<Place<'a, 'n>>,
) {
    let Some((step, rest)) = steps.split_first() else {
        places.push(Place { node, line, way: way.clone() });
        return;
    };
    let below = match step {
        Step::Key(_) | Step::Any => rest,
        Step::Deep => {
            follow(node, line, rest, way, places);
            steps
        }
    };
    for entry in node.entries() {
        if let Step::Key(key) = step
            && entry.key != *key
        {
            continue;
        }
        way.push(&entry.key);
        follow(&entry.node, entry.line, below, way, places);
        way.pop();
    }
    if !matches!(step, Step::Key(_)) {
        for item in node.items() {
            way.push("*");
            follow(item, item.line, below, way, places);
            way.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(path: &str) -> Vec<String> {
        let text = "a:\n  x: {image: 1}\n  y: {image: 2}\nb: [{image: 3}, {other: {image: 4}}]\n\"c.d\": 5\n";
        let root = Node::yaml(text).unwrap();
        let path: KeyPath = path.parse().unwrap();
        path.places(&root).iter().map(|place| format!("{}:{}", place.line, place.way.join("."))).collect()
    }

    #[test]
    fn a_path_leads_to_members_and_items() {
        assert_eq!(ways("a.*.image"), ["2:a.x.image", "3:a.y.image"]);
        assert_eq!(ways("b.*.image"), ["4:b.*.image"]);
        assert_eq!(ways("**.image"), ["2:a.x.image", "3:a.y.image", "4:b.*.image", "4:b.*.other.image"]);
        assert_eq!(ways("\"c.d\""), ["5:c.d"]);
        assert!(ways("a.z.image").is_empty());
    }

    #[test]
    fn what_is_no_path_is_told() {
        for (text, error) in [
            ("", PathError::Empty),
            ("a..b", PathError::Empty),
            ("a.", PathError::Empty),
            ("**.a.**", PathError::TwiceDeep),
            ("\"a", PathError::Quote),
            ("\"a\"b", PathError::Quote),
        ] {
            assert_eq!(text.parse::<KeyPath>(), Err(error), "{text}");
        }
    }
}
