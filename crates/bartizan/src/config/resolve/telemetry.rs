use std::sync::Arc;

use bartizan_evidence as evidence;
use bartizan_gateway::config as gateway;
use http::{HeaderName, HeaderValue};

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{self, File};
use crate::config::tree::Place;

impl Resolver<'_> {
    /// How the gate takes part in traces: where spans are sent, it does so without being told.
    pub(super) fn trace(&mut self, file: &File) -> Option<gateway::TracePolicy> {
        let sends_spans = file.telemetry.otlp.as_ref().is_some_and(|otlp| otlp.traces);
        let literal = file.telemetry.trace.clone().or_else(|| sends_spans.then(literal::Trace::default))?;
        let accept = match literal.accept {
            literal::TraceAccept::Trusted => gateway::TraceAccept::Trusted,
            literal::TraceAccept::Any => gateway::TraceAccept::Any,
            literal::TraceAccept::None => gateway::TraceAccept::None,
        };
        let Some(sample) = gateway::SampleRatio::new(literal.sample) else {
            let place = Place::root().key("telemetry").key("trace").key("sample");
            let message = format!("`{}` is no part of all traces", literal.sample);
            self.error(FaultKind::OutOfRange, &place, message, "write a number from `0.0` (none) to `1.0` (all)");
            return None;
        };
        Some(gateway::TracePolicy { accept, sample })
    }

    /// Where events, spans and metrics are sent.
    pub(super) fn otlp(&mut self, file: &File) -> Option<Arc<evidence::Otlp>> {
        let literal = file.telemetry.otlp.as_ref()?;
        let place = Place::root().key("telemetry").key("otlp");
        let literal::OtlpProtocol::HttpProtobuf = literal.protocol;
        if !(literal.logs || literal.traces || literal.metrics) {
            let remedy = "leave `otlp` out, or send one of `logs`, `traces` and `metrics`";
            self.error(FaultKind::Contradiction, &place, "nothing is sent to this receiver", remedy);
        }
        if literal.interval.get() < std::time::Duration::from_secs(1) {
            let message = format!("metrics every `{}` are more work than they tell", literal.interval);
            self.error(FaultKind::OutOfRange, &place.key("interval"), message, "write `\"1s\"` or more");
        }
        if !literal.endpoint.is_https() && !literal.endpoint.is_loopback() && !literal.headers.is_empty() {
            let message =
                format!("the secrets in `headers` would go to `{}` readable by everybody on the way", literal.endpoint);
            self.error(FaultKind::Unsafe, &place.key("endpoint"), message, "write `https://…`");
        }
        let headers = self.otlp_headers(literal, &place);
        let authorities = literal.ca.as_ref().map(|ca| self.beside(ca));
        if let Some(ca) = &literal.ca {
            let content = self.content(ca, &place.key("ca"), "authorities' file")?;
            self.contents.push(content);
        }
        Some(Arc::new(evidence::Otlp {
            endpoint: literal.endpoint.uri().clone(),
            logs: literal.logs,
            traces: literal.traces,
            metrics: literal.metrics,
            interval: literal.interval.get(),
            headers,
            authorities,
            compression: match literal.compression {
                literal::Compression::None => evidence::Compression::None,
                literal::Compression::Gzip => evidence::Compression::Gzip,
            },
            service: literal.service.as_ref().map_or_else(|| "bartizan".to_owned(), ToString::to_string),
        }))
    }

    fn otlp_headers(
        &mut self,
        literal: &literal::Otlp,
        place: &Place,
    ) -> Vec<(HeaderName, bartizan_vault::Secret<Vec<u8>>)> {
        let mut headers = Vec::new();
        for (field, source) in &literal.headers {
            let place = place.key("headers").key(&field.to_string());
            let Some(secret) = self.secret(source, &place) else { continue };
            match HeaderName::try_from(field.to_string()) {
                Ok(name) if HeaderValue::from_bytes(secret.expose()).is_ok() => headers.push((name, secret)),
                _ => {
                    let message = format!("the secret for `{field}` cannot be the value of a header field");
                    let remedy = "see that it is one line of text, such as `Bearer …`";
                    self.error(FaultKind::SecretUnavailable, &place, message, remedy);
                }
            }
        }
        headers
    }
}
