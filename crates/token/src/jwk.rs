use std::fmt;

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};
use serde_json::{Map, Value};

use crate::{Algorithm, KeyThumbprint, base64url, rsa};

/// A public key of a set, made ready for every algorithm that it may be used with.
pub(crate) struct PublicJwk {
    pub(crate) id: Option<String>,
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

/// Why a key of a set is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// A member is missing, of the wrong type, wrongly encoded, or the key is not on its curve.
    #[error("the key is malformed")]
    Malformed,
    /// `kty` or `crv` names something the gate does not verify with.
    #[error("the key's type or curve is not supported")]
    UnsupportedType,
    /// A symmetric key: in a public document it is no secret.
    #[error("the key is symmetric; a shared secret is configured by itself")]
    Symmetric,
    /// The private half stands in the document, so that anyone can sign.
    #[error("the key's private half is published")]
    PrivateMember,
    /// `use` or `key_ops` says that the key is not for verifying signatures.
    #[error("the key is not meant for signatures")]
    NotForSignatures,
    /// `alg` does not fit the key, or is none the gate verifies.
    #[error("the key's algorithm is not supported or does not fit the key")]
    AlgorithmMismatch,
    /// An RSA modulus under 2048 bits (`RFC 7518 §3.3`).
    #[error("the RSA key has {bits} bits, fewer than 2048")]
    RsaTooShort {
        /// Its length.
        bits: usize,
    },
    /// An RSA modulus of the kind that can be factored (ROCA, CVE-2017-15361).
    #[error("the RSA key can be factored (ROCA)")]
    RsaFactorable,
    /// The same key again.
    #[error("the key stands in the set twice")]
    Duplicate,
}

impl PublicJwk {
    /// Reads one key (`RFC 7517 §4`) for verifying, and for nothing else.
    pub(crate) fn parse(members: &Map<String, Value>) -> Result<Self, SkipReason> {
        let jwk = Members(members);
        let key_type = jwk.required("kty")?;
        if key_type == "oct" {
            return Err(SkipReason::Symmetric);
        }
        if Self::is_private(members) {
            return Err(SkipReason::PrivateMember);
        }
        jwk.check_use()?;
        let verifiers = match key_type {
            "EC" => jwk.elliptic_curve()?,
            "OKP" => jwk.edwards_curve()?,
            "RSA" => jwk.rsa()?,
            _ => return Err(SkipReason::UnsupportedType),
        };
        Ok(Self { id: jwk.optional("kid")?.map(str::to_owned), verifiers: jwk.bind_to_algorithm(verifiers)? })
    }

    /// Whether the private half, or a secret, stands in it.
    pub(crate) fn is_private(members: &Map<String, Value>) -> bool {
        ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].into_iter().any(|name| members.contains_key(name))
    }

    /// The key made ready for `algorithm`, if it may be used with that.
    pub(crate) fn verifier(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        self.verifiers.iter().find(|(known, _)| *known == algorithm).map(|(_, key)| key)
    }

    /// The key's thumbprint (`RFC 7638 §3`). Of a key that was read, each member has one spelling only, so that no key has two.
    pub(crate) fn thumbprint(members: &Map<String, Value>) -> Option<KeyThumbprint> {
        let text = |name| members.get(name).and_then(Value::as_str);
        let canonical = match text("kty")? {
            "EC" => format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, text("crv")?, text("x")?, text("y")?),
            "OKP" => format!(r#"{{"crv":"{}","kty":"OKP","x":"{}"}}"#, text("crv")?, text("x")?),
            "RSA" => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text("e")?, text("n")?),
            _ => return None,
        };
        Some(KeyThumbprint::of(canonical.as_bytes()))
    }

    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        fn parts(key: &PublicJwk) -> impl Iterator<Item = (Algorithm, &[u8])> {
            key.verifiers.iter().map(|(algorithm, key)| (*algorithm, key.as_ref()))
        }
        self.id == other.id && parts(self).eq(parts(other))
    }
}

impl fmt::Debug for PublicJwk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.verifiers.iter().map(|(algorithm, _)| algorithm.as_str()).collect();
        out.debug_struct("PublicJwk").field("id", &self.id).field("algorithms", &algorithms).finish()
    }
}

struct Members<'a>(&'a Map<String, Value>);

type Verifiers = Vec<(Algorithm, ParsedPublicKey)>;

impl<'a> Members<'a> {
    fn optional(&self, name: &str) -> Result<Option<&'a str>, SkipReason> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(SkipReason::Malformed),
        }
    }

    fn required(&self, name: &str) -> Result<&'a str, SkipReason> {
        self.optional(name)?.ok_or(SkipReason::Malformed)
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, SkipReason> {
        base64url::decode(self.required(name)?).ok_or(SkipReason::Malformed)
    }

    /// `RFC 7517 §4.2, §4.3`.
    fn check_use(&self) -> Result<(), SkipReason> {
        if self.optional("use")?.is_some_and(|purpose| purpose != "sig") {
            return Err(SkipReason::NotForSignatures);
        }
        match self.0.get("key_ops") {
            None => Ok(()),
            Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => Ok(()),
            Some(Value::Array(_)) => Err(SkipReason::NotForSignatures),
            Some(_) => Err(SkipReason::Malformed),
        }
    }

    /// A key that names its algorithm is for that one alone (`RFC 8725 §3.1`).
    fn bind_to_algorithm(&self, mut verifiers: Verifiers) -> Result<Verifiers, SkipReason> {
        if let Some(name) = self.optional("alg")? {
            let bound = Algorithm::from_name(name).ok_or(SkipReason::AlgorithmMismatch)?;
            verifiers.retain(|(algorithm, _)| *algorithm == bound);
        }
        if verifiers.is_empty() { Err(SkipReason::AlgorithmMismatch) } else { Ok(verifiers) }
    }

    /// `RFC 7518 §6.2.1`: coordinates of full length. The library checks that the point is on the curve.
    fn elliptic_curve(&self) -> Result<Verifiers, SkipReason> {
        let (algorithm, curve, length) = match self.required("crv")? {
            "P-256" => (Algorithm::Es256, &signature::ECDSA_P256_SHA256_FIXED, 32),
            "P-384" => (Algorithm::Es384, &signature::ECDSA_P384_SHA384_FIXED, 48),
            _ => return Err(SkipReason::UnsupportedType),
        };
        let (x, y) = (self.bytes("x")?, self.bytes("y")?);
        if x.len() != length || y.len() != length {
            return Err(SkipReason::Malformed);
        }
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        let key = ParsedPublicKey::new(curve, point).map_err(|_| SkipReason::Malformed)?;
        Ok(vec![(algorithm, key)])
    }

    /// `RFC 8037 §2`.
    fn edwards_curve(&self) -> Result<Verifiers, SkipReason> {
        if self.required("crv")? != "Ed25519" {
            return Err(SkipReason::UnsupportedType);
        }
        let key = ParsedPublicKey::new(&signature::ED25519, self.bytes("x")?).map_err(|_| SkipReason::Malformed)?;
        Ok(vec![(Algorithm::EdDsa, key)])
    }

    /// `RFC 7518 §6.3.1`.
    fn rsa(&self) -> Result<Verifiers, SkipReason> {
        const PADDINGS: [(Algorithm, &RsaParameters); 6] = [
            (Algorithm::Rs256, &signature::RSA_PKCS1_2048_8192_SHA256),
            (Algorithm::Rs384, &signature::RSA_PKCS1_2048_8192_SHA384),
            (Algorithm::Rs512, &signature::RSA_PKCS1_2048_8192_SHA512),
            (Algorithm::Ps256, &signature::RSA_PSS_2048_8192_SHA256),
            (Algorithm::Ps384, &signature::RSA_PSS_2048_8192_SHA384),
            (Algorithm::Ps512, &signature::RSA_PSS_2048_8192_SHA512),
        ];
        let (n, e) = (self.bytes("n")?, self.bytes("e")?);
        rsa::check(&n, &e)?;
        let components = RsaPublicKeyComponents { n, e };
        PADDINGS
            .into_iter()
            .map(|(algorithm, padding)| Ok((algorithm, components.to_parsed_public_key(padding)?)))
            .collect::<Result<_, aws_lc_rs::error::KeyRejected>>()
            .map_err(|_| SkipReason::Malformed)
    }
}
