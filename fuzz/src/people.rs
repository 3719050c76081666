//! What browsers send to the sign-in. Its parsers need neither store nor keys: they are compiled here a second time.

#[path = "../../crates/identity/src/pages/form.rs"]
mod form;
#[path = "../../crates/identity/src/pages/return_to.rs"]
mod return_to;
#[path = "../../crates/identity/src/people/webauthn.rs"]
mod webauthn;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bartizan_vault::sha256;
use webauthn::{Expected, KeyKind, verify_creation, verify_use};

const EXPECTED: Expected<'_> =
    Expected { challenge: b"a challenge of thirty-two bytes!", origin: "https://gate.example", relying_party: "gate.example" };
const MADE: &[u8] = br#"{"type":"webauthn.create","challenge":"YSBjaGFsbGVuZ2Ugb2YgdGhpcnR5LXR3byBieXRlcyE","origin":"https://gate.example"}"#;

/// Client data and an authenticator's data, with NUL between them; without client data, those of an honest browser. What is taken was made
/// for this challenge, at this origin, by a holder who was verified; nothing is a use of a key that signed nothing.
pub fn passkey(input: &[u8]) {
    let (client, data) = input.iter().position(|byte| *byte == 0).map_or((input, &[][..]), |at| (&input[..at], &input[at + 1..]));
    let client = if client.is_empty() { MADE } else { client };
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    let key: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a key in DER");
    if let Ok(made) = verify_creation(client, data, KeyKind::Es256.number(), key.as_ref(), EXPECTED) {
        assert_eq!(data[..32], sha256(b"gate.example"));
        assert_eq!(data[32] & 0x45, 0x45, "touched, verified, with a credential");
        assert_eq!((&data[37..53], &data[55..55 + made.id.len()]), (&made.aaguid[..], &made.id[..]));
        assert!((1..=1023).contains(&made.id.len()));
        let said: serde_json::Value = serde_json::from_slice(client).expect("it was read");
        assert_eq!((&said["type"], &said["origin"]), (&"webauthn.create".into(), &"https://gate.example".into()));
    }
    for signature in [&[][..], data] {
        assert!(verify_use(client, data, signature, KeyKind::Es256, key.as_ref(), EXPECTED).is_err());
    }
}

/// Where somebody wants to go after the sign-in: whatever is followed, a browser stays at the gate.
pub fn return_to(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(path) = return_to::local_path(text) else { return };
    let gate = url::Url::parse("https://gate.example/auth/login").expect("a sound URL");
    let led = gate.join(path).expect("a path of ours");
    assert_eq!(led.origin(), gate.origin(), "{path}");
}

/// A form, or a query: a field that comes twice counts for nothing, and what comes once is what was written.
pub fn form(input: &[u8]) {
    let fields = form::Fields::parse(input);
    let written: Vec<_> = form_urlencoded::parse(input).take(64).collect();
    for (name, value) in &written {
        let is_single = written.iter().filter(|(other, _)| other == name).count() == 1;
        assert_eq!(fields.get(name), is_single.then_some(&**value));
    }
}
