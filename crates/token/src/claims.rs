use std::sync::Arc;

use bartizan_policy::{
    Authentication, CredentialKind, Principal, PrincipalKind, Strength, Subject, Timestamp, TokenId,
};
use serde_json::{Map, Value};

use crate::issuer::{Issuer, KeySource, Presence};
use crate::{Binding, TokenError};

/// The claims of one token, as a JSON object; wrong types are faults, never silently nothing.
pub(crate) struct Claims(Value);

impl Claims {
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        Self(Value::Object(members))
    }

    pub(crate) fn issuer(&self) -> Result<Option<&str>, TokenError> {
        self.text("iss", "`iss` is no string")
    }

    /// Whether the token is meant for the gate as `issuer` knows it. A token that names audiences, none of them configured, is
    /// for somebody else even where `aud` may be absent (`RFC 7519 §4.1.3`).
    pub(crate) fn check_audience(&self, issuer: &Issuer) -> Result<(), TokenError> {
        let is_ours = |audience: &str| issuer.audience.iter().any(|ours| ours == audience);
        match self.0.get("aud") {
            None if issuer.require.audience == Presence::Optional => Ok(()),
            None => Err(TokenError::MissingClaim("aud")),
            Some(Value::String(audience)) if is_ours(audience) => Ok(()),
            Some(Value::String(_)) => Err(TokenError::WrongAudience),
            Some(Value::Array(audiences)) => {
                let texts: Option<Vec<_>> = audiences.iter().map(Value::as_str).collect();
                let audiences = texts.ok_or(TokenError::Malformed("`aud` holds something other than strings"))?;
                if audiences.into_iter().any(is_ours) { Ok(()) } else { Err(TokenError::WrongAudience) }
            }
            Some(_) => Err(TokenError::Malformed("`aud` is neither a string nor an array")),
        }
    }

    /// Refuses other tokens of the same issuer that carry no telling `typ` (`RFC 8725 §3.12`): logout tokens and security
    /// events have `events` (`OpenID Connect Back-Channel Logout §2.4`, `RFC 8417 §2.2`).
    pub(crate) fn check_kind(&self) -> Result<(), TokenError> {
        if self.0.get("events").is_some() {
            return Err(TokenError::TypeRefused);
        }
        Ok(())
    }

    /// What the token is bound to (`RFC 7800 §3.1`).
    pub(crate) fn binding(&self, issuer: &Issuer) -> Result<Binding, TokenError> {
        let binding = Binding::parse(self.0.get("cnf"))?;
        if binding.key.is_none() && issuer.dpop.binding == Presence::Required {
            return Err(TokenError::BindingRequired);
        }
        Ok(binding)
    }

    /// Whether the issuer, asked about the token, says that it counts (`RFC 7662 §2.2`).
    pub(crate) fn check_active(&self) -> Result<(), TokenError> {
        match self.0.get("active") {
            Some(Value::Bool(true)) => Ok(()),
            Some(Value::Bool(false)) => Err(TokenError::Inactive),
            _ => Err(TokenError::Malformed("`active` is not there or no boolean")),
        }
    }

    /// Whether the answer is about a token of `issuer`: a server may answer for several, and may leave the name out.
    pub(crate) fn check_issuer(&self, issuer: &Issuer) -> Result<(), TokenError> {
        match self.issuer()? {
            Some(claimed) if claimed != issuer.name.as_str() => Err(TokenError::UnknownIssuer),
            _ => Ok(()),
        }
    }

    /// `RFC 7519 §4.1.4` to `§4.1.6`; returns when the token was issued and when it ends.
    pub(crate) fn check_times(
        &self,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), TokenError> {
        let expires_at = self.time("exp", "`exp` is no time")?;
        let not_before = self.time("nbf", "`nbf` is no time")?;
        let issued_at = self.time("iat", "`iat` is no time")?;
        if expires_at.is_none() && issuer.require.expiry == Presence::Required {
            return Err(TokenError::MissingClaim("exp"));
        }
        let expires_at = limit_lifetime(issuer, now, issued_at, expires_at)?;
        if expires_at.is_some_and(|end| now >= end.after(issuer.leeway)) {
            return Err(TokenError::Expired);
        }
        let latest = now.after(issuer.leeway);
        if not_before.is_some_and(|start| start > latest) {
            return Err(TokenError::NotYetValid);
        }
        if issued_at.is_some_and(|issued| issued > latest) {
            return Err(TokenError::IssuedInFuture);
        }
        Ok((issued_at, expires_at))
    }

    /// The principal that the checked claims describe.
    pub(crate) fn into_principal(
        self,
        issuer: &Issuer,
        (issued_at, expires_at): (Option<Timestamp>, Option<Timestamp>),
        binding: &Binding,
    ) -> Result<Principal, TokenError> {
        let subject = self.subject(&issuer.claims.subject)?;
        let client = match self.text("client_id", "`client_id` is no string")? {
            Some(client) => Some(client),
            None => self.text("azp", "`azp` is no string")?,
        };
        // RFC 9068 §2.2: a client that acts for itself is its own subject.
        let kind = if client == Some(&subject) { PrincipalKind::Service } else { PrincipalKind::User };
        let client = client.map(Arc::from);
        Ok(Principal {
            issuer: issuer.name.clone(),
            kind,
            credential: if binding.key.is_some() { CredentialKind::Dpop } else { CredentialKind::Bearer },
            strength: strength(issuer),
            token_id: self.text("jti", "`jti` is no string")?.map(TokenId::from),
            client,
            roles: self.list(&issuer.claims.roles, Split::Whole, "the roles are no strings")?,
            scopes: self.list(&issuer.claims.scopes, Split::AtSpaces, "the scopes are no strings")?,
            authentication: Authentication {
                time: self.time("auth_time", "`auth_time` is no time")?,
                acr: self.text("acr", "`acr` is no string")?.map(Arc::from),
                amr: self.list("/amr", Split::Whole, "`amr` holds something other than strings")?,
            },
            subject: Subject::from(subject),
            issued_at,
            expires_at,
            attributes: match self.0 {
                Value::Object(members) => members,
                _ => Map::new(),
            },
        })
    }

    fn text(&self, name: &str, fault: &'static str) -> Result<Option<&str>, TokenError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenError::Malformed(fault)),
        }
    }

    fn time(&self, name: &str, fault: &'static str) -> Result<Option<Timestamp>, TokenError> {
        self.0.get(name).map(|value| numeric_date(value).ok_or(TokenError::Malformed(fault))).transpose()
    }

    /// Whole numbers count as well: a backend's own tokens often carry the row's id. Control characters do not: a subject goes
    /// into logs and header fields.
    fn subject(&self, pointer: &str) -> Result<String, TokenError> {
        let subject = match self.0.pointer(pointer) {
            None => return Err(TokenError::MissingClaim("sub")),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if !number.is_f64() => number.to_string(),
            Some(_) => return Err(TokenError::Malformed("the subject is neither a string nor a whole number")),
        };
        if subject.is_empty() || subject.chars().any(char::is_control) {
            return Err(TokenError::Malformed("the subject is empty or holds control characters"));
        }
        Ok(subject)
    }

    fn list(&self, pointer: &str, split: Split, fault: &'static str) -> Result<Vec<Arc<str>>, TokenError> {
        match self.0.pointer(pointer) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(match split {
                Split::Whole => vec![Arc::from(text.as_str())],
                Split::AtSpaces => text.split(' ').filter(|part| !part.is_empty()).map(Arc::from).collect(),
            }),
            Some(Value::Array(elements)) => elements
                .iter()
                .map(|element| element.as_str().filter(|text| split.allows(text)).map(Arc::from))
                .map(|element| element.ok_or(TokenError::Malformed(fault)))
                .collect(),
            Some(_) => Err(TokenError::Malformed(fault)),
        }
    }
}

/// How a claim that is one string is read as a list.
#[derive(Clone, Copy)]
enum Split {
    Whole,
    AtSpaces,
}

impl Split {
    /// A scope with a space in it (`RFC 6749 §3.3`) would become two where scopes are joined again.
    fn allows(self, element: &str) -> bool {
        matches!(self, Self::Whole) || !element.contains(' ')
    }
}

/// When the token ends once the longest lifetime is applied.
fn limit_lifetime(
    issuer: &Issuer,
    now: Timestamp,
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
) -> Result<Option<Timestamp>, TokenError> {
    let Some(longest) = issuer.max_lifetime else {
        return Ok(expires_at);
    };
    match (issued_at, expires_at) {
        (None, None) => Err(TokenError::MissingClaim("exp")),
        (Some(issued), None) => Ok(Some(issued.after(longest))),
        (issued, Some(end)) if end > issued.unwrap_or(now).after(longest) => Err(TokenError::LifetimeTooLong),
        (_, end) => Ok(end),
    }
}

fn strength(issuer: &Issuer) -> Strength {
    if matches!(issuer.keys, KeySource::Shared(_)) || issuer.require.is_loosened() {
        Strength::Weaker
    } else {
        Strength::Full
    }
}

/// A `NumericDate` (`RFC 7519 §2`) without its fraction. Strings, negative times and those beyond the year 9999 are none.
pub(crate) fn numeric_date(value: &Value) -> Option<Timestamp> {
    const END_OF_9999: i64 = 253_402_300_799;
    #[expect(clippy::cast_precision_loss, reason = "the bound has 38 bits, which a double holds exactly")]
    const LAST: f64 = END_OF_9999 as f64;
    let seconds = match value.as_i64() {
        Some(whole) => whole,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "dropping the fraction is meant; the range is checked first"
        )]
        None => value.as_f64().filter(|seconds| (0.0..=LAST).contains(seconds))? as i64,
    };
    (0..=END_OF_9999).contains(&seconds).then(|| Timestamp::from_unix(seconds))
}

/// Whether `pointer` is a JSON Pointer that names something within an object (`RFC 6901 §3`).
pub(crate) fn is_pointer(pointer: &str) -> bool {
    let escapes_are_whole = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    pointer.starts_with('/') && pointer.len() > 1 && escapes_are_whole
}

/// Whether a token of this `iss`, or of none, is for `issuer` to judge.
pub(crate) fn names(issuer: &Issuer, claimed: Option<&str>) -> bool {
    match claimed {
        Some(claimed) => issuer.name.as_str() == claimed,
        None => issuer.require.issuer == Presence::Optional,
    }
}
