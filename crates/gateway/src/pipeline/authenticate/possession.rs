//! Tokens that are bound to their holder: with each request the holder shows what they are bound to.

use bartizan_policy::Timestamp;
use bartizan_token::{DpopError, DpopExpectation, KeyThumbprint, OneTime, Presence, verify_proof};
use http::Uri;
use http::uri::Authority;

use super::Known;
use super::presented::{DPOP, Presented};
use crate::exchange::Exchange;
use crate::gate::Gate;
use crate::path::CanonicalPath;
use crate::ports::Remembered;
use crate::refusal::Refusal;

/// Judges what the token is bound to. Nothing of this is ever cached: a proof is for one request.
pub(super) async fn prove(
    known: &Known,
    presented: &Presented,
    exchange: &Exchange,
    gate: &Gate,
) -> Result<(), Refusal> {
    if let Some(bound) = known.binding.certificate {
        // RFC 8705 §3: the token was stolen, or the connection is another client's.
        let certificate = exchange.connection.certificate.as_ref().filter(|shown| shown.thumbprint() == bound);
        let certificate = certificate.ok_or(Refusal::CertificateRefused("token-of-another-certificate"))?;
        if gate.is_revoked_certificate(certificate) {
            return Err(Refusal::CertificateRefused("certificate-revoked"));
        }
    }
    match (presented, known.binding.key) {
        (Presented::Dpop(_), Some(key)) => proof(known, key, exchange, gate).await,
        (Presented::Dpop(_), None) => Err(Refusal::proof("token-not-bound", false)),
        // RFC 9449 §7.2: a bound token without its proof is what a thief has.
        (_, Some(_)) => Err(Refusal::proof("sender-constrained", false)),
        (_, None) => Ok(()),
    }
}

async fn proof(known: &Known, key: KeyThumbprint, exchange: &Exchange, gate: &Gate) -> Result<(), Refusal> {
    let now = exchange.now();
    let once = judge(known, key, exchange, gate, now)?;
    match gate.proofs.remember(once, now).get().await {
        Remembered::First => Ok(()),
        Remembered::Again => Err(Refusal::proof("proof-replayed", true)),
        Remembered::NoRoom => Err(Refusal::CredentialUndecided("proof-store-full")),
    }
}

fn judge(
    known: &Known,
    key: KeyThumbprint,
    exchange: &Exchange,
    gate: &Gate,
    now: Timestamp,
) -> Result<OneTime, Refusal> {
    let mut proofs = exchange.head.headers.get_all(&DPOP).iter();
    // RFC 9449 §4.3, 1: with two, gate and upstream could each look at another one.
    let proof = match (proofs.next(), proofs.next()) {
        (Some(proof), None) => proof.to_str().map_err(|_| Refusal::proof("proof-malformed", true))?,
        (Some(_), Some(_)) => return Err(Refusal::proof("proof-repeated", true)),
        (None, _) => return Err(Refusal::proof("proof-missing", true)),
    };
    let is_target = |uri: &str| is_target(uri, exchange, gate);
    let is_nonce = |nonce: &str| gate.dpop_nonces.counts(nonce, now);
    let expected = DpopExpectation {
        method: exchange.head.method.as_str(),
        is_target: &is_target,
        token: &known.fingerprint,
        key,
        is_nonce: (known.dpop.nonce == Presence::Required).then_some(&is_nonce),
        max_age: known.dpop.max_age,
    };
    verify_proof(proof, &expected, now).map_err(|fault| refusal(fault, gate, now))
}

fn refusal(fault: DpopError, gate: &Gate, now: Timestamp) -> Refusal {
    match (fault, gate.dpop_nonces.current(now)) {
        (DpopError::NonceRequired, Some(nonce)) => Refusal::NonceRequired(nonce.into()),
        (DpopError::NonceRequired, None) => Refusal::CredentialUndecided("no-nonce"),
        (fault, _) => Refusal::proof(fault.code(), true),
    }
}

/// Whether `htu` names what is asked for: one of the names that the gate is configured under, and this path, each in its one normal
/// form; query and fragment do not count (`RFC 9449 §4.3, 9`). A proof that was made for another server, which passed it on, names
/// that one; so the request's own `Host` is believed only where the configuration lists it.
fn is_target(uri: &str, exchange: &Exchange, gate: &Gate) -> bool {
    let Ok(uri) = uri.parse::<Uri>() else { return false };
    let server = &gate.config.server;
    let (Some(ours), Some(theirs)) = (Origin::of(&server.public_url), Origin::of(&uri)) else { return false };
    let is_ours = theirs == ours || {
        let asked = Authority::try_from(exchange.authority.as_bytes()).ok();
        let asked = asked.and_then(|asked| Origin::new(ours.scheme, &asked));
        asked.as_ref().is_some_and(|asked| server.hosts.iter().any(|host| host.eq_ignore_ascii_case(&asked.host)))
            && asked == Some(theirs)
    };
    is_ours && CanonicalPath::parse(uri.path()).is_ok_and(|path| path.as_str() == exchange.head.uri.path())
}

/// Scheme, host in lower case, and port, said or not.
#[derive(PartialEq)]
struct Origin {
    scheme: &'static str,
    host: String,
    port: u16,
}

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        let scheme = match uri.scheme_str()? {
            "https" => "https",
            "http" => "http",
            _ => return None,
        };
        Self::new(scheme, uri.authority()?)
    }

    fn new(scheme: &'static str, authority: &Authority) -> Option<Self> {
        if authority.as_str().contains('@') {
            return None;
        }
        let port = authority.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        Some(Self { scheme, host: authority.host().to_ascii_lowercase(), port })
    }
}
