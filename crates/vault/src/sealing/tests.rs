use aws_lc_rs::rand::SystemRandom;
use proptest::prelude::*;

use super::*;

fn key(byte: u8) -> SealingKey {
    SealingKey::new(Secret::new([byte; 32]), Fingerprint::from_bytes([7; 8]))
}

fn seal(context: &[u8], plaintext: &[u8]) -> Sealed {
    key(1).seal(&SystemRandom::new(), context, plaintext).unwrap()
}

proptest! {
    #[test]
    fn what_is_sealed_opens_again(context: Vec<u8>, plaintext: Vec<u8>) {
        let opened = key(1).open(&context, &seal(&context, &plaintext)).unwrap();
        prop_assert_eq!(opened.expose(), &plaintext);
    }

    #[test]
    fn a_value_moved_to_another_context_does_not_open(context: Vec<u8>, other: Vec<u8>, plaintext: Vec<u8>) {
        prop_assume!(context != other);
        prop_assert!(matches!(key(1).open(&other, &seal(&context, &plaintext)), Err(VaultError::Forged)));
    }

    #[test]
    fn a_key_of_another_purpose_does_not_open(plaintext: Vec<u8>) {
        prop_assert!(matches!(key(2).open(b"", &seal(b"", &plaintext)), Err(VaultError::Forged)));
    }

    #[test]
    fn any_flipped_bit_is_refused(plaintext in prop::collection::vec(any::<u8>(), 0..64), position: prop::sample::Index) {
        let mut bytes = seal(b"here", &plaintext).into_bytes();
        let bit = position.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(key(1).open(b"here", &Sealed::from_bytes(bytes)).is_err());
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(key(1).open(b"", &Sealed::from_bytes(bytes)).is_err());
    }
}

#[test]
fn a_value_cut_at_any_length_is_refused() {
    let bytes = seal(b"here", b"a signing key").into_bytes();
    for length in 0..bytes.len() {
        assert!(key(1).open(b"here", &Sealed::from_bytes(bytes[..length].to_vec())).is_err(), "{length}");
    }
}

#[test]
fn the_same_value_never_looks_the_same_twice() {
    assert_ne!(seal(b"here", b"same"), seal(b"here", b"same"));
}

#[test]
fn a_value_of_another_root_names_both_roots() {
    let other = SealingKey::new(Secret::new([1; 32]), Fingerprint::from_bytes([9; 8]));
    let Err(error) = other.open(b"here", &seal(b"here", b"value")) else { panic!("it opened") };
    let message = error.to_string();
    assert!(message.contains("expected 0707070707070707, have 0909090909090909"), "{message}");
    assert_eq!(seal(b"here", b"value").root(), Some(Fingerprint::from_bytes([7; 8])));
}
