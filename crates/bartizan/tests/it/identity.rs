use std::process::{Command, Output};

use bartizan_testkit::HttpClient;
use bytes::Bytes;
use http::{Request, StatusCode};

use crate::node::Node;

const CONFIGURATION: &str = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\ntls = \"off\"\n\
     [console]\nlisten = \"127.0.0.1:0\"\n[identity]\n";

fn user(node: &Node, arguments: &[&str]) -> Output {
    let file = node.path("bartizan.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command.args(["--format", "json", "user"]).args(arguments).arg("--config").arg(file);
    command.current_dir(node.path("")).output().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_sign_in_is_served_through_the_gate_with_its_own_cookies() {
    let node = Node::start(CONFIGURATION);
    let link = node.wait_for("nobody administers this gate yet");
    assert!(link.contains("http://localhost/auth/setup?token="), "{link}");
    let address = node.address_after("serving http://");
    let request =
        Request::get(format!("http://{address}/auth/login")).header("host", "localhost").body(Bytes::new()).unwrap();
    let page = HttpClient::plain().send(request).await.unwrap();
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.header("set-cookie").unwrap().starts_with("__Host-bartizan-form="),
        "the gate lets its own room set its cookies"
    );
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert!(page.header("permissions-policy").unwrap().contains("publickey-credentials-get=(self)"));
    assert!(page.text().contains("<form method=\"post\" action=\"/auth/login\">"));
}

#[test]
fn accounts_are_administered_whether_the_node_runs_or_not() {
    let mut node = Node::start(CONFIGURATION);
    let made = json(&user(&node, &["create", "ada", "--email", "ada@example.com", "--role", "staff"]));
    assert!(made["link"].as_str().unwrap().starts_with("http://localhost/auth/welcome?token="));
    let taken = user(&node, &["create", "ada"]);
    assert_eq!(taken.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&taken.stderr).contains("another account"), "{taken:?}");

    node.signal("TERM");
    assert!(node.wait().success());
    assert_eq!(json(&user(&node, &["show", "ada@example.com"]))["id"], made["id"]);
    json(&user(&node, &["disable", "ada"]));
    let listed = json(&user(&node, &["list"]));
    assert_eq!((&listed[0]["username"], &listed[0]["disabled"]), (&"ada".into(), &true.into()));
    json(&user(&node, &["delete", "ada"]));
    let actions: Vec<_> = bartizan_evidence::read(&node.path("state/audit"))
        .unwrap()
        .map(|record| record.unwrap()["event"]["action"].as_str().unwrap().to_owned())
        .collect();
    for action in ["user-created", "link-made", "user-disabled", "user-deleted"] {
        assert!(actions.iter().any(|it| it == action), "{action}: {actions:?}");
    }
}

#[test]
fn a_node_that_was_killed_has_lost_nobody() {
    let node = Node::start(CONFIGURATION);
    json(&user(&node, &["create", "ada"]));
    let node = node.kill_and_restart();
    assert_eq!(json(&user(&node, &["show", "ada"]))["username"], "ada");
}
