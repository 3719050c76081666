use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Lines, LockError, Node, Value};

pub(super) fn read(text: &str) -> Result<Node<'_>, LockError> {
    let lines = Lines::of(text);
    // The parser has a limit of its own on depth.
    let table = DeTable::parse(text).map_err(|error| LockError::Syntax {
        line: error.span().map_or(1, |span| lines.at(span.start)),
        what: error.message().to_owned(),
    })?;
    Ok(Node { line: 1, value: self::table(table.into_inner(), &lines) })
}

fn table<'a>(table: DeTable<'a>, lines: &Lines) -> Value<'a> {
    let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'a>>)| {
        let line = lines.at(key.span().start);
        Entry { key: key.into_inner(), line, node: node(value, lines) }
    };
    Value::Table(table.into_iter().map(entry).collect())
}

fn node<'a>(value: Spanned<DeValue<'a>>, lines: &Lines) -> Node<'a> {
    let line = lines.at(value.span().start);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(number) => Value::Number(number.as_str().to_owned().into()),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned().into()),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(time) => Value::Text(time.to_string().into()),
        DeValue::Array(items) => Value::List(items.into_iter().map(|item| node(item, lines)).collect()),
        DeValue::Table(members) => table(members, lines),
    };
    Node { line, value }
}
