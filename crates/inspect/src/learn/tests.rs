use super::*;
use crate::json::{Limits, read};

fn json(text: &str) -> Json {
    read(text.as_bytes(), Limits::default()).unwrap()
}

fn request<'a>(query: &'a str, body: Option<&'a Json>, faults: &'a [Located]) -> LearnedRequest<'a> {
    LearnedRequest { path: &[], query, content_type: Some("application/json"), body, faults }
}

fn learned(learning: &Learning) -> Learned {
    learning.changed().unwrap()
}

#[test]
fn no_value_of_any_message_is_kept() {
    let learning = Learning::default();
    let body = json(
        r#"{"name":"hunter2","card":4111111111111111,"by":{"ann@hunter2.example":1,"4111111111111111":2},"list":["hunter2"]}"#,
    );
    let faults = [Located {
        part: Part::Body,
        fault: Fault { pointer: "/by/ann@hunter2.example".to_owned(), rule: "type", message: String::new() },
    }];
    learning.request("shop", "POST /a", &request("q=hunter2&4111111111111111=x", Some(&body), &faults), 7);
    let kept = serde_json::to_string(&learned(&learning)).unwrap();
    assert!(!kept.contains("hunter2") && !kept.contains("4111") && kept.contains("name"), "{kept}");
    assert!(kept.contains("/by/*") && kept.contains("integer of 1 digits"), "{kept}");
}

#[test]
fn what_breaks_one_rule_at_one_place_is_one_entry_with_its_count() {
    let learning = Learning::default();
    let body = json(r#"{"items":[{"n":"a"},{"n":"abc"}]}"#);
    let fault = |index: usize| Located {
        part: Part::Body,
        fault: Fault { pointer: format!("/items/{index}/n"), rule: "maxLength", message: String::new() },
    };
    for now in 0..3 {
        learning.request("shop", "POST /a", &request("", Some(&body), &[fault(0), fault(1)]), now);
    }
    let learned = learned(&learning);
    let of = &learned.apis["shop"]["POST /a"];
    assert_eq!(of.broken.len(), 1);
    let broken = &of.broken[0];
    assert_eq!((broken.pointer.as_str(), broken.count, broken.first, broken.last), ("/items/*/n", 6, 0, 2));
    assert_eq!(broken.shapes, ["string of 1 characters", "string of 3 characters"]);
    let name = of.parts["body"].at(["items", "*", "n"].into_iter()).unwrap();
    assert_eq!(name.text().map(|it| (it.shortest, it.longest)), Some((1, 3)));
}

#[test]
fn memory_is_bounded_whatever_is_sent() {
    let learning = Learning::default();
    for at in 0..3_000 {
        let body = json(&format!(r#"{{"a{at}x":{{"b{at}y":[[[1]]]}}}}"#));
        learning.request("shop", &format!("POST /{at}"), &request(&format!("q{at}z=1"), Some(&body), &[]), 0);
        learning.request("shop", "POST /same", &request(&format!("q{at}z=1"), Some(&body), &[]), 0);
    }
    let learned = learned(&learning);
    assert_eq!(learned.apis["shop"].len(), 2_000);
    let places: usize = learned.apis["shop"].values().map(OfOperation::places).sum();
    assert!(places < 60_000, "{places}");
}

#[test]
fn what_was_learned_goes_on_after_it_was_written_and_read() {
    let learning = Learning::default();
    let body = json(r#"{"at":"2026-01-31T12:00:00Z","n":-12}"#);
    learning.request("shop", "POST /a", &request("", Some(&body), &[]), 0);
    let text = serde_json::to_string(&learned(&learning)).unwrap();
    let again = Learning::new(serde_json::from_str(&text).unwrap());
    assert_eq!(again.changed(), None);
    again.request("shop", "POST /a", &request("", Some(&body), &[]), 1);
    let again = learned(&again);
    assert_eq!(again.apis["shop"]["POST /a"].requests, 2);
    let body = &again.apis["shop"]["POST /a"].parts["body"];
    assert_eq!(
        body.at(["at"].into_iter()).unwrap().text().unwrap().reads(),
        Some(Reads::Format(crate::schema::Format::DateTime))
    );
    assert_eq!(body.at(["n"].into_iter()).unwrap().digits().map(|it| (it.above, it.below)), Some((0, 2)));
}

#[test]
fn identifiers_in_a_path_are_parameters_and_words_are_not() {
    let folded_path = |path| FoldedPath::of(path).template();
    assert_eq!(folded_path("/v1/users/42/orders/123e4567-e89b-12d3-a456-426614174000"), "/v1/users/{id3}/orders/{id5}");
    assert_eq!(folded_path("/api/reports.csv"), "/api/reports.csv");
    assert_eq!(folded_path("/files/ann%40example.com"), "/files/{id2}");
    assert_eq!(folded_path("/"), "/");
}

fn seen(learning: &Learning, path: &str, answer: Option<&Json>) {
    let (operation, path) = learning.operation("legacy", "GET", path);
    learning.request("legacy", &operation, &LearnedRequest { path: &path, ..request("", None, &[]) }, 0);
    let answer = LearnedAnswer { status: 200, content_type: None, body: answer, faults: &[] };
    learning.answer("legacy", &operation, &answer, 0);
}

#[test]
fn a_segment_with_many_words_is_a_parameter_and_the_words_are_forgotten() {
    let learning = Learning::default();
    let body = json(r#"{"name":"x"}"#);
    seen(&learning, "/health", None);
    for letter in 'a'..='z' {
        seen(&learning, &format!("/people/{letter}lice/orders"), Some(&body));
        seen(&learning, "/people/search", Some(&body));
    }
    let learned = learned(&learning);
    let operations: Vec<&str> = learned.apis["legacy"].keys().map(String::as_str).collect();
    assert_eq!(operations, ["GET /health", "GET /people/search", "GET /people/{name2}/orders"]);
    assert_eq!(learned.apis["legacy"]["GET /people/{name2}/orders"].requests, 26);
    assert!(!serde_json::to_string(&learned).unwrap().contains("alice"));
}
