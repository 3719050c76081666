//! The certificate of the connection as a credential by itself.

use std::sync::Arc;

use bartizan_token::Fingerprint;

use super::Known;
use crate::exchange::Exchange;
use crate::gate::Gate;
use crate::refusal::Refusal;

/// Whom the connection's certificate speaks for. What was found is kept like a verified token, so that a connection asks once.
pub(super) fn verify(exchange: &Exchange, gate: &Gate) -> Result<Arc<Known>, Refusal> {
    let certificate = exchange.connection.certificate.as_ref();
    let certificate = certificate.ok_or(Refusal::CertificateRefused("certificate-missing"))?;
    let now = exchange.now();
    let fingerprint = Fingerprint::of_certificate(certificate.thumbprint());
    let known = if let Some(known) = gate.verified.find(&fingerprint, now) {
        known
    } else {
        let principal = gate.certificates.principal(certificate, now).map_err(Refusal::CertificateRefused)?;
        let known = Arc::new(Known::unbound(principal, fingerprint, now));
        gate.verified.remember(&known, now);
        known
    };
    // Asked every time: neither the cache nor an open connection keeps alive what was revoked.
    if gate.is_revoked(&known.principal) || gate.is_revoked_certificate(certificate) {
        return Err(Refusal::CertificateRefused("certificate-revoked"));
    }
    Ok(known)
}
