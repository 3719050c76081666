//! What a GraphQL server tells in its errors: suggestions are the schema in pieces, extensions are how it is made inside.

use crate::json::{self, Content, Json, JsonFault};

/// Members of an error's `extensions` that hold stack traces and messages of the machine's inside, as servers call them.
const INSIDE: [&str; 7] = ["exception", "stacktrace", "stackTrace", "trace", "debug", "debugMessage", "originalError"];
/// What servers put before a name that they think was meant.
const SUGGESTION: &str = "Did you mean";

/// An answer without suggestions and without what its errors tell of the server's inside; every other byte stays. Nothing where there is
/// nothing of it.
///
/// # Errors
/// An answer that cannot be read in one way.
pub fn without_disclosures(answer: &[u8]) -> Result<Option<Vec<u8>>, JsonFault> {
    if memchr::memmem::find(answer, b"\"errors\"").is_none() && memchr::memmem::find(answer, b"\\u").is_none() {
        return Ok(None);
    }
    let read = json::read(answer, json::Limits::default())?;
    let mut cuts: Vec<(u32, u32, String)> = Vec::new();
    let answers = if let Content::Array(answers) = &read.content { &answers[..] } else { std::slice::from_ref(&read) };
    for error in answers.iter().filter_map(|it| it.get("errors")).flat_map(Json::elements) {
        if let Some((message, text)) = error.get("message").and_then(|it| Some((it, it.as_str()?)))
            && let Some(at) = text.find(SUGGESTION)
        {
            let kept = text.get(..at).unwrap_or_default().trim_end();
            cuts.push((message.start, message.end, Json::text(kept).to_string()));
        }
        if let Some(extensions) = error.get("extensions").filter(|it| tells(it)) {
            let members = extensions.members().iter().filter(|member| !INSIDE.contains(&&*member.name));
            let kept = Json::of(Content::Object(members.cloned().collect()));
            cuts.push((extensions.start, extensions.end, kept.to_string()));
        }
    }
    if cuts.is_empty() {
        return Ok(None);
    }
    cuts.sort_unstable_by_key(|(start, ..)| *start);
    let mut cleaned = Vec::with_capacity(answer.len());
    let mut at = 0;
    for (start, end, text) in cuts {
        cleaned.extend_from_slice(answer.get(at..start as usize).unwrap_or_default());
        cleaned.extend_from_slice(text.as_bytes());
        at = end as usize;
    }
    cleaned.extend_from_slice(answer.get(at..).unwrap_or_default());
    Ok(Some(cleaned))
}

fn tells(extensions: &Json) -> bool {
    extensions.members().iter().any(|member| INSIDE.contains(&&*member.name))
}
