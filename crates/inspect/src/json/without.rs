use super::{Content, Json};

/// The text of `value` without the members that `is_out` names; everything else stays as it was written, byte by byte.
///
/// `text` is what `value` was read from.
pub fn without(text: &[u8], value: &Json, is_out: &impl Fn(&Json) -> bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    write(text, value, is_out, &mut out);
    out
}

fn write(text: &[u8], value: &Json, is_out: &impl Fn(&Json) -> bool, out: &mut Vec<u8>) {
    match &value.content {
        Content::Object(members) if !members.is_empty() => {
            out.push(b'{');
            let kept = members.iter().filter(|member| !is_out(&member.value));
            for (at, member) in kept.enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(slice(text, member.start, member.value.start));
                write(text, &member.value, is_out, out);
            }
            out.push(b'}');
        }
        Content::Array(elements) if !elements.is_empty() => {
            out.push(b'[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(text, element, is_out, out);
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(slice(text, value.start, value.end)),
    }
}

fn slice(text: &[u8], start: u32, end: u32) -> &[u8] {
    text.get(start as usize..end as usize).unwrap_or_default()
}
