use proptest::prelude::{any, proptest};

use super::*;

fn refused<T: std::str::FromStr<Err = Malformed>>(texts: &[&str]) {
    for text in texts {
        assert!(text.parse::<T>().is_err(), "`{text}` was accepted");
    }
}

fn accepted<T: std::str::FromStr<Err = Malformed> + fmt::Display>(texts: &[&str]) {
    for text in texts {
        assert_eq!(text.parse::<T>().unwrap().to_string(), *text);
    }
}

#[test]
fn quantities_are_written_as_they_are_read() {
    accepted::<Period>(&["500ms", "10s", "5m", "2h", "30d", "0s"]);
    refused::<Period>(&["", "10", "s", "-1s", "1.5s", "10 minutes", "367d", "99999999999999999999s"]);
    accepted::<Size>(&["512B", "64KiB", "1MiB", "2GiB"]);
    refused::<Size>(&["", "1", "1MB", "1kB", "-1B", "99999GiB"]);
    accepted::<Rate>(&["60/minute", "5/second", "100/10s"]);
    refused::<Rate>(&["", "60", "0/minute", "60/fortnight", "/minute"]);
    accepted::<Hours>(&["08:00-18:00", "22:00-06:00"]);
    refused::<Hours>(&["8-18", "24:00-01:00", "08:60-09:00", "08:00"]);
}

#[test]
fn a_listener_is_an_address_or_a_whole_path_and_permissions_are_octal() {
    accepted::<Place>(&["0.0.0.0:443", "[::]:443", "unix:/run/bartizan/gate.sock"]);
    refused::<Place>(&["unix:gate.sock", "unix:", "/run/gate.sock", "localhost:443"]);
    accepted::<Mode>(&["0660", "0600"]);
    refused::<Mode>(&["", "660x", "0888", "4755", "rw-rw----", "07777"]);
}

#[test]
fn a_url_carries_no_password_and_does_not_echo_it() {
    let fault = "http://admin:hunter2@db".parse::<Url>().unwrap_err();
    assert!(!fault.to_string().contains("hunter2"));
    refused::<Url>(&[
        "",
        "ftp://a",
        "http://",
        "http://a?b",
        "http://a#b",
        "127.0.0.1:3000",
        "http://a:0",
        "http://a:99999",
        "http://a b",
    ]);
    accepted::<Url>(&["http://127.0.0.1:3000", "https://a.example.com/x", "http://[::1]:80"]);
}

#[test]
fn an_origin_is_whole_and_as_browsers_send_it() {
    accepted::<Origin>(&["https://app.example.com", "http://localhost:3000", "*"]);
    refused::<Origin>(&[
        "null",
        "https://*.example.com",
        "https://A.example.com",
        "https://a.example.com:443",
        "https://a.example.com/",
    ]);
}

#[test]
fn a_path_pattern_is_one_that_the_gate_can_match() {
    accepted::<PathPattern>(&[
        "/",
        "/orders/{id}",
        "/a/{*rest}",
        "/a%20b",
        "/caf%C3%A9/",
        "/x{id}",
        "/{id}:archive",
        "/{base}...{head}",
    ]);
    refused::<PathPattern>(&[
        "",
        "a",
        "/a//b",
        "/../a",
        "/a/.",
        "/{id}/{id}",
        "/{*a}/b",
        "/{a}{b}",
        "/{a}.{a}",
        "/x{*id}",
        "/{id",
        "/id}",
        "/{a}*{b}",
        "/:id",
        "/*",
        "/a b",
        "/é",
        "/a?b",
        "/a#b",
        "/a;b",
        "/%2f",
        "/%41",
        "/%c3%a9",
        "/%",
        "/{}",
        "/{1}",
        "/%2E%2E",
    ]);
}

#[test]
fn networks_that_could_be_meant_two_ways_are_refused() {
    accepted::<Network>(&["10.0.0.0/8", "2001:db8::/32"]);
    refused::<Network>(&["10.0.0.1/8", "10/8", "x", "10.0.0.0/33"]);
}

proptest! {
    #[test]
    fn no_text_panics_a_form(text in any::<String>()) {
        for (name, _) in FORMS {
            let _ = check(name, &text);
        }
    }

    #[test]
    fn a_duration_survives_writing_and_reading(millis in 0_u64..31_000_000_000) {
        let period = Period::new(std::time::Duration::from_millis(millis));
        assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
    }
}
