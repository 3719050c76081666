//! What people prove themselves with, and what that is worth.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One thing that was shown at a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A password.
    Password,
    /// A code from an authenticator app (`RFC 6238`).
    Totp,
    /// A recovery code.
    RecoveryCode,
    /// A passkey that lives in one device, whose holder was verified by it.
    BoundPasskey,
    /// A passkey that may be copied to its holder's other devices, by whose holder was verified by it.
    SyncedPasskey,
    /// A link that was sent, or handed over.
    Link,
}

impl Method {
    /// The word that the store and the audit log use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Totp => "otp",
            Self::RecoveryCode => "recovery",
            Self::BoundPasskey => "hwk",
            Self::SyncedPasskey => "swk",
            Self::Link => "link",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let all = [Self::Password, Self::Totp, Self::RecoveryCode, Self::BoundPasskey, Self::SyncedPasskey, Self::Link];
        all.into_iter().find(|method| method.as_str() == word)
    }

    const fn is_passkey(self) -> bool {
        matches!(self, Self::BoundPasskey | Self::SyncedPasskey)
    }
}

/// What a sign-in is worth: the authentication context class, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Acr {
    /// One factor.
    #[serde(rename = "urn:bartizan:acr:single-factor")]
    SingleFactor,
    /// Two factors.
    #[serde(rename = "urn:bartizan:acr:multi-factor")]
    MultiFactor,
    /// Two factors that cannot be given away to a forged page (`OpenID EAP ACR Values 1.0 §2`).
    #[serde(rename = "phr")]
    PhishingResistant,
}

impl Acr {
    /// Every class, weakest first, for discovery.
    pub const ALL: [Self; 3] = [Self::SingleFactor, Self::MultiFactor, Self::PhishingResistant];

    /// The value of `acr`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SingleFactor => "urn:bartizan:acr:single-factor",
            Self::MultiFactor => "urn:bartizan:acr:multi-factor",
            Self::PhishingResistant => "phr",
        }
    }

    /// The class that is called so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|acr| acr.as_str() == word)
    }
}

/// Everything that was shown, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Methods(Vec<Method>);

impl Methods {
    /// The same, and `method`.
    #[must_use]
    pub fn with(mut self, method: Method) -> Self {
        if !self.0.contains(&method) {
            self.0.push(method);
        }
        self
    }

    /// From the words that the store has; one that is unknown counts for nothing.
    pub(crate) fn parse(words: &str) -> Self {
        Self(words.split_whitespace().filter_map(Method::parse).collect())
    }

    /// What it is worth. A link is worth what a password is: one thing, which somebody else may have read.
    pub fn acr(&self) -> Acr {
        let has = |wanted: &[Method]| self.0.iter().any(|method| wanted.contains(method));
        if self.0.iter().any(|method| method.is_passkey()) {
            return Acr::PhishingResistant;
        }
        let has_second = has(&[Method::Totp, Method::RecoveryCode]);
        if has_second && has(&[Method::Password, Method::Link]) { Acr::MultiFactor } else { Acr::SingleFactor }
    }

    /// The values of `amr` (`RFC 8176 §2`).
    pub fn amr(&self) -> Vec<Arc<str>> {
        let mut words: Vec<&str> = Vec::new();
        for method in &self.0 {
            words.extend(match method {
                Method::Password => ["pwd"].as_slice(),
                Method::Totp | Method::RecoveryCode => &["otp"],
                Method::BoundPasskey => &["hwk", "user"],
                Method::SyncedPasskey => &["swk", "user"],
                Method::Link => &[],
            });
        }
        if self.acr() >= Acr::MultiFactor {
            words.push("mfa");
        }
        let mut seen: Vec<Arc<str>> = Vec::new();
        for word in words {
            if seen.iter().all(|it| &**it != word) {
                seen.push(word.into());
            }
        }
        seen
    }

    /// The last of them.
    pub(crate) fn last(&self) -> Option<Method> {
        self.0.last().copied()
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|method| method.as_str()).collect();
        out.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(all: &[Method]) -> Methods {
        all.iter().fold(Methods::default(), |methods, method| methods.with(*method))
    }

    #[test]
    fn two_things_of_one_kind_are_one_factor() {
        assert_eq!(methods(&[Method::Password]).acr(), Acr::SingleFactor);
        assert_eq!(methods(&[Method::Password, Method::Link]).acr(), Acr::SingleFactor);
        assert_eq!(methods(&[Method::Totp, Method::RecoveryCode]).acr(), Acr::SingleFactor);
        assert_eq!(methods(&[Method::Password, Method::Totp]).acr(), Acr::MultiFactor);
        assert_eq!(methods(&[Method::SyncedPasskey]).acr(), Acr::PhishingResistant);
    }

    #[test]
    fn what_was_shown_is_named_as_the_registry_names_it_and_survives_the_store() {
        let shown = methods(&[Method::Password, Method::Totp]);
        assert_eq!(shown.amr().iter().map(|it| &**it).collect::<Vec<_>>(), ["pwd", "otp", "mfa"]);
        assert_eq!(Methods::parse(&shown.to_string()), shown);
        assert_eq!(Methods::parse("pwd unheard-of"), methods(&[Method::Password]));
    }
}
