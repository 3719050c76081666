use super::*;

fn holds(format: &str, text: &str) -> bool {
    Format::named(format).unwrap().holds(&Json::text(text))
}

#[test]
fn what_only_looks_like_a_time_is_none() {
    assert!(holds("date-time", "2026-02-28T23:59:59.123+01:00") && holds("date-time", "1998-12-31T23:59:60Z"));
    for text in [
        "2026-02-29T00:00:00Z",
        "2026-02-28 00:00:00Z",
        "2026-02-28T00:00:00",
        "2026-02-28T24:00:00Z",
        "1998-12-31T22:59:60Z",
        "2026-02-28T00:00:00+1:00",
    ] {
        assert!(!holds("date-time", text), "{text}");
    }
    assert!(holds("duration", "P1Y2M3DT4H5M6S") && holds("duration", "PT0S") && holds("duration", "P4W"));
    for text in ["P", "PT", "P1Y2W", "P1D1Y", "P1YT", "1D", "P1Y1D"] {
        assert!(!holds("duration", text), "{text}");
    }
}

#[test]
fn what_only_looks_like_an_address_is_none() {
    assert!(
        holds("email", "o'neil+x@example.com")
            && holds("email", "\"a b\"@example.com")
            && holds("email", "a@[127.0.0.1]")
    );
    for text in ["a@b@c", "@example.com", "a..b@example.com", "a@-x.com", "a\n@example.com", "a@example.com\r\nBcc: x"]
    {
        assert!(!holds("email", text), "{text}");
    }
    assert!(holds("ipv4", "127.0.0.1") && !holds("ipv4", "0177.0.0.1") && !holds("ipv4", "127.1"));
    assert!(holds("uri", "https://[::1]:8080/a?b#c") && holds("uri", "urn:a:b"));
    for text in ["//x", "http://a b", "http://[1]", "http://a/%zz", "1http://a", "http://a:b/", "http://[::1]x"] {
        assert!(!holds("uri", text), "{text}");
    }
    assert!(holds("uri-reference", "../a?b=c") && !holds("uri-reference", ":a") && !holds("uri-reference", "a\\b"));
    assert!(holds("hostname", "a-b.example") && !holds("hostname", "a_b") && !holds("hostname", "a..b"));
}

#[test]
fn numbers_are_held_to_the_size_of_their_format() {
    let number = |format: &str, number| {
        Format::named(format).unwrap().holds(&Json::of(Content::Number(Number::Integer(number))))
    };
    assert!(number("int32", 2_147_483_647) && !number("int32", 2_147_483_648) && !number("uint64", -1));
}
