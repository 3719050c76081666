//! What the gate reads of a request's head, and does to an answer.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};

use crate::answer::Transport;
use crate::answer::cookies::CookieRules;
use crate::answer::errors::is_stack_trace;
use crate::answer::mask::{Mask, MaskKinds, Masker};
use crate::client_address::client_address;
use crate::path::CanonicalPath;
use crate::path::query::Query;
use crate::proxy_protocol::{Parsed, parse};

/// A path that is taken is read the same way a second time, and hides nothing that another server might act on.
pub fn path(input: &[u8]) {
    let Ok(path) = CanonicalPath::parse(input) else { return };
    let text = path.as_str();
    let again = CanonicalPath::parse(text).expect("what was made canonical is taken");
    assert_eq!(again.as_str(), text);
    assert!(text.starts_with('/') && text.is_ascii() && !text.contains("//") && !text.contains('\\'));
    for segment in path.segments() {
        assert!(segment != "." && segment != ".." && !segment.contains(['/', '\\', ';', '\0']), "{segment:?}");
    }
}

/// A query that is taken is forwarded as it came, and its pairs can be read.
pub fn query(input: &[u8]) {
    let Ok(query) = Query::parse(input) else { return };
    assert_eq!(query.as_str().as_bytes(), input);
    for (name, value) in query.pairs() {
        assert!(name.len() + value.len() <= input.len());
    }
}

/// Whatever stands in the forwarding fields, a peer that is not trusted keeps its own address, and one that is trusted
/// never has its word doubted by what stands to the left of a stranger.
pub fn forwarded(input: &[u8]) {
    let peer = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(16) {
        let (name, value) = match line.split_first() {
            Some((b'F', rest)) => (FORWARDED, rest),
            Some((_, rest)) => (HeaderName::from_static("x-forwarded-for"), rest),
            None => continue,
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    assert_eq!(client_address(peer, &headers, &[]).expect("nobody is believed"), peer);
    let trusted = ["10.0.0.0/8".parse().expect("a network")];
    let first = client_address(peer, &headers, &trusted).ok();
    assert_eq!(first, client_address(peer, &headers, &trusted).ok());
}

/// Read by demand, a PROXY header is what it is at once, and no byte after it is taken.
pub fn proxy_protocol(input: &[u8]) {
    let at_once = parse(input);
    let mut taken = 0;
    loop {
        let seen = input.get(..taken).expect("no more than there is");
        match parse(seen) {
            Ok(Parsed::Partial(more)) => {
                assert!(more > 0, "asks for nothing");
                if taken + more > input.len() {
                    return;
                }
                taken += more;
            }
            Ok(Parsed::Whole(header, length)) => {
                assert_eq!(length, taken, "a byte of what follows was taken");
                assert!(length <= 4096);
                return assert_eq!(at_once, Ok(Parsed::Whole(header, length)));
            }
            Err(fault) => return assert_eq!(at_once, Err(fault)),
        }
    }
}

/// However a body is cut into chunks, what leaves is the same, has its length, and differs by stars only.
pub fn mask(input: &[u8]) {
    let Some((&cut, body)) = input.split_first() else { return };
    let whole = masked([body]);
    assert_eq!(whole.len(), body.len());
    let step = usize::from(cut).max(1);
    assert_eq!(masked(body.chunks(step)), whole);
    assert!(whole.iter().zip(body).all(|(after, before)| after == before || *after == b'*'));
}

fn masked<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    static MASK: LazyLock<Mask> = LazyLock::new(|| Mask::compile(MaskKinds::ALL).expect("a few words"));
    let mut masker = Masker::new(MASK.clone());
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend_from_slice(&masker.push(Bytes::copy_from_slice(chunk)));
    }
    out.extend_from_slice(&masker.finish());
    out
}

/// Over TLS no cookie leaves without `Secure`, none is the gate's own, and what the upstream wrote stands at its beginning.
pub fn cookies(input: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(16) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(SET_COOKIE, value);
        }
    }
    let written = headers.clone();
    CookieRules::default().harden(&mut headers, Transport::Tls);
    for cookie in headers.get_all(SET_COOKIE) {
        let text = cookie.as_bytes().to_ascii_lowercase();
        assert!(text.windows(6).any(|window| window == b"secure"), "{cookie:?}");
        assert!(!text.starts_with(b"__host-bartizan="), "{cookie:?}");
        let is_of = |before: &HeaderValue| cookie.as_bytes().starts_with(before.as_bytes().trim_ascii_end());
        assert!(written.get_all(SET_COOKIE).iter().any(is_of), "{cookie:?}");
    }
}

/// Looking for a stack trace ends.
pub fn trace(input: &[u8]) {
    let _ = is_stack_trace(input);
}
