//! W3C Trace Context: `traceparent` and `tracestate`, read strictly.
//!
//! Whatever is not exactly as the recommendation writes it is as if it were not there (§2.2, §4.3): a caller's mistake or trick must
//! not reach the collectors behind the gate.

use http::header::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// `00-<32>-<16>-<2>`.
const LENGTH: usize = 55;
/// The bit that asks for spans to be kept.
const SAMPLED: u8 = 1;
/// §3.3.1.1: there can be a maximum of 32 members.
const MOST_MEMBERS: usize = 32;
/// Twice what §3.3.1.5 has everybody pass on.
const MOST_STATE_BYTES: usize = 1024;

/// What a caller says of its own place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
    pub(crate) sampled: bool,
}

impl TraceParent {
    /// The one valid `traceparent` of a request, if there is one.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let only = values.next()?;
        // Of two, each reader would take another.
        if values.next().is_some() {
            return None;
        }
        Self::parse(only.as_bytes())
    }

    /// §3.2: version, trace-id, parent-id and flags, in lower-case hexadecimal.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(LENGTH)?;
        let [version] = bytes::<1>(head.get(..2)?)?;
        // Version 0 ends here; a later one may go on, after another hyphen.
        let ends_well = if version == 0 { rest.is_empty() } else { rest.is_empty() || rest.first() == Some(&b'-') };
        let hyphens = [2, 35, 52].into_iter().all(|at| head.get(at) == Some(&b'-'));
        if version == 0xff || !ends_well || !hyphens {
            return None;
        }
        let (trace, span) = (bytes(head.get(3..35)?)?, bytes(head.get(36..52)?)?);
        let [flags] = bytes::<1>(head.get(53..55)?)?;
        if trace == [0; 16] || span == [0; 8] {
            return None;
        }
        Some(Self { trace, span, sampled: flags & SAMPLED != 0 })
    }

    /// The field that the next one gets. Other flags than *sampled* are not ours to pass on (§3.2.2.5).
    pub(crate) fn field(&self) -> Option<HeaderValue> {
        let mut text = [b'-'; LENGTH];
        let ids = [0_u8].iter().chain(&self.trace).chain(&self.span).chain(std::slice::from_ref(if self.sampled {
            &SAMPLED
        } else {
            &0
        }));
        let places = (0..2).chain(3..35).chain(36..52).chain(53..55);
        for (place, digit) in places.zip(ids.flat_map(|byte| [byte >> 4, byte & 0xf])) {
            *text.get_mut(place)? = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        }
        HeaderValue::from_bytes(&text).ok()
    }
}

/// The bytes of lower-case hexadecimal; upper case is no trace context (§3.2.2).
fn bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

/// The `tracestate` of a request as one field; nothing if any part of it is malformed (§3.3.1.4, §4.3).
pub(crate) fn trace_state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut fields = headers.get_all(TRACESTATE).iter();
    let first = fields.next()?;
    let whole = if fields.next().is_none() {
        first.clone()
    } else {
        let all: Vec<&[u8]> = headers.get_all(TRACESTATE).iter().map(HeaderValue::as_bytes).collect();
        HeaderValue::from_bytes(&all.join(&b","[..])).ok()?
    };
    is_trace_state(whole.as_bytes()).then_some(whole)
}

fn is_trace_state(state: &[u8]) -> bool {
    if state.len() > MOST_STATE_BYTES {
        return false;
    }
    let mut keys: Vec<&[u8]> = Vec::new();
    for member in state.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty()) {
        let Some(equals) = member.iter().position(|&byte| byte == b'=') else { return false };
        let (key, value) = (member.get(..equals).unwrap_or_default(), member.get(equals + 1..).unwrap_or_default());
        if keys.len() == MOST_MEMBERS || keys.contains(&key) || !is_key(key) || !is_value(value) {
            return false;
        }
        keys.push(key);
    }
    !keys.is_empty()
}

fn is_key(key: &[u8]) -> bool {
    let begins = key.first().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
    let is_key_character = |byte: &u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@')
    };
    begins && key.len() <= 256 && key.iter().all(is_key_character)
}

fn is_value(value: &[u8]) -> bool {
    !value.is_empty()
        && value.len() <= 256
        && value.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'='))
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "the text is ASCII, and a test that slices it wrongly fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parse(value: &str) -> Option<TraceParent> {
        TraceParent::parse(value.as_bytes())
    }

    #[test]
    fn the_example_of_the_recommendation_is_read_and_written_back() {
        let read = parse(VALID).unwrap();
        assert!(read.sampled);
        assert_eq!(read.field().unwrap(), VALID);
        assert!(!parse(&VALID.replace("-01", "-02")).unwrap().sampled);
    }

    #[test]
    fn what_is_not_exactly_a_traceparent_is_none() {
        for wrong in [
            "",
            "00",
            &VALID.to_uppercase(),
            &VALID[..54],
            &format!("{VALID}-"),
            &format!("{VALID}-what-the-future-will-be"),
            &VALID.replacen("00", "ff", 1),
            &VALID.replacen("00", "0", 1),
            &VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &VALID.replace('-', "_"),
            &VALID.replace("4bf9", "4bg9"),
            &VALID.replacen("00", ".0", 1),
            &format!(" {VALID}"),
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = VALID.replacen("00", "cc", 1);
        assert_eq!(parse(&later), parse(VALID));
        assert_eq!(parse(&format!("{later}-what-the-future-will-be")), parse(VALID));
        assert_eq!(parse(&format!("{later}.what-the-future-will-not-be")), None);
    }

    #[test]
    fn of_two_traceparents_none_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, VALID.parse().unwrap());
        assert!(TraceParent::of(&headers).is_some());
        headers.append(TRACEPARENT, VALID.parse().unwrap());
        assert_eq!(TraceParent::of(&headers), None);
    }

    #[test]
    fn a_tracestate_passes_whole_or_not_at_all() {
        let state = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(TRACESTATE, value.parse().unwrap());
            }
            trace_state(&headers).map(|value| value.to_str().unwrap().to_owned())
        };
        assert!(state(&["rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE"]).is_some());
        assert_eq!(state(&["foo=1", "bar=2"]), Some("foo=1,bar=2".to_owned()));
        assert!(state(&["fw529a3039@dt=FfUwO;a:b"]).is_some() && state(&["foo=1,,bar=2"]).is_some());
        let many = |count: usize| (0..count).map(|number| format!("k{number}=v")).collect::<Vec<_>>().join(",");
        assert!(state(&[&many(32)]).is_some());
        for wrong in [
            "",
            "foo",
            "foo=",
            "=1",
            "Foo=1",
            "foo =1",
            "foo=1,foo=1",
            "foo=bar=baz",
            "foo=1,b@r@=\u{7f}",
            &many(33),
            &format!("foo={}", "x".repeat(2000)),
            &format!("{}=1", "z".repeat(257)),
        ] {
            assert!(!is_trace_state(wrong.as_bytes()), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_back_the_same(trace: [u8; 16], span: [u8; 8], sampled: bool) {
            prop_assume!(trace != [0; 16] && span != [0; 8]);
            let parent = TraceParent { trace, span, sampled };
            prop_assert_eq!(TraceParent::parse(parent.field().unwrap().as_bytes()), Some(parent));
        }

        #[test]
        fn no_bytes_panic_the_parsers(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = TraceParent::parse(&value);
            let _ = is_trace_state(&value);
        }
    }
}
