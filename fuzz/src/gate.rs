//! What the gate reads of a request's head, and does to an answer.

use std::net::{IpAddr, Ipv4Addr};

use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};

use crate::client_address::client_address;
use crate::path::CanonicalPath;
use crate::path::query::Query;

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
