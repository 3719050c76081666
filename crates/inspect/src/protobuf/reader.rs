//! The wire format (protobuf.dev/programming-guides/encoding).

/// What follows a field's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Varint,
    Fixed64,
    Length,
    Start,
    End,
    Fixed32,
}

/// A field as it stands in a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'b> {
    pub(super) number: u32,
    pub(super) wire: Wire,
    /// Of a varint, its value.
    pub(super) value: u64,
    /// Of a length-delimited field, its content.
    pub(super) bytes: &'b [u8],
}

/// Reads the fields of one message, without what is in groups.
#[derive(Clone, Debug)]
pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// A number of at most 64 bits. Longer forms, and bits that would be lost, are refused: parsers differ in which bits they keep.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for place in 0..10 {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            if place == 9 && byte > 1 {
                return None;
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next field; nothing where the bytes are none.
    pub(super) fn field(&mut self) -> Option<Field<'b>> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number))?;
        let mut field = Field { number, wire: Wire::Varint, value: 0, bytes: &[] };
        match tag & 7 {
            0 => field.value = self.varint()?,
            1 => (field.wire, field.bytes) = (Wire::Fixed64, self.take(8)?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                (field.wire, field.bytes) = (Wire::Length, self.take(length)?);
            }
            3 => field.wire = Wire::Start,
            4 => field.wire = Wire::End,
            5 => (field.wire, field.bytes) = (Wire::Fixed32, self.take(4)?),
            _ => return None,
        }
        Some(field)
    }
}
