use bartizan_gateway::config::{KeyFetch, KeyLocation, TrustedIssuer};
use bartizan_token::{
    Algorithm, ClaimMap, Issuer, KeySet, KeySource, Presence, Required, SharedSecret, Verifier, VerifierError,
};

use super::Resolver;
use crate::config::faults::{Fault, FaultKind};
use crate::config::literal::{self, OneOrMany, RequiredClaim};
use crate::config::tree::Place;
use crate::config::units::{Period, Url};

impl Resolver<'_> {
    pub(super) fn issuers(&mut self, issuers: &[literal::Issuer]) -> Vec<TrustedIssuer> {
        let mut trusted = Vec::new();
        for (index, literal) in issuers.iter().enumerate() {
            let place = self.element("issuers", index);
            if let Some(issuer) = self.issuer(literal, &place) {
                trusted.push((issuer, place));
            }
        }
        self.distinguishable(&trusted);
        self.opaque_tokens(issuers);
        trusted.into_iter().map(|(issuer, _)| issuer).collect()
    }

    /// One issuer may stand here several times, with different rules, if every token fits only one of them.
    fn distinguishable(&mut self, trusted: &[(TrustedIssuer, Place)]) {
        let issuers: Vec<Issuer> = trusted.iter().map(|(trusted, _)| trusted.issuer.clone()).collect();
        let Err(error @ VerifierError::Indistinguishable { .. }) = Verifier::new(issuers) else { return };
        let VerifierError::Indistinguishable { one, other } = &error else { return };
        let named = |(trusted, _): &&(TrustedIssuer, Place)| [one, other].contains(&&trusted.issuer.name);
        let places: Vec<&Place> = trusted.iter().filter(named).map(|(_, place)| place).collect();
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
        let message = if one == other {
            format!("a token of `{one}` would fit two entries")
        } else {
            format!("a token could be judged as of `{one}` or of `{other}`")
        };
        let fault = Fault::error(FaultKind::Duplicate, self.span(last), message).related(self.span(first), "the other");
        self.faults.push(fault.remedy("write the issuer once, or give each entry its own audience or algorithms"));
    }

    fn issuer(&mut self, literal: &literal::Issuer, place: &Place) -> Option<TrustedIssuer> {
        self.audience(literal, place);
        let (keys, fetch) = self.keys_of(literal, place)?;
        let introspection = match &literal.introspection {
            Some(asked) => {
                let authorities = literal.ca.as_ref().map(|path| self.beside(path));
                Some(self.introspection(asked, authorities, &place.key("introspection"))?)
            }
            None => None,
        };
        let mut issuer = Issuer::new(literal.issuer.as_str(), audience(literal), keys);
        issuer.algorithms = match (&literal.algorithms, &literal.hs256) {
            (Some(said), _) => said.iter().map(|it| algorithm(*it)).collect(),
            // The key says which: HS512 was not agreed on, however long the secret.
            (None, Some(_)) => vec![Algorithm::Hs256],
            (None, None) => Vec::new(),
        };
        issuer.dpop = self.dpop(&literal.dpop, &place.key("dpop"));
        issuer.require = required(&literal.require);
        issuer.claims = ClaimMap {
            subject: literal.claims.subject.as_str().to_owned(),
            roles: literal.claims.roles.as_str().to_owned(),
            scopes: literal.claims.scopes.as_str().to_owned(),
        };
        issuer.leeway = literal.leeway.get();
        issuer.max_lifetime = literal.max_lifetime.map(Period::get);
        self.algorithms(literal, &issuer, place)?;
        self.lifetime(literal, place);
        Some(TrustedIssuer { issuer, fetch, introspection })
    }

    /// A token for somebody else must not open our door (RFC 8725 §3.9): without an audience, that has to be said.
    fn audience(&mut self, literal: &literal::Issuer, place: &Place) {
        let required = literal.require.contains(&RequiredClaim::Aud);
        let named = literal.audience.as_ref().is_some_and(|audience| !audience.as_slice().is_empty());
        if required && !named {
            let message = format!(
                "the issuer `{}` has no audience: its tokens for other services would be accepted",
                literal.issuer
            );
            let remedy =
                "add `audience = \"…\"`; or, if its tokens carry no `aud`, say so: `require = [\"iss\", \"exp\"]`";
            self.error(FaultKind::MissingKey, place, message, remedy);
        }
    }

    fn lifetime(&mut self, literal: &literal::Issuer, place: &Place) {
        if literal.leeway.get() > std::time::Duration::from_mins(10) {
            let message = format!("a leeway of `{}` accepts tokens long after they ended", literal.leeway);
            self.error(
                FaultKind::OutOfRange,
                &place.key("leeway"),
                message,
                "write at most `\"10m\"`, and set the clocks",
            );
        }
        if literal.max_lifetime.is_some_and(|period| period.get().is_zero()) {
            let message = "a lifetime of nothing refuses every token";
            self.error(FaultKind::OutOfRange, &place.key("max_lifetime"), message, "write how long tokens may live");
        }
    }

    fn algorithms(&mut self, literal: &literal::Issuer, issuer: &Issuer, section: &Place) -> Option<()> {
        let place = section.key("algorithms");
        let shared = literal.hs256.is_some();
        // A public key is no secret: whoever has it could sign with it (RFC 8725 §2.1).
        if let Some(wrong) = literal.algorithms.iter().flatten().find(|it| it.is_hmac() != shared) {
            let wrong = algorithm(*wrong);
            let (kind, fitting) = if shared {
                ("a shared secret", "`HS256`, `HS384` and `HS512`")
            } else {
                ("public keys", "`ES256`, `ES384`, `EdDSA`, `RS…` and `PS…`")
            };
            let message = format!("`{wrong}` does not go with {kind}");
            self.error(FaultKind::Contradiction, &place, message, format!("choose among {fitting}"));
            return None;
        }
        // The room judges the rest as it will at the start: a secret too short for HS512, for one.
        if let Err(error) = Verifier::new(vec![issuer.clone()]) {
            if literal.require.contains(&RequiredClaim::Aud) && literal.audience.is_none() {
                return None;
            }
            let at = if literal.algorithms.is_some() { &place } else { section };
            self.error(
                FaultKind::Contradiction,
                at,
                error.to_string(),
                "see `bartizan check --schema` for what goes together",
            );
            return None;
        }
        Some(())
    }

    /// Where the keys are: exactly one place.
    fn keys_of(&mut self, literal: &literal::Issuer, place: &Place) -> Option<(KeySource, Option<KeyFetch>)> {
        let authorities = literal.ca.as_ref().map(|path| self.beside(path));
        if let Some(path) = &literal.ca {
            let content = self.content(path, &place.key("ca"), "file of authorities")?;
            self.contents.push(content);
        }
        if literal.introspection.is_some() {
            let other = [("hs256", literal.hs256.is_some()), ("jwks", literal.jwks.is_some())];
            if let Some((key, _)) = other.into_iter().find(|(_, said)| *said) {
                let message = format!("`{key}` checks signatures, and `introspection` asks the issuer instead");
                self.error(FaultKind::Contradiction, &place.key(key), message, "leave one of them out");
                return None;
            }
            return Some((KeySource::Introspected, None));
        }
        match (&literal.hs256, &literal.jwks) {
            (Some(_), Some(_)) => {
                let message = "`jwks` and `hs256` are two places for the keys";
                self.error(FaultKind::Contradiction, &place.key("jwks"), message, "leave one of them out");
                None
            }
            (Some(secret), None) => {
                let secret_place = place.key("hs256");
                let secret = self.secret(secret, &secret_place)?;
                match SharedSecret::new(&secret) {
                    Ok(secret) => Some((KeySource::Shared(secret), None)),
                    Err(weak) => {
                        let remedy = "make one by `openssl rand -base64 48`, and give it to the backend too";
                        self.error(FaultKind::WeakSecret, &secret_place, weak.to_string(), remedy);
                        None
                    }
                }
            }
            (None, Some(jwks)) if jwks.contains("://") => {
                let from = self.key_url(jwks, &place.key("jwks"))?;
                Some((
                    KeySource::Published,
                    Some(KeyFetch { from: KeyLocation::KeySet(from.uri().clone()), authorities }),
                ))
            }
            (None, Some(jwks)) => Some((KeySource::Fixed(self.key_set(jwks, &place.key("jwks"))?), None)),
            (None, None) => {
                let from = self.key_url(&literal.issuer, &place.key("issuer"))?;
                Some((
                    KeySource::Published,
                    Some(KeyFetch { from: KeyLocation::Discovery(from.uri().clone()), authorities }),
                ))
            }
        }
    }

    /// Keys that come over the network come from whoever is on the way, unless it is TLS or never leaves this machine.
    fn key_url(&mut self, text: &str, place: &Place) -> Option<Url> {
        match text.parse::<Url>() {
            Ok(url) if url.is_https() || url.is_loopback() => Some(url),
            Ok(_) => {
                let message = format!("keys fetched from `{text}` without TLS could be anybody's");
                self.error(FaultKind::Unsafe, place, message, "write `https://…`; `http` is accepted on loopback only");
                None
            }
            Err(malformed) => {
                let remedy = format!(
                    "{}; an issuer that is no URL needs its keys by `jwks = \"file.json\"` or `hs256 = {{ env = \"…\" }}`",
                    malformed.remedy
                );
                self.error(
                    FaultKind::Malformed,
                    place,
                    format!("{}: no keys can be discovered there", malformed.problem),
                    remedy,
                );
                None
            }
        }
    }

    fn key_set(&mut self, path: &str, place: &Place) -> Option<KeySet> {
        let content = self.content(path.as_ref(), place, "key set")?;
        let keys = match KeySet::parse(&content) {
            Ok(keys) => keys,
            Err(error) => {
                let message = format!("`{path}` is not a key set: {error}");
                self.error(FaultKind::Malformed, place, message, "name a JWKS file (RFC 7517): `{ \"keys\": […] }`");
                return None;
            }
        };
        self.contents.push(content);
        for skipped in keys.skipped() {
            let message = format!("key {} of `{path}` is not used: {}", skipped.index + 1, skipped.reason);
            self.warning(FaultKind::Unresolvable, place, message, "take it out of the file if it is not needed");
        }
        if keys.is_empty() {
            let message = format!("`{path}` holds no key that can be used");
            self.error(FaultKind::Unresolvable, place, message, "name a file with public signature keys");
            return None;
        }
        Some(keys)
    }
}

fn audience(literal: &literal::Issuer) -> Vec<String> {
    literal.audience.as_ref().map(OneOrMany::as_slice).unwrap_or_default().to_vec()
}

fn required(claims: &[RequiredClaim]) -> Required {
    let presence = |claim| if claims.contains(&claim) { Presence::Required } else { Presence::Optional };
    Required {
        issuer: presence(RequiredClaim::Iss),
        audience: presence(RequiredClaim::Aud),
        expiry: presence(RequiredClaim::Exp),
    }
}

const fn algorithm(literal: literal::Algorithm) -> Algorithm {
    match literal {
        literal::Algorithm::ES256 => Algorithm::Es256,
        literal::Algorithm::ES384 => Algorithm::Es384,
        literal::Algorithm::EdDsa => Algorithm::EdDsa,
        literal::Algorithm::RS256 => Algorithm::Rs256,
        literal::Algorithm::RS384 => Algorithm::Rs384,
        literal::Algorithm::RS512 => Algorithm::Rs512,
        literal::Algorithm::PS256 => Algorithm::Ps256,
        literal::Algorithm::PS384 => Algorithm::Ps384,
        literal::Algorithm::PS512 => Algorithm::Ps512,
        literal::Algorithm::HS256 => Algorithm::Hs256,
        literal::Algorithm::HS384 => Algorithm::Hs384,
        literal::Algorithm::HS512 => Algorithm::Hs512,
    }
}
