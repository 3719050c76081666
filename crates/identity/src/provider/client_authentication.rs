//! Which client sends a request, proven in one way (`RFC 6749 §2.3`, `RFC 7523 §2.2`).

use std::sync::Arc;
use std::time::Duration;

use bartizan_store::{Expect, Query, Write};
use bartizan_token::{Jws, KeySet};
use bartizan_vault::sha256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;

use super::Provider;
use super::client::{Client, ClientAuthentication, ClientId};
use super::error::Refused;
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use crate::Moment;

const REMEMBER: Query = Query::new("INSERT INTO provider_used_assertion (hash, expires_at) VALUES ($1, $2)");

pub(super) const QUERIES: &[Query] = &[REMEMBER];

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion may be good for this long at most: one that was seen is remembered until then.
const LONGEST_ASSERTION: Duration = Duration::from_mins(10);
const LEEWAY: Duration = Duration::from_secs(30);

/// How a request says which client it is from.
enum Shown {
    Nothing(ClientId),
    /// The secret, in each way that it can be read.
    Secret(ClientId, Vec<String>),
    Assertion(String),
}

/// What is read of an assertion (`RFC 7523 §3`).
#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    nbf: Option<i64>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Provider {
    /// The client that sends the request. One that could prove itself has to.
    pub(super) async fn client_of(&self, headers: &HeaderMap, parameters: &Parameters) -> Result<Arc<Client>, Refused> {
        let (client, is_proven) = match shown(headers, parameters)? {
            Shown::Nothing(id) => {
                let client = self.enabled(&id)?;
                let is_public = !client.is_confidential();
                (client, is_public)
            }
            Shown::Secret(id, readings) => {
                let (client, now) = (self.enabled(&id)?, self.ground.now());
                let is_proven = readings.iter().any(|secret| client.knows_secret(secret.as_bytes(), now));
                (client, is_proven)
            }
            Shown::Assertion(assertion) => (self.client_of_assertion(&assertion).await?, true),
        };
        if is_proven { Ok(client) } else { Err(OAuthError::invalid_client("client-proof-wrong").into()) }
    }

    fn enabled(&self, id: &ClientId) -> Result<Arc<Client>, OAuthError> {
        let client = self.clients.find(id).ok_or(OAuthError::invalid_client("client-unknown"))?;
        if client.is_enabled { Ok(client) } else { Err(OAuthError::invalid_client("client-disabled")) }
    }

    async fn client_of_assertion(&self, text: &str) -> Result<Arc<Client>, Refused> {
        const WRONG: OAuthError = OAuthError::invalid_client("client-assertion-wrong");
        // Whose keys are to be tried is read before anything is verified, and used for nothing else.
        let claimed = unverified_subject(text).and_then(|id| ClientId::new(&id)).ok_or(WRONG)?;
        let client = self.enabled(&claimed)?;
        let ClientAuthentication::PrivateKeyJwt(keys) = &client.authentication else { return Err(WRONG.into()) };
        let assertion = verified(text, keys).ok_or(WRONG)?;
        let now = self.ground.now();
        let is_for_us = |audience: &String| *audience == *self.issuer || *audience == self.endpoint("token");
        let audience_fits = match &assertion.aud {
            Audience::One(audience) => is_for_us(audience),
            Audience::Many(audiences) => audiences.iter().any(is_for_us),
        };
        let ends = Moment::from_micros(assertion.exp.saturating_mul(1_000_000));
        let begins = Moment::from_micros(assertion.nbf.unwrap_or(0).saturating_mul(1_000_000));
        let is_in_time =
            now < ends.after(LEEWAY) && ends <= now.after(LONGEST_ASSERTION) && begins <= now.after(LEEWAY);
        let names_itself = assertion.iss == claimed.as_str() && assertion.sub == claimed.as_str();
        if !(audience_fits && is_in_time && names_itself && (1..=512).contains(&assertion.jti.len())) {
            return Err(WRONG.into());
        }
        // It counts once (`RFC 7523 §3`, `jti`), at whichever node.
        let hash = sha256([claimed.as_str().as_bytes(), &[0], assertion.jti.as_bytes()].concat().as_slice());
        match self.ground.write(Write::new(REMEMBER, [hash.into(), ends.after(LEEWAY).into()], Expect::One)).await {
            Ok(_) => Ok(client),
            Err(fault) if fault.is_duplicate() => Err(OAuthError::invalid_client("client-assertion-replayed").into()),
            Err(fault) => Err(fault.into()),
        }
    }
}

fn shown(headers: &HeaderMap, parameters: &Parameters) -> Result<Shown, OAuthError> {
    let several = OAuthError::invalid_request("several-client-proofs", "the client proves itself in more than one way");
    let id = |text: &str| ClientId::new(text).ok_or(OAuthError::invalid_client("client-id-malformed"));
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let (header, None) = (fields.next(), fields.next()) else { return Err(several) };
    let (secret, assertion) = (parameters.get("client_secret"), parameters.get("client_assertion"));
    let body_id = parameters.get("client_id");
    match (header, secret, assertion) {
        (Some(header), None, None) => {
            let (name, readings) =
                basic(header.as_bytes()).ok_or(OAuthError::invalid_client("client-basic-malformed"))?;
            if body_id.is_some_and(|other| other != name) {
                return Err(several);
            }
            Ok(Shown::Secret(id(&name)?, readings))
        }
        (None, Some(secret), None) => {
            let name = body_id.ok_or(OAuthError::invalid_client("client-id-missing"))?;
            Ok(Shown::Secret(id(name)?, vec![secret.to_owned()]))
        }
        (None, None, Some(assertion)) => {
            if parameters.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                return Err(OAuthError::invalid_client("client-assertion-type"));
            }
            Ok(Shown::Assertion(assertion.to_owned()))
        }
        (None, None, None) => Ok(Shown::Nothing(id(body_id.ok_or(OAuthError::invalid_client("client-id-missing"))?)?)),
        _ => Err(several),
    }
}

/// Id and secret of `Basic` credentials. Clients encode both as forms before they join them (`RFC 6749 §2.3.1`), or forget to: a `+` may be
/// a space or a `+`, so that the secret is read in both ways.
fn basic(header: &[u8]) -> Option<(String, Vec<String>)> {
    let (scheme, encoded) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let id = decoded(id).unwrap_or_else(|| id.to_owned());
    Some((id, decoded(secret).into_iter().chain([secret.to_owned()]).collect()))
}

/// The decoder is one for whole forms, and splits at `&` and `=`: in what was encoded, both stand encoded.
fn decoded(text: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    let (name, _) = pairs.next()?;
    (pairs.next().is_none() && !text.contains('=')).then(|| name.into_owned())
}

fn unverified_subject(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let payload = assertion.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    Some(serde_json::from_slice::<Subject>(&bytes).ok()?.sub)
}

fn verified(assertion: &str, keys: &KeySet) -> Option<Assertion> {
    let jws = Jws::parse(assertion).ok()?;
    serde_json::from_slice(jws.verify(keys).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(credentials: &str) -> HeaderMap {
        let value = format!("Basic {}", STANDARD.encode(credentials));
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&value).unwrap())])
    }

    #[test]
    fn basic_credentials_are_decoded_as_forms() {
        let plain = basic(headers("shop:btz_cs_a-b_c").get(AUTHORIZATION).unwrap().as_bytes()).unwrap();
        assert_eq!(plain, ("shop".to_owned(), vec!["btz_cs_a-b_c".to_owned(); 2]));
        let encoded = basic(headers("a%3Ab:p%25+q").get(AUTHORIZATION).unwrap().as_bytes()).unwrap();
        assert_eq!(encoded, ("a:b".to_owned(), vec!["p% q".to_owned(), "p%25+q".to_owned()]));
        let unencoded = basic(headers("shop:a+b/c=").get(AUTHORIZATION).unwrap().as_bytes()).unwrap();
        assert_eq!(unencoded, ("shop".to_owned(), vec!["a+b/c=".to_owned()]));
        assert_eq!(basic(b"Bearer x"), None);
        assert_eq!(basic(b"Basic !!"), None);
    }

    #[test]
    fn two_proofs_in_one_request_are_refused() {
        let body: Parameters = [("client_id", "shop"), ("client_secret", "s")].into_iter().collect();
        assert_eq!(shown(&headers("shop:s"), &body).err().unwrap().reason, "several-client-proofs");
        let other: Parameters = [("client_id", "other")].into_iter().collect();
        assert_eq!(shown(&headers("shop:s"), &other).err().unwrap().reason, "several-client-proofs");
        let both: Parameters =
            [("client_id", "shop"), ("client_secret", "s"), ("client_assertion", "a")].into_iter().collect();
        assert_eq!(shown(&HeaderMap::new(), &both).err().unwrap().reason, "several-client-proofs");
    }
}
