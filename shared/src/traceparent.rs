//! The header `traceparent` of [W3C Trace Context](https://www.w3.org/TR/trace-context/): which trace a call
//! belongs to, and which span of the caller it comes from.
//!
//! Only the ids and the sampled bit are read. Its companions `tracestate` and `baggage` are nobody's business
//! here: they carry what others please.

use std::fmt;

/// Length of the header of version 00, in characters: `00-<32 hex>-<16 hex>-<2 hex>`.
const CHARS: usize = 55;
/// The only flag that is looked at.
const SAMPLED: u8 = 1;

/// Where a call comes from: the trace, and the caller's span in it. Both ids are never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
}

impl TraceParent {
    /// Its header's name.
    pub const HEADER: &'static str = "traceparent";

    /// A caller's span in a trace; `None` where an id is zero, which names nothing.
    #[must_use]
    pub fn new(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            sampled,
        })
    }

    /// Reads the header. What does not follow the specification to the letter is no parent.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // A later version may go on behind a further dash; the first version may not.
        let known = text.get(..CHARS)?;
        let mut parts = known.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace_id = hex(parts.next()?, 32)?;
        let span_id = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = u8::try_from(hex(parts.next()?, 2)?).ok()?;
        let rest = &text[CHARS..];
        let complete = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        if !complete || parts.next().is_some() {
            return None;
        }
        Self::new(trace_id, span_id, flags & SAMPLED != 0)
    }

    /// The trace.
    #[must_use]
    pub const fn trace_id(self) -> u128 {
        self.trace_id
    }

    /// The caller's span.
    #[must_use]
    pub const fn span_id(self) -> u64 {
        self.span_id
    }

    /// Whether the caller says that it records the trace.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.sampled
    }
}

/// As OpenTelemetry has it.
#[cfg(feature = "opentelemetry")]
mod spans {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

    use super::TraceParent;

    impl TraceParent {
        /// The parent that a span is for what it calls; `None` where the span is none.
        #[must_use]
        pub fn of(span: &SpanContext) -> Option<Self> {
            let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
            let span_id = u64::from_be_bytes(span.span_id().to_bytes());
            Self::new(trace_id, span_id, span.is_sampled())
        }

        /// The caller's span, for ours to be its child.
        #[must_use]
        pub fn span(self) -> SpanContext {
            SpanContext::new(
                TraceId::from(self.trace_id),
                SpanId::from(self.span_id),
                TraceFlags::NOT_SAMPLED.with_sampled(self.sampled),
                true,
                TraceState::NONE,
            )
        }
    }
}

/// The header's value, in version 00.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.sampled { SAMPLED } else { 0 };
        write!(
            f,
            "00-{:032x}-{:016x}-{flags:02x}",
            self.trace_id, self.span_id
        )
    }
}

/// So many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let fits = lower && text.len() == digits;
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's own example.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_printed_is_read_again() {
        let parent = TraceParent::parse(EXAMPLE).unwrap();
        assert_eq!(parent.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(parent.span_id(), 0x00f0_67aa_0ba9_02b7);
        assert!(parent.is_sampled());
        assert_eq!(parent.to_string(), EXAMPLE);
        let unsampled = EXAMPLE.replace("-01", "-02");
        assert!(!TraceParent::parse(&unsampled).unwrap().is_sampled());
        let later = format!("cc{}-what-comes-later", &EXAMPLE[2..]);
        assert_eq!(TraceParent::parse(&later), Some(parent));
    }

    #[test]
    fn what_breaks_the_specification_is_no_parent() {
        let zeros = "0".repeat(32);
        let wrong = [
            String::new(),
            "00".to_owned(),
            EXAMPLE.to_uppercase(),
            EXAMPLE.replacen("00", "ff", 1),
            format!("{EXAMPLE}-more"),
            format!("{EXAMPLE} "),
            format!(" {EXAMPLE}"),
            EXAMPLE.replace('-', "_"),
            EXAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zeros),
            EXAMPLE.replace("00f067aa0ba902b7", &zeros[..16]),
            EXAMPLE.replace("4bf9", "4bfg"),
            EXAMPLE.replace("4bf9", "+bf9"),
            // As long as it should be, but with a character of two bytes in it.
            EXAMPLE.replace("4bf9", "4bé"),
        ];
        for text in wrong {
            assert_eq!(TraceParent::parse(&text), None, "{text}");
        }
    }
}
