//! An OCSP response that is stapled (`RFC 6960 §4.2.1`): that it is one, is for this certificate, says "good", and until when it may
//! be shown. Its signature is the clients' to check; they know the authority.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::asn1_rs::{Any, FromDer};
use x509_parser::prelude::X509Certificate;
use x509_parser::time::ASN1Time;

/// What a response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Staple {
    /// Clients take it until then.
    pub(super) until: SystemTime,
}

/// Why a response is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StapleFault {
    #[error("is no successful OCSP response in DER form")]
    Unreadable,
    #[error("is not about the certificate")]
    Other,
    #[error("says that the certificate is revoked, or unknown to its authority")]
    NotGood,
}

/// Context tags, as they stand in DER: constructed `[0]`, and primitive `[0]`.
const EXPLICIT_0: u32 = 0;
/// A response that names no next update is shown for so long after it was made.
const WITHOUT_NEXT_UPDATE: Duration = Duration::from_hours(24);

impl Staple {
    /// Reads a response about `leaf`.
    pub(super) fn read(der: &[u8], leaf: &CertificateDer<'_>) -> Result<Self, StapleFault> {
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| StapleFault::Other)?;
        let responses = responses(der).ok_or(StapleFault::Unreadable)?;
        let mut rest = responses;
        while !rest.is_empty() {
            let single = Single::read(&mut rest).ok_or(StapleFault::Unreadable)?;
            if single.serial == certificate.raw_serial() {
                return if single.is_good { Ok(Self { until: single.until }) } else { Err(StapleFault::NotGood) };
            }
        }
        Err(StapleFault::Other)
    }
}

/// The content of `responses` within `OCSPResponse`.
fn responses(der: &[u8]) -> Option<&[u8]> {
    let mut response = next(&mut &*der)?.data;
    let status = next(&mut response)?;
    if status.data != [0] {
        return None;
    }
    let mut bytes = next(&mut response)?.data;
    let mut bytes = next(&mut bytes)?.data;
    let _response_type = next(&mut bytes)?;
    let mut basic = next(&mut bytes)?.data;
    let mut basic = next(&mut basic)?.data;
    let mut data = next(&mut basic)?.data;
    // ResponseData: version [0] (which is its default, and left out), responderID, producedAt, responses.
    let _responder = next(&mut data)?;
    let _produced_at = next(&mut data)?;
    Some(next(&mut data)?.data)
}

/// One `SingleResponse`.
struct Single<'a> {
    serial: &'a [u8],
    is_good: bool,
    until: SystemTime,
}

impl<'a> Single<'a> {
    fn read(rest: &mut &'a [u8]) -> Option<Self> {
        let mut single = next(rest)?.data;
        let mut id = next(&mut single)?.data;
        for _before_the_serial in 0..3 {
            next(&mut id)?;
        }
        let serial = next(&mut id)?.data;
        let status = next(&mut single)?;
        let (_, this_update) = ASN1Time::from_der(single).ok()?;
        next(&mut single)?;
        let next_update = match next(&mut single) {
            Some(wrapped) if wrapped.tag().0 == EXPLICIT_0 => {
                ASN1Time::from_der(wrapped.data).ok().map(|(_, time)| time)
            }
            _ => None,
        };
        let until = match next_update {
            Some(time) => moment(time)?,
            None => moment(this_update)? + WITHOUT_NEXT_UPDATE,
        };
        Some(Self { serial, is_good: status.tag().0 == EXPLICIT_0, until })
    }
}

fn next<'a>(rest: &mut &'a [u8]) -> Option<Any<'a>> {
    let (after, element) = Any::from_der(rest).ok()?;
    *rest = after;
    Some(element)
}

fn moment(time: ASN1Time) -> Option<SystemTime> {
    u64::try_from(time.timestamp()).ok().map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use bartizan_testkit::{Authority, Issued};

    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, &content].concat()
    }

    const GENERALIZED_TIME: u8 = 0x18;

    /// A response about `serial`, unsigned: nobody here looks at the signature.
    fn response(serial: &[u8], status: &[u8], next_update: Option<&str>) -> Vec<u8> {
        let time = |text: &str| der(GENERALIZED_TIME, &[text.as_bytes()]);
        let next = next_update.map(|text| der(0xa0, &[&time(text)])).unwrap_or_default();
        let id = der(0x30, &[&der(0x30, &[]), &der(4, &[b"name"]), &der(4, &[b"key"]), &der(2, &[serial])]);
        let single = der(0x30, &[&id, status, &time("20260101000000Z"), &next]);
        let data =
            der(0x30, &[&der(0xa2, &[&der(4, &[b"responder"])]), &time("20260101000000Z"), &der(0x30, &[&single])]);
        let basic = der(0x30, &[&data, &der(0x30, &[]), &der(3, &[b"\0"])]);
        let bytes = der(0x30, &[&der(6, &[&[0x2b, 6, 1]]), &der(4, &[&basic])]);
        der(0x30, &[&der(0x0a, &[&[0]]), &der(0xa0, &[&bytes])])
    }

    fn leaf() -> Issued {
        Authority::new("Servers").server(&["api.test"], 4711)
    }

    const GOOD: &[u8] = &[0x80, 0];
    const REVOKED: &[u8] = &[0xa1, 0];

    #[test]
    fn a_good_response_is_stapled_until_its_next_update() {
        let leaf = leaf();
        let staple = Staple::read(&response(&leaf.serial(), GOOD, Some("20260108000000Z")), &leaf.der).unwrap();
        assert_eq!(staple.until, UNIX_EPOCH + Duration::from_hours(491_064));
        let staple = Staple::read(&response(&leaf.serial(), GOOD, None), &leaf.der).unwrap();
        assert_eq!(staple.until, UNIX_EPOCH + Duration::from_hours(490_896) + WITHOUT_NEXT_UPDATE);
    }

    #[test]
    fn a_response_about_another_certificate_or_a_revoked_one_is_never_stapled() {
        let leaf = leaf();
        let read = |response: &[u8]| Staple::read(response, &leaf.der);
        assert_eq!(read(&response(&[1], GOOD, None)), Err(StapleFault::Other));
        assert_eq!(read(&response(&leaf.serial(), REVOKED, None)), Err(StapleFault::NotGood));
        assert_eq!(read(b"-----BEGIN OCSP RESPONSE-----"), Err(StapleFault::Unreadable));
        assert_eq!(read(&der(0x30, &[&der(0x0a, &[&[6]])])), Err(StapleFault::Unreadable), "unauthorized");
        let whole = response(&leaf.serial(), GOOD, None);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Err(StapleFault::Unreadable), "cut at {end}");
        }
    }
}
