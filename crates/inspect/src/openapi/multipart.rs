//! `multipart/form-data` (`RFC 7578`), read strictly: what stands before, between and after the parts is refused, since there some
//! parsers find parts that others do not.

use memchr::memmem;

use super::media::{Media, MediaKind, essence, is_in, parameter};
use super::shape::Shape;
use crate::json::{Content, Json, Limits, Member, read as read_json};

/// Parts of one message.
const MOST_PARTS: usize = 256;
/// Bytes of the fields of one part.
const MOST_FIELD_BYTES: usize = 4 * 1024;

struct Part<'b> {
    name: String,
    media: Option<String>,
    body: &'b [u8],
}

/// The message as an object: a member for each name, a list where its shape is one. A file is a string with one character for each of
/// its bytes, so that `maxLength` bounds it.
pub(super) fn read(bytes: &[u8], content_type: &str, media: &Media, shape: &Shape) -> Result<Json, &'static str> {
    let boundary = parameter(content_type, "boundary").filter(|it| is_boundary(it)).ok_or("multipart-boundary")?;
    let parts = parts(bytes, boundary)?;
    let mut members: Vec<Member> = Vec::new();
    for part in &parts {
        if members.iter().any(|member| *member.name == *part.name) {
            continue;
        }
        let same = parts.iter().filter(|other| other.name == part.name);
        let shape = shape.member(&part.name);
        let of = |shape: &Shape| same.clone().map(|part| value(part, media, shape)).collect::<Result<Vec<_>, _>>();
        let value = if let Shape::List(element) = shape {
            Json::of(Content::Array(of(element)?.into()))
        } else {
            let mut values = of(shape)?;
            if values.len() > 1 {
                return Err("repeated");
            }
            values.pop().ok_or("multipart-part")?
        };
        members.push(Member { name: part.name.as_str().into(), start: 0, value });
    }
    Ok(Json::of(Content::Object(members.into())))
}

/// `RFC 2046 §5.1.1`
fn is_boundary(text: &str) -> bool {
    (1..=70).contains(&text.len())
        && !text.ends_with(' ')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte))
}

fn value(part: &Part<'_>, media: &Media, shape: &Shape) -> Result<Json, &'static str> {
    let declared = media.parts.get(&part.name);
    if let Some(declared) = declared {
        let own = part.media.as_deref().map_or_else(|| "text/plain".to_owned(), essence);
        if !declared.iter().any(|range| is_in(&own, range)) {
            return Err("content-type-of-part");
        }
    }
    let is_json = part.media.as_deref().is_some_and(|it| MediaKind::of(it) == MediaKind::Json);
    if is_json || matches!(shape, Shape::Object(..)) {
        return read_json(part.body, Limits::default()).map_err(|fault| fault.kind.code());
    }
    let is_text = part.media.as_deref().is_none_or(|it| MediaKind::of(it) == MediaKind::Text);
    match std::str::from_utf8(part.body) {
        Ok(text) if is_text => Ok(shape.value(text)),
        _ => Ok(Json::text(&part.body.iter().map(|byte| char::from(*byte)).collect::<String>())),
    }
}

fn parts<'b>(bytes: &'b [u8], boundary: &str) -> Result<Vec<Part<'b>>, &'static str> {
    const SYNTAX: &str = "multipart-syntax";
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(&delimiter);
    let opening = delimiter.as_bytes().get(2..).unwrap_or_default();
    let mut rest = bytes.strip_prefix(opening).ok_or(SYNTAX)?;
    let mut parts = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(b"--") {
            return if matches!(after, b"" | b"\r\n") { Ok(parts) } else { Err(SYNTAX) };
        }
        let part = rest.strip_prefix(b"\r\n").ok_or(SYNTAX)?;
        let end = finder.find(part).ok_or(SYNTAX)?;
        let (content, after) = part.split_at_checked(end).ok_or(SYNTAX)?;
        if parts.len() >= MOST_PARTS {
            return Err("too-many");
        }
        parts.push(part_of(content)?);
        rest = after.get(delimiter.len()..).unwrap_or_default();
    }
}

fn part_of(content: &[u8]) -> Result<Part<'_>, &'static str> {
    let head = memmem::find(content, b"\r\n\r\n").filter(|end| *end <= MOST_FIELD_BYTES).ok_or("multipart-head")?;
    let (fields, body) = content.split_at_checked(head).ok_or("multipart-head")?;
    let fields = std::str::from_utf8(fields).map_err(|_| "multipart-head")?;
    let (mut name, mut media) = (None, None);
    for line in fields.split("\r\n") {
        let (field, value) = line.split_once(':').ok_or("multipart-head")?;
        let slot = match &*field.to_ascii_lowercase() {
            "content-disposition" => &mut name,
            "content-type" => &mut media,
            // RFC 7578 §4.7: deprecated, and a second encoding that only some parsers undo.
            "content-transfer-encoding" => return Err("multipart-encoding"),
            _ => continue,
        };
        if slot.replace(value.trim()).is_some() {
            return Err("multipart-head");
        }
    }
    let disposition = name.ok_or("multipart-head")?;
    Ok(Part { name: disposed(disposition)?, media: media.map(str::to_owned), body: body.get(4..).unwrap_or_default() })
}

/// The name of a part. A file name that is a path would be one where the upstream stores it (CWE-22).
fn disposed(disposition: &str) -> Result<String, &'static str> {
    const HEAD: &str = "multipart-disposition";
    let (kind, mut rest) = disposition.split_once(';').ok_or(HEAD)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(HEAD);
    }
    let mut name = None;
    loop {
        let (key, after) = rest.split_once('=').ok_or(HEAD)?;
        let (value, after) = quoted_or_token(after).ok_or(HEAD)?;
        match &*key.trim().to_ascii_lowercase() {
            "name" if name.is_none() => name = Some(value),
            "filename" if !is_file_name(&value) => return Err("file-name"),
            "filename" => {}
            // `filename*` is not for forms (RFC 7578 §4.2), and names a second file to those who read it.
            _ => return Err(HEAD),
        }
        match after.trim_start().strip_prefix(';') {
            Some(more) => rest = more,
            None if after.trim().is_empty() => return name.ok_or(HEAD),
            None => return Err(HEAD),
        }
    }
}

fn quoted_or_token(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (token, after) = text.split_at_checked(end)?;
        let token = token.trim();
        return (!token.is_empty() && !token.contains(['"', '\\', ' '])).then(|| (token.to_owned(), after));
    };
    // Browsers escape a quote as `%22` and leave a backslash as it is; others escape by backslash. Neither is needed.
    let (value, after) = quoted.split_once('"')?;
    (!value.contains('\\') && !value.chars().any(char::is_control)).then(|| (value.to_owned(), after))
}

fn is_file_name(name: &str) -> bool {
    !name.contains(['/', '\\']) && name != "." && name != ".." && name.len() <= 255
}
