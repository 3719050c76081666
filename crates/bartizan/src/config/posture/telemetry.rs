//! Where events go, and whose traces the gate goes on with.

use bartizan_evidence::{Otlp, Sink};
use bartizan_gateway::config::TraceAccept;

use super::Weakness;
use crate::config::resolve::Resolved;
use crate::config::units::is_loopback_host;

pub(super) fn facts(resolved: &Resolved) -> Vec<String> {
    let mut facts: Vec<String> = resolved.evidence.sinks.iter().map(sink).collect();
    if let Some(otlp) = &resolved.evidence.otlp {
        facts.push(format!("{} to {} (OTLP)", signals(otlp), otlp.endpoint.to_string().trim_end_matches('/')));
    }
    if let Some(trace) = resolved.gateway.trace {
        let whose = match trace.accept {
            TraceAccept::Trusted => "those of trusted proxies go on, strangers' are linked to",
            TraceAccept::Any => "everybody's go on",
            TraceAccept::None => "nobody's goes on",
        };
        facts.push(format!("takes part in traces: {whose}; {} % of the gate's own are kept", trace.sample.percent()));
    }
    facts
}

fn sink(sink: &Sink) -> String {
    match sink {
        Sink::Stdout => "events to standard output (ECS)".to_owned(),
        Sink::File(path) => format!("events to {} (ECS)", path.display()),
    }
}

fn signals(otlp: &Otlp) -> String {
    let all = [(otlp.logs, "events"), (otlp.traces, "spans"), (otlp.metrics, "metrics")];
    all.into_iter().filter_map(|(sent, word)| sent.then_some(word)).collect::<Vec<_>>().join(", ")
}

pub(super) fn weaknesses(resolved: &Resolved) -> Vec<Weakness> {
    let mut weaker = Vec::new();
    if let Some(otlp) = &resolved.evidence.otlp {
        let is_local = otlp.endpoint.host().is_some_and(is_loopback_host);
        if otlp.endpoint.scheme_str() != Some("https") && !is_local {
            weaker.push(Weakness::new(
                "everybody on the way to the OTLP receiver reads who called what",
                "`[telemetry] otlp.endpoint` is `http`",
            ));
        }
    }
    if resolved.gateway.trace.is_some_and(|trace| trace.accept == TraceAccept::Any) {
        weaker.push(Weakness::new(
            "a stranger can put its requests into anybody's trace",
            "`[telemetry] trace.accept = \"any\"`",
        ));
    }
    weaker
}
