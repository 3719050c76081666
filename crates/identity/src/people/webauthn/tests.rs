use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use proptest::prelude::*;

use super::*;

const EXPECTED: Expected<'_> = Expected {
    challenge: b"a challenge of thirty-two bytes!",
    origin: "https://gate.example",
    relying_party: "gate.example",
};

/// An authenticator in software, which does what it is told.
struct Authenticator(EcdsaKeyPair);

impl Authenticator {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn key(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
        der.as_ref().to_vec()
    }

    fn sign(&self, client_data: &[u8], data: &[u8]) -> Vec<u8> {
        let signed = [data, &sha256(client_data)].concat();
        self.0.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec()
    }
}

fn client_data(purpose: &str, challenge: &[u8], origin: &str, cross_origin: bool) -> Vec<u8> {
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    serde_json::json!({ "type": purpose, "challenge": challenge, "origin": origin, "crossOrigin": cross_origin })
        .to_string()
        .into_bytes()
}

fn data(relying_party: &str, flags: u8, counter: u32, id: Option<&[u8]>) -> Vec<u8> {
    let mut data = sha256(relying_party.as_bytes()).to_vec();
    data.push(flags);
    data.extend_from_slice(&counter.to_be_bytes());
    if let Some(id) = id {
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&u16::try_from(id.len()).unwrap().to_be_bytes());
        data.extend_from_slice(id);
        data.extend_from_slice(b"the key in CBOR, which nobody reads");
    }
    data
}

fn used(client: &[u8], data: &[u8]) -> Result<u32, PasskeyFault> {
    let authenticator = Authenticator::new();
    let signature = authenticator.sign(client, data);
    verify_use(client, data, &signature, KeyKind::Es256, &authenticator.key(), EXPECTED)
}

#[test]
fn a_passkey_that_was_made_here_signs_in_here() {
    let authenticator = Authenticator::new();
    let client = client_data("webauthn.create", EXPECTED.challenge, EXPECTED.origin, false);
    let made = data("gate.example", 0x4d, 1, Some(b"credential"));
    let passkey = verify_creation(&client, &made, -7, &authenticator.key(), EXPECTED).unwrap();
    assert_eq!(
        (&*passkey.id, passkey.kind, passkey.counter, passkey.is_synced),
        (&b"credential"[..], KeyKind::Es256, 1, true)
    );
    let client = client_data("webauthn.get", EXPECTED.challenge, EXPECTED.origin, false);
    let shown = data("gate.example", 0x05, 2, None);
    let signature = authenticator.sign(&client, &shown);
    assert_eq!(verify_use(&client, &shown, &signature, passkey.kind, &passkey.key, EXPECTED), Ok(2));
}

#[test]
fn what_was_signed_for_another_page_challenge_or_purpose_is_refused() {
    let sound = data("gate.example", 0x05, 2, None);
    let get = |challenge: &[u8], origin: &str, cross| client_data("webauthn.get", challenge, origin, cross);
    let (challenge, origin) = (EXPECTED.challenge, EXPECTED.origin);
    for (client, fault) in [
        (get(challenge, "https://gate.example.evil.example", false), PasskeyFault::Origin),
        (get(challenge, "http://gate.example", false), PasskeyFault::Origin),
        (get(challenge, origin, true), PasskeyFault::Origin),
        (get(b"yesterday's challenge of 32 bytes", origin, false), PasskeyFault::Challenge),
        (get(b"", origin, false), PasskeyFault::Challenge),
        (client_data("webauthn.create", challenge, origin, false), PasskeyFault::Purpose),
        (b"{}".to_vec(), PasskeyFault::Malformed),
    ] {
        assert_eq!(used(&client, &sound), Err(fault));
    }
    let client = get(challenge, origin, false);
    assert_eq!(used(&client, &data("evil.example", 0x05, 2, None)), Err(PasskeyFault::Origin));
}

#[test]
fn an_authenticator_that_does_not_know_who_touched_it_is_refused() {
    let client = client_data("webauthn.get", EXPECTED.challenge, EXPECTED.origin, false);
    for flags in [0x00, 0x01, 0x04] {
        assert_eq!(used(&client, &data("gate.example", flags, 2, None)), Err(PasskeyFault::NotVerified), "{flags:#x}");
    }
}

#[test]
fn a_signature_counts_for_what_was_signed_and_for_its_own_key() {
    let (authenticator, other) = (Authenticator::new(), Authenticator::new());
    let client = client_data("webauthn.get", EXPECTED.challenge, EXPECTED.origin, false);
    let shown = data("gate.example", 0x05, 2, None);
    let signature = authenticator.sign(&client, &shown);
    let verify =
        |data: &[u8], signature: &[u8], kind, key: &[u8]| verify_use(&client, data, signature, kind, key, EXPECTED);
    assert_eq!(verify(&shown, &signature, KeyKind::Es256, &other.key()), Err(PasskeyFault::Signature));
    assert_eq!(
        verify(&data("gate.example", 0x05, 3, None), &signature, KeyKind::Es256, &authenticator.key()),
        Err(PasskeyFault::Signature)
    );
    assert_eq!(verify(&shown, b"", KeyKind::Es256, &authenticator.key()), Err(PasskeyFault::Signature));
    assert_eq!(verify(&shown, &signature, KeyKind::Rs256, &authenticator.key()), Err(PasskeyFault::Key));
    assert_eq!(verify(&shown, &signature, KeyKind::EdDsa, &authenticator.key()), Err(PasskeyFault::Key));
}

#[test]
fn a_key_of_another_kind_than_it_says_is_refused() {
    let key = Authenticator::new().key();
    let client = client_data("webauthn.create", EXPECTED.challenge, EXPECTED.origin, false);
    let made = data("gate.example", 0x45, 0, Some(b"credential"));
    for (kind, key) in [(-8, &*key), (-257, &key), (-35, &key), (0, &key), (-7, b"no key"), (-7, b"")] {
        assert_eq!(verify_creation(&client, &made, kind, key, EXPECTED), Err(PasskeyFault::Key), "{kind}");
    }
    let without = data("gate.example", 0x05, 0, None);
    assert_eq!(verify_creation(&client, &without, -7, &key, EXPECTED), Err(PasskeyFault::Malformed));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fall(client in any::<Vec<u8>>(), data in proptest::collection::vec(any::<u8>(), 0..200), key in any::<Vec<u8>>()) {
        drop(verify_creation(&client, &data, -7, &key, EXPECTED));
        let client = client_data("webauthn.create", EXPECTED.challenge, EXPECTED.origin, false);
        drop(verify_creation(&client, &data, -7, &key, EXPECTED));
        let mut own = sha256(b"gate.example").to_vec();
        own.extend_from_slice(&data);
        drop(verify_creation(&client, &own, -7, &key, EXPECTED));
    }
}
