//! The forms in which passwords are kept: our own, Argon2id as a PHC string, and those that an imported user base may bring.
//!
//! | form | from |
//! |---|---|
//! | `$argon2id$v=19$m=…,t=…,p=…$salt$hash` (also `argon2i`, `argon2d`) | ours; most frameworks of today |
//! | `$2a$`, `$2b$`, `$2y$`: bcrypt | Rails, Laravel, Spring, Node |
//! | `$scrypt$ln=…,r=…,p=…$salt$hash` | passlib and PHC |
//! | `pbkdf2_sha256$iterations$salt$hash` | Django |
//! | `$pbkdf2-sha256$iterations$salt$hash`, `$pbkdf2-sha512$…` | passlib |
//!
//! Each has bounds on what it may cost: a crafted import must not make every sign-in take a gigabyte.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{constant_time, pbkdf2};
use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD};
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose::STANDARD_NO_PAD};

use crate::IdentityError;
use crate::config::Cost;

/// Memory that one hash may take, in KiB: 256 MiB.
const MOST_MEMORY: u32 = 256 * 1024;
/// Passes of Argon2, rounds of bcrypt's exponent, and iterations of PBKDF2 that one hash may take.
const MOST_PASSES: u32 = 16;
const MOST_BCRYPT: u32 = 15;
const MOST_ITERATIONS: u32 = 5_000_000;
/// The longest salt and hash, in bytes.
const LONGEST_PART: usize = 128;

/// Why a stored password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFormat {
    /// No form that is known here.
    #[error("not a password hash of a known form: argon2, bcrypt, scrypt or PBKDF2, as frameworks write them")]
    Unknown,
    /// A known form with parts that cannot be.
    #[error("a damaged password hash")]
    Damaged,
    /// It would cost more than a sign-in may.
    #[error("a password hash that costs more than a sign-in may: hash it again with less")]
    TooCostly,
}

/// A password as it is kept.
pub struct StoredPassword(Form);

enum Form {
    Argon2 { algorithm: Algorithm, version: Version, cost: Cost, salt: Vec<u8>, hash: Vec<u8> },
    Bcrypt(String),
    Scrypt { log_n: u8, r: u32, p: u32, salt: Vec<u8>, hash: Vec<u8> },
    Pbkdf2 { algorithm: pbkdf2::Algorithm, iterations: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
}

/// Django pads, passlib writes `.` for `+`, PHC does neither: what may differ is taken as it comes.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl StoredPassword {
    /// Reads a stored form.
    ///
    /// # Errors
    /// If it is none, or one that costs too much.
    pub fn parse(text: &str) -> Result<Self, UnknownFormat> {
        if text.starts_with("$argon2") {
            return argon2_form(text).map(Self);
        }
        if let Some(rest) = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix)) {
            let exponent =
                rest.split('$').next().and_then(|it| it.parse::<u32>().ok()).ok_or(UnknownFormat::Damaged)?;
            return match (exponent, text.len()) {
                (4..=MOST_BCRYPT, 60) => Ok(Self(Form::Bcrypt(text.to_owned()))),
                (_, 60) => Err(UnknownFormat::TooCostly),
                _ => Err(UnknownFormat::Damaged),
            };
        }
        if let Some(rest) = text.strip_prefix("$scrypt$") {
            return scrypt_form(rest).map(Self);
        }
        let pbkdf2: [(&str, pbkdf2::Algorithm); 4] = [
            ("pbkdf2_sha256$", pbkdf2::PBKDF2_HMAC_SHA256),
            ("pbkdf2_sha512$", pbkdf2::PBKDF2_HMAC_SHA512),
            ("$pbkdf2-sha256$", pbkdf2::PBKDF2_HMAC_SHA256),
            ("$pbkdf2-sha512$", pbkdf2::PBKDF2_HMAC_SHA512),
        ];
        let found =
            pbkdf2.into_iter().find_map(|(prefix, algorithm)| Some((prefix, algorithm, text.strip_prefix(prefix)?)));
        let (prefix, algorithm, rest) = found.ok_or(UnknownFormat::Unknown)?;
        pbkdf2_form(algorithm, rest, prefix.starts_with('$')).map(Self)
    }

    /// Whether it was made otherwise than new ones are: it is replaced once its password is known.
    pub fn is_outdated(&self, wanted: Cost) -> bool {
        !matches!(&self.0, Form::Argon2 { algorithm: Algorithm::Argon2id, version: Version::V0x13, cost, .. } if *cost == wanted)
    }

    /// Whether `password` is the one. Takes as long as the form's cost says; `memory` grows to what it needs.
    pub(crate) fn verify(&self, password: &[u8], memory: &mut Vec<Block>) -> Result<bool, IdentityError> {
        Ok(match &self.0 {
            Form::Argon2 { algorithm, version, cost, salt, hash } => {
                let mut computed = vec![0; hash.len()];
                argon2_into(*algorithm, *version, *cost, password, salt, &mut computed, memory)?;
                constant_time::verify_slices_are_equal(&computed, hash).is_ok()
            }
            // A NUL byte ends a password in other implementations; here it cannot match.
            Form::Bcrypt(text) => !password.contains(&0) && bcrypt::verify(password, text).unwrap_or(false),
            Form::Scrypt { log_n, r, p, salt, hash } => {
                let parameters = scrypt::Params::new(*log_n, *r, *p).map_err(library("scrypt"))?;
                let mut computed = vec![0; hash.len()];
                scrypt::scrypt(password, salt, &parameters, &mut computed).map_err(library("scrypt"))?;
                constant_time::verify_slices_are_equal(&computed, hash).is_ok()
            }
            Form::Pbkdf2 { algorithm, iterations, salt, hash } => {
                pbkdf2::verify(*algorithm, *iterations, salt, password, hash).is_ok()
            }
        })
    }
}

/// The PHC string of a new Argon2id hash.
pub(crate) fn hash(
    password: &[u8],
    salt: [u8; 16],
    cost: Cost,
    memory: &mut Vec<Block>,
) -> Result<String, IdentityError> {
    let mut computed = [0; 32];
    argon2_into(Algorithm::Argon2id, Version::V0x13, cost, password, &salt, &mut computed, memory)?;
    let Cost { memory, passes, lanes } = cost;
    let (salt, computed) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(computed));
    Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${computed}"))
}

fn argon2_into(
    algorithm: Algorithm,
    version: Version,
    cost: Cost,
    password: &[u8],
    salt: &[u8],
    out: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), IdentityError> {
    let parameters = Params::new(cost.memory, cost.passes, cost.lanes, Some(out.len())).map_err(library("argon2"))?;
    let blocks = parameters.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let argon2 = Argon2::new(algorithm, version, parameters);
    argon2.hash_password_into_with_memory(password, salt, out, memory).map_err(library("argon2"))
}

fn library<E: std::fmt::Display>(operation: &'static str) -> impl Fn(E) -> IdentityError {
    move |cause| IdentityError::Library { operation, cause: cause.to_string() }
}

fn argon2_form(text: &str) -> Result<Form, UnknownFormat> {
    let mut parts = text.split('$').skip(1);
    let algorithm = match parts.next() {
        Some("argon2id") => Algorithm::Argon2id,
        Some("argon2i") => Algorithm::Argon2i,
        Some("argon2d") => Algorithm::Argon2d,
        _ => return Err(UnknownFormat::Unknown),
    };
    let mut next = || parts.next().ok_or(UnknownFormat::Damaged);
    let (version, parameters) = match next()? {
        "v=19" => (Version::V0x13, next()?),
        "v=16" => (Version::V0x10, next()?),
        // Before the version was written, there was only the first.
        parameters => (Version::V0x10, parameters),
    };
    let number = |key| parameter(parameters, key);
    let cost = Cost { memory: number("m=")?, passes: number("t=")?, lanes: number("p=")? };
    let (salt, hash) = (bytes(next()?)?, bytes(next()?)?);
    if parts.next().is_some() || hash.len() < 16 || salt.len() < 8 || cost.lanes == 0 || cost.passes == 0 {
        return Err(UnknownFormat::Damaged);
    }
    if cost.memory > MOST_MEMORY || cost.passes > MOST_PASSES || cost.lanes > 16 {
        return Err(UnknownFormat::TooCostly);
    }
    Ok(Form::Argon2 { algorithm, version, cost, salt, hash })
}

fn scrypt_form(rest: &str) -> Result<Form, UnknownFormat> {
    let [parameters, salt, hash] = *rest.split('$').collect::<Vec<_>>() else { return Err(UnknownFormat::Damaged) };
    let number = |key| parameter(parameters, key);
    let (log_n, r, p) = (number("ln=")?, number("r=")?, number("p=")?);
    let memory = 1_u64.checked_shl(log_n).map(|n| n.saturating_mul(u64::from(r)).saturating_mul(128) / 1024);
    if memory.is_none_or(|memory| memory > u64::from(MOST_MEMORY)) || log_n > 20 || p > 16 {
        return Err(UnknownFormat::TooCostly);
    }
    let (salt, hash) = (bytes(salt)?, bytes(hash)?);
    let log_n = u8::try_from(log_n).map_err(|_| UnknownFormat::Damaged)?;
    if log_n == 0 || r == 0 || p == 0 || !(16..=64).contains(&hash.len()) {
        return Err(UnknownFormat::Damaged);
    }
    Ok(Form::Scrypt { log_n, r, p, salt, hash })
}

/// Django's salt is text and stands as it is; passlib's is encoded.
fn pbkdf2_form(algorithm: pbkdf2::Algorithm, rest: &str, is_salt_encoded: bool) -> Result<Form, UnknownFormat> {
    let [iterations, salt, hash] = *rest.split('$').collect::<Vec<_>>() else { return Err(UnknownFormat::Damaged) };
    let iterations = iterations.parse::<NonZeroU32>().map_err(|_| UnknownFormat::Damaged)?;
    if iterations.get() > MOST_ITERATIONS {
        return Err(UnknownFormat::TooCostly);
    }
    let salt = if is_salt_encoded { bytes(salt)? } else { salt.as_bytes().to_vec() };
    let hash = bytes(hash)?;
    if salt.len() > LONGEST_PART || hash.len() < 16 {
        return Err(UnknownFormat::Damaged);
    }
    Ok(Form::Pbkdf2 { algorithm, iterations, salt, hash })
}

fn parameter(parameters: &str, key: &str) -> Result<u32, UnknownFormat> {
    let found = parameters.split(',').find_map(|it| it.strip_prefix(key));
    found.and_then(|number| number.parse().ok()).ok_or(UnknownFormat::Damaged)
}

fn bytes(text: &str) -> Result<Vec<u8>, UnknownFormat> {
    let standard = text.replace('.', "+");
    let alphabet: &Alphabet = &STANDARD;
    let decoded = GeneralPurpose::new(alphabet, LENIENT).decode(standard).map_err(|_| UnknownFormat::Damaged)?;
    if decoded.len() <= LONGEST_PART { Ok(decoded) } else { Err(UnknownFormat::Damaged) }
}

#[cfg(test)]
mod tests;
