use http::Uri;

use super::Fault;

/// hyper's own limit, whatever the configuration says.
const LONGEST: usize = u16::MAX as usize - 1;

/// A request target that is URI's and nothing else (`RFC 9112 §3.2`): hyper cuts a fragment off silently, so that gate and upstream
/// would see another target than the client's log.
pub(super) fn judge(method: &[u8], target: &[u8], longest: usize) -> Result<(), Fault> {
    if target.len() > longest.min(LONGEST) {
        return Err(Fault::TargetTooLong);
    }
    if target.first() == Some(&b'/') {
        return origin_form(target);
    }
    let is_of_its_method = match target {
        b"*" => method == b"OPTIONS",
        _ if method == b"CONNECT" => is_uri(target, |uri| uri.scheme().is_none() && uri.authority().is_some()),
        _ => is_uri(target, |uri| uri.scheme().is_some() && uri.authority().is_some()),
    };
    if target.contains(&b'#') {
        return Err(Fault::Malformed("fragment-in-target"));
    }
    if is_of_its_method { Ok(()) } else { Err(Fault::Malformed("unreadable-target")) }
}

fn origin_form(target: &[u8]) -> Result<(), Fault> {
    let mut in_query = false;
    for &byte in target {
        match byte {
            b'!' | b'$'..=b';' | b'=' | b'@'..=b'_' | b'a'..=b'z' | b'|' | b'~' => {}
            b'?' => in_query = true,
            b'#' => return Err(Fault::Malformed("fragment-in-target")),
            // URI has no such characters, but clients send them: JSON in a path, back-quotes in a query.
            b'"' | b'{' | b'}' if !in_query => {}
            b'`' | b'{' | b'}' if in_query => {}
            0x80.. => return Err(Fault::Malformed("target-is-not-ascii")),
            _ => return Err(Fault::Malformed("unreadable-target")),
        }
    }
    Ok(())
}

fn is_uri(target: &[u8], is_right: impl Fn(&Uri) -> bool) -> bool {
    target.is_ascii() && Uri::try_from(target).is_ok_and(|uri| is_right(&uri))
}
