use super::Fault;

/// Digits of the largest size that fits 64 bits: more of them are leading zeros, which have hidden overflows.
const MOST_DIGITS: u8 = 16;
/// Bytes of one chunk's extensions. Nobody sends them but attackers and AWS, who needs about 90.
const LONGEST_EXTENSION: u16 = 256;
/// Bytes of all extensions of one body.
const MOST_EXTENSIONS: u16 = 4096;

/// A chunked body on its way through (`RFC 9112 §7.1`). Its bytes pass as they come: only what stands between chunks is looked at.
#[derive(Clone, Debug)]
pub(super) struct Chunks {
    part: Part,
    size: u64,
    extensions: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Size { digits: u8 },
    Extension { bytes: u16 },
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self { part: Part::Size { digits: 0 }, size: 0, extensions: 0 }
    }

    /// How many of the bytes belong to chunks, and whether the last chunk was among them. A fault is counted from the first byte that
    /// must not pass.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> (usize, Result<bool, Fault>) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.part == Part::Data {
                at += self.skip(bytes.len() - at);
                continue;
            }
            if let Err(fault) = self.between(byte) {
                return (at, Err(Fault::Malformed(fault)));
            }
            at += 1;
            if self.part == Part::Data && self.size == 0 {
                return (at, Ok(true));
            }
        }
        (at, Ok(false))
    }

    fn skip(&mut self, available: usize) -> usize {
        let taken = usize::try_from(self.size).unwrap_or(usize::MAX).min(available);
        self.size -= u64::try_from(taken).unwrap_or(self.size);
        if self.size == 0 {
            self.part = Part::DataReturn;
        }
        taken
    }

    fn between(&mut self, byte: u8) -> Result<(), &'static str> {
        self.part = match (self.part, byte) {
            (Part::Size { digits }, _) => self.size_digit(digits, byte)?,
            (Part::Extension { bytes: 1.. }, b'\r') => Part::SizeLineFeed,
            (Part::Extension { bytes }, _) => self.extension_byte(bytes, byte)?,
            (Part::SizeLineFeed, b'\n') => Part::Data,
            (Part::DataReturn, b'\r') => Part::DataLineFeed,
            (Part::DataLineFeed, b'\n') => {
                self.size = 0;
                Part::Size { digits: 0 }
            }
            (Part::SizeLineFeed, _) => return Err("bare-carriage-return-in-chunk-size"),
            (Part::DataReturn | Part::DataLineFeed | Part::Data, _) => return Err("chunk-longer-than-its-size"),
        };
        Ok(())
    }

    fn size_digit(&mut self, digits: u8, byte: u8) -> Result<Part, &'static str> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if digits > 0 => return Ok(Part::SizeLineFeed),
            b';' if digits > 0 => return Ok(Part::Extension { bytes: 0 }),
            b' ' | b'\t' => return Err("white-space-in-chunk-size"),
            b'\n' => return Err("bare-line-feed-in-chunk-size"),
            _ => return Err("unreadable-chunk-size"),
        };
        if digits >= MOST_DIGITS {
            return Err("chunk-size-too-long");
        }
        self.size = (self.size << 4) | u64::from(digit);
        Ok(Part::Size { digits: digits + 1 })
    }

    /// Visible characters only: a line feed in an extension ends the line for some parsers and not for others.
    fn extension_byte(&mut self, bytes: u16, byte: u8) -> Result<Part, &'static str> {
        if !byte.is_ascii_graphic() {
            return Err("unreadable-chunk-extension");
        }
        self.extensions = self.extensions.saturating_add(1);
        if bytes >= LONGEST_EXTENSION || self.extensions > MOST_EXTENSIONS {
            return Err("chunk-extensions-too-long");
        }
        Ok(Part::Extension { bytes: bytes + 1 })
    }
}
