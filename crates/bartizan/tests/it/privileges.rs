//! Started as root, as many a host starts it: what is left of that while it serves.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use bartizan_testkit::{HttpClient, Upstream};
use http::StatusCode;
use tempfile::TempDir;

use crate::node::Node;

/// Debian's user that owns nothing.
const NOBODY: u32 = 65534;

fn configuration(server: &str) -> String {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\ntls = \"off\"\n{server}\n\
         [console]\nlisten = \"127.0.0.1:0\"\n[store]\npath = \"run/state\"\n\
         [[routes]]\nname = \"all\"\npath = \"/one\"\nmethods = [\"GET\"]\nupstream = \"{}\"\naccess = \"public\"\n",
        upstream.url()
    )
}

fn directory(configuration: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(directory.path().join("bartizan.toml"), configuration).unwrap();
    directory
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// The values of a line of `/proc/PID/status`.
fn status(node: &Node, key: &str) -> Vec<String> {
    let status = fs::read_to_string(format!("/proc/{}/status", node.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
    line.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn it_becomes_the_user_that_is_named_in_every_thread_with_no_way_back_and_no_core_dumps() {
    let node = Node::spawn_with(directory(&configuration("user = \"nobody\"")), |_| {});
    if !is_root() {
        node.wait_for("who cannot: start it as `nobody` or as root");
        return;
    }
    let base = format!("http://{}", node.address_after("serving http://"));
    assert_eq!(
        HttpClient::plain().get(&format!("{base}/.well-known/bartizan/jwks.json")).await.unwrap().status,
        StatusCode::OK
    );
    let nobody = NOBODY.to_string();
    for thread in fs::read_dir(format!("/proc/{}/task", node.id())).unwrap() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        let of =
            |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned();
        let all: Vec<&str> = vec![&nobody; 4];
        assert_eq!(of("Uid:").split_whitespace().collect::<Vec<_>>(), all, "{status}");
        assert_eq!(of("Gid:").split_whitespace().collect::<Vec<_>>(), all, "{status}");
        assert_eq!(of("CapEff:"), "0000000000000000");
        assert_eq!(of("CapPrm:"), "0000000000000000");
        assert_eq!(of("NoNewPrivs:"), "1");
    }
    assert_eq!(status(&node, "Groups"), [nobody], "none of root's groups stays");
    let limits = fs::read_to_string(format!("/proc/{}/limits", node.id())).unwrap();
    let limit = |name: &str| {
        limits
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(limit("Max core file size")[..2], ["0", "0"]);
    let open = limit("Max open files");
    assert_eq!(open[0], open[1], "as many connections as the system allows");
    // What cannot be dumped belongs to root below /proc, whoever runs it: a debugger of the same user is kept out.
    assert_eq!(fs::metadata(format!("/proc/{}/environ", node.id())).unwrap().uid(), 0);
    let state = fs::metadata(node.path("run/state")).unwrap();
    assert_eq!((state.uid(), state.mode() & 0o777), (NOBODY, 0o700));
}

#[test]
fn root_that_nobody_asked_for_is_refused_with_what_to_write() {
    if !is_root() {
        return;
    }
    let mut node = Node::spawn_with(directory(&configuration("")), |_| {});
    assert_eq!(node.wait().code(), Some(2));
    node.wait_for("write `user = \"bartizan\"` below `[server]`");
    assert!(!node.path("run").exists(), "nothing was touched");
}

#[test]
fn a_file_that_the_user_could_not_read_at_a_reload_is_told_at_the_start() {
    if !is_root() {
        return;
    }
    let text = configuration("user = \"nobody\"")
        + "[[issuers]]\nissuer = \"shop\"\nhs256 = { file = \"secret\" }\nrequire = [\"exp\"]\n";
    let directory = directory(&text);
    fs::write(directory.path().join("secret"), "0123456789abcdef0123456789abcdef").unwrap();
    fs::set_permissions(directory.path().join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut node = Node::spawn_with(directory, |_| {});
    assert_eq!(node.wait().code(), Some(3));
    node.wait_for("as `nobody`, the configuration does not hold");
    node.wait_for("let the user that runs the gate read it");
}
