use super::*;

fn excerpt(text: &str, range: Range<usize>) -> (String, String) {
    let detector = Detector::new();
    let file = SourceFile::new("src/a.js", text.as_bytes(), &detector);
    let Excerpt { text, marked } = file.locate(&range).excerpt.unwrap();
    let marked = text.get(Range::from(marked)).unwrap().to_owned();
    (text, marked)
}

#[test]
fn a_position_counts_lines_and_characters_from_one() {
    let detector = Detector::new();
    let file = SourceFile::new("a", "ä\nöb\n".as_bytes(), &detector);
    let span = file.span(&(5..6));
    assert_eq!((span.start.line, span.start.column, span.end.column), (2, 2, 3));
    assert_eq!(file.span(&(99..99)).start.line, 3);
}

#[test]
fn the_marked_part_of_a_line_is_the_range() {
    assert_eq!(excerpt("one\n  two three\n", 10..15), ("two three".into(), "three".into()));
}

#[test]
fn of_a_long_line_only_the_surroundings_are_shown() {
    let line = format!("{}needle{}", "x".repeat(2_000_000), "y".repeat(2_000_000));
    let (text, marked) = excerpt(&line, 2_000_000..2_000_006);
    assert!(text.chars().count() <= EXCERPT_CHARACTERS + 2 && text.starts_with('…') && text.ends_with('…'), "{text}");
    assert_eq!(marked, "needle");
}

#[test]
fn every_secret_of_the_line_is_masked_whichever_is_meant() {
    let secret = ["glpat-", "x7Kq9mZ2vB4nR8tW1cYd"].concat();
    let line = format!("deploy --token {secret} --verbose");
    let start = line.find("--verbose").unwrap();
    let (text, marked) = excerpt(&line, start..line.len());
    assert_eq!((text.as_str(), marked.as_str()), ("deploy --token glpa… --verbose", "--verbose"));
}

#[test]
fn what_a_terminal_would_obey_is_not_shown() {
    let (text, _) = excerpt("a\u{1b}[2Jb\u{202e}c", 0..1);
    assert_eq!(text, "a\u{fffd}[2Jb\u{fffd}c");
}

proptest::proptest! {
    #[test]
    fn any_range_of_any_bytes_has_a_place_and_an_excerpt(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        start in 0_usize..500,
        length in 0_usize..500,
    ) {
        let detector = Detector::new();
        let file = SourceFile::new("a", &bytes, &detector);
        let location = file.locate(&(start..start + length));
        let Excerpt { text, marked } = location.excerpt.unwrap();
        assert!(text.get(Range::from(marked)).is_some());
        assert!(!text.chars().any(char::is_control));
    }
}
