//! Header fields that must not cross the gate, in either direction.

use http::header::{self, HeaderMap, HeaderName};

/// Fields that describe one connection, not the message (`RFC 9110 §7.6.1`), beside those that `Connection` names. `Trailer` is not
/// one of them: without it hyper sends no trailers over HTTP/1.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Fields by which backends learn who calls, from where and for what: only the gate may say so. Every one of them has been believed
/// by some framework when it came straight from an attacker.
const IDENTITY: &[&str] = &[
    "cf-connecting-ip",
    "client-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "forwarded",
    "front-end-https",
    "proxy",
    "remote-user",
    "true-client-ip",
    "via",
    "x-api-version-override",
    "x-client-cert",
    "x-client-dn",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-middleware-subrequest",
    "x-original-host",
    "x-original-url",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-remote-user",
    "x-request-id",
    "x-rewrite-url",
    "x-url-scheme",
    "x-user",
    "x-webauth-user",
];

/// Families of such fields.
const IDENTITY_PREFIXES: &[&str] = &[
    "bartizan-",
    "ssl-client-",
    "x-amzn-oidc-",
    "x-auth-request-",
    "x-authenticated-",
    "x-bartizan-",
    "x-envoy-",
    "x-forwarded",
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    "x-ms-client-principal",
    "x-ssl-client-",
];

/// Removes hop-by-hop fields, those that `Connection` names among them.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    strip(headers, |_| false);
}

/// Removes what must not cross towards an upstream: hop-by-hop fields, and what only the gate may say. `Expect` is the gate's too:
/// hyper answered `100-continue` itself, and the upstream would answer it a second time.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    strip(headers, |name| name == "expect" || is_reserved(name));
}

/// One pass over the names that are there: asking for each name that must not be costs a hash for every one of them.
fn strip(headers: &mut HeaderMap, is_reserved: fn(&str) -> bool) {
    if headers.keys().any(|name| *name == header::CONNECTION) {
        for name in connection_options(headers) {
            headers.remove(name);
        }
    }
    while let Some(name) = headers.keys().find(|name| HOP_BY_HOP.contains(name) || is_reserved(name.as_str())) {
        let name = name.clone();
        headers.remove(name);
    }
    // `TE: trailers` is the one value that is meant for the far end (gRPC).
    if headers.iter().any(|(name, value)| *name == header::TE && !value.as_bytes().eq_ignore_ascii_case(b"trailers")) {
        headers.remove(header::TE);
    }
}

/// The fields that `Connection` names. A client could name any field here and so take it away from the upstream: the ones on which
/// decisions rest are not given up.
fn connection_options(headers: &HeaderMap) -> Vec<HeaderName> {
    const KEPT: [HeaderName; 5] =
        [header::HOST, header::AUTHORIZATION, header::COOKIE, header::CONTENT_LENGTH, header::CONTENT_TYPE];
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|option| !option.eq_ignore_ascii_case(b"close") && !option.eq_ignore_ascii_case(b"keep-alive"))
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        .filter(|name| !KEPT.contains(name) && *name != header::TE)
        .collect()
}

/// What only the gate may say, and every field whose name has an underscore: CGI, WSGI and Rack read `X_Forwarded_For` and
/// `X-Forwarded-For` as the same variable.
fn is_reserved(name: &str) -> bool {
    let Some(&first) = name.as_bytes().first() else { return true };
    // Nine of ten fields begin with another letter: they cost one comparison and a search for the underscore.
    let suspicious = matches!(first, b'b' | b'c' | b'f' | b'p' | b'r' | b's' | b't' | b'v' | b'x');
    name.contains('_')
        || suspicious
            && (IDENTITY.binary_search(&name).is_ok()
                || IDENTITY_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// Removes a client's trailers that would act as header fields if somebody merged them (`RFC 9110 §6.5.1`).
pub(crate) fn strip_trailers(trailers: &mut HeaderMap) {
    strip_request(trailers);
    strip_answer_trailers(trailers);
}

/// Removes an upstream's trailers that would get round the filter of header fields.
pub(crate) fn strip_answer_trailers(trailers: &mut HeaderMap) {
    const NEVER: [HeaderName; 10] = [
        header::AUTHORIZATION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::COOKIE,
        header::HOST,
        header::SET_COOKIE,
        header::STRICT_TRANSPORT_SECURITY,
        header::TE,
    ];
    strip_hop_by_hop(trailers);
    for name in &NEVER {
        trailers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(names: &[&str]) -> HeaderMap {
        names
            .iter()
            .map(|name| (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("forged")))
            .collect()
    }

    #[test]
    fn the_list_is_sorted_so_that_a_search_finds_every_entry() {
        assert!(IDENTITY.is_sorted());
    }

    #[test]
    fn a_client_cannot_say_who_it_is_or_where_it_comes_from() {
        let mut forged = headers(&[
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x_forwarded_for",
            "bartizan-assertion",
            "x-real-ip",
            "remote-user",
            "x-middleware-subrequest",
            "x-http-method-override",
            "x-original-url",
            "x-goog-iap-jwt-assertion",
        ]);
        strip_request(&mut forged);
        assert!(forged.is_empty(), "{forged:?}");
    }

    #[test]
    fn ordinary_fields_pass() {
        let names =
            ["accept", "authorization", "content-type", "x-csrf-token", "x-requested-with", "traceparent", "cookie"];
        let mut ordinary = headers(&names);
        strip_request(&mut ordinary);
        assert_eq!(ordinary.len(), names.len());
    }

    #[test]
    fn connection_cannot_take_the_credential_away() {
        let mut headers = headers(&["authorization", "cookie", "x-private"]);
        headers.insert(header::CONNECTION, HeaderValue::from_static("close, Authorization, cookie, x-private"));
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers.keys_len(), 2);
        assert!(headers.contains_key(header::AUTHORIZATION) && headers.contains_key(header::COOKIE));
    }

    #[test]
    fn te_trailers_survives_and_other_codings_do_not() {
        let mut grpc = HeaderMap::new();
        grpc.insert(header::TE, HeaderValue::from_static("trailers"));
        strip_hop_by_hop(&mut grpc);
        assert!(grpc.contains_key(header::TE));
        grpc.insert(header::TE, HeaderValue::from_static("gzip, trailers"));
        strip_hop_by_hop(&mut grpc);
        assert!(!grpc.contains_key(header::TE));
    }
}
