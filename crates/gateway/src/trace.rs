//! Where a request stands in a trace: whose trace the gate goes on with, and which are kept.
//!
//! The attack: a stranger who sets the flag *sampled*, or picks trace ids that a ratio by id would take, has every span of every
//! service behind the gate exported, and fills somebody else's trace with its own. So a stranger's word never decides what is
//! sampled, the ratio is drawn from the gate's own randomness, and by default a stranger's trace is only linked to.

use std::net::IpAddr;

use bartizan_evidence::{SpanId, Trace, TraceId};
use http::header::{HeaderMap, HeaderName};

use crate::client_address::is_trusted;
use crate::config::{TraceAccept, TracePolicy};
use crate::trace_context::{TRACEPARENT, TRACESTATE, TraceParent, trace_state};

/// Fields of older and of vendors' trace propagation, sorted: by `X-B3-Flags: 1` a stranger would force sampling past `traceparent`.
const OTHER_PROPAGATION: &[&str] = &[
    "b3",
    "grpc-trace-bin",
    "uber-trace-id",
    "x-amzn-trace-id",
    "x-b3-flags",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-cloud-trace-context",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "x-datadog-trace-id",
    "x-ot-span-context",
];

/// 16 bytes for a trace, 8 for each of two spans, 4 for the draw.
pub(crate) type Randomness = [u8; 36];

/// Gives the request its place in a trace, and writes it into the fields that the upstream gets.
pub(crate) fn enter(
    policy: TracePolicy,
    headers: &mut HeaderMap,
    peer: IpAddr,
    trusted_proxies: &[ipnet::IpNet],
    random: &Randomness,
) -> Option<Trace> {
    let is_trusted = is_trusted(peer.to_canonical(), trusted_proxies);
    let caller = TraceParent::of(headers);
    let trace = place(policy, caller, is_trusted, random)?;
    let state = trace_state(headers).filter(|_| trace.parent.is_some());
    headers.remove(TRACESTATE);
    if let Some(state) = state {
        headers.insert(TRACESTATE, state);
    }
    if !is_trusted {
        strip_other_propagation(headers);
    }
    let onward = TraceParent { trace: trace.id.bytes(), span: trace.upstream_span.bytes(), sampled: trace.sampled };
    headers.insert(TRACEPARENT, onward.field()?);
    Some(trace)
}

fn place(policy: TracePolicy, caller: Option<TraceParent>, is_trusted: bool, random: &Randomness) -> Option<Trace> {
    let (id, rest) = random.split_first_chunk()?;
    let (span, rest) = rest.split_first_chunk()?;
    let (upstream_span, rest) = rest.split_first_chunk()?;
    let draw = u32::from_ne_bytes(*rest.first_chunk()?);
    let new = Trace {
        id: TraceId::new(*id)?,
        span: SpanId::new(*span)?,
        upstream_span: SpanId::new(*upstream_span)?,
        parent: None,
        link: None,
        sampled: policy.sample.takes(draw),
    };
    let Some(caller) = caller else { return Some(new) };
    let (id, span) = (TraceId::new(caller.trace)?, SpanId::new(caller.span)?);
    Some(match (policy.accept, is_trusted) {
        (TraceAccept::None, _) => new,
        (_, true) => Trace { id, parent: Some(span), sampled: caller.sampled, ..new },
        (TraceAccept::Any, false) => Trace { id, parent: Some(span), ..new },
        (TraceAccept::Trusted, false) => Trace { link: Some((id, span)), ..new },
    })
}

fn strip_other_propagation(headers: &mut HeaderMap) {
    let is_other = |name: &&HeaderName| {
        // Nearly all fields begin with another letter.
        matches!(name.as_str().as_bytes().first(), Some(b'b' | b'g' | b'u' | b'x'))
            && OTHER_PROPAGATION.binary_search(&name.as_str()).is_ok()
    };
    let others: Vec<HeaderName> = headers.keys().filter(is_other).cloned().collect();
    for name in others {
        headers.remove(name);
    }
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "the text is ASCII, and a test that slices it wrongly fails")]
mod tests {
    use super::*;
    use crate::config::SampleRatio;

    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    /// What becomes of a request with these fields: from a trusted proxy (10.0.0.1) or a stranger, nothing being sampled of itself.
    fn entered(accept: TraceAccept, peer: &str, fields: &[(&str, &str)]) -> (Trace, HeaderMap) {
        let mut headers: HeaderMap =
            fields.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
        let policy = TracePolicy { accept, sample: SampleRatio::new(0.0).unwrap() };
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let random: Randomness = std::array::from_fn(|at| u8::try_from(at + 1).unwrap());
        let trace = enter(policy, &mut headers, peer.parse().unwrap(), &trusted, &random).unwrap();
        (trace, headers)
    }

    #[test]
    fn a_stranger_forces_no_sampling_whatever_is_accepted() {
        for accept in [TraceAccept::Trusted, TraceAccept::Any, TraceAccept::None] {
            let fields =
                [("traceparent", CALLER), ("x-b3-flags", "1"), ("b3", "1"), ("x-datadog-sampling-priority", "2")];
            let (trace, headers) = entered(accept, "203.0.113.9", &fields);
            assert!(!trace.sampled);
            assert!(headers.get(TRACEPARENT).unwrap().to_str().unwrap().ends_with("-00"));
            assert_eq!(headers.len(), 1, "{headers:?}");
        }
    }

    #[test]
    fn a_strangers_trace_is_linked_to_and_not_gone_on_with() {
        let fields = [("traceparent", CALLER), ("tracestate", "vendor=1")];
        let (trace, headers) = entered(TraceAccept::Trusted, "203.0.113.9", &fields);
        let (id, span) = trace.link.unwrap();
        assert_eq!((id.to_string(), span.to_string()), (CALLER[3..35].to_owned(), CALLER[36..52].to_owned()));
        assert_ne!(trace.id, id);
        assert_eq!(trace.parent, None);
        assert!(!headers.contains_key(TRACESTATE));
        assert!(entered(TraceAccept::None, "203.0.113.9", &fields).0.link.is_none());
    }

    #[test]
    fn a_trusted_proxys_trace_goes_on_with_its_state_and_its_flag() {
        let fields = [("traceparent", CALLER), ("tracestate", "vendor=1"), ("b3", "1")];
        let (trace, headers) = entered(TraceAccept::Trusted, "10.0.0.1", &fields);
        assert!(trace.sampled);
        assert_eq!(trace.id.to_string(), CALLER[3..35]);
        assert_eq!(trace.parent.unwrap().to_string(), CALLER[36..52]);
        let onward = headers.get(TRACEPARENT).unwrap().to_str().unwrap();
        assert_eq!(onward, format!("00-{}-{}-01", trace.id, trace.upstream_span));
        assert_eq!(headers.get(TRACESTATE).unwrap(), "vendor=1");
        assert!(headers.contains_key("b3"));
        assert!(!entered(TraceAccept::Trusted, "10.0.0.1", &[("traceparent", UNSAMPLED)]).0.sampled);
        assert!(entered(TraceAccept::None, "10.0.0.1", &fields).0.parent.is_none());
    }

    #[test]
    fn a_broken_traceparent_begins_a_trace_without_the_callers_state() {
        let (trace, headers) = entered(TraceAccept::Any, "10.0.0.1", &[("traceparent", "00-x"), ("tracestate", "a=1")]);
        assert_eq!((trace.parent, trace.link), (None, None));
        assert!(!headers.contains_key(TRACESTATE));
    }

    #[test]
    fn the_ratio_is_kept_from_none_to_all() {
        let taken = |ratio: f64| {
            let ratio = SampleRatio::new(ratio).unwrap();
            (0..1000_u32).filter(|step| ratio.takes(step * (u32::MAX / 1000))).count()
        };
        assert_eq!((taken(0.0), taken(1.0)), (0, 1000));
        assert!((245..=255).contains(&taken(0.25)));
        assert!(
            SampleRatio::new(1.1).is_none() && SampleRatio::new(f64::NAN).is_none() && SampleRatio::new(-0.1).is_none()
        );
    }

    #[test]
    fn the_list_is_sorted_so_that_a_search_finds_every_entry() {
        assert!(OTHER_PROPAGATION.is_sorted());
    }
}
