//! What an upstream says by HTTP/2 alone: that it did not look at a request, that it leaves, that it wants to know whether the gate is
//! there. What it did not look at is sent again, whatever it would have changed; what it may have done is not (`RFC 9113 §8.7`).

use bartizan_gateway::config::{Protocol, Upstream as Group};
use bartizan_testkit::frames::{INTERNAL, REFUSED};
use bartizan_testkit::{HttpClient, HttpConnection};
use http::{Method, StatusCode};
use tokio::task::JoinSet;

use crate::framed::{Framed, Move};
use crate::harness::{Gated, eventually, request};
use crate::upstream_groups::{before, group};

/// A gate before these upstreams: one alone has no rules for repetitions, several are a group.
fn gate(upstreams: &[&Framed]) -> Gated {
    let addresses: Vec<_> = upstreams.iter().map(|it| it.address()).collect();
    let mut rules = Group { protocol: Protocol::H2c, ..group(&addresses) };
    if upstreams.len() == 1 {
        rules.retry.most = 0;
    }
    Gated::start(before(rules))
}

async fn connection(gate: &Gated) -> HttpConnection {
    HttpClient::plain().connect(&gate.url("/").parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_stream_that_was_refused_is_sent_again_even_if_it_changes_something() {
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let upstream = Framed::start(|asked| match asked.number {
            1 | 3 => vec![Move::Reset(REFUSED)],
            _ => vec![Move::Answer],
        });
        let gate = gate(&[&upstream]);
        for _ in 0..3 {
            let answer = gate.send(method.clone(), "/x", &[], "").await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, "done"), "{method}");
        }
        assert_eq!((upstream.asked().len(), upstream.answered().len()), (5, 3), "{method}: two were sent again");
    }
}

#[tokio::test]
async fn a_stream_that_broke_in_any_other_way_is_never_sent_again_if_it_changes_something() {
    for way in [Move::Reset(INTERNAL), Move::Close] {
        for method in [Method::POST, Method::DELETE] {
            let first = Framed::start(move |_| vec![way]);
            let second = Framed::start(move |_| vec![way]);
            let gate = gate(&[&first, &second]);
            for sent in 1..=4 {
                assert_eq!(gate.send(method.clone(), "/x", &[], "").await.status, StatusCode::BAD_GATEWAY);
                assert_eq!(first.asked().len() + second.asked().len(), sent, "{way:?} {method}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_whose_body_is_gone_is_not_sent_again_without_it() {
    let upstream = Framed::start(|_| vec![Move::Reset(REFUSED)]);
    let gate = gate(&[&upstream]);
    let answer = gate.send(Method::POST, "/x", &[], "a body that was streamed").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn an_upstream_that_refuses_every_stream_is_not_asked_for_ever() {
    let upstream = Framed::start(|_| vec![Move::Reset(REFUSED)]);
    let gate = gate(&[&upstream]);
    for sent in 1..=3 {
        assert_eq!(gate.send(Method::POST, "/x", &[], "").await.status, StatusCode::BAD_GATEWAY);
        assert!(upstream.asked().len() <= 5 * sent, "{:?}", upstream.asked());
    }
    let others = [Framed::start(|_| vec![Move::Reset(REFUSED)]), Framed::start(|_| vec![Move::Answer])];
    let gate = self::gate(&[&others[0], &others[1]]);
    for _ in 0..10 {
        assert_eq!(gate.send(Method::POST, "/x", &[], "").await.status, StatusCode::OK, "the other one takes it");
    }
    assert_eq!(others[1].answered().len(), 10);
}

#[tokio::test]
async fn requests_beyond_the_last_stream_of_a_goaway_are_sent_again_and_those_before_it_are_not() {
    // The third request of the first connection is told that only the first two were looked at.
    let upstream = Framed::start(|asked| match (asked.connection, asked.number) {
        (0, 2) => vec![Move::Leave(asked.stream - 2)],
        _ => vec![Move::Answer],
    });
    let gate = gate(&[&upstream]);
    let mut client = connection(&gate).await;
    for number in 0..6 {
        let method = if number % 2 == 0 { Method::POST } else { Method::GET };
        let answer = client.send(request(method.clone(), &gate.url("/x"), &[], "")).await.unwrap();
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, "done"), "{method} {number}");
    }
    assert_eq!((upstream.asked().len(), upstream.answered().len()), (7, 6), "one was sent again");
    let of_first = upstream.answered().iter().filter(|asked| asked.connection == 0).count();
    assert_eq!(of_first, 2, "nothing goes over a connection that is being left");
}

#[tokio::test]
async fn a_goaway_under_load_loses_nothing_and_repeats_nothing() {
    const REQUESTS: usize = 400;
    // Each connection serves fifty streams, then leaves with the one that it was just asked for unseen.
    let upstream = Framed::start(|asked| match asked.stream {
        ..101 => vec![Move::Answer],
        101 => vec![Move::Leave(99)],
        _ => Vec::new(),
    });
    let gate = gate(&[&upstream]);
    let mut tasks = JoinSet::new();
    for worker in 0..4 {
        let url = gate.url("/x");
        tasks.spawn(async move {
            let mut answered = 0;
            for number in 0..REQUESTS / 4 {
                let method = if (worker + number) % 2 == 0 { Method::POST } else { Method::GET };
                let answer = HttpClient::plain().send(request(method, &url, &[], "")).await.unwrap();
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
                answered += 1;
            }
            answered
        });
    }
    let answered: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(answered, REQUESTS);
    assert_eq!(upstream.answered().len(), REQUESTS, "each was done exactly once");
    let connections = upstream.asked().iter().map(|asked| asked.connection).max().unwrap() + 1;
    assert!(connections >= REQUESTS / 50, "{connections} connections");
}

#[tokio::test]
async fn an_upstream_that_asks_whether_the_gate_is_there_is_told() {
    let upstream = Framed::start(|_| vec![Move::Ping, Move::Ping, Move::Answer]);
    let gate = gate(&[&upstream]);
    for _ in 0..3 {
        assert_eq!(gate.get("/x").await.status, StatusCode::OK);
    }
    eventually("all questions are answered", || upstream.pongs() == 6).await;
    assert!(upstream.asked().iter().all(|asked| asked.connection == 0), "over one connection");
}
