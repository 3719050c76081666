use bartizan_gateway::config as gateway;
use insta::assert_snapshot;

use super::{Pretended, Style, route, server};

const ACCESS: &str = "access = \"public\"\n";

/// A route to `upstream`, and these sections.
fn file(upstream: &str, sections: &str) -> String {
    route(ACCESS).replace("\"http://127.0.0.1:3000\"", upstream) + "\n" + sections
}

fn group(keys: &str) -> String {
    file("\"shop\"", &format!("[[upstreams]]\nname = \"shop\"\n{keys}\n"))
}

#[test]
fn a_group_says_only_what_differs_and_the_posture_says_the_rest() {
    let text = file(
        "[{ name = \"shop\", weight = 95 }, { name = \"next\", weight = 5 }]",
        r#"
[[upstreams]]
name = "shop"
endpoints = ["http://10.0.0.1:3000", { url = "http://10.0.0.2:3000", weight = 3 }]
health = { path = "/healthz" }
breaker = {}
mirror = { upstream = "shadow", percent = 5, credentials = true }

[[upstreams]]
name = "next"
endpoints = ["unix:/run/next.sock"]
protocol = "h2c"
balance = "round-robin"
outlier = false
retry = { max = 0 }
resolve = { allow_link_local = true }

[[upstreams]]
name = "shadow"
endpoints = ["http://127.0.0.1:4000"]
"#,
    );
    let loaded = Pretended::default().sound(&text);
    let [first, next] = loaded.gateway.routes[0].upstream.shares().collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((first.weight, next.weight), (95, 5));
    assert_eq!(first.upstream.endpoints[1].weight.get(), 3);
    assert_eq!(next.upstream.protocol, gateway::Protocol::H2c);
    assert_snapshot!(loaded.posture.render(Style::Plain));
}

#[test]
fn defaults_of_a_group_are_those_of_the_gate() {
    let loaded = Pretended::default().sound(&group("endpoints = [\"http://127.0.0.1:3000\"]"));
    let upstream = &loaded.gateway.routes[0].upstream.first.upstream;
    assert_eq!(upstream.connections, gateway::Connections::default());
    assert_eq!(upstream.limits, gateway::EndpointLimits::default());
    assert_eq!(upstream.outlier, Some(gateway::Outlier::default()));
    assert_eq!(upstream.retry, gateway::Retry::default());
    assert_eq!(upstream.resolve, gateway::Resolve { spread: true, ..gateway::Resolve::default() });
}

#[test]
fn a_group_that_cannot_work_is_a_fault() {
    let one = "endpoints = [\"http://127.0.0.1:3000\"]";
    let faults = [
        file("\"backend\"", ""),
        file("\"backend:3000\"", ""),
        server("[[upstreams]]\nname = \"a\""),
        group("endpoints = []"),
        group("endpoints = [\"http://a:1\", \"https://b:2\"]"),
        group("endpoints = [\"http://a:1\", \"http://a:1\"]"),
        group("endpoints = [\"http://a:1/path\"]"),
        group("endpoints = [\"unix:app.sock\"]"),
        group(&format!("{one}\nprotocol = \"h2\"")),
        group(&format!("{one}\ntls = {{ server_name = \"a\" }}")),
        group("endpoints = [\"https://a:1\"]\ntls = { uri_names = [\"spiffe://a/b\"] }"),
        group(&format!("{one}\nhealth = {{ path = \"healthz\" }}")),
        group(&format!("{one}\nhealth = {{ path = \"/h\", status = \"2xx\" }}")),
        group(&format!("{one}\nretry = {{ statuses = [404] }}")),
        group(&format!("{one}\nmirror = {{ upstream = \"nobody\", percent = 5 }}")),
        group(&format!("{one}\nbalance = \"random\"")),
        file("[{ name = \"shop\", weight = 0 }]", &format!("[[upstreams]]\nname = \"shop\"\n{one}\n")),
    ];
    let page = faults.iter().map(|text| Pretended::default().faults(text));
    assert_snapshot!(
        page.collect::<Vec<_>>().join("\n------------------------------------------------------------\n\n")
    );
}

#[test]
fn a_name_that_no_upstream_has_is_told_beside_every_other_fault() {
    let one = "[[upstreams]]\nname = \"shop\"\nendpoints = [\"http://127.0.0.1:3000\"]\n";
    let nobody = "there is no upstream named `nobody`";
    for text in [
        // A fault of the same route, of another section, of another group.
        file("\"nobody\"", one).replace(ACCESS, "acces = \"public\"\n"),
        file("[{ name = \"nobody\", weight = 1 }]", one).replace(ACCESS, "access = \"publik\"\n"),
        file("\"nobody\"", &format!("{one}[limits]\naddress = 5\n")),
        file("\"nobody\"", &one.replace("endpoints", "endpoint")),
    ] {
        let page = Pretended::default().faults(&text);
        assert_eq!(page.matches(nobody).count(), 1, "{text}\n{page}");
        assert!(page.matches("error:").count() > 1, "{text}\n{page}");
    }
    let page = Pretended::default().faults(&file("\"shop\"", &one.replace("endpoints", "endpoint")));
    assert!(!page.contains("there is no upstream"), "a group at fault is there all the same:\n{page}");
}
