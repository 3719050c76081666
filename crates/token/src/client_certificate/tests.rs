use proptest::prelude::*;
use rcgen::{CertificateParams, CustomExtension, DnType, DnValue, KeyPair, SanType, SerialNumber};

use super::*;

fn der(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    change(&mut parameters);
    parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn parsed(change: impl FnOnce(&mut CertificateParams)) -> Result<ClientCertificate, CertificateError> {
    ClientCertificate::parse(&der(change))
}

/// An extension `subjectAltName` with one name of this tag and these bytes.
fn alternative_name(tag: u8, bytes: &[u8]) -> CustomExtension {
    let length = |length: usize| u8::try_from(length).unwrap();
    let name = [&[tag, length(bytes.len())], bytes].concat();
    CustomExtension::from_oid_content(&[2, 5, 29, 17], [&[0x30, length(name.len())], &name[..]].concat())
}

#[test]
fn names_validity_and_thumbprint_are_read() {
    let der = der(|parameters| {
        parameters.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
        parameters.distinguished_name.push(DnType::CommonName, "billing");
        parameters.serial_number = Some(SerialNumber::from_slice(&[0x00, 0xAB, 0x01]));
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2027, 1, 1);
        parameters.subject_alt_names = vec![
            SanType::DnsName("Billing.Example.COM".try_into().unwrap()),
            SanType::URI("spiffe://example.org/ns/prod/billing".try_into().unwrap()),
            SanType::Rfc822Name("billing@example.org".try_into().unwrap()),
            SanType::IpAddress("192.0.2.7".parse().unwrap()),
            SanType::IpAddress("2001:db8::7".parse().unwrap()),
        ];
    });
    let certificate = ClientCertificate::parse(&der).unwrap();
    assert_eq!(certificate.subject(), r"CN=billing,O=Example\, Inc.");
    assert_eq!((certificate.common_name(), certificate.issuer()), (Some("billing"), certificate.subject()));
    assert_eq!(certificate.serial(), "ab01");
    assert_eq!(certificate.dns_names().collect::<Vec<_>>(), ["billing.example.com"]);
    assert_eq!(certificate.uris().collect::<Vec<_>>(), ["spiffe://example.org/ns/prod/billing"]);
    assert_eq!(certificate.emails().collect::<Vec<_>>(), ["billing@example.org"]);
    assert_eq!(certificate.addresses().len(), 2);
    assert_eq!((certificate.not_before().as_unix(), certificate.not_after().as_unix()), (1_767_225_600, 1_798_761_600));
    let thumbprint = certificate.thumbprint();
    assert_eq!(thumbprint, CertificateThumbprint::of(&der));
    assert_eq!(CertificateThumbprint::from_base64url(&thumbprint.to_string()), Some(thumbprint));
}

#[test]
fn no_value_of_a_distinguished_name_can_pretend_to_be_two() {
    let subject = |value: &str| {
        let value = value.to_owned();
        parsed(|parameters| parameters.distinguished_name.push(DnType::CommonName, value)).unwrap().subject().to_owned()
    };
    assert_eq!(subject("a,CN=admin"), r"CN=a\,CN\=admin");
    assert_eq!(subject(r"a+b\<>;"), r"CN=a\+b\\\<\>\;");
    assert_eq!(subject("#1 "), r"CN=\#1\ ");
    assert_eq!(subject(" "), r"CN=\ ");
}

#[test]
fn an_attribute_without_a_short_name_is_written_by_its_number_and_its_bytes() {
    let mail = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
    let certificate = parsed(|parameters| parameters.distinguished_name.push(mail, DnValue::Utf8String("a@b".into())));
    assert_eq!(certificate.unwrap().subject(), "1.2.840.113549.1.9.1=#0c03614062");
}

#[test]
fn a_name_with_a_nul_or_a_line_break_is_refused_rather_than_compared() {
    for (tag, bytes) in
        [(0x82, &b"good.example\0.evil.example"[..]), (0x86, b"spiffe://a/b\n"), (0x81, b"a\r@b"), (0x82, b"")]
    {
        let certificate = parsed(|parameters| parameters.custom_extensions = vec![alternative_name(tag, bytes)]);
        assert_eq!(certificate.unwrap_err(), CertificateError::UnfitName, "{bytes:?}");
    }
    let common_name = parsed(|parameters| parameters.distinguished_name.push(DnType::CommonName, "a\0b"));
    assert_eq!(common_name.unwrap_err(), CertificateError::UnfitName);
}

#[test]
fn an_address_of_the_wrong_length_and_a_name_that_is_no_ascii_are_refused() {
    for (tag, bytes) in [(0x87, &[1, 2, 3][..]), (0x87, &[0; 8]), (0x82, "é.example".as_bytes())] {
        let certificate = parsed(|parameters| parameters.custom_extensions = vec![alternative_name(tag, bytes)]);
        assert!(certificate.is_err(), "{bytes:?}");
    }
}

#[test]
fn more_names_than_are_kept_are_refused_rather_than_cut() {
    let names = |count: usize| {
        parsed(|parameters| {
            let name = |number| SanType::DnsName(format!("n{number}.example").try_into().unwrap());
            parameters.subject_alt_names = (0..count).map(name).collect();
        })
    };
    assert!(names(MAX_NAMES).is_ok());
    assert_eq!(names(MAX_NAMES + 1).unwrap_err(), CertificateError::TooManyNames);
}

#[test]
fn what_follows_a_certificate_and_what_is_cut_off_one_is_refused() {
    let whole = der(|_| {});
    assert!(ClientCertificate::parse(&whole).is_ok());
    assert_eq!(ClientCertificate::parse(&[&whole[..], b"x"].concat()), Err(CertificateError::Malformed));
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        assert_eq!(ClientCertificate::parse(whole.get(..length).unwrap()), Err(CertificateError::Malformed));
    }
    assert_eq!(ClientCertificate::parse(&vec![0x30; MAX_BYTES + 1]), Err(CertificateError::TooLong));
}

proptest! {
    #[test]
    fn no_change_of_a_certificate_panics_and_what_is_read_is_plain(at in 0_usize..600, byte: u8) {
        let mut der = der(|parameters| parameters.subject_alt_names = vec![SanType::URI("spiffe://a/b".try_into().unwrap())]);
        let at = at % der.len();
        der[at] = byte;
        if let Ok(certificate) = ClientCertificate::parse(&der) {
            let names = certificate.uris().chain(certificate.dns_names()).chain([certificate.subject()]);
            prop_assert!(names.into_iter().all(|name| !name.chars().any(char::is_control)));
        }
    }
}
