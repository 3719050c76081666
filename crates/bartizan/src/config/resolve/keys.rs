use bartizan_policy::{IssuerName, Revocation, Subject, TokenId};
use bartizan_token::ApiKeyRecord;

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{File, Key, Revoked};
use crate::config::tree::Place;
use crate::config::units::{Expiry, Time};

/// The issuer under whose name API keys are revoked.
const API_KEYS: &str = "api-keys";

/// The issuer under whose name client certificates are revoked by their thumbprint.
const CERTIFICATES: &str = "certificates";

impl Resolver<'_> {
    pub(super) fn keys(&mut self, keys: &[Key]) -> Vec<ApiKeyRecord> {
        let places: Vec<Place> = (0..keys.len()).map(|index| self.element("keys", index)).collect();
        let named = |field: &str, value: fn(&Key) -> String| -> Vec<(String, Place)> {
            keys.iter().zip(&places).map(|(key, place)| (value(key), place.key(field))).collect()
        };
        let (names, ids) = (named("name", |key| key.name.to_string()), named("id", |key| key.id.clone()));
        let hashes = named("hash", |key| key.hash.to_string());
        self.duplicates(names, |name| format!("two API keys are named `{name}`"), "give each a name of its own");
        self.duplicates(
            ids,
            |id| format!("two API keys have the id `{id}`"),
            "make a key for each by `bartizan key new`",
        );
        self.duplicates(
            hashes,
            |_| "two API keys have one hash: they are the same key".to_owned(),
            "leave one out: what is revoked under one name would live on under the other",
        );
        keys.iter().zip(&places).filter_map(|(key, place)| self.api_key(key, place)).collect()
    }

    fn api_key(&mut self, key: &Key, place: &Place) -> Option<ApiKeyRecord> {
        let expires_at = match key.expires {
            Expiry::Never => None,
            Expiry::At(time) => Some(time.get()),
        };
        if expires_at.is_some_and(|end| end <= self.environment.now()) {
            let message = format!("the API key `{}` ended at {}", key.name, key.expires);
            self.warning(
                FaultKind::Expired,
                &place.key("expires"),
                message,
                "take it out, or make a new one by `bartizan key new`",
            );
        }
        Some(ApiKeyRecord {
            id: TokenId::from(key.id.as_str()),
            hash: key.hash.as_str().parse().ok()?,
            subject: Subject::from(key.name.as_str()),
            owner: key.owner.clone(),
            roles: key.roles.iter().map(|role| role.as_str().into()).collect(),
            scopes: key.scopes.iter().map(|scope| scope.as_str().into()).collect(),
            expires_at,
        })
    }

    /// What is revoked, of the issuers that the file names and of the gate's own.
    pub(super) fn revoked(&mut self, file: &File, own_issuer: Option<&str>) -> Vec<Revocation> {
        let mut revocations = Vec::new();
        for (index, revoked) in file.revoked.iter().enumerate() {
            let place = self.element("revoked", index);
            self.known_issuer(file, own_issuer, revoked, &place);
            revocations.extend(self.revocation(revoked, &place));
        }
        revocations
    }

    /// A misspelt issuer would revoke nothing, and nobody would notice.
    fn known_issuer(&mut self, file: &File, own_issuer: Option<&str>, revoked: &Revoked, place: &Place) {
        // A certificate's own issuer is whoever signed it: known by its distinguished name, and by no section.
        let is_certificate =
            revoked.issuer == CERTIFICATES || (revoked.issuer.contains('=') && revoked.token.is_some());
        let known = is_certificate
            || revoked.issuer == API_KEYS
            || own_issuer.is_some_and(|own| own == revoked.issuer)
            || file.issuers.iter().any(|issuer| issuer.issuer == revoked.issuer);
        if !known {
            let message = format!("there is no issuer `{}`", revoked.issuer);
            let mut names: Vec<String> = file.issuers.iter().map(|issuer| format!("`{}`", issuer.issuer)).collect();
            names.extend(own_issuer.map(|own| format!("`{own}`")));
            names.extend([API_KEYS, CERTIFICATES].map(|name| format!("`{name}`")));
            let remedy = format!("write it as in `[[issuers]]`: {}", names.join(", "));
            self.error(FaultKind::Unresolvable, &place.key("issuer"), message, remedy);
        }
    }

    fn revocation(&mut self, revoked: &Revoked, place: &Place) -> Option<Revocation> {
        let issuer = IssuerName::from(revoked.issuer.as_str());
        let before = revoked.before.map(Time::get);
        match (&revoked.subject, &revoked.token) {
            (Some(_), Some(_)) => {
                let message = "`subject` and `token` are two revocations";
                self.error(FaultKind::Contradiction, &place.key("token"), message, "write a `[[revoked]]` for each");
                None
            }
            (None, Some(_)) if before.is_some() => {
                let message = "one token is revoked whole, whenever it was issued";
                self.error(FaultKind::Contradiction, &place.key("before"), message, "leave `before` out");
                None
            }
            (None, Some(token)) => Some(Revocation::Token { issuer, id: TokenId::from(token.as_str()) }),
            (Some(subject), None) => {
                Some(Revocation::Subject { issuer, subject: Subject::from(subject.as_str()), before })
            }
            (None, None) => Some(Revocation::Issuer { issuer, before }),
        }
    }
}
