//! What an authenticator says, read and verified (W3C Web Authentication Level 3, §7.1 and §7.2).
//!
//! Attestation is not asked for, and without it the public key is the browser's word either way: so the browser is asked for the key as
//! `SubjectPublicKeyInfo` and for the authenticator's data as they are (§5.2.1.1), whose layout is fixed. No CBOR is read, and signatures
//! are verified by the one cryptographic library that this program has.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use bartizan_vault::sha256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The longest parts that are looked at, in bytes.
const LONGEST_CLIENT_DATA: usize = 4096;
const LONGEST_DATA: usize = 4096;
const LONGEST_KEY: usize = 2048;
const LONGEST_SIGNATURE: usize = 1024;
/// The longest id of a credential (§6.5.1).
const LONGEST_ID: usize = 1023;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const HAS_CREDENTIAL: u8 = 0x40;

/// Why an authenticator is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyFault {
    /// Not what a browser sends.
    #[error("malformed-passkey")]
    Malformed,
    /// Made for another step than this.
    #[error("passkey-for-another-purpose")]
    Purpose,
    /// Made for another challenge: replayed, or relayed.
    #[error("passkey-for-another-challenge")]
    Challenge,
    /// Made on another site's page.
    #[error("passkey-for-another-origin")]
    Origin,
    /// Nobody touched the authenticator, or it did not verify who did.
    #[error("holder-not-verified")]
    NotVerified,
    /// A key of a kind that was not asked for, or none.
    #[error("unknown-kind-of-key")]
    Key,
    /// The signature is not the key's.
    #[error("wrong-signature")]
    Signature,
    /// The counter went backwards: there is a second authenticator with this key.
    #[error("passkey-cloned")]
    Cloned,
    /// No account has this passkey.
    #[error("unknown-passkey")]
    Unknown,
    /// An administrator's, in an authenticator of a kind that they may not have.
    #[error("kind-of-authenticator-not-permitted")]
    NotPermitted,
}

impl PasskeyFault {
    /// The word that the audit log uses.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed-passkey",
            Self::Purpose => "passkey-for-another-purpose",
            Self::Challenge => "passkey-for-another-challenge",
            Self::Origin => "passkey-for-another-origin",
            Self::NotVerified => "holder-not-verified",
            Self::Key => "unknown-kind-of-key",
            Self::Signature => "wrong-signature",
            Self::Cloned => "passkey-cloned",
            Self::Unknown => "unknown-passkey",
            Self::NotPermitted => "kind-of-authenticator-not-permitted",
        }
    }
}

/// Kinds of keys that are taken: COSE's numbers (`RFC 9053`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA with SHA-256: Windows' own authenticator.
    Rs256,
}

impl KeyKind {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// COSE's number.
    pub const fn number(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
            Self::Rs256 => -257,
        }
    }

    pub(crate) fn of(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    fn algorithm(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::EdDsa => &ED25519,
            Self::Es256 => &ECDSA_P256_SHA256_ASN1,
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

/// What a ceremony has to be about.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// The challenge that was given out.
    pub challenge: &'e [u8],
    /// The origin of our pages.
    pub origin: &'e str,
    /// Its host: what passkeys are bound to.
    pub relying_party: &'e str,
}

/// A passkey that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPasskey {
    /// Its id.
    pub id: Vec<u8>,
    /// What it signs with.
    pub kind: KeyKind,
    /// Its public key, `SubjectPublicKeyInfo` in DER.
    pub key: Vec<u8>,
    /// How often it has signed, if it counts.
    pub counter: u32,
    /// Whether it may be copied to its holder's other devices.
    pub is_synced: bool,
    /// What kind of authenticator it is in, as the browser tells; zeros where it does not want to.
    pub aaguid: [u8; 16],
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    purpose: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

/// Verifies that a passkey was made here, now, by whoever holds the authenticator.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify_creation(
    client_data: &[u8],
    authenticator_data: &[u8],
    kind: i64,
    key: &[u8],
    expected: Expected<'_>,
) -> Result<NewPasskey, PasskeyFault> {
    verify_client_data(client_data, "webauthn.create", expected)?;
    let data = AuthenticatorData::parse(authenticator_data, expected)?;
    let (aaguid, id) = data.credential.ok_or(PasskeyFault::Malformed)?;
    let kind = KeyKind::of(kind).ok_or(PasskeyFault::Key)?;
    if key.len() > LONGEST_KEY || ParsedPublicKey::new(kind.algorithm(), key).is_err() {
        return Err(PasskeyFault::Key);
    }
    Ok(NewPasskey {
        id: id.to_vec(),
        kind,
        key: key.to_vec(),
        counter: data.counter,
        is_synced: data.is_synced,
        aaguid,
    })
}

/// Verifies that a passkey signed this challenge, on our page, for whoever holds it; gives back its counter.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify_use(
    client_data: &[u8],
    authenticator_data: &[u8],
    signature: &[u8],
    kind: KeyKind,
    key: &[u8],
    expected: Expected<'_>,
) -> Result<u32, PasskeyFault> {
    verify_client_data(client_data, "webauthn.get", expected)?;
    let data = AuthenticatorData::parse(authenticator_data, expected)?;
    if signature.len() > LONGEST_SIGNATURE {
        return Err(PasskeyFault::Signature);
    }
    let signed = [authenticator_data, &sha256(client_data)].concat();
    let key = ParsedPublicKey::new(kind.algorithm(), key).map_err(|_| PasskeyFault::Key)?;
    key.verify_sig(&signed, signature).map_err(|_| PasskeyFault::Signature)?;
    Ok(data.counter)
}

fn verify_client_data(json: &[u8], purpose: &str, expected: Expected<'_>) -> Result<(), PasskeyFault> {
    if json.len() > LONGEST_CLIENT_DATA {
        return Err(PasskeyFault::Malformed);
    }
    let data: ClientData = serde_json::from_slice(json).map_err(|_| PasskeyFault::Malformed)?;
    if data.purpose != purpose {
        return Err(PasskeyFault::Purpose);
    }
    if URL_SAFE_NO_PAD.decode(&data.challenge).ok().as_deref() != Some(expected.challenge) {
        return Err(PasskeyFault::Challenge);
    }
    // A frame on somebody else's page could be drawn over.
    if data.origin != expected.origin || data.cross_origin {
        return Err(PasskeyFault::Origin);
    }
    Ok(())
}

/// An authenticator's data (§6.1): hash of the relying party (32 bytes), flags, counter (4), and for a new credential AAGUID (16), length of
/// its id (2), its id, and its key, which is not read here.
struct AuthenticatorData<'d> {
    counter: u32,
    is_synced: bool,
    /// The authenticator's kind, and the credential's id.
    credential: Option<([u8; 16], &'d [u8])>,
}

impl<'d> AuthenticatorData<'d> {
    fn parse(data: &'d [u8], expected: Expected<'_>) -> Result<Self, PasskeyFault> {
        if data.len() > LONGEST_DATA {
            return Err(PasskeyFault::Malformed);
        }
        let (relying_party, rest) = data.split_first_chunk::<32>().ok_or(PasskeyFault::Malformed)?;
        let (&flags, rest) = rest.split_first().ok_or(PasskeyFault::Malformed)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or(PasskeyFault::Malformed)?;
        if *relying_party != sha256(expected.relying_party.as_bytes()) {
            return Err(PasskeyFault::Origin);
        }
        if flags & USER_PRESENT == 0 || flags & USER_VERIFIED == 0 {
            return Err(PasskeyFault::NotVerified);
        }
        let credential = if flags & HAS_CREDENTIAL == 0 { None } else { Some(credential(rest)?) };
        Ok(Self { counter: u32::from_be_bytes(*counter), is_synced: flags & BACKUP_ELIGIBLE != 0, credential })
    }
}

fn credential(rest: &[u8]) -> Result<([u8; 16], &[u8]), PasskeyFault> {
    let (aaguid, rest) = rest.split_first_chunk::<16>().ok_or(PasskeyFault::Malformed)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(PasskeyFault::Malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let id = rest.get(..length).filter(|_| (1..=LONGEST_ID).contains(&length));
    Ok((*aaguid, id.ok_or(PasskeyFault::Malformed)?))
}

#[cfg(test)]
mod tests;
