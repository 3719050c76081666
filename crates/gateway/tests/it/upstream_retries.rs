//! No request is lost that could be sent again, and none is sent again that must not be.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bartizan_gateway::config::RetryMethods;
use bartizan_testkit::{Answer, HttpClient, RawUpstream, Step, Upstream};
use http::{Method, StatusCode};

use crate::flaky::Flaky;
use crate::harness::{Gated, request};
use crate::upstream_groups::{before, group};

/// How often each target was read by any of the backends.
fn read(backends: &[Flaky]) -> HashMap<String, usize> {
    let mut read = HashMap::new();
    for line in backends.iter().flat_map(Flaky::read) {
        *read.entry(line).or_default() += 1;
    }
    read
}

#[tokio::test]
async fn endpoints_are_killed_and_restarted_under_hundreds_of_requests() {
    let backends: Arc<[Flaky]> = ["a", "b", "c"].map(Flaky::start).into();
    let addresses: Vec<_> = backends.iter().map(Flaky::address).collect();
    let mut rules = group(&addresses);
    rules.retry.most = 4;
    let gate = Gated::start(before(rules));
    let (is_over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let killer = std::thread::spawn({
        let (backends, is_over, answered) = (backends.clone(), is_over.clone(), answered.clone());
        // A kill for every dozen answers, however fast the machine is: a request meets one or two of them, and not five.
        let wait_for_answers = |answered: &AtomicUsize, is_over: &AtomicBool| {
            let enough = answered.load(Ordering::SeqCst) + 12;
            while answered.load(Ordering::SeqCst) < enough && !is_over.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        move || {
            let mut kills = 0;
            for backend in backends.iter().cycle() {
                if is_over.load(Ordering::SeqCst) {
                    return kills;
                }
                backend.kill();
                std::thread::sleep(Duration::from_millis(15));
                backend.restart();
                kills += 1;
                wait_for_answers(&answered, &is_over);
            }
            kills
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let (base, answered) = (gate.url(""), answered.clone());
        tasks.spawn(async move {
            let client = HttpClient::plain();
            let mut answers = Vec::new();
            for number in 0..50 {
                let method = if number % 2 == 0 { Method::GET } else { Method::POST };
                let target = format!("/{worker}/{number}");
                let body = if method == Method::POST { "change" } else { "" };
                let answer = client.send(request(method.clone(), &format!("{base}{target}"), &[], body)).await.unwrap();
                answered.fetch_add(1, Ordering::SeqCst);
                answers.push((method, target, answer.status));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            answers
        });
    }
    let answers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    is_over.store(true, Ordering::SeqCst);
    let kills = killer.join().unwrap();
    assert!(kills >= 5, "{kills} kills");
    let read = read(&backends);
    for (method, target, status) in answers {
        let times = read.get(&format!("{method} {target} HTTP/1.1")).copied().unwrap_or_default();
        match method {
            Method::GET => assert_eq!(status, StatusCode::OK, "GET {target} was lost, read {times} times"),
            _ if status == StatusCode::OK => assert_eq!(times, 1, "POST {target}"),
            _ => assert!(times <= 1, "POST {target} got {status} and was read {times} times"),
        }
    }
}

/// A backend that reads a request and resets its connection.
fn resetting() -> RawUpstream {
    RawUpstream::start(vec![Step::ReadHead, Step::Reset])
}

fn requests(upstream: &RawUpstream) -> usize {
    upstream.received().iter().filter(|bytes| !bytes.is_empty()).count()
}

#[tokio::test]
async fn a_safe_request_goes_to_another_endpoint_and_a_change_does_not() {
    for (method, methods, expected) in [
        (Method::GET, RetryMethods::Safe, 200),
        (Method::POST, RetryMethods::Safe, 502),
        (Method::POST, RetryMethods::Idempotent, 502),
        (Method::DELETE, RetryMethods::Safe, 502),
        (Method::DELETE, RetryMethods::Idempotent, 200),
    ] {
        // With one bad endpoint of two, some requests begin at the bad one: all of those are looked at.
        let (bad, good) = (resetting(), Flaky::start("good"));
        let mut rules = group(&[bad.address(), good.address()]);
        rules.retry.methods = methods;
        let gate = Gated::start(before(rules));
        for _ in 0..40 {
            let reached = requests(&bad);
            let answer = gate.send(method.clone(), "/x", &[], "").await;
            if requests(&bad) > reached {
                assert_eq!(requests(&bad), reached + 1, "{method}: once at the bad one");
                assert_eq!(answer.status.as_u16(), expected, "{method} with {methods:?}");
            } else {
                assert_eq!(answer.status.as_u16(), 200);
            }
        }
        assert!(requests(&bad) > 0);
    }
}

#[tokio::test]
async fn what_never_left_goes_to_another_endpoint_whatever_its_method() {
    let gone = Flaky::start("gone");
    gone.kill();
    let good = Flaky::start("good");
    let mut rules = group(&[gone.address(), good.address()]);
    rules.retry.most = 0;
    let gate = Gated::start(before(rules));
    for _ in 0..20 {
        assert_eq!(gate.send(Method::POST, "/x", &[], "change").await.status, StatusCode::OK);
    }
    assert_eq!(good.read().len(), 20);
}

#[tokio::test]
async fn a_status_is_tried_again_only_where_that_was_said_and_never_against_retry_after() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n";
    for (statuses, fields, expected) in
        [(vec![], "", 503), (vec![503], "", 200), (vec![503], "Retry-After: 7\r\n", 503)]
    {
        let bad = Flaky::start("");
        bad.answers(&format!("{busy}{fields}\r\n"));
        let good = Flaky::start("good");
        let mut rules = group(&[bad.address(), good.address()]);
        rules.retry.statuses = statuses;
        let gate = Gated::start(before(rules));
        for _ in 0..20 {
            let reached = bad.read().len();
            let answer = gate.get("/x").await;
            if bad.read().len() > reached {
                assert_eq!(answer.status.as_u16(), expected, "{fields}");
                assert_eq!(answer.header("retry-after"), (!fields.is_empty()).then_some("7"));
            }
        }
        assert!(!bad.read().is_empty());
    }
}

#[tokio::test]
async fn a_try_that_hangs_is_given_up_for_another() {
    let hanging = Upstream::start(|_| Answer::Hang);
    let good = Flaky::start("good");
    let mut rules = group(&[hanging.address(), good.address()]);
    rules.retry.per_try = Some(Duration::from_millis(100));
    let gate = Gated::start(before(rules));
    for _ in 0..10 {
        assert_eq!(gate.get("/x").await.status, StatusCode::OK);
    }
    assert!(!hanging.received().is_empty());
}

#[tokio::test]
async fn repetitions_end_with_their_budget() {
    let bad = resetting();
    let mut rules = group(&[bad.address()]);
    rules.retry.least_per_second = 0;
    rules.retry.budget_percent = 20;
    let gate = Gated::start(before(rules));
    for _ in 0..25 {
        assert_eq!(gate.get("/x").await.status, StatusCode::BAD_GATEWAY);
    }
    assert_eq!(requests(&bad), 30, "a fifth of 25 on top");
    let denied = gate.recorder().metrics().render();
    assert!(denied.contains(r#"bartizan_upstream_retries_denied_total{upstream="shop"} 25"#), "{denied}");
}

#[tokio::test]
async fn an_answer_that_began_is_never_asked_for_again() {
    for lie in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 200 OK\r\nno field\r\n\r\n",
    ] {
        let lying = RawUpstream::sending(lie);
        let gate = Gated::start(before(group(&[lying.address()])));
        let answer = gate.try_send(Method::GET, "/x", &[], "").await;
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == StatusCode::BAD_GATEWAY), "{lie}");
        assert_eq!(requests(&lying), 1, "{lie}");
    }
}
