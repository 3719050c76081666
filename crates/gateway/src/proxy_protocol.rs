//! HAProxy's PROXY protocol, versions 1 and 2: the first bytes of a connection say which client a proxy speaks for.
//!
//! Hostile input: a header is parsed only when it is whole, its length is bounded, and whatever the specification does not allow is
//! refused rather than skipped. Nothing of what follows the header is looked at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Version 1 is one line of at most so many bytes, its CRLF among them (§2.1).
const MOST_V1: usize = 107;
/// Version 2 may add 64 KiB of extensions; what proxies send (TLS details, a cloud's endpoint id) is far smaller.
const MOST_V2: usize = 4096;
/// The line of version 1 that is shortest: `PROXY UNKNOWN`.
const LEAST_V1: usize = 15;
/// The fixed part of version 2.
const V2_FIXED: usize = 16;
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const V1_PREFIX: &[u8] = b"PROXY ";

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyHeader {
    /// The proxy speaks for the client at this address.
    Client(IpAddr),
    /// The proxy speaks for itself (a health check), or for a client without an IP address.
    Proxy,
}

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// The beginning of a header: at least so many bytes of it are still to come.
    Partial(usize),
    /// A whole header and its length.
    Whole(ProxyHeader, usize),
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyFault {
    #[error("the connection does not begin with a PROXY header")]
    Absent,
    #[error("the PROXY header is longer than it may be")]
    TooLong,
    #[error("the PROXY header is malformed")]
    Malformed,
    #[error("the PROXY header has a version, command or address family that does not exist")]
    Unknown,
}

/// Looks at all bytes of a connection that have come so far, and never past the header's end: a caller that reads no more than
/// [`Parsed::Partial`] asks for has not taken a byte of what follows.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ProxyFault> {
    if begins_alike(bytes, V2_SIGNATURE) {
        return version_2(bytes);
    }
    if begins_alike(bytes, V1_PREFIX) {
        return version_1(bytes);
    }
    Err(ProxyFault::Absent)
}

fn begins_alike(bytes: &[u8], expected: &[u8]) -> bool {
    bytes.iter().zip(expected).all(|(byte, expected)| byte == expected)
}

fn version_1(bytes: &[u8]) -> Result<Parsed, ProxyFault> {
    if bytes.len() < LEAST_V1 {
        return Ok(Parsed::Partial(LEAST_V1 - bytes.len()));
    }
    let within = bytes.get(..MOST_V1).unwrap_or(bytes);
    let Some(end) = within.windows(2).position(|pair| pair == b"\r\n") else {
        // Only the last byte that may come can still be the line feed of a carriage return that is there.
        return if within.len() < MOST_V1 { Ok(Parsed::Partial(1)) } else { Err(ProxyFault::TooLong) };
    };
    let line = within.get(V1_PREFIX.len()..end).and_then(|line| str::from_utf8(line).ok());
    let header = line_of_version_1(line.ok_or(ProxyFault::Malformed)?)?;
    Ok(Parsed::Whole(header, end + 2))
}

/// `TCP4 203.0.113.7 198.51.100.1 40000 443`, in exactly this form: one space between, no leading zeros (§2.1).
fn line_of_version_1(line: &str) -> Result<ProxyHeader, ProxyFault> {
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        // What follows is to be ignored.
        return Ok(ProxyHeader::Proxy);
    }
    let mut words = line.split(' ');
    let mut word = || words.next().ok_or(ProxyFault::Malformed);
    let family = word()?;
    let (source, destination) = (word()?, word()?);
    let ports = [word()?, word()?];
    if words.next().is_some() || !ports.into_iter().all(is_port) {
        return Err(ProxyFault::Malformed);
    }
    let both = |parse: fn(&str) -> Option<IpAddr>| parse(source).filter(|_| parse(destination).is_some());
    let client = match family {
        "TCP4" => both(|text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)),
        "TCP6" => both(|text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)),
        _ => return Err(ProxyFault::Unknown),
    };
    client.map(|client| ProxyHeader::Client(client.to_canonical())).ok_or(ProxyFault::Malformed)
}

fn is_port(text: &str) -> bool {
    let is_canonical = text == "0" || !text.starts_with('0');
    is_canonical && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn version_2(bytes: &[u8]) -> Result<Parsed, ProxyFault> {
    // No more at first than the signature has: the shortest line of version 1 ends before the fixed part would.
    if let Some(more @ 1..) = V2_SIGNATURE.len().checked_sub(bytes.len()) {
        return Ok(Parsed::Partial(more));
    }
    let Some((fixed, rest)) = bytes.split_first_chunk::<V2_FIXED>() else {
        return Ok(Parsed::Partial(V2_FIXED - bytes.len()));
    };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if V2_FIXED + length > MOST_V2 {
        return Err(ProxyFault::TooLong);
    }
    // What is wrong in the fixed part is refused before more is read.
    let addresses = addresses_of_version_2(command, family)?;
    if length < addresses.bytes() {
        return Err(ProxyFault::Malformed);
    }
    let Some(body) = rest.get(..length) else { return Ok(Parsed::Partial(length - rest.len())) };
    let header = match addresses {
        Addresses::None | Addresses::Unix => ProxyHeader::Proxy,
        Addresses::V4 => client::<4>(body)?,
        Addresses::V6 => client::<16>(body)?,
    };
    Ok(Parsed::Whole(header, V2_FIXED + length))
}

/// How addresses are written in a header of version 2.
#[derive(Clone, Copy)]
enum Addresses {
    /// Not at all, or not to be looked at.
    None,
    V4,
    V6,
    Unix,
}

impl Addresses {
    /// Source, destination and, but for Unix sockets, two ports (§2.2).
    const fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::V4 => 12,
            Self::V6 => 36,
            Self::Unix => 216,
        }
    }
}

fn addresses_of_version_2(command: u8, family: u8) -> Result<Addresses, ProxyFault> {
    match (command, family) {
        // LOCAL: whatever family and addresses are said, they are to be ignored.
        (0x20, _) | (0x21, 0x00) => Ok(Addresses::None),
        (0x21, 0x11) => Ok(Addresses::V4),
        (0x21, 0x21) => Ok(Addresses::V6),
        (0x21, 0x31) => Ok(Addresses::Unix),
        // Datagrams do not arrive on a stream.
        _ => Err(ProxyFault::Unknown),
    }
}

/// The source address, which comes first.
fn client<const N: usize>(body: &[u8]) -> Result<ProxyHeader, ProxyFault>
where
    IpAddr: From<[u8; N]>,
{
    let source = body.first_chunk::<N>().ok_or(ProxyFault::Malformed)?;
    Ok(ProxyHeader::Client(IpAddr::from(*source).to_canonical()))
}

#[cfg(test)]
mod tests;
