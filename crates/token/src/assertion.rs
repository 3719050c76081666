use std::time::Duration;

use bartizan_policy::{CredentialKind, Principal, Strength, Timestamp};
use bartizan_vault::{PublicKey, SigningKey, VaultError};
use serde::Serialize;

use crate::base64url;
use crate::fingerprint::sha256;

/// Makes `Bartizan-Assertion`: a short-lived JWT that tells an upstream who calls and what the gate decided, so that it need
/// not trust the network between them.
///
/// To rotate the key, make a new signer with the old public key among `previous`, and keep it there for longer than the
/// lifetime plus the time that upstreams cache [`jwks`](Self::jwks).
pub struct AssertionSigner {
    current: SigningKey,
    /// The header of every assertion, encoded: it changes with the key only.
    header: String,
    jwks: String,
    issuer: String,
    lifetime: Duration,
}

/// What is asserted about one request.
#[derive(Clone, Copy, Debug)]
pub struct AssertionClaims<'a> {
    /// The upstream that may accept it.
    pub audience: &'a str,
    /// Who calls; nobody for a public route.
    pub principal: Option<&'a Principal>,
    /// The name of the route that matched.
    pub route: &'a str,
    /// What the gate decided.
    pub decision: Decision,
}

/// What the gate decided about a request that it forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The route's rules were met.
    Allowed,
    /// They were not, but the route only observes.
    Observed,
}

/// Why no assertion could be made.
#[derive(Debug, thiserror::Error)]
pub enum AssertionError {
    /// The key failed to sign.
    #[error("the assertion could not be signed")]
    Signing(#[source] VaultError),
    /// The claims could not be written as JSON.
    #[error("the assertion could not be encoded")]
    Encoding(#[source] serde_json::Error),
}

impl AssertionSigner {
    /// A signer of assertions by `issuer`, each valid for `lifetime`. Upstreams still accept what the holders of `previous` signed.
    pub fn new(current: SigningKey, previous: Vec<PublicKey>, issuer: String, lifetime: Duration) -> Self {
        let keys = std::iter::once(current.public()).chain(previous);
        let jwks = JwkSet { keys: keys.map(|key| Jwk::new(&key)).collect() };
        let key_id = thumbprint(&current.public());
        let header = base64url::encode(format!(r#"{{"alg":"ES256","typ":"bartizan-assertion+jwt","kid":"{key_id}"}}"#));
        Self { current, header, jwks: serde_json::json!(jwks).to_string(), issuer, lifetime }
    }

    /// Signs what `claims` says as of `now`.
    ///
    /// # Errors
    /// An [`AssertionError`]; the request must not be forwarded without its assertion.
    pub fn sign(&self, claims: &AssertionClaims<'_>, now: Timestamp) -> Result<String, AssertionError> {
        let payload = serde_json::to_vec(&Payload::new(self, claims, now)).map_err(AssertionError::Encoding)?;
        let mut token = format!("{}.{}", self.header, base64url::encode(payload));
        let signature = self.current.sign(token.as_bytes()).map_err(AssertionError::Signing)?;
        token.push('.');
        token.push_str(&base64url::encode(signature));
        Ok(token)
    }

    /// How long each assertion is valid.
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The public keys as a JSON Web Key Set (`RFC 7517 §5`), the current one first.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }
}

#[derive(Serialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

#[derive(Serialize)]
struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
    kid: String,
    #[serde(rename = "use")]
    purpose: &'static str,
    alg: &'static str,
}

impl Jwk {
    fn new(key: &PublicKey) -> Self {
        Self {
            kty: "EC",
            crv: "P-256",
            x: base64url::encode(key.x),
            y: base64url::encode(key.y),
            kid: thumbprint(key),
            purpose: "sig",
            alg: "ES256",
        }
    }
}

/// `RFC 7638 §3`: the hash of the required members in lexical order without white space.
fn thumbprint(key: &PublicKey) -> String {
    let (x, y) = (base64url::encode(key.x), base64url::encode(key.y));
    base64url::encode(sha256(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes()))
}

/// The claims (`RFC 7519 §4.1`, `RFC 9068 §2.2`, `OpenID Connect Core §2`); `idp` is who vouches for the subject.
#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: Timestamp,
    nbf: Timestamp,
    exp: Timestamp,
    route: &'a str,
    decision: Decision,
    credential: &'static str,
    #[serde(flatten)]
    caller: Option<Caller<'a>>,
}

#[derive(Serialize)]
struct Caller<'a> {
    sub: &'a str,
    idp: &'a str,
    strength: Strength,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<Timestamp>,
}

impl<'a> Payload<'a> {
    fn new(signer: &'a AssertionSigner, claims: &AssertionClaims<'a>, now: Timestamp) -> Self {
        Self {
            iss: &signer.issuer,
            aud: claims.audience,
            iat: now,
            nbf: now,
            exp: now.after(signer.lifetime),
            route: claims.route,
            decision: claims.decision,
            credential: claims.principal.map_or("none", |principal| CredentialKind::as_str(principal.credential)),
            caller: claims.principal.map(Caller::new),
        }
    }
}

impl<'a> Caller<'a> {
    fn new(principal: &'a Principal) -> Self {
        Self {
            sub: principal.subject.as_str(),
            idp: principal.issuer.as_str(),
            strength: principal.strength,
            client_id: principal.client.as_deref(),
            roles: principal.roles.iter().map(AsRef::as_ref).collect(),
            scope: principal.scopes.join(" "),
            acr: principal.authentication.acr.as_deref(),
            amr: principal.authentication.amr.iter().map(AsRef::as_ref).collect(),
            auth_time: principal.authentication.time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the `jkt` of `RFC 9449 §4.2` and `§6.1`.
    #[test]
    fn a_key_id_is_the_thumbprint_that_the_standards_example_has() {
        let coordinate = |text: &str| base64url::decode(text).unwrap().try_into().unwrap();
        let key = PublicKey {
            x: coordinate("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"),
            y: coordinate("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"),
        };
        assert_eq!(thumbprint(&key), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }
}
