//! Floods of HTTP/2 frames: each ends with GOAWAY and one event, in bounded memory, while others are served.

use std::time::Duration;

use bartizan_gateway::config::Config;
use bartizan_testkit::frames::{
    CALM, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, Http2, PING, PRIORITY, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, fields, frame, get, reset,
};
use bartizan_testkit::{Answer, Certificate, HttpClient, Protocol, Upstream};
use http::{StatusCode, Uri};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::harness::{Gated, config, eventually, rate, route};
use crate::tls::over_tls;

struct Target {
    gate: Gated,
    certificate: Certificate,
    upstream: Upstream,
    _files: TempDir,
}

impl Target {
    fn with(upstream: Upstream, change: impl FnOnce(&mut Config)) -> Self {
        let certificate = Certificate::for_names(&["localhost"]);
        let (mut rules, files) = over_tls(config(vec![route("/", upstream.address())]), &[&certificate]);
        rules.limits.address = rate("1000000/minute");
        change(&mut rules);
        Self { gate: Gated::start(rules), certificate, upstream, _files: files }
    }

    fn start() -> Self {
        Self::with(Upstream::answering(StatusCode::OK, "hello"), |_| {})
    }

    async fn client(&self, settings: &[(u16, u32)]) -> Http2 {
        Http2::open(&self.honest(), &self.url(), settings).await.unwrap()
    }

    /// The connection ended for a flood, with one event; an honest client is served all the same.
    async fn cut_for_a_flood(self, mut client: Http2) {
        assert_eq!(client.goodbye().await, Some(CALM));
        self.serves_others().await;
        let records = self.gate.records();
        let floods: Vec<_> = records.iter().filter(|record| record["event"]["code"] == "flood").collect();
        assert_eq!(floods.len(), 1, "{floods:#?}");
        assert_eq!(floods[0]["event"]["action"], "connection-failed");
    }

    async fn serves_others(&self) {
        let answer = self.honest().get(&self.url().to_string()).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
    }

    fn honest(&self) -> HttpClient {
        let client = HttpClient::trusting(&self.certificate.der).over(Protocol::Http2);
        client.connecting_to(self.gate.address())
    }

    fn url(&self) -> Uri {
        format!("https://localhost:{}/", self.gate.address().port()).parse().unwrap()
    }
}

/// Sends until the gate takes no more.
async fn flood(client: &mut Http2, mut next: impl FnMut(u32) -> Vec<u8>) {
    for number in 0..200 {
        let piece: Vec<u8> = (0..100).flat_map(|offset| next(number * 100 + offset)).collect();
        if !client.send(piece).await {
            return;
        }
    }
}

#[tokio::test]
async fn rapid_reset_cve_2023_44487() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    flood(&mut client, |number| {
        let stream = 2 * number + 1;
        [get(stream), reset(stream, CANCEL)].concat()
    })
    .await;
    assert!(target.upstream.received().len() < 500, "{}", target.upstream.received().len());
    target.cut_for_a_flood(client).await;
}

#[tokio::test]
async fn rapid_reset_that_waits_until_the_upstream_is_asked() {
    let target = Target::with(Upstream::start(|_| Answer::Hang), |_| {});
    let mut client = target.client(&[]).await;
    let mut stream = 1;
    for _ in 0..40 {
        let ten: Vec<u32> = (0..10).map(|number| stream + 2 * number).collect();
        stream += 20;
        if !client.send(ten.iter().flat_map(|stream| get(*stream)).collect::<Vec<u8>>()).await {
            break;
        }
        let sent = usize::try_from(stream / 2).unwrap();
        for _ in 0..100 {
            if target.upstream.received().len() >= sent {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        let resets = ten.iter().flat_map(|stream| reset(*stream, CANCEL));
        if !client.send(resets.collect::<Vec<u8>>()).await {
            break;
        }
    }
    assert_eq!(client.goodbye().await, Some(CALM));
    let asked = target.upstream.received().len();
    assert!(asked <= 300, "{asked} requests were begun");
    let metrics = target.gate.recorder().clone();
    eventually("the resets are counted", move || {
        let page = metrics.metrics().render();
        let count =
            page.lines().find_map(|line| line.strip_prefix("bartizan_http2_resets_total{by=\"client\"} ")).unwrap();
        (200..=300).contains(&count.parse().unwrap())
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_left_may_cancel_all_that_it_was_loading() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    for round in 0..20 {
        let streams = (0..10).map(|number| 20 * round + 2 * number + 1);
        for stream in streams {
            assert!(client.send(get(stream)).await);
            if stream % 4 == 1 {
                assert!(client.send(reset(stream, CANCEL)).await);
            } else {
                assert!(client.answered(stream).await);
            }
        }
    }
}

#[tokio::test]
async fn made_you_reset_cve_2025_8671() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    // A window beyond 2^31 is a stream error: the gate, not the client, resets.
    flood(&mut client, |number| {
        let stream = 2 * number + 1;
        let open = frame(HEADERS, END_HEADERS, stream, &fields("POST", &[]));
        [open, frame(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes())].concat()
    })
    .await;
    target.cut_for_a_flood(client).await;
}

#[tokio::test]
async fn continuation_flood_cve_2024_27316() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    client.send(frame(HEADERS, END_STREAM, 1, &fields("GET", &[]))).await;
    let padding = fields("GET", &[("x-padding", &"a".repeat(100))])[14..].repeat(100);
    flood(&mut client, |_| frame(CONTINUATION, 0, 1, &padding)).await;
    target.cut_for_a_flood(client).await;
}

#[tokio::test]
async fn endless_empty_continuations() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    client.send(frame(HEADERS, END_STREAM, 1, &fields("GET", &[]))).await;
    flood(&mut client, |_| frame(CONTINUATION, 0, 1, &[])).await;
    target.cut_for_a_flood(client).await;
}

#[tokio::test]
async fn a_field_list_beyond_its_bound_is_refused_and_the_connection_stays() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    let large: Vec<u8> =
        fields("GET", &[]).into_iter().chain(fields("GET", &[("x", &"a".repeat(120))])[14..].repeat(300)).collect();
    let (first, rest) = large.split_at(16_000);
    client.send(frame(HEADERS, END_STREAM, 1, first)).await;
    let mut rest: Vec<&[u8]> = rest.chunks(16_000).collect();
    let last = rest.pop().unwrap();
    for piece in rest {
        client.send(frame(CONTINUATION, 0, 1, piece)).await;
    }
    client.send(frame(CONTINUATION, END_HEADERS, 1, last)).await;
    assert!(client.answered(1).await, "431");
    assert!(target.upstream.received().is_empty());
}

#[tokio::test]
async fn settings_flood() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    flood(&mut client, |_| frame(SETTINGS, 0, 0, &[])).await;
    target.cut_for_a_flood(client).await;
}

#[tokio::test]
async fn ping_flood() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    flood(&mut client, |_| frame(PING, 0, 0, &[0; 8])).await;
    target.cut_for_a_flood(client).await;
}

#[tokio::test]
async fn priority_flood() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    flood(&mut client, |number| frame(PRIORITY, 0, 2 * number + 1, &[0, 0, 0, 0, 1])).await;
    target.cut_for_a_flood(client).await;
}

#[tokio::test]
async fn empty_data_flood() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    client.send(frame(HEADERS, END_HEADERS, 1, &fields("POST", &[]))).await;
    flood(&mut client, |_| frame(DATA, 0, 1, &[])).await;
    target.cut_for_a_flood(client).await;
}

#[tokio::test]
async fn window_update_flood() {
    let target = Target::start();
    let mut client = target.client(&[]).await;
    flood(&mut client, |_| frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes())).await;
    target.cut_for_a_flood(client).await;
}

#[tokio::test]
async fn a_client_that_opens_no_window_is_cut_off() {
    let target = Target::with(Upstream::answering(StatusCode::OK, "hello"), |rules| {
        rules.server.timeouts.body_idle = Duration::from_millis(600);
    });
    // SETTINGS_INITIAL_WINDOW_SIZE of zero: answers may begin, and never end.
    let mut client = target.client(&[(4, 0)]).await;
    for number in 0..50 {
        client.send(get(2 * number + 1)).await;
    }
    assert_eq!(client.goodbye().await, Some(CALM));
    target.serves_others().await;
    let records = target.gate.records();
    assert!(records.iter().any(|record| record["event"]["code"] == "timeout"), "{records:#?}");
}

#[tokio::test]
async fn a_block_of_fields_that_never_ends_is_cut_off_in_time() {
    let target = Target::with(Upstream::answering(StatusCode::OK, "hello"), |rules| {
        rules.server.timeouts.head = Duration::from_millis(500);
    });
    let mut client = target.client(&[]).await;
    let whole = get(1);
    client.send(&whole[..15]).await;
    while client.next().await.is_some() {}
    assert!(target.upstream.received().is_empty());
    let mut silent = target.client(&[]).await;
    while silent.next().await.is_some() {}
    target.serves_others().await;
}

#[tokio::test]
async fn h2_cl_and_h2_te_smuggling_reach_nobody() {
    let target = Target::start();
    for smuggled in [
        vec![("content-length", "0")],
        vec![("content-length", "3"), ("content-length", "3")],
        vec![("transfer-encoding", "chunked")],
        vec![("connection", "transfer-encoding"), ("transfer-encoding", "chunked")],
        vec![("foo", "b\r\ntransfer-encoding: chunked")],
        vec![("foo: b\r\nx", "y")],
        vec![("x y", "z")],
        vec![("host", "evil.test")],
    ] {
        let mut client = target.client(&[]).await;
        client.send(frame(HEADERS, END_HEADERS, 1, &fields("POST", &smuggled))).await;
        client.send(frame(DATA, END_STREAM, 1, b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        while let Some(frame) = client.next().await {
            if frame.stream == 1 && (frame.kind == RST_STREAM || frame.flags & END_STREAM != 0) {
                break;
            }
        }
    }
    let received = target.upstream.received();
    assert!(received.iter().all(|request| request.body.is_empty() || request.target == "/"), "{received:?}");
    assert!(received.is_empty(), "{received:?}");
}
