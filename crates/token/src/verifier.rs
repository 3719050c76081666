use std::sync::{PoisonError, RwLock};

use bartizan_policy::{IssuerName, Principal, Timestamp};

use crate::claims::{self, Claims};
use crate::issuer::{DpopRules, Issuer, KeySource, Presence};
use crate::{Algorithm, Binding, Jws, KeySet, SignatureError, TokenError, json};

/// Judges bearer tokens by the rules of the configured issuers.
#[derive(Debug)]
pub struct Verifier {
    entries: Vec<Entry>,
}

/// A token that holds: for whom it speaks, and what its holder has to prove beside.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// Whom it speaks for.
    pub principal: Principal,
    /// What it is bound to.
    pub binding: Binding,
    /// What its issuer's proofs of possession have to be like.
    pub dpop: DpopRules,
}

#[derive(Debug)]
struct Entry {
    issuer: Issuer,
    /// The allow-list, never empty.
    algorithms: Vec<Algorithm>,
    /// The keys of a [`KeySource::Published`] issuer, once they are there.
    published: RwLock<Option<KeySet>>,
}

/// What is wrong with the configured issuers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    /// `iss` is never empty.
    #[error("an issuer has no name")]
    NoName,
    /// `aud` is required, but nothing says what it must be.
    #[error("the issuer `{issuer}` has no audience: name one, or say that `aud` is not required")]
    NoAudience {
        /// Which issuer.
        issuer: IssuerName,
    },
    /// HMAC for public keys would make them secrets; anything else is not verified with a secret, or not with one so short.
    #[error("the issuer `{issuer}` cannot use `{algorithm}` with its kind or length of key")]
    AlgorithmMismatch {
        /// Which issuer.
        issuer: IssuerName,
        /// The algorithm that does not fit.
        algorithm: Algorithm,
    },
    /// A place in the token that is no JSON Pointer.
    #[error("`{pointer}`, for the issuer `{issuer}`, is no JSON Pointer: it begins with `/`")]
    NoPointer {
        /// Which issuer.
        issuer: IssuerName,
        /// What was given.
        pointer: String,
    },
    /// A token could fit both entries, and which rules apply would be undecided.
    #[error("a token could fit two entries, `{one}` and `{other}`: give them different audiences or algorithms")]
    Indistinguishable {
        /// The first.
        one: IssuerName,
        /// The second.
        other: IssuerName,
    },
    /// Keys were brought for an issuer that does not publish any.
    #[error("no issuer `{issuer}` with published keys is configured")]
    NotPublished {
        /// Which issuer.
        issuer: IssuerName,
    },
}

impl Verifier {
    /// Takes the issuers, refusing a configuration under which a token would be judged by chance.
    ///
    /// # Errors
    /// A [`VerifierError`], naming the issuer and the fault.
    pub fn new(issuers: Vec<Issuer>) -> Result<Self, VerifierError> {
        let entries = issuers.into_iter().map(Entry::new).collect::<Result<Vec<_>, _>>()?;
        for (index, one) in entries.iter().enumerate() {
            if let Some(other) = entries.iter().skip(index + 1).find(|other| one.is_confusable_with(other)) {
                let (one, other) = (one.issuer.name.clone(), other.issuer.name.clone());
                return Err(VerifierError::Indistinguishable { one, other });
            }
        }
        Ok(Self { entries })
    }

    /// Judges `token` as a bearer token as of `now`: one that is bound to its holder is none.
    ///
    /// # Errors
    /// A [`TokenError`]. On [`TokenError::UnknownKey`] and [`TokenError::KeysUnavailable`] the caller may fetch the keys again,
    /// at a bounded rate, and try once more.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, TokenError> {
        let verified = self.verify_bound(token, now)?;
        if verified.binding.is_none() { Ok(verified.principal) } else { Err(TokenError::SenderConstrained) }
    }

    /// Judges `token` as of `now`, whatever it is bound to: the caller has to see that proven.
    ///
    /// # Errors
    /// As [`Verifier::verify`]; [`TokenError::IntrospectionRequired`] for a token whose issuer has to be asked.
    pub fn verify_bound(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        let jws = Jws::parse(token)?;
        // Nothing in here is believed before the signature is verified; `iss` only chooses whose keys do that.
        let claims = Claims::new(jws.unverified_claims()?);
        let entry = self.choose(&jws, &claims)?;
        entry.check_type(&jws)?;
        entry.verify_signature(&jws)?;
        entry.verified(claims, now)
    }

    /// Judges what `issuer`, asked about a token, said of it (`RFC 7662 §2.2`), by the same rules as a token's own claims.
    ///
    /// # Errors
    /// A [`TokenError`]; [`TokenError::Inactive`] if the token does not count.
    pub fn judge_introspection(
        &self,
        issuer: &IssuerName,
        answer: &[u8],
        now: Timestamp,
    ) -> Result<Verified, TokenError> {
        let mut entries = self.entries.iter().filter(|entry| entry.issuer.name == *issuer);
        let introspected = |entry: &&Entry| matches!(entry.issuer.keys, KeySource::Introspected);
        let entry = entries.find(introspected).ok_or(TokenError::UnknownIssuer)?;
        let members =
            json::object(answer).map_err(|_| TokenError::Malformed("the answer is not one strict JSON object"))?;
        let claims = Claims::new(members);
        claims.check_active()?;
        claims.check_issuer(&entry.issuer)?;
        entry.verified(claims, now)
    }

    /// Puts the published keys of `issuer` in place of those before; tokens being judged keep what they began with.
    ///
    /// # Errors
    /// [`VerifierError::NotPublished`] if there is no such issuer, or its keys are fixed.
    pub fn install(&self, issuer: &IssuerName, keys: &KeySet) -> Result<(), VerifierError> {
        let mut found = false;
        for entry in self.published_entries().filter(|entry| entry.issuer.name == *issuer) {
            *entry.published.write().unwrap_or_else(PoisonError::into_inner) = Some(keys.clone());
            found = true;
        }
        if found { Ok(()) } else { Err(VerifierError::NotPublished { issuer: issuer.clone() }) }
    }

    /// The issuers whose keys have to be fetched, each once.
    pub fn published(&self) -> impl Iterator<Item = &IssuerName> {
        self.published_entries().enumerate().filter_map(|(index, entry)| {
            let name = &entry.issuer.name;
            let is_first = !self.published_entries().take(index).any(|earlier| earlier.issuer.name == *name);
            is_first.then_some(name)
        })
    }

    /// Whether every entry of `issuer` has a key to verify with.
    pub fn has_keys(&self, issuer: &IssuerName) -> bool {
        let mut entries = self.entries.iter().filter(|entry| entry.issuer.name == *issuer).peekable();
        entries.peek().is_some() && entries.all(Entry::has_keys)
    }

    fn published_entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| matches!(entry.issuer.keys, KeySource::Published))
    }

    /// The one entry whose rules apply. Of several, only one may remain: the first to fit would be a choice by the sender.
    fn choose(&self, jws: &Jws<'_>, claims: &Claims) -> Result<&Entry, TokenError> {
        let claimed = claims.issuer()?;
        let named: Vec<_> = self.entries.iter().filter(|entry| claims::names(&entry.issuer, claimed)).collect();
        if named.is_empty() {
            return Err(if claimed.is_some() { TokenError::UnknownIssuer } else { TokenError::MissingClaim("iss") });
        }
        let fitting: Vec<_> = named.into_iter().filter(|entry| entry.algorithms.contains(&jws.algorithm())).collect();
        match fitting.as_slice() {
            [] => Err(TokenError::AlgorithmRefused),
            [entry] => Ok(entry),
            several => {
                let mut meant = several.iter().filter(|entry| claims.check_audience(&entry.issuer).is_ok());
                match (meant.next(), meant.next()) {
                    (Some(entry), None) => Ok(entry),
                    (Some(_), Some(_)) => Err(TokenError::AmbiguousIssuer),
                    (None, _) => Err(TokenError::WrongAudience),
                }
            }
        }
    }
}

impl Entry {
    fn new(issuer: Issuer) -> Result<Self, VerifierError> {
        let name = || issuer.name.clone();
        if issuer.name.as_str().is_empty() {
            return Err(VerifierError::NoName);
        }
        if issuer.audience.is_empty() && issuer.require.audience == Presence::Required {
            return Err(VerifierError::NoAudience { issuer: name() });
        }
        let possible: Vec<_> = match &issuer.keys {
            KeySource::Published | KeySource::Fixed(_) => Algorithm::PUBLIC_KEY.to_vec(),
            KeySource::Shared(secret) => secret.algorithms().collect(),
            // Whatever its tokens are signed with, the issuer answers for it.
            KeySource::Introspected => Algorithm::PUBLIC_KEY.into_iter().chain(Algorithm::SHARED_SECRET).collect(),
        };
        if let Some(algorithm) = issuer.algorithms.iter().find(|algorithm| !possible.contains(algorithm)) {
            return Err(VerifierError::AlgorithmMismatch { issuer: name(), algorithm: *algorithm });
        }
        let places = [&issuer.claims.subject, &issuer.claims.roles, &issuer.claims.scopes];
        if let Some(pointer) = places.into_iter().find(|pointer| !claims::is_pointer(pointer)) {
            return Err(VerifierError::NoPointer { issuer: name(), pointer: pointer.clone() });
        }
        let algorithms = if issuer.algorithms.is_empty() { possible } else { issuer.algorithms.clone() };
        Ok(Self { issuer, algorithms, published: RwLock::new(None) })
    }

    /// Judges claims that are known to be the issuer's own.
    fn verified(&self, claims: Claims, now: Timestamp) -> Result<Verified, TokenError> {
        claims.check_kind()?;
        claims.check_audience(&self.issuer)?;
        let times = claims.check_times(&self.issuer, now)?;
        let binding = claims.binding(&self.issuer)?;
        let principal = claims.into_principal(&self.issuer, times, &binding)?;
        Ok(Verified { principal, binding, dpop: self.issuer.dpop })
    }

    /// Whether some token could fit both: by name or by having none, by algorithm, and by audience.
    fn is_confusable_with(&self, other: &Self) -> bool {
        let nameless = |entry: &Self| entry.issuer.require.issuer == Presence::Optional;
        let same_name = self.issuer.name == other.issuer.name || nameless(self) && nameless(other);
        let same_algorithm = self.algorithms.iter().any(|algorithm| other.algorithms.contains(algorithm));
        let told_apart_by_audience =
            [self, other].iter().all(|entry| entry.issuer.require.audience == Presence::Required)
                && !self.issuer.audience.iter().any(|audience| other.issuer.audience.contains(audience));
        same_name && same_algorithm && !told_apart_by_audience
    }

    fn has_keys(&self) -> bool {
        match &self.issuer.keys {
            KeySource::Published => self.published_keys().is_some_and(|keys| !keys.is_empty()),
            KeySource::Fixed(keys) => !keys.is_empty(),
            KeySource::Shared(_) | KeySource::Introspected => true,
        }
    }

    /// A snapshot: the lock is held for a reference count.
    fn published_keys(&self) -> Option<KeySet> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `RFC 8725 §3.11`, `RFC 9068 §4`: media types without `application/` (`RFC 7515 §4.1.9`), whatever their case.
    fn check_type(&self, jws: &Jws<'_>) -> Result<(), TokenError> {
        let configured = &self.issuer.token_types;
        let is_accepted = match jws.token_type().map(subtype) {
            None => configured.is_empty(),
            Some(found) if configured.is_empty() => {
                ["at+jwt", "jwt"].iter().any(|usual| usual.eq_ignore_ascii_case(found))
            }
            Some(found) => configured.iter().any(|wanted| subtype(wanted).eq_ignore_ascii_case(found)),
        };
        if is_accepted { Ok(()) } else { Err(TokenError::TypeRefused) }
    }

    fn verify_signature(&self, jws: &Jws<'_>) -> Result<(), TokenError> {
        let issuer = || self.issuer.name.clone();
        match &self.issuer.keys {
            KeySource::Introspected => return Err(TokenError::IntrospectionRequired { issuer: issuer() }),
            KeySource::Shared(secret) => jws.verify_shared(secret).map(drop),
            KeySource::Fixed(keys) => jws.verify(keys).map(drop),
            KeySource::Published => {
                let keys = self.published_keys().filter(|keys| !keys.is_empty());
                let keys = keys.ok_or_else(|| TokenError::KeysUnavailable { issuer: issuer() })?;
                jws.verify(&keys).map(drop)
            }
        }
        .map_err(|error| match error {
            SignatureError::AlgorithmRefused => TokenError::AlgorithmRefused,
            SignatureError::UnknownKey => TokenError::UnknownKey { issuer: issuer() },
            SignatureError::BadSignature => TokenError::BadSignature,
        })
    }
}

fn subtype(media_type: &str) -> &str {
    media_type
        .split_at_checked("application/".len())
        .filter(|(prefix, _)| prefix.eq_ignore_ascii_case("application/"))
        .map_or(media_type, |(_, subtype)| subtype)
}
