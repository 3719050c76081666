//! The client's address, as far as it can be known without believing strangers.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// More hops than any honest chain has.
const MOST_HOPS: usize = 32;

/// Why the address cannot be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ForwardingFault {
    #[error("an element of the forwarding fields is not an address")]
    NotAnAddress,
    #[error("too many hops")]
    TooManyHops,
    #[error("`Forwarded` and `X-Forwarded-For` disagree")]
    Disagreement,
}

impl ForwardingFault {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::NotAnAddress => "not-an-address",
            Self::TooManyHops => "too-many-hops",
            Self::Disagreement => "forwarded-and-x-forwarded-for-disagree",
        }
    }
}

/// The address of the client behind the trusted proxies.
///
/// The chain is read from the right, from the socket's peer on: each hop is believed only as long as the one that reported it is
/// trusted, so that whatever the client wrote at the left end is never reached (`RFC 7239 §8.1`).
///
/// # Errors
/// A trusted proxy passed on something that cannot be read; guessing here would let a client choose its address.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Result<IpAddr, ForwardingFault> {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return Ok(peer);
    }
    let by_x_forwarded = nearest_stranger(peer, x_forwarded_for(headers)?, trusted);
    let by_forwarded = nearest_stranger(peer, forwarded(headers)?, trusted);
    match (by_x_forwarded, by_forwarded) {
        (Some(one), Some(other)) if one != other => Err(ForwardingFault::Disagreement),
        (Some(address), _) | (None, Some(address)) => Ok(address),
        (None, None) => Ok(peer),
    }
}

pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The first address from the right that no trusted proxy has; if all are trusted, the leftmost. `None` if there are none.
fn nearest_stranger(peer: IpAddr, chain: Vec<IpAddr>, trusted: &[IpNet]) -> Option<IpAddr> {
    let leftmost = *chain.first()?;
    let stranger = chain.into_iter().rev().find(|hop| !is_trusted(*hop, trusted));
    Some(stranger.unwrap_or(leftmost)).filter(|_| is_trusted(peer, trusted))
}

fn x_forwarded_for(headers: &HeaderMap) -> Result<Vec<IpAddr>, ForwardingFault> {
    let mut chain = Vec::new();
    for value in headers.get_all(X_FORWARDED_FOR) {
        for element in value.as_bytes().split(|&byte| byte == b',') {
            push_hop(&mut chain, element)?;
        }
    }
    Ok(chain)
}

/// The `for` parameters of `Forwarded` (`RFC 7239 §4`).
fn forwarded(headers: &HeaderMap) -> Result<Vec<IpAddr>, ForwardingFault> {
    let mut chain = Vec::new();
    for value in headers.get_all(header::FORWARDED) {
        for element in value.as_bytes().split(|&byte| byte == b',') {
            let hop = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).find_map(|pair| {
                let (name, value) = pair.split_at_checked(4)?;
                name.eq_ignore_ascii_case(b"for=").then_some(value)
            });
            push_hop(&mut chain, hop.ok_or(ForwardingFault::NotAnAddress)?)?;
        }
    }
    Ok(chain)
}

fn push_hop(chain: &mut Vec<IpAddr>, text: &[u8]) -> Result<(), ForwardingFault> {
    if chain.len() >= MOST_HOPS {
        return Err(ForwardingFault::TooManyHops);
    }
    let text = std::str::from_utf8(text.trim_ascii()).map_err(|_| ForwardingFault::NotAnAddress)?;
    chain.push(hop_address(text).ok_or(ForwardingFault::NotAnAddress)?);
    Ok(())
}

/// An address as proxies write it: bare, quoted, in brackets, with or without a port.
fn hop_address(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse::<std::net::Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(peer: &str, x_forwarded_for: Option<&str>, forwarded: Option<&str>) -> Result<IpAddr, ForwardingFault> {
        let mut headers = HeaderMap::new();
        if let Some(value) = x_forwarded_for {
            headers.insert(X_FORWARDED_FOR, value.parse().unwrap());
        }
        if let Some(value) = forwarded {
            headers.insert(header::FORWARDED, value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, &trusted)
    }

    #[expect(clippy::unnecessary_wraps, reason = "compared with what the parser returns")]
    fn address(text: &str) -> Result<IpAddr, ForwardingFault> {
        Ok(text.parse().unwrap())
    }

    #[test]
    fn a_stranger_cannot_forge_its_address() {
        assert_eq!(judge("203.0.113.9", Some("127.0.0.1"), Some("for=127.0.0.1")), address("203.0.113.9"));
    }

    #[test]
    fn what_a_client_wrote_left_of_the_proxy_is_not_reached() {
        assert_eq!(judge("10.0.0.1", Some("127.0.0.1, 198.51.100.7"), None), address("198.51.100.7"));
        assert_eq!(judge("10.0.0.1", Some("1.1.1.1, 198.51.100.7, 10.2.3.4"), None), address("198.51.100.7"));
    }

    #[test]
    fn both_fields_are_read_and_must_agree() {
        assert_eq!(judge("10.0.0.1", None, Some(r#"For="[2001:db8::9]:4711";proto=https"#)), address("2001:db8::9"));
        assert_eq!(
            judge("10.0.0.1", Some("198.51.100.7"), Some("for=198.51.100.8")),
            Err(ForwardingFault::Disagreement)
        );
    }

    #[test]
    fn an_unreadable_chain_is_refused_rather_than_guessed() {
        assert_eq!(judge("10.0.0.1", Some("198.51.100.7, unknown"), None), Err(ForwardingFault::NotAnAddress));
        assert_eq!(judge("10.0.0.1", None, Some("for=_hidden")), Err(ForwardingFault::NotAnAddress));
        let endless = vec!["10.0.0.1"; 40].join(",");
        assert_eq!(judge("10.0.0.1", Some(&endless), None), Err(ForwardingFault::TooManyHops));
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_the_ipv4_address() {
        assert_eq!(judge("::ffff:10.0.0.1", Some("::ffff:198.51.100.7"), None), address("198.51.100.7"));
    }

    proptest! {
        #[test]
        fn no_field_panics_the_parser(value in "[ -~]{0,200}") {
            let _ = judge("10.0.0.1", Some(&value), None);
            let _ = judge("10.0.0.1", None, Some(&value));
        }
    }
}
