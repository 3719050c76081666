use aws_lc_rs::hmac;
use serde_json::{Map, Value};

use crate::{Algorithm, KeySet, SharedSecret, TokenError, base64url, json};

/// The longest token that is looked at. Well-behaved ones stay under 4 KiB; common servers refuse header fields over 8 or 16 KiB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// How many keys one token may be tried against when it doesn't name one: a flood must not cost a key set's worth of work each.
const MAX_TRIALS: usize = 8;

/// A JWS in compact form (`RFC 7515 §7.1`), parsed strictly. Its payload is out of reach until a signature is verified.
#[derive(Debug)]
pub struct Jws<'a> {
    header: Header,
    signing_input: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key that is named, or no key at all, is for this algorithm.
    #[error("no key is for the token's algorithm")]
    AlgorithmRefused,
    /// No key has the id that the token names.
    #[error("no key has the token's key id")]
    UnknownKey,
    /// No key made this signature.
    #[error("the signature is wrong")]
    BadSignature,
}

impl<'a> Jws<'a> {
    /// Takes the token apart and judges its header; verifies nothing yet.
    ///
    /// # Errors
    /// [`TokenError::TooLong`], [`TokenError::Malformed`], and what the header alone gives away:
    /// [`TokenError::AlgorithmRefused`], [`TokenError::KeyHeaderRefused`], [`TokenError::CriticalHeader`],
    /// [`TokenError::TypeRefused`] for a nested token.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let Compact { header, signing_input, payload, signature } =
            Compact::split(token).map_err(TokenError::Malformed)?;
        Ok(Self { header: Header::parse(&header)?, signing_input, payload, signature })
    }

    /// The algorithm that the token says it is signed with.
    pub const fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// The key that the token says it is signed with.
    pub fn key_id(&self) -> Option<&str> {
        self.header.key_id.as_deref()
    }

    /// `typ`, as sent.
    pub fn token_type(&self) -> Option<&str> {
        self.header.token_type.as_deref()
    }

    /// The payload, if one of `keys` signed it.
    ///
    /// A token that names its key is judged by the keys of that id. One that names none, and one whose id no key has, is tried
    /// against all keys, respectively those without an id, up to eight of them.
    ///
    /// # Errors
    /// A [`SignatureError`], naming the culprit.
    pub fn verify(&self, keys: &KeySet) -> Result<&[u8], SignatureError> {
        let choice = Choice::new(self.key_id(), keys);
        let mut fitting = keys
            .iter()
            .filter(|key| choice.admits(key.id.as_deref()))
            .filter_map(|key| key.verifier(self.algorithm()))
            .take(MAX_TRIALS)
            .peekable();
        if fitting.peek().is_none() {
            return Err(choice.or_if_unknown(SignatureError::AlgorithmRefused));
        }
        if !fitting.any(|key| key.verify_sig(self.signing_input, &self.signature).is_ok()) {
            return Err(choice.or_if_unknown(SignatureError::BadSignature));
        }
        Ok(&self.payload)
    }

    /// The payload, if it was signed with `secret`.
    ///
    /// # Errors
    /// A [`SignatureError`], naming the culprit.
    pub fn verify_shared(&self, secret: &SharedSecret) -> Result<&[u8], SignatureError> {
        let key = secret.verifier(self.algorithm()).ok_or(SignatureError::AlgorithmRefused)?;
        hmac::verify(key, self.signing_input, &self.signature).map_err(|_| SignatureError::BadSignature)?;
        Ok(&self.payload)
    }

    /// What the token claims, true or not: fit only for choosing the issuer whose keys then verify it.
    pub(crate) fn unverified_claims(&self) -> Result<Map<String, Value>, TokenError> {
        json::object(&self.payload).map_err(|_| TokenError::Malformed("claims are not one strict JSON object"))
    }
}

/// Which keys of a set a token is tried against.
#[derive(Clone, Copy)]
enum Choice<'a> {
    /// It names none.
    Any,
    /// It names one that the set has.
    OfId(&'a str),
    /// It names one that the set does not have. Small issuers publish a key without an id and name one all the same.
    WithoutId,
}

impl<'a> Choice<'a> {
    fn new(named: Option<&'a str>, keys: &KeySet) -> Self {
        match named {
            None => Self::Any,
            Some(id) if keys.has_id(id) => Self::OfId(id),
            Some(_) => Self::WithoutId,
        }
    }

    fn admits(self, key_id: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::OfId(id) => key_id == Some(id),
            Self::WithoutId => key_id.is_none(),
        }
    }

    /// An id that the set lacks is the fault to report: the issuer may have a newer key.
    fn or_if_unknown(self, fault: SignatureError) -> SignatureError {
        if matches!(self, Self::WithoutId) { SignatureError::UnknownKey } else { fault }
    }
}

/// The three parts of a compact JWS, decoded; nothing in them has been judged.
pub(crate) struct Compact<'a> {
    pub(crate) header: Map<String, Value>,
    pub(crate) signing_input: &'a [u8],
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Takes a JWS apart; the fault names what is not as it must be.
    pub(crate) fn split(text: &'a str) -> Result<Self, &'static str> {
        let (signing_input, signature) = text.rsplit_once('.').ok_or("not three parts")?;
        let (header, payload) = signing_input.split_once('.').ok_or("not three parts")?;
        if payload.contains('.') {
            return Err("not three parts");
        }
        let header = base64url::decode(header).ok_or("header is no base64url")?;
        Ok(Self {
            header: json::object(&header).map_err(|_| "header is not one strict JSON object")?,
            signing_input: signing_input.as_bytes(),
            payload: base64url::decode(payload).ok_or("payload is no base64url")?,
            signature: base64url::decode(signature).ok_or("signature is no base64url")?,
        })
    }
}

#[derive(Debug)]
struct Header {
    algorithm: Algorithm,
    key_id: Option<String>,
    token_type: Option<String>,
}

impl Header {
    fn parse(members: &Map<String, Value>) -> Result<Self, TokenError> {
        let algorithm = match members.get("alg") {
            Some(Value::String(name)) => Algorithm::from_name(name).ok_or(TokenError::AlgorithmRefused)?,
            _ => return Err(TokenError::Malformed("`alg` is not there or no string")),
        };
        // Each of these lets the sender choose the key (RFC 8725 §3.10). None is needed: keys come from the configuration.
        if let Some(name) = ["jwk", "jku", "x5u", "x5c"].into_iter().find(|name| members.contains_key(*name)) {
            return Err(TokenError::KeyHeaderRefused(name));
        }
        // RFC 7515 §4.1.11 and, for what an unencoded payload (RFC 7797) would change without saying so in `crit`.
        if members.contains_key("crit") || members.contains_key("b64") {
            return Err(TokenError::CriticalHeader);
        }
        // `cty` marks a token within a token (RFC 7519 §5.2), `enc` and `zip` belong to encryption.
        if ["cty", "enc", "zip"].into_iter().any(|name| members.contains_key(name)) {
            return Err(TokenError::TypeRefused);
        }
        Ok(Self {
            algorithm,
            key_id: text_member(members, "kid", "`kid` is no string")?,
            token_type: text_member(members, "typ", "`typ` is no string")?,
        })
    }
}

fn text_member(members: &Map<String, Value>, name: &str, fault: &'static str) -> Result<Option<String>, TokenError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::Malformed(fault)),
    }
}
