use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions};

use super::{Entry, Lines, LockError, Node, Value, check_brackets};

pub(super) fn read(text: &str) -> Result<Node<'_>, LockError> {
    check_brackets(text)?;
    let lines = Lines::of(text);
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let parsed = jsonc_parser::parse_to_ast(text, &collect, &ParseOptions::default())
        .map_err(|error| LockError::Syntax { line: lines.at(error.range().start), what: error.kind().to_string() })?;
    let value = parsed.value.ok_or_else(|| LockError::Syntax { line: 1, what: "there is nothing in it".to_owned() })?;
    Ok(node(value, &lines))
}

/// As deep as the brackets, which were counted.
fn node<'a>(value: ast::Value<'a>, lines: &Lines) -> Node<'a> {
    let line = lines.at(value.range().start);
    let value = match value {
        ast::Value::StringLit(text) => Value::Text(text.value),
        ast::Value::NumberLit(number) => Value::Number(number.value.into()),
        ast::Value::BooleanLit(flag) => Value::Flag(flag.value),
        ast::Value::NullKeyword(_) => Value::Nothing,
        ast::Value::Array(list) => Value::List(list.elements.into_iter().map(|item| node(item, lines)).collect()),
        ast::Value::Object(table) => {
            Value::Table(table.properties.into_iter().map(|member| entry(member, lines)).collect())
        }
    };
    Node { line, value }
}

fn entry<'a>(member: ast::ObjectProp<'a>, lines: &Lines) -> Entry<'a> {
    let line = lines.at(member.range.start);
    let key = match member.name {
        ast::ObjectPropName::String(text) => text.value,
        ast::ObjectPropName::Word(word) => word.value.into(),
    };
    Entry { key, line, node: node(member.value, lines) }
}
