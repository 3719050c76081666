use super::descriptor::{Descriptors, FieldDescriptor, Kind, Label, Message, MessageId};
use super::reader::{Field, Reader, Wire};

/// What a message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages within each other.
    pub depth: u32,
    /// Fields and elements, all levels together.
    pub fields: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, fields: 100_000 }
    }
}

/// What becomes of a field that is not declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The message is refused.
    Refuse,
    /// It passes, and is told of.
    Report,
}

/// Why a message does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    /// Not of the wire format.
    #[error("the message cannot be read")]
    Malformed,
    /// A number that the message does not declare.
    #[error("a field is not declared")]
    Undeclared,
    /// A field in another form than its type has.
    #[error("a field is not of its type")]
    Type,
    /// A text that is none.
    #[error("a text is not UTF-8")]
    Encoding,
    /// One that stands once stands twice: parsers take the last, or merge both.
    #[error("a field that is not repeated stands twice")]
    Repeated,
    /// A field that has to be there is not.
    #[error("a required field is missing")]
    Missing,
    /// Nested deeper than allowed.
    #[error("the message is nested too deeply")]
    TooDeep,
    /// More fields than allowed.
    #[error("the message has too many fields")]
    TooMany,
}

impl MessageFault {
    /// The stable name for events.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "grpc-malformed-message",
            Self::Undeclared => "grpc-undeclared-field",
            Self::Type => "grpc-field-type",
            Self::Encoding => "grpc-text-encoding",
            Self::Repeated => "grpc-field-twice",
            Self::Missing => "grpc-field-missing",
            Self::TooDeep => "grpc-too-deep",
            Self::TooMany => "grpc-too-many-fields",
        }
    }
}

/// Holds a message against its descriptor. What comes back is how many undeclared fields passed.
///
/// # Errors
/// The first thing that does not fit.
pub fn check(
    descriptors: &Descriptors,
    message: MessageId,
    bytes: &[u8],
    limits: Limits,
    unknown: Unknown,
) -> Result<u32, MessageFault> {
    let mut checker = Checker { descriptors, left: limits.fields, unknown, reported: 0 };
    checker.message(message, &mut Reader::new(bytes), limits.depth, None)?;
    Ok(checker.reported)
}

struct Checker<'d> {
    descriptors: &'d Descriptors,
    left: u32,
    unknown: Unknown,
    reported: u32,
}

impl<'d> Checker<'d> {
    /// A message up to its end: of its bytes, or the mark that ends the group that it is.
    fn message(
        &mut self,
        id: MessageId,
        reader: &mut Reader<'_>,
        depth: u32,
        group: Option<u32>,
    ) -> Result<(), MessageFault> {
        let depth = depth.checked_sub(1).ok_or(MessageFault::TooDeep)?;
        let message = self.descriptors.message(id).ok_or(MessageFault::Type)?;
        let mut seen = vec![false; message.fields.len()];
        while !reader.is_done() {
            self.count(1)?;
            let field = reader.field().ok_or(MessageFault::Malformed)?;
            if field.wire == Wire::End {
                return if group == Some(field.number) { finish(message, &seen) } else { Err(MessageFault::Malformed) };
            }
            let Some((at, declared)) = message.field(field.number) else {
                self.undeclared(field, reader, depth)?;
                continue;
            };
            let was_seen = seen.get_mut(at).is_some_and(|seen| std::mem::replace(seen, true));
            if was_seen && declared.label != Label::Repeated {
                return Err(MessageFault::Repeated);
            }
            self.value(declared, field, reader, depth)?;
        }
        if group.is_some() { Err(MessageFault::Malformed) } else { finish(message, &seen) }
    }

    fn count(&mut self, fields: u32) -> Result<(), MessageFault> {
        self.left = self.left.checked_sub(fields).ok_or(MessageFault::TooMany)?;
        Ok(())
    }

    fn undeclared(&mut self, field: Field<'_>, reader: &mut Reader<'_>, depth: u32) -> Result<(), MessageFault> {
        if self.unknown == Unknown::Refuse {
            return Err(MessageFault::Undeclared);
        }
        self.reported = self.reported.saturating_add(1);
        if field.wire == Wire::Start { self.skip_group(field.number, reader, depth) } else { Ok(()) }
    }

    fn skip_group(&mut self, number: u32, reader: &mut Reader<'_>, depth: u32) -> Result<(), MessageFault> {
        let depth = depth.checked_sub(1).ok_or(MessageFault::TooDeep)?;
        loop {
            self.count(1)?;
            let field = reader.field().ok_or(MessageFault::Malformed)?;
            match field.wire {
                Wire::End if field.number == number => return Ok(()),
                Wire::End => return Err(MessageFault::Malformed),
                Wire::Start => self.skip_group(field.number, reader, depth)?,
                _ => {}
            }
        }
    }

    fn value(
        &mut self,
        declared: &'d FieldDescriptor,
        field: Field<'_>,
        reader: &mut Reader<'_>,
        depth: u32,
    ) -> Result<(), MessageFault> {
        match (declared.kind, field.wire) {
            (Kind::Varint, Wire::Varint)
            | (Kind::Fixed64, Wire::Fixed64)
            | (Kind::Fixed32, Wire::Fixed32)
            | (Kind::Bytes, Wire::Length) => Ok(()),
            (Kind::Text, Wire::Length) => {
                std::str::from_utf8(field.bytes).map(drop).map_err(|_| MessageFault::Encoding)
            }
            (Kind::Message(id), Wire::Length) => self.message(id, &mut Reader::new(field.bytes), depth, None),
            (Kind::Group(id), Wire::Start) => self.message(id, reader, depth, Some(field.number)),
            (Kind::Varint | Kind::Fixed64 | Kind::Fixed32, Wire::Length) if declared.label == Label::Repeated => {
                self.packed(declared.kind, field.bytes)
            }
            _ => Err(MessageFault::Type),
        }
    }

    /// The elements of a repeated field of numbers, one after the other.
    fn packed(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), MessageFault> {
        let mut reader = Reader::new(bytes);
        while !reader.is_done() {
            self.count(1)?;
            let element = match kind {
                Kind::Fixed64 => reader.take(8).map(drop),
                Kind::Fixed32 => reader.take(4).map(drop),
                _ => reader.varint().map(drop),
            };
            element.ok_or(MessageFault::Malformed)?;
        }
        Ok(())
    }
}

fn finish(message: &Message, seen: &[bool]) -> Result<(), MessageFault> {
    let is_missing = |(field, seen): (&FieldDescriptor, &bool)| field.label == Label::Required && !seen;
    if message.fields.iter().zip(seen).any(is_missing) { Err(MessageFault::Missing) } else { Ok(()) }
}
