use std::fs;
use std::time::Duration;

use bartizan_testkit::{Answer, Certificate, HttpClient, HttpConnection, Upstream};
use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::node::Node;

const PLAIN: &str = "public_url = \"http://localhost\"\ntls = \"off\"";

fn configuration(server: &str, upstream: &Upstream, path: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n{server}\n[console]\nlisten = \"127.0.0.1:0\"\n[[routes]]\nname = \"all\"\n\
         path = \"{path}\"\nmethods = [\"GET\"]\nupstream = \"{}\"\naccess = \"public\"\n",
        upstream.url()
    )
}

fn upstream() -> Upstream {
    Upstream::answering(StatusCode::OK, "hello")
}

async fn connect(node: &Node) -> HttpConnection {
    let address = node.address_after("serving http://");
    HttpClient::plain().connect(&format!("http://{address}").parse().unwrap()).await.unwrap()
}

async fn status(connection: &mut HttpConnection, path: &str) -> StatusCode {
    let request = Request::get(path).header("host", "localhost").body(Bytes::new()).unwrap();
    connection.send(request).await.unwrap().status
}

#[tokio::test]
async fn a_changed_file_is_in_force_on_connections_that_are_open_and_a_wrong_one_changes_nothing() {
    let upstream = upstream();
    let node = Node::start(&configuration(PLAIN, &upstream, "/one"));
    let mut connection = connect(&node).await;
    assert_eq!(status(&mut connection, "/one").await, StatusCode::OK);

    node.write("bartizan.toml", &configuration(PLAIN, &upstream, "/two"));
    node.wait_for("the changed configuration is in force");
    assert_eq!(status(&mut connection, "/one").await, StatusCode::NOT_FOUND);
    assert_eq!(status(&mut connection, "/two").await, StatusCode::OK);

    node.write("bartizan.toml", &configuration(PLAIN, &upstream, "/three").replace("access", "acces"));
    node.wait_for("did you mean `access`?");
    assert_eq!(status(&mut connection, "/two").await, StatusCode::OK);

    node.write("bartizan.toml", &configuration(PLAIN, &upstream, "/two"));
    node.wait_for("the configuration is again the one that is in force");
}

#[tokio::test]
async fn sighup_reads_the_file_again() {
    let node = Node::start(&configuration(PLAIN, &upstream(), "/one"));
    node.signal("HUP");
    node.wait_for("the changed configuration is in force");
}

#[tokio::test]
async fn a_reload_names_what_only_a_restart_puts_in_force_for_as_long_as_it_differs() {
    let sound = configuration(PLAIN, &upstream(), "/one");
    let node = Node::start(&sound);
    let more = "[audit]\nqueue = 5000\nsinks = [\"stdout\"]\nretain = { size = \"1GiB\" }\n\
                [telemetry]\notlp = { endpoint = \"http://127.0.0.1:4318\" }\n\
                [assertion]\nlifetime = \"2m\"\n[limits]\ncounters = 5000\n";
    let told = |key: &str| format!("`{key}` is changed in the file; it takes effect at the next start");
    let keys =
        ["audit.queue", "audit.sinks", "audit.retain", "telemetry.otlp", "assertion.lifetime", "limits.counters"];
    for times in 1..=2 {
        node.write("bartizan.toml", &format!("{sound}{more}# {times}\n"));
        node.wait_for_times("the changed configuration is in force", times);
        for key in keys {
            node.wait_for_times(&told(key), times);
        }
    }
    node.write("bartizan.toml", &sound);
    node.wait_for_times("the changed configuration is in force", 3);
    assert_eq!(node.times(&told("audit.queue")), 2, "what is as it was at the start is not spoken of");
}

#[tokio::test]
async fn a_changed_certificate_is_shown_to_the_next_client() {
    let upstream = upstream();
    let (old, new) = (Certificate::for_names(&["localhost"]), Certificate::for_names(&["localhost"]));
    let directory = tempfile::tempdir().unwrap();
    let server = "public_url = \"https://localhost\"\ntls = { cert = \"tls.crt\", key = \"tls.key\" }";
    for (name, text) in
        [("bartizan.toml", &configuration(server, &upstream, "/one")), ("tls.crt", &old.pem), ("tls.key", &old.key_pem)]
    {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let node = Node::start_in(directory);
    let address = node.address_after("serving https://");
    let url = format!("https://localhost:{}/one", address.port());
    let trusting = |certificate: &Certificate| HttpClient::trusting(&certificate.der).connecting_to(address);
    assert_eq!(trusting(&old).get(&url).await.unwrap().status, StatusCode::OK);

    // The key follows the certificate a moment later: in between, the pair does not fit, and the old one stays.
    node.write("tls.crt", &new.pem);
    node.wait_for("the changed configuration is not in force");
    assert_eq!(trusting(&old).get(&url).await.unwrap().status, StatusCode::OK);
    node.write("tls.key", &new.key_pem);
    node.wait_for("the changed configuration is in force");
    assert_eq!(trusting(&new).get(&url).await.unwrap().status, StatusCode::OK);
    assert!(trusting(&old).get(&url).await.is_err());
}

#[tokio::test]
async fn told_to_stop_it_says_so_to_load_balancers_and_finishes_what_is_in_flight() {
    let upstream = Upstream::start(|_| {
        Answer::After(Duration::from_secs(2), Box::new(Answer::Respond(Response::new(Bytes::from("late")))))
    });
    let mut node = Node::start(&configuration(PLAIN, &upstream, "/slow"));
    let ready = format!("http://{}/readyz", node.address_after("health, readiness and metrics on"));
    assert_eq!(HttpClient::plain().get(&ready).await.unwrap().status, StatusCode::OK);

    let mut connection = connect(&node).await;
    let slow = tokio::spawn(async move { status(&mut connection, "/slow").await });
    while upstream.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    node.signal("TERM");
    node.wait_for("draining");
    assert_eq!(HttpClient::plain().get(&ready).await.unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(slow.await.unwrap(), StatusCode::OK);
    assert_eq!(node.wait().code(), Some(0));
}

#[tokio::test]
async fn told_twice_it_does_not_wait_for_what_is_in_flight() {
    let upstream = Upstream::start(|_| Answer::Hang);
    let mut node = Node::start(&configuration(PLAIN, &upstream, "/hang"));
    let mut connection = connect(&node).await;
    let hanging = tokio::spawn(async move {
        let request = Request::get("/hang").header("host", "localhost").body(Bytes::new()).unwrap();
        connection.send(request).await.is_err()
    });
    while upstream.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    node.signal("INT");
    node.wait_for("draining");
    node.signal("INT");
    assert_eq!(node.wait().code(), Some(0));
    assert!(hanging.await.unwrap());
}

#[tokio::test]
async fn killed_at_any_moment_it_starts_again_without_a_hand() {
    let upstream = upstream();
    let mut node = Node::start(&configuration(PLAIN, &upstream, "/one"));
    let keys = "/.well-known/bartizan/jwks.json";
    let mut of_each_run = Vec::new();
    for _ in 0..3 {
        let base = format!("http://{}", node.address_after("serving http://"));
        assert_eq!(HttpClient::plain().get(&format!("{base}/one")).await.unwrap().status, StatusCode::OK);
        of_each_run.push(HttpClient::plain().get(&format!("{base}{keys}")).await.unwrap().text().to_owned());
        node = node.kill_and_restart();
    }
    assert!(of_each_run.iter().all(|keys| *keys == of_each_run[0]), "the assertion's keys outlive a crash");
    let log = fs::read_to_string(node.path("state/audit/000001.ndjson")).unwrap();
    let of = |action: &str| log.lines().filter(|line| line.contains(&format!(r#""action":"{action}""#))).count();
    assert_eq!((of("node-started"), of("audit-gap")), (4, 3), "each crash is told of: {log}");
}

#[tokio::test]
async fn a_port_that_is_taken_and_a_state_that_is_in_use_are_told_with_a_remedy() {
    let upstream = upstream();
    let node = Node::start(&configuration(PLAIN, &upstream, "/one"));
    let taken = node.address_after("serving http://");

    let directory = tempfile::tempdir().unwrap();
    let text = configuration(PLAIN, &upstream, "/one");
    fs::write(directory.path().join("bartizan.toml"), text.replacen("127.0.0.1:0", &taken.to_string(), 1)).unwrap();
    let mut second = Node::spawn(directory);
    assert_eq!(second.wait().code(), Some(3));
    second.wait_for("another process listens there");

    let directory = tempfile::tempdir().unwrap();
    let state = format!("[store]\npath = \"{}\"\n{text}", node.path("state").display());
    fs::write(directory.path().join("bartizan.toml"), state).unwrap();
    let mut third = Node::spawn(directory);
    assert_eq!(third.wait().code(), Some(3));
    third.wait_for("another process");
}
