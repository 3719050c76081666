use std::borrow::Cow;

use proptest::prelude::*;

use super::query::{MAX_QUERY_PAIRS, Query, QueryFault};
use super::{CanonicalPath, MAX_PATH_BYTES, PathFault, PathFault::*};

fn fault(raw: &[u8]) -> PathFault {
    CanonicalPath::parse(raw).expect_err(&String::from_utf8_lossy(raw))
}

fn canonical(raw: &str) -> String {
    CanonicalPath::parse(raw).expect(raw).as_str().to_owned()
}

/// Name, path, and the fault that it is.
const TRICKS: &[(&str, &[u8], PathFault)] = &[
    ("plain climb", b"/../etc/passwd", DotSegment),
    ("climb inside", b"/static/../admin", DotSegment),
    ("climb at the end", b"/static/..", DotSegment),
    ("single dot", b"/./admin", DotSegment),
    ("single dot at the end", b"/admin/.", DotSegment),
    ("Spring, encoded dots", b"/%2e%2e/admin", DotSegment),
    ("half-encoded dots", b"/.%2e/admin", DotSegment),
    ("Apache 2.4.49, CVE-2021-41773", b"/cgi-bin/.%2e/.%2e/bin/sh", DotSegment),
    ("Apache 2.4.50, CVE-2021-42013", b"/cgi-bin/%%32%65%%32%65/bin/sh", MalformedEscape),
    ("encoded single dot before a rule", b"/%2e/WEB-INF/web.xml", DotSegment),
    ("Windows, three dots", b"/.../secret", DotSegment),
    ("Windows, trailing space", b"/..%20/secret", DotSegment),
    ("Windows, no-break space", b"/..%c2%a0/secret", DotSegment),
    ("NFKC, two dot leader", b"/%e2%80%a5/secret", DotSegment),
    ("NFKC, fullwidth dots", b"/%ef%bc%8e%ef%bc%8e/secret", DotSegment),
    ("Tomcat, parameter after dots", b"/..;/manager/html", PathParameter),
    ("Tomcat, parameter with a value", b"/admin;x=y/../users", PathParameter),
    ("Jetty, encoded semicolon", b"/%3bx/admin", PathParameter),
    ("session id in the path", b"/admin;jsessionid=1", PathParameter),
    ("nginx alias, off by slash", b"/files../secret/..", DotSegment),
    ("nginx alias, encoded", b"/files..%2fsecret", EncodedSeparator),
    ("encoded slash", b"/a%2fb", EncodedSeparator),
    ("encoded slash, upper case", b"/a%2Fb", EncodedSeparator),
    ("encoded backslash", b"/a%5cb", EncodedSeparator),
    ("backslash", b"/..\\..\\windows", Backslash),
    ("backslash alone", b"/static\\admin", Backslash),
    ("dots and encoded backslash", b"/..%5c..%5cwindows", EncodedSeparator),
    ("double encoded slash", b"/a%252fb", DoubleEncoding),
    ("double encoded dots", b"/%252e%252e/admin", DoubleEncoding),
    ("double encoded, digits encoded too", b"/%25%32%65%25%32%65/", DoubleEncoding),
    ("triple encoded", b"/%25252e", DoubleEncoding),
    ("IIS %u", b"/%u002e%u002e/winnt", MalformedEscape),
    ("IIS %u, encoded percent", b"/%25u002e%25u002e/winnt", DoubleEncoding),
    ("IIS Unicode, overlong slash", b"/..%c0%af../winnt/system32/cmd.exe", InvalidUtf8),
    ("overlong dot", b"/%c0%ae%c0%ae/", InvalidUtf8),
    ("overlong slash, three bytes", b"/%e0%80%af", InvalidUtf8),
    ("overlong slash, four bytes", b"/%f0%80%80%af", InvalidUtf8),
    ("IIS best fit", b"/..%c1%9c../winnt", InvalidUtf8),
    ("surrogate", b"/%ed%a0%80", InvalidUtf8),
    ("lone continuation", b"/%80", InvalidUtf8),
    ("UTF-8 cut at a slash", b"/%e2%80/%a5", InvalidUtf8),
    ("fullwidth slash", b"/%ef%bc%8fadmin", EncodedSeparator),
    ("fullwidth backslash", b"/%ef%bc%bcadmin", EncodedSeparator),
    ("division slash", b"/%e2%88%95admin", EncodedSeparator),
    ("care of", b"/%e2%84%85", EncodedSeparator),
    ("raw UTF-8", "/é".as_bytes(), NonAscii),
    ("raw Latin-1", b"/\xe9", NonAscii),
    ("empty segment", b"/a//b", EmptySegment),
    ("another host", b"//evil.example/", EmptySegment),
    ("two slashes at the end", b"/a//", EmptySegment),
    ("two slashes alone", b"//", EmptySegment),
    ("NUL truncation", b"/admin%00.png", ControlCharacter),
    ("raw NUL", b"/admin\0.png", ControlCharacter),
    ("header injection", b"/a%0d%0aSet-Cookie:x=1", ControlCharacter),
    ("tab trimming", b"/admin%09", ControlCharacter),
    ("raw tab", b"/admin\t", ControlCharacter),
    ("delete", b"/admin%7f", ControlCharacter),
    ("C1 next line", b"/admin%c2%85", ControlCharacter),
    ("fragment", b"/public#/../admin", Fragment),
    ("query inside", b"/public?x", ForbiddenCharacter),
    ("raw space", b"/a b", ForbiddenCharacter),
    ("markup", b"/<script>", ForbiddenCharacter),
    ("cut escape", b"/a%", MalformedEscape),
    ("cut escape, one digit", b"/a%2", MalformedEscape),
    ("no digits", b"/%zz", MalformedEscape),
    ("sign as a digit", b"/%+2f", MalformedEscape),
    ("asterisk form", b"*", NotAbsolute),
    ("relative", b"admin", NotAbsolute),
    ("absolute form", b"http://upstream/admin", NotAbsolute),
    ("empty", b"", NotAbsolute),
];

#[test]
fn every_published_traversal_trick_is_refused() {
    for (name, raw, expected) in TRICKS {
        assert_eq!(fault(raw), *expected, "{name}");
    }
}

#[test]
fn an_overlong_path_is_refused() {
    let path = format!("/{}", "a".repeat(MAX_PATH_BYTES - 1));
    assert_eq!(canonical(&path), path);
    assert_eq!(fault(format!("{path}a").as_bytes()), PathFault::TooLong);
}

#[test]
fn ordinary_paths_pass_without_a_copy() {
    for path in [
        "/",
        "/a",
        "/a/",
        "/api/v1/users/7f3c",
        "/.well-known/jwks.json",
        "/a.b/..c/d..",
        "/~joe/x_y-z",
        "/b:archive",
        "/@me/a=1,2+3",
        "/caf%C3%A9",
        "/50%25off",
        "/what%3F",
    ] {
        let parsed = CanonicalPath::parse(path).expect(path);
        assert_eq!(parsed.as_str(), path);
        assert!(parsed.is_as_sent(), "{path}");
    }
}

#[test]
fn spellings_of_one_resource_become_one() {
    for (raw, expected) in [
        ("/%61dmin", "/admin"),
        ("/%7Ejoe/%2dx", "/~joe/-x"),
        ("/file%2etxt", "/file.txt"),
        ("/books/1%3Aarchive", "/books/1:archive"),
        ("/a%40b.example", "/a@b.example"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a[0]|b^c", "/a%5B0%5D%7Cb%5Ec"),
        ("/tags/a%2cb,c", "/tags/a%2Cb,c"),
        ("/a%20b", "/a%20b"),
    ] {
        let path = CanonicalPath::parse(raw).expect(raw);
        assert_eq!(path.is_as_sent(), raw == expected, "{raw}");
        assert_eq!(path.into_owned().as_str(), expected);
    }
}

#[test]
fn segments_are_decoded_and_keep_a_trailing_slash() {
    let segments =
        |raw: &str| CanonicalPath::parse(raw).expect(raw).segments().map(Cow::into_owned).collect::<Vec<_>>();
    assert_eq!(segments("/"), Vec::<String>::new());
    assert_eq!(segments("/a/b"), ["a", "b"]);
    assert_eq!(segments("/a/"), ["a", ""]);
    assert_eq!(segments("/caf%C3%A9/x%2By%25"), ["café", "x+y%"]);
}

#[test]
fn codes_differ_and_messages_hold_nothing_of_the_request() {
    assert_eq!(PathFault::DotSegment.code(), "path-dot-segment");
    assert_eq!(PathFault::EncodedSeparator.to_string(), "a segment of the path contains an encoded separator");
    assert_eq!(QueryFault::Ambiguous.code(), "query-ambiguous-parameter");
}

#[test]
fn a_query_that_can_be_read_in_two_ways_is_refused() {
    use QueryFault::*;
    let tricks: &[(&[u8], QueryFault)] = &[
        (b"a=b#c", Fragment),
        (b"a=b c", ControlCharacter),
        (b"a=\r\nX: y", ControlCharacter),
        (b"a=\0", ControlCharacter),
        (b"file=x%00.png", ControlCharacter),
        ("a=é".as_bytes(), NonAscii),
        (b"a=%", MalformedEscape),
        (b"a=%2", MalformedEscape),
        (b"a=%u0041", MalformedEscape),
        (b"a=%c0%af", InvalidUtf8),
        (b"a=%e9", InvalidUtf8),
        (b"%c3=%a9", InvalidUtf8),
    ];
    for (raw, expected) in tricks {
        assert_eq!(Query::parse(*raw), Err(*expected), "{}", String::from_utf8_lossy(raw));
    }
    assert_eq!(Query::parse(&"a=1&".repeat(MAX_QUERY_PAIRS)), Err(TooManyPairs));
    assert_eq!(Query::parse(&"a".repeat(20_000)), Err(TooLong));
}

#[test]
fn a_valid_query_is_forwarded_as_it_came_and_read_decoded() {
    let raw = "q=caf%c3%a9+au+lait&empty=&bare&&x=1=2&n%5b%5d=%2B";
    let query = Query::parse(raw).expect("valid");
    assert_eq!(query.as_str(), raw);
    let pairs: Vec<_> = query.pairs().map(|(name, value)| format!("{name}|{value}")).collect();
    assert_eq!(pairs, ["q|café au lait", "empty|", "bare|", "x|1=2", "n[]|+"]);
}

#[test]
fn a_deciding_parameter_that_two_frameworks_read_differently_is_refused() {
    let sole = |raw: &'static str| Query::parse(raw).expect(raw).sole("id");
    assert_eq!(sole("a=1&id=7&b=2"), Ok(Some("7".into())));
    assert_eq!(sole("%69d=7"), Ok(Some("7".into())));
    assert_eq!(sole("a=1;b=2"), Ok(None));
    for pollution in ["id=7&id=8", "id=7&%69d=8", "id=7;id=8", "a=1;id=8", "id=7;x"] {
        assert_eq!(sole(pollution), Err(QueryFault::Ambiguous), "{pollution}");
    }
}

fn path_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9._~-]{0,4}",
        2 => "[!$&'()*+,=:@|^\\[\\]]{1,3}",
        2 => "%[0-9a-fA-F]{2}",
        1 => Just("%c3%a9".to_owned()),
        1 => Just("%25".to_owned()),
        3 => Just("/".to_owned()),
        1 => "\\PC",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn canonical_is_a_fixed_point(raw in path_like()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            let again = CanonicalPath::parse(path.as_str()).expect("canonical paths parse");
            prop_assert!(again.is_as_sent());
            prop_assert_eq!(again.as_str(), path.as_str());
            let meaning: Vec<_> = path.segments().collect();
            prop_assert_eq!(again.segments().collect::<Vec<_>>(), meaning);
        }
    }

    #[test]
    fn no_canonical_path_keeps_what_two_servers_read_differently(raw in path_like()) {
        let Ok(path) = CanonicalPath::parse(&raw) else { return Ok(()) };
        let text = path.as_str();
        prop_assert!(text.is_ascii() && text.starts_with('/') && !text.contains("//") && !text.contains(['\\', ';', '#', '?']));
        prop_assert!(!text.split('/').any(|segment| segment == "." || segment == ".."));
        for escape in text.split('%').skip(1) {
            let (digits, _) = escape.split_at(2);
            let value = u8::from_str_radix(digits, 16).expect("hex");
            prop_assert!(!(value.is_ascii_alphanumeric() || b"-._~/\\;".contains(&value) || value < 0x20));
            prop_assert!(digits.to_uppercase() == digits);
        }
        for segment in path.segments() {
            prop_assert!(!segment.contains(['/', '\\', '\0']));
        }
    }

    #[test]
    fn the_fast_way_and_the_slow_way_agree(raw in path_like()) {
        let fast = CanonicalPath::parse(&raw);
        let slow = super::normalize(raw.as_bytes());
        prop_assert_eq!(fast.map(|path| path.as_str().to_owned()), slow.map(Cow::into_owned));
    }

    #[test]
    fn any_bytes_are_answered(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = CanonicalPath::parse(&raw);
        if let Ok(query) = Query::parse(&raw) {
            prop_assert_eq!(query.as_str().as_bytes(), &raw[..]);
            let _ = query.pairs().count();
        }
    }
}
