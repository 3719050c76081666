use std::fmt::{self, Display, Formatter};

/// The id that every part of one trace shares (W3C Trace Context); never all zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// The id of one part of a trace; never all zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// An id of these bytes; zeros are none.
    pub fn new(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// Its bytes.
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl SpanId {
    /// An id of these bytes; zeros are none.
    pub fn new(bytes: [u8; 8]) -> Option<Self> {
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    /// Its bytes.
    pub const fn bytes(self) -> [u8; 8] {
        self.0
    }
}

/// The place of a request in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: TraceId,
    /// The span of the request at the gate.
    pub span: SpanId,
    /// The span of the exchange with the upstream, which the upstream sees as its parent.
    pub upstream_span: SpanId,
    /// The caller's span, if the gate goes on with the caller's trace.
    pub parent: Option<SpanId>,
    /// The caller's own trace and span, where the gate began another one: a stranger's word links, and decides nothing.
    pub link: Option<(TraceId, SpanId)>,
    /// Whether spans of it are kept.
    pub sampled: bool,
}

impl Display for TraceId {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, out)
    }
}

impl Display for SpanId {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, out)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, out)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, out)
    }
}

fn hexadecimal(bytes: &[u8], out: &mut Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_lower_case_hexadecimal_and_zeros_are_none() {
        assert_eq!(TraceId::new([0xab; 16]).map(|id| id.to_string()), Some("ab".repeat(16)));
        assert_eq!(SpanId::new([0, 0, 0, 0, 0, 0, 0, 1]).map(|id| id.to_string()), Some("0000000000000001".to_owned()));
        assert_eq!((TraceId::new([0; 16]), SpanId::new([0; 8])), (None, None));
    }
}
