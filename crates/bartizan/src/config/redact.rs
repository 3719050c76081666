//! Keeps secrets out of what is shown. A fault quotes the line it stands on, and that line may hold a secret that somebody
//! wrote where none belongs, under a key that we know or under one that we do not.

use std::ops::Range;

use super::source::Source;
use super::tree::{Content, Node};

/// Words in a key that say that its value is nobody else's business.
const SECRET_WORDS: [&str; 11] =
    ["secret", "passw", "token", "private", "credential", "hs256", "hs384", "hs512", "api_key", "apikey", "hmac"];

/// Beginnings by which a secret gives itself away wherever it stands.
const SECRET_BEGINNINGS: [&str; 9] = ["btz_", "eyJ", "-----BEGIN", "sk_", "sk-", "ghp_", "github_pat_", "AKIA", "xox"];

/// Hides what looks like a secret in a file that could be read.
pub(crate) fn hide_secrets(root: &Node, source: &mut Source) {
    let mut found = Vec::new();
    collect(root, false, &mut found);
    for span in found {
        source.hide(span);
    }
}

fn collect(node: &Node, under_secret_key: bool, found: &mut Vec<Range<usize>>) {
    match &node.content {
        Content::Text(text) if under_secret_key || looks_secret(text) => found.push(node.span.clone()),
        Content::List(nodes) => nodes.iter().for_each(|node| collect(node, under_secret_key, found)),
        Content::Table(members) => {
            for member in members {
                // Inside `{ env = "NAME" }` and `{ file = "path" }` stands where the secret is, not the secret.
                let names_a_place = matches!(member.key.as_str(), "env" | "file");
                let secret = !names_a_place && (under_secret_key || is_secret_key(&member.key));
                let is_section = matches!(member.node.content, Content::Table(_)) && !is_secret_key(&member.key);
                collect(&member.node, secret && !is_section, found);
            }
        }
        _ => {}
    }
}

fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('-', "_");
    SECRET_WORDS.iter().any(|word| key.contains(word)) && !key.ends_with("_lifetime") && key != "credentials"
}

fn looks_secret(text: &str) -> bool {
    let has_password = text
        .split_once("://")
        .is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|authority| authority.contains('@')));
    has_password || SECRET_BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

/// Hides what looks like a secret in a file that is not even TOML, line by line: everything to the right of such a key, and
/// everything that begins as secrets do.
pub(crate) fn hide_secret_lines(source: &mut Source) {
    let mut found = Vec::new();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        if let Some(from) = secret_part(line) {
            found.push(start + from..start + line.trim_end().len());
        }
        start += line.len();
    }
    for span in found {
        source.hide(span);
    }
}

fn blanks(text: Option<&str>) -> usize {
    text.map_or(0, |text| text.len() - text.trim_start().len())
}

fn secret_part(line: &str) -> Option<usize> {
    let assigned = line
        .find('=')
        .filter(|at| line.get(..*at).is_some_and(is_secret_key))
        .map(|at| at + 1 + blanks(line.get(at + 1..)));
    let begun = SECRET_BEGINNINGS.iter().filter_map(|beginning| line.find(beginning)).min();
    let password = line.contains('@').then(|| line.find("://")).flatten();
    [assigned, begun, password].into_iter().flatten().min()
}
