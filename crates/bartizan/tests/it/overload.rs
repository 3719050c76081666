//! Ten times the load that a node has room for: it turns away what it has no room for, says so, and stays well itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bartizan_testkit::{Answer, HttpClient, HttpConnection, Upstream};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::node::Node;

const ROOM: u64 = 10;
const PROBES: usize = 50;

fn configuration(upstream: &Upstream, limits: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\ntls = \"off\"\n\
         [console]\nlisten = \"127.0.0.1:0\"\n[limits]\n{limits}\n\
         [[routes]]\nname = \"all\"\npath = \"/one\"\nmethods = [\"GET\"]\nupstream = \"{}\"\naccess = \"public\"\n",
        upstream.url()
    )
}

fn slow(time: u64) -> Upstream {
    Upstream::start(move |_| {
        let hello = Answer::Respond(Response::new(Bytes::from_static(b"hello")));
        Answer::After(Duration::from_millis(time), Box::new(hello))
    })
}

async fn connect(address: SocketAddr) -> HttpConnection {
    HttpClient::plain().connect(&format!("http://{address}").parse().unwrap()).await.unwrap()
}

fn get() -> Request<Bytes> {
    Request::get("/one").header("host", "localhost").body(Bytes::new()).unwrap()
}

/// What clients were answered, all together.
#[derive(Default)]
struct Tally {
    served: AtomicU64,
    turned_away: AtomicU64,
    is_over: AtomicBool,
}

/// Clients that ask again as soon as they are answered, whatever they are told.
async fn impatient(address: SocketAddr, tally: Arc<Tally>, refusal: StatusCode) {
    let mut connection = connect(address).await;
    while !tally.is_over.load(Relaxed) {
        let answer = connection.send(get()).await.unwrap();
        if answer.status == StatusCode::OK {
            tally.served.fetch_add(1, Relaxed);
        } else {
            assert_eq!(answer.status, refusal, "{}", answer.text());
            assert!(answer.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok_and(|wait| wait > 0)));
            tally.turned_away.fetch_add(1, Relaxed);
        }
    }
}

fn clients(address: SocketAddr, count: u64, tally: &Arc<Tally>, refusal: StatusCode) -> JoinSet<()> {
    (0..count).map(|_| impatient(address, tally.clone(), refusal)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_readiness_are_answered_promptly_while_ten_times_the_load_is_shed_and_then_all_is_well_at_once() {
    let upstream = slow(300);
    let limits = format!("concurrency = {ROOM}\naddress = \"100000000/minute\"");
    let node = Node::start(&configuration(&upstream, &limits));
    let (gate, console) =
        (node.address_after("serving http://"), node.address_after("health, readiness and metrics on"));
    let tally: Arc<Tally> = Arc::default();
    let flood = clients(gate, 10 * ROOM, &tally, StatusCode::SERVICE_UNAVAILABLE);
    while tally.turned_away.load(Relaxed) < 100 {
        sleep(Duration::from_millis(5)).await;
    }

    // How many requests were turned away while one probe was answered: a clock that runs as fast as the machine does.
    let mut meanwhile = Vec::new();
    for number in 0..PROBES {
        let path = ["healthz", "readyz"][number % 2];
        let before = tally.turned_away.load(Relaxed);
        let answer = HttpClient::plain().get(&format!("http://{console}/{path}")).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        meanwhile.push(tally.turned_away.load(Relaxed) - before);
        sleep(Duration::from_millis(10)).await;
    }
    let (served, turned_away) = (tally.served.load(Relaxed), tally.turned_away.load(Relaxed));
    tally.is_over.store(true, Relaxed);
    flood.join_all().await;
    meanwhile.sort_unstable();
    report(&format!("{served} served, {turned_away} turned away; during one probe: {meanwhile:?}"));
    assert!(turned_away > 5 * served, "{turned_away} turned away, {served} served: it was no overload");
    assert!(served >= ROOM, "those with room are served all the while: {served}");
    assert!(meanwhile[PROBES / 2] < 300, "a probe waits for hundreds of others: {meanwhile:?}");
    assert!(meanwhile[PROBES - 1] < 5_000, "{meanwhile:?}");

    let mut after = connect(gate).await;
    for _ in 0..20 {
        assert_eq!(after.send(get()).await.unwrap().status, StatusCode::OK, "as soon as the flood is over");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_asks_too_much_is_told_when_to_come_back_and_is_served_then() {
    let upstream = slow(0);
    let node = Node::start(&configuration(&upstream, "address = \"20/second\""));
    let gate = node.address_after("serving http://");
    let tally: Arc<Tally> = Arc::default();
    let flood = clients(gate, 8, &tally, StatusCode::TOO_MANY_REQUESTS);
    while tally.turned_away.load(Relaxed) < 500 {
        sleep(Duration::from_millis(5)).await;
    }
    tally.is_over.store(true, Relaxed);
    flood.join_all().await;
    assert_eq!(upstream.received().len() as u64, tally.served.load(Relaxed), "nothing that was refused reached it");
    let mut after = connect(gate).await;
    let answer = after.send(get()).await.unwrap();
    let wait = answer.header("retry-after").map_or(0, |wait| wait.parse().unwrap());
    sleep(Duration::from_secs(wait)).await;
    assert_eq!(after.send(get()).await.unwrap().status, StatusCode::OK, "after the {wait} s that it was told");
}

/// The figure, for whoever runs the tests with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a figure that a note can quote")]
fn report(what: &str) {
    println!("{what}");
}
