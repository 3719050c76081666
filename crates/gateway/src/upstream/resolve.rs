//! Names of endpoints: looked up again and again on the control plane, and guarded against leading where no backend is.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use super::SendFault;
use crate::config::LinkLocal;

/// How long a look-up may take. The system's resolver has its own, longer patience, in a thread that nobody waits for then.
const PATIENCE: Duration = Duration::from_secs(5);
/// Addresses of one name at most.
const MOST_ADDRESSES: usize = 64;

/// A name, and the addresses that it had when it was last looked up.
pub(super) struct Name {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) link_local: LinkLocal,
    found: RwLock<Arc<[SocketAddr]>>,
    /// Counts the look-ups after which an address was gone.
    generation: AtomicU64,
}

/// Why a name has no address that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookUpFault {
    /// The resolver does not know it, or does not answer.
    NotFound,
    /// It leads to the link-local network only.
    Guarded,
}

impl LookUpFault {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::NotFound => "name-not-found",
            Self::Guarded => "name-leads-to-a-guarded-address",
        }
    }
}

impl Name {
    pub(super) fn new(host: Arc<str>, port: u16, link_local: LinkLocal) -> Self {
        Self { host, port, link_local, found: RwLock::new(Arc::from([])), generation: AtomicU64::new(0) }
    }

    /// What was found last.
    pub(super) fn found(&self) -> Arc<[SocketAddr]> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which connections may be used again: those that were opened in an earlier generation may lead to where the name led once.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Looks the name up; what it finds is kept, and what was found before is kept where it finds nothing.
    pub(super) async fn look_up(&self) -> Result<Arc<[SocketAddr]>, LookUpFault> {
        let answer = match timeout(PATIENCE, lookup_host((&*self.host, self.port))).await {
            Ok(Ok(addresses)) => Ok(addresses.take(MOST_ADDRESSES).collect::<Vec<_>>()),
            Ok(Err(cause)) => Err(cause),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let addresses = usable(answer.map_err(|_| LookUpFault::NotFound)?, self.link_local)?;
        let addresses: Arc<[SocketAddr]> = addresses.into();
        let before = {
            let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *found, addresses.clone())
        };
        // After the addresses: whoever sees the new generation connects to none of the old ones.
        if before.iter().any(|address| !addresses.contains(address)) {
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(addresses)
    }
}

/// The addresses of a name; looked up here only where the control plane has not got to it yet.
pub(super) async fn addresses(name: &Name) -> Result<Arc<[SocketAddr]>, SendFault> {
    let found = name.found();
    if !found.is_empty() {
        return Ok(found);
    }
    name.look_up().await.map_err(|fault| SendFault::Unreachable(fault.word()))
}

/// What may be connected to, in the order of the resolver and without repetitions.
fn usable(found: Vec<SocketAddr>, link_local: LinkLocal) -> Result<Vec<SocketAddr>, LookUpFault> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    let were_found = !found.is_empty();
    for address in found {
        let is_allowed = link_local == LinkLocal::Allowed || !is_guarded(address.ip());
        if is_allowed && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match (addresses.is_empty(), were_found) {
        (false, _) => Ok(addresses),
        (true, true) => Err(LookUpFault::Guarded),
        (true, false) => Err(LookUpFault::NotFound),
    }
}

/// Where no backend is that a name leads to in good faith: whoever controls the name would have the gate fetch a cloud's credentials,
/// or talk to everybody at once (OWASP API7:2023).
pub(crate) fn is_guarded(address: IpAddr) -> bool {
    /// Alibaba's and Oracle's metadata, which are not link-local.
    const METADATA: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
    /// AWS's metadata over IPv6.
    const METADATA6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || METADATA.contains(&v4)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_guarded(IpAddr::V4(v4)),
            None => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || v6 == METADATA6,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 80)).collect()
    }

    #[test]
    fn a_name_that_leads_to_a_metadata_service_is_not_followed() {
        for attack in [
            "169.254.169.254",
            "169.254.170.2",
            "::ffff:169.254.169.254",
            "fe80::a9fe:a9fe",
            "fd00:ec2::254",
            "100.100.100.200",
            "192.0.0.192",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            let found = addresses(&[attack]);
            assert_eq!(usable(found.clone(), LinkLocal::Refused), Err(LookUpFault::Guarded), "{attack}");
            assert_eq!(usable(found.clone(), LinkLocal::Allowed), Ok(found), "{attack}");
        }
    }

    #[test]
    fn a_name_with_good_and_bad_addresses_keeps_the_good_ones_in_order() {
        let found = addresses(&["10.0.0.2", "169.254.169.254", "10.0.0.1", "10.0.0.2", "::1"]);
        assert_eq!(usable(found, LinkLocal::Refused), Ok(addresses(&["10.0.0.2", "10.0.0.1", "::1"])));
        assert_eq!(usable(Vec::new(), LinkLocal::Refused), Err(LookUpFault::NotFound));
    }

    #[tokio::test]
    async fn what_was_found_last_stays_where_a_look_up_fails() {
        let name = Name::new("localhost".into(), 80, LinkLocal::Refused);
        let found = name.look_up().await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
        assert_eq!(name.found(), found);
        let lost = Name::new("no-such-name.invalid".into(), 80, LinkLocal::Refused);
        *lost.found.write().unwrap() = found.clone();
        assert_eq!(lost.look_up().await, Err(LookUpFault::NotFound));
        assert_eq!(lost.found(), found);
    }
}
