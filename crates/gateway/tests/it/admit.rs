//! What could be read in two ways is refused, and what is forwarded is what was judged.

use bartizan_testkit::{Certificate, HttpClient, Protocol, Upstream};
use http::{Method, StatusCode};

use crate::harness::{Gated, config, request, route};
use crate::tls::over_tls;
use crate::wire::{Wire, exchange};

fn everything() -> (Upstream, Gated) {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let routes = vec![route("/{*rest}", upstream.address()), route("/", upstream.address())];
    let gate = Gated::start(config(routes));
    (upstream, gate)
}

#[tokio::test]
async fn requests_that_two_parsers_could_read_differently_are_refused_and_reach_nobody() {
    let (upstream, gate) = everything();
    let cases = [
        ("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
        ("no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 400),
        ("two Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        ("a list in Host", "GET / HTTP/1.1\r\nHost: localhost, evil.test\r\n\r\n", 400),
        ("credentials in Host", "GET / HTTP/1.1\r\nHost: user@localhost\r\n\r\n", 400),
        ("absolute form of another host", "GET http://evil.test/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("absolute form of a foreign host, agreed", "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421),
        ("foreign Host", "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421),
        ("two lengths", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        ("list of lengths", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1, 2\r\n\r\nab", 400),
        ("signed length", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1\r\n\r\na", 400),
        (
            "gzip, chunked",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "chunked, chunked",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("identity", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity\r\n\r\n", 400),
        (
            "chunks in HTTP/1.0",
            "POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("folded field", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n c\r\n\r\n", 400),
        ("space before the colon", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A : b\r\n\r\n", 400),
        ("NUL in a field", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\0c\r\n\r\n", 400),
        ("bare CR", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\rc\r\n\r\n", 400),
        (
            "two content types",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n",
            400,
        ),
        ("TRACE", "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n", 405),
        ("unknown method", "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (
            "unknown expectation",
            "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: magic\r\nContent-Length: 0\r\n\r\n",
            417,
        ),
        ("no HTTP at all", "\x16\x03\x01 hello\r\n\r\n", 400),
        ("a later version", "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 400),
    ];
    for (name, bytes, status) in cases {
        let reply = exchange(gate.address(), bytes).await;
        assert_eq!(reply.status, status, "{name}: {reply:?}");
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
    let events = gate.events();
    assert!(events.iter().all(|event| event["bartizan"]["outcome"] == "refused"), "{events:#?}");
}

#[tokio::test]
async fn length_and_chunks_together_never_smuggle_a_second_request() {
    let fields = ["Content-Length: 5", "Transfer-Encoding: chunked"];
    for fields in [fields, [fields[1], fields[0]]] {
        let (upstream, gate) = everything();
        let mut wire = Wire::open(gate.address()).await;
        let hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let fields = fields.join("\r\n");
        wire.send(format!("POST /a HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n0\r\n\r\n{hidden}")).await;
        wire.reply().await;
        assert!(wire.is_closed().await, "nothing more is read from this connection");
        for request in upstream.received() {
            assert_eq!((request.target.as_str(), request.body.len()), ("/a", 0));
            assert!(
                !request.headers.contains_key("transfer-encoding") || !request.headers.contains_key("content-length")
            );
        }
    }
}

#[tokio::test]
async fn paths_that_gate_and_upstream_could_read_differently_are_refused_and_reach_nobody() {
    let (upstream, gate) = everything();
    for path in [
        "/../secret",
        "/a/../b",
        "/a/..",
        "/./a",
        "/%2e%2e/a",
        "/.%2e/a",
        "/a%2fb",
        "/a%5cb",
        "/a\\b",
        "/..;/a",
        "/a;x=1",
        "/%252e%252e/a",
        "/a%252fb",
        "/%c0%ae%c0%ae/",
        "/%c0%af",
        "/a//b",
        "//evil.test/",
        "/a%00",
        "/a%0d%0aX:y",
        "/%zz",
        "/%",
        "/é",
        "/.../a",
        "/a?x=%00",
        "/a?x=%zz",
        "/a?x=%ff",
        "/a?é",
    ] {
        let bytes = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let reply = exchange(gate.address(), bytes).await;
        assert_eq!(reply.status, 400, "{path}: {reply:?}");
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
}

#[tokio::test]
async fn what_is_forwarded_is_what_was_judged_byte_for_byte() {
    let (upstream, gate) = everything();
    let targets = ["/", "/a/b/", "/caf%C3%A9?q=a+b&c=%26", "/x%20y", "/a?", "/a?b=/../c", "/~u/@me:1,2!$'()*"];
    for target in targets {
        let reply = exchange(gate.address(), format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        assert_eq!(reply.status, 200, "{target}: {reply:?}");
    }
    let reply = exchange(gate.address(), "GET http://localhost/abs?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let forwarded: Vec<String> = upstream.received().into_iter().map(|request| request.target).collect();
    assert_eq!(forwarded, [&targets[..], &["/abs?x=1"]].concat());
}

#[tokio::test]
async fn one_resource_has_one_spelling_on_its_way_to_rules_and_upstream() {
    let (upstream, gate) = everything();
    assert_eq!(exchange(gate.address(), "GET /%61dmin%2duser HTTP/1.1\r\nHost: localhost\r\n\r\n").await.status, 200);
    assert_eq!(upstream.only_request().target, "/admin-user");
    assert_eq!(gate.only_event()["url"]["path"], "/admin-user");
}

#[tokio::test]
async fn sizes_beyond_the_bounds_are_refused_in_http_1() {
    let (upstream, gate) = everything();
    let with = |field: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\n{field}\r\n");
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(9000));
    let many = (0..120).map(|number| format!("X-{number}: y\r\n")).collect::<Vec<_>>().concat();
    let cases = [
        ("target", long_target, 414),
        ("count", with(&many), 431),
        ("one field", with(&format!("X-Long: {}\r\n", "a".repeat(40_000))), 431),
    ];
    for (name, bytes, status) in cases {
        let reply = exchange(gate.address(), bytes).await;
        assert_eq!(reply.status, status, "{name}: {reply:?}");
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn sizes_beyond_the_bounds_are_refused_in_http_2() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let certificate = Certificate::for_names(&["localhost"]);
    let (rules, _files) = over_tls(config(vec![route("/{*rest}", upstream.address())]), &[&certificate]);
    let gate = Gated::start(rules);
    let client = HttpClient::trusting(&certificate.der).over(Protocol::Http2);
    let url = |path: &str| format!("https://localhost:{}{path}", gate.address().port());
    let client = client.connecting_to(gate.address());
    let many: Vec<(String, String)> = (0..120).map(|number| (format!("x-{number}"), "y".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = client.send(request(Method::GET, &url("/a"), &many, "")).await.unwrap();
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let long = "a".repeat(40_000);
    let answer = client.send(request(Method::GET, &url("/a"), &[("x-long", &long)], "")).await.unwrap();
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let target = format!("/{}", "a".repeat(9000));
    let answer = client.get(&url(&target)).await.unwrap();
    assert_eq!(answer.status, StatusCode::URI_TOO_LONG);
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_refused_request_does_not_turn_its_body_into_the_next_request() {
    let (upstream, gate) = everything();
    let mut wire = Wire::open(gate.address()).await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
    wire.send(format!("POST /a HTTP/1.1\r\nHost: evil.test\r\nContent-Length: {}\r\n\r\n{hidden}", hidden.len())).await;
    assert_eq!(wire.reply().await.status, 421);
    wire.send("GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let _ = wire.reply().await;
    assert!(upstream.received().iter().all(|request| request.target == "/next"), "{:?}", upstream.received());
}

#[tokio::test]
async fn hosts_that_are_configured_are_served_and_a_port_makes_no_difference() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.hosts = vec!["www.test".into()];
    let gate = Gated::start(rules);
    for host in ["api.test", "API.test", "api.test:8443", "www.test", "localhost:1", "127.0.0.1", "[::1]:80"] {
        let reply = exchange(gate.address(), format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(reply.status, 200, "{host}: {reply:?}");
    }
    for host in ["test", "evil-api.test", "api.test.evil.test", "10.0.0.1"] {
        let reply = exchange(gate.address(), format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(reply.status, 421, "{host}: {reply:?}");
    }
}

#[tokio::test]
async fn an_empty_host_is_nobody_whatever_the_gate_is_called() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    // With a URL that names no authority, or one that nobody may say, the gate's own name is the empty one.
    for public_url in ["/", "http://user@api.test", "http://api.test"] {
        let mut rules = config(vec![route("/", upstream.address())]);
        rules.server.public_url = public_url.parse().unwrap();
        let gate = Gated::start(rules);
        for host in ["", " ", ":", ":80", "user@", "@", "user@api.test"] {
            let reply = exchange(gate.address(), format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
            assert!(matches!(reply.status, 400 | 421), "{public_url} `{host}`: {reply:?}");
        }
        let reply = exchange(gate.address(), "GET / HTTP/1.1\r\nHost:\r\n\r\n").await;
        assert_eq!(reply.status, 400, "{public_url}: {reply:?}");
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
}
