use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::Fault;
use super::differential::{BOUNDS, check};
use super::framer::{Framer, Place, Verdict};

fn verdict(bytes: &str) -> (usize, Verdict) {
    Framer::new(BOUNDS).judge(bytes.as_bytes())
}

fn refused(bytes: &str) -> &'static str {
    match verdict(bytes) {
        (_, Verdict::Refused(Fault::Malformed(why), _)) => why,
        other => panic!("{bytes:?} is not refused: {other:?}"),
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn requests_pass_one_after_the_other() {
    let post = "POST /a?b=c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let chunked = "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n";
    let all = format!("{GET}{post}{chunked}{GET}");
    assert_eq!(verdict(&all), (all.len(), Verdict::Wait));
}

#[test]
fn half_a_head_waits_and_half_a_body_passes() {
    let (half, _) = GET.split_at(20);
    assert_eq!(verdict(half), (0, Verdict::Wait));
    let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc";
    assert_eq!(verdict(body), (body.len(), Verdict::Wait));
}

#[test]
fn each_thing_that_hyper_forgives_has_its_own_name() {
    let head = |fields: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    let chunk = |chunks: &str| format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    let cases = [
        ("bare-line-feed", "GET / HTTP/1.1\nHost: a\n\n".to_owned()),
        ("bare-line-feed", "GET / HTTP/1.1\r\nHost: a\r\n\n".to_owned()),
        ("blank-line-before-request", format!("\r\n{GET}")),
        ("bare-line-feed", format!("\n{GET}")),
        ("fragment-in-target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("fragment-in-target", "GET http://a/#b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("unreadable-target", "GET a.test HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("unreadable-target", "GET * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("unreadable-target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("unreadable-request-line", "GET /\r\nHost: a\r\n\r\n".to_owned()),
        ("unreadable-target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("unsupported-version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned()),
        ("unreadable-request-line", "GET / http/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("unreadable-method", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("missing-host", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("repeated-host", head("Host: a")),
        ("repeated-content-length", head("Content-Length: 1\r\nContent-Length: 1")),
        ("unreadable-content-length", head("Content-Length: 1, 1")),
        ("unreadable-content-length", head("Content-Length: +1")),
        ("unreadable-content-length", head("Content-Length:")),
        ("unreadable-content-length", head("Content-Length: 9999999999999999999")),
        ("content-length-with-transfer-encoding", head("Content-Length: 1\r\nTransfer-Encoding: chunked")),
        ("content-length-with-transfer-encoding", head("Transfer-Encoding: chunked\r\nContent-Length: 1")),
        ("repeated-transfer-encoding", head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
        ("transfer-encoding-other-than-chunked", head("Transfer-Encoding: gzip, chunked")),
        ("transfer-encoding-other-than-chunked", head("Transfer-Encoding: chunked, chunked")),
        ("transfer-encoding-other-than-chunked", head("Transfer-Encoding: \u{b}chunked").replace('\u{b}', "x")),
        ("control-character", head("Transfer-Encoding: \u{b}chunked")),
        ("control-character", head("X: a\0b")),
        ("control-character", head("X: a\rb")),
        ("folded-field", head("X: a\r\n b")),
        ("folded-field", head("X: a\r\n\tb: c")),
        ("space-before-colon", head("X : a")),
        ("empty-field-name", head(": a")),
        ("unreadable-field-name", head("X(: a")),
        ("field-without-colon", head("X")),
        ("white-space-in-chunk-size", chunk("3 \r\nabc\r\n")),
        ("white-space-in-chunk-size", chunk(" 3\r\nabc\r\n")),
        ("bare-line-feed-in-chunk-size", chunk("3\nabc")),
        ("bare-carriage-return-in-chunk-size", chunk("3\rabc")),
        ("unreadable-chunk-size", chunk("+3\r\nabc\r\n")),
        ("unreadable-chunk-size", chunk("0x3\r\nabc\r\n")),
        ("unreadable-chunk-size", chunk("\r\n")),
        ("chunk-size-too-long", chunk("00000000000000003\r\nabc\r\n")),
        ("unreadable-chunk-extension", chunk("3;a\nb\r\nabc\r\n")),
        ("unreadable-chunk-extension", chunk("3; a\r\nabc\r\n")),
        ("chunk-longer-than-its-size", chunk("3\r\nabcd\r\n")),
        ("chunk-longer-than-its-size", chunk("3\r\nabc\n0\r\n\r\n")),
        ("chunk-extensions-too-long", chunk(&format!("3;{}\r\nabc\r\n", "a".repeat(300)))),
        ("framing-field-in-trailers", chunk("0\r\nContent-Length: 3\r\n\r\n")),
        ("bare-line-feed", chunk("0\r\n\n")),
        ("unreadable-method", format!("{GET}\u{16}\u{3}\u{1} x\r\n")),
        (
            "transfer-encoding-outside-http-1.1",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        ),
    ];
    for (why, bytes) in &cases {
        assert_eq!(refused(bytes), *why, "{bytes:?}");
        check(bytes.as_bytes(), &[]);
        check(bytes.as_bytes(), &[0]);
    }
}

#[test]
fn what_can_never_become_a_request_is_not_waited_for() {
    for bytes in ["\x16\x03\x01\x02\x00\x01", "GET / HTTP/1.1\r\nX: a\0b", "\n", "GET / HTTP/1.1\n"] {
        assert!(matches!(verdict(bytes).1, Verdict::Refused(..)), "{bytes:?}");
    }
}

#[test]
fn a_head_that_never_ends_is_refused_when_its_bound_is_reached() {
    let long = |bytes: String| verdict(&bytes).1;
    let target = long(format!("GET /{}", "a".repeat(BOUNDS.target + 64)));
    assert_eq!(target, Verdict::Refused(Fault::TargetTooLong, Place::Head));
    let value = long(format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(BOUNDS.bytes)));
    assert_eq!(value, Verdict::Refused(Fault::HeadTooLarge, Place::Head));
    let fields = long(format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(BOUNDS.fields + 1)));
    assert_eq!(fields, Verdict::Refused(Fault::HeadTooLarge, Place::Head));
    let name = long(format!("GET / HTTP/1.1\r\n{}: y\r\n", "X".repeat(2000)));
    assert_eq!(name, Verdict::Refused(Fault::HeadTooLarge, Place::Head));
}

/// Pieces that requests, and attacks on them, are made of.
const WORDS: &[&str] = &[
    "GET ",
    "POST ",
    "HEAD ",
    "OPTIONS ",
    "CONNECT ",
    "/",
    "/a?b",
    "*",
    "http://a/",
    "#c",
    "{}",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    " HTTP/1.1\n",
    "Host: a\r\n",
    "host:b\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 0\r\n",
    "content-length:\t3 \r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Upgrade: x\r\n",
    "Connection: upgrade\r\n",
    "Expect: 100-continue\r\n",
    "X: \u{e9}\r\n",
    "X-Y:\r\n",
    " folded\r\n",
    "\r\n",
    "\n",
    "\r",
    "abc",
    "3\r\nabc\r\n",
    "3;x=y\r\nabc\r\n",
    "0\r\n",
    "0\r\n\r\n",
    "0;\r\n",
    "T: u\r\n",
    "\0",
    " ",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /u HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "GET /o HTTP/1.0\r\n\r\n",
    "GET /k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn what_passes_is_read_by_hyper_as_it_is_written(
        words in vec(select(WORDS), 0..24),
        sizes in vec(any::<u8>(), 0..8),
    ) {
        check(words.concat().as_bytes(), &sizes);
    }

    #[test]
    fn any_bytes_after_a_request_are_judged_alike_in_any_pieces(
        bytes in vec(any::<u8>(), 0..200),
        sizes in vec(0_u8..8, 1..8),
    ) {
        check(&[GET.as_bytes(), &bytes].concat(), &sizes);
    }
}

#[test]
fn fields_of_one_name_that_stand_apart_are_read_in_their_order() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nX-Two: 2\r\nX-One: 3\r\nX-Two: 4\r\n\r\n";
    check(head.as_bytes(), &[]);
    check(head.as_bytes(), &[7]);
}

#[test]
fn an_absolute_target_without_a_path_is_read_as_one_of_the_root() {
    for target in ["http://host", "htt1p://hostc", "http://host/a?b", "http://host?b"] {
        check(format!("GET {target} HTTP/1.1\r\nHost: host\r\n\r\n").as_bytes(), &[]);
    }
}
