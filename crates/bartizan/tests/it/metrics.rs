//! What is scraped from a node that serves, and what is drawn and alerted from it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::node::Node;

const CONFIGURATION: &str = r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://localhost"
tls = "off"
[console]
listen = "127.0.0.1:0"
[telemetry]
trace = { sample = 1.0 }
"#;

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)
}

/// The body of an answer to a GET with this `Accept`.
fn get(address: SocketAddr, path: &str, accept: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn scraped(node: &Node, accept: &str) -> String {
    let console = node.address_after("health, readiness and metrics on");
    get(console, "/metrics", accept)
}

/// The names of metrics in an expression: whatever looks like one of ours.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    let ours = |word: &&str| word.starts_with("bartizan_") || word.starts_with("process_");
    words.filter(ours).map(ToOwned::to_owned).collect()
}

#[test]
fn every_metric_that_a_panel_or_an_alert_names_is_one_that_a_node_shows() {
    let node = Node::start(CONFIGURATION);
    let page = scraped(&node, "text/plain");
    let mut shown = BTreeSet::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        shown.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    let mut named = BTreeSet::new();
    for entry in fs::read_dir(deploy("grafana")).unwrap() {
        let dashboard: serde_json::Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                named.extend(names(target["expr"].as_str().unwrap()));
            }
        }
        named.extend(names(&dashboard["templating"].to_string()));
        named.extend(names(&dashboard["annotations"].to_string()));
    }
    let alerts = fs::read_to_string(deploy("prometheus/alerts.yml")).unwrap();
    named.extend(alerts.lines().filter(|line| !line.contains("description:")).flat_map(names));
    assert!(named.len() > 25, "{named:?}");
    let unknown: Vec<_> = named.difference(&shown).collect();
    assert!(unknown.is_empty(), "no node shows {unknown:?}");
}

#[test]
fn prometheus_own_tool_finds_nothing_wrong_with_metrics_and_rules() {
    if Command::new("promtool").arg("--version").output().is_err() {
        return drop(writeln!(std::io::stderr(), "skipped: promtool is not installed (Debian: prometheus)"));
    }
    let node = Node::start(CONFIGURATION);
    let gate = node.address_after("serving");
    get(gate, "/undeclared", "*/*");
    let page = scraped(&node, "text/plain");
    let (_, body) = page.split_once("\r\n\r\n").unwrap();
    let mut check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let said = check.wait_with_output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    for rules in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        let said = Command::new("promtool").args(rules).current_dir(deploy("prometheus")).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}

#[test]
fn a_scraper_that_asks_for_openmetrics_gets_exemplars_and_others_do_not() {
    let node = Node::start(CONFIGURATION);
    let gate = node.address_after("serving");
    get(gate, "/undeclared", "*/*");
    let accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    let end = std::time::Instant::now() + Duration::from_secs(10);
    let page = loop {
        let page = scraped(&node, accept);
        if page.contains("# {trace_id=\"") {
            break page;
        }
        assert!(std::time::Instant::now() < end, "{page}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(page.contains("application/openmetrics-text; version=1.0.0"));
    assert!(page.ends_with("# EOF\n"));
    assert!(!scraped(&node, "text/plain").contains("trace_id"));
}
