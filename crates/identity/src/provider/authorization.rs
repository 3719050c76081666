//! What an authorization request asks for, read from its parameters and judged without any I/O.

use super::client::{Client, GrantType};
use super::oauth_error::OAuthError;
use super::parameters::Parameters;

/// The longest `state` and `nonce`.
const LONGEST: usize = 2048;

/// How the answer travels back (`OAuth 2.0 Multiple Response Type Encoding Practices §2.1`, `Form Post Response Mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the redirect URI's query.
    Query,
    /// As a form that the browser posts.
    FormPost,
}

/// What the client wants to happen on the way (`OpenID Connect Core §3.1.2.1`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing may be shown.
    pub none: bool,
    /// Whoever it is proves it again.
    pub login: bool,
    /// They are asked again, whatever they allowed before.
    pub consent: bool,
    /// They choose who they are.
    pub select_account: bool,
}

/// An authorization request that holds, of a client that may make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Where the answer goes: one of the client's registered URIs.
    pub redirect_uri: String,
    /// How it travels.
    pub response_mode: ResponseMode,
    /// What the client gets back as it sent it.
    pub state: Option<String>,
    /// What the ID token repeats.
    pub nonce: Option<String>,
    /// What the client asks for and may have.
    pub scopes: Vec<String>,
    /// The challenge of PKCE (`RFC 7636 §4.2`), always by S256.
    pub code_challenge: String,
    /// What is to happen on the way.
    pub prompt: Prompt,
    /// How long ago the sign-in may be, in seconds.
    pub max_age: Option<u32>,
    /// Who is expected.
    pub login_hint: Option<String>,
    /// How strong the sign-in has to be: one of these.
    pub acr_values: Vec<String>,
    /// An ID token of whoever is expected.
    pub id_token_hint: Option<String>,
}

/// Where an error may be told to the client: only at a redirect URI that is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorTarget {
    /// The registered URI.
    pub redirect_uri: String,
    /// How the error travels.
    pub response_mode: ResponseMode,
    /// What the client gets back.
    pub state: Option<String>,
}

impl ErrorTarget {
    /// Where errors of this request go.
    ///
    /// # Errors
    /// Whoever sent it is told, and nobody is redirected: an unregistered URI would make this an open redirect (`RFC 9700 §4.11`).
    pub fn of(parameters: &Parameters, client: &Client) -> Result<Self, OAuthError> {
        let Some(redirect_uri) = parameters.get("redirect_uri") else {
            return Err(OAuthError::invalid_request("redirect-uri-missing", "`redirect_uri` is missing"));
        };
        if !client.admits_redirect(redirect_uri) {
            let description = "`redirect_uri` is not one that the client has registered";
            return Err(OAuthError::invalid_request("redirect-uri-unregistered", description));
        }
        let response_mode = match parameters.get("response_mode") {
            Some("form_post") => ResponseMode::FormPost,
            // What is wrong with another one is told in a query.
            _ => ResponseMode::Query,
        };
        let state = parameters.get("state").filter(|state| state.len() <= LONGEST).map(str::to_owned);
        Ok(Self { redirect_uri: redirect_uri.to_owned(), response_mode, state })
    }
}

impl AuthorizationRequest {
    /// Reads a request of `client`, whose answer may go to `target`.
    ///
    /// # Errors
    /// What the client is told at its redirect URI.
    pub fn read(parameters: &Parameters, client: &Client, target: ErrorTarget) -> Result<Self, OAuthError> {
        for (name, code) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
            if parameters.get(name).is_some() {
                return Err(OAuthError::new(code, "request-object", "request objects are not supported"));
            }
        }
        if parameters.get("response_type") != Some("code") {
            let description = "`response_type` has to be `code`: tokens do not travel through the browser";
            return Err(OAuthError::new("unsupported_response_type", "response-type", description));
        }
        if !matches!(parameters.get("response_mode"), None | Some("query" | "form_post")) {
            return Err(OAuthError::invalid_request(
                "response-mode",
                "`response_mode` has to be `query` or `form_post`",
            ));
        }
        if !client.may(GrantType::AuthorizationCode) {
            let description = "the client may not use this grant";
            return Err(OAuthError::new("unauthorized_client", "grant-not-registered", description));
        }
        let too_long = |name| parameters.get(name).is_some_and(|value: &str| value.len() > LONGEST);
        if ["state", "nonce", "login_hint", "acr_values"].into_iter().any(too_long) {
            return Err(OAuthError::invalid_request("parameter-too-long", "a parameter is too long"));
        }
        let words = |name| parameters.get(name).unwrap_or_default().split(' ').filter(|word| !word.is_empty());
        Ok(Self {
            code_challenge: code_challenge(parameters)?,
            prompt: Prompt::read(words("prompt"))?,
            max_age: max_age(parameters)?,
            // `OpenID Connect Core §3.1.2.1`: what is not understood is left out.
            scopes: client.granted(words("scope")),
            nonce: parameters.get("nonce").map(str::to_owned),
            login_hint: parameters.get("login_hint").map(str::to_owned),
            acr_values: words("acr_values").take(16).map(str::to_owned).collect(),
            id_token_hint: parameters.get("id_token_hint").map(str::to_owned),
            redirect_uri: target.redirect_uri,
            response_mode: target.response_mode,
            state: target.state,
        })
    }

    /// Whether it asks who somebody is, and not only for access.
    pub fn is_openid(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "openid")
    }
}

/// `RFC 7636 §4.3`. `plain` would show the verifier to everybody who sees the request (`RFC 9700 §2.1.1`).
fn code_challenge(parameters: &Parameters) -> Result<String, OAuthError> {
    let Some(challenge) = parameters.get("code_challenge") else {
        return Err(OAuthError::invalid_request(
            "pkce-missing",
            "`code_challenge` is missing: PKCE is required (RFC 7636)",
        ));
    };
    if parameters.get("code_challenge_method") != Some("S256") {
        return Err(OAuthError::invalid_request("pkce-method", "`code_challenge_method` has to be `S256`"));
    }
    let is_digest = challenge.len() == 43
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !is_digest {
        return Err(OAuthError::invalid_request(
            "pkce-challenge",
            "`code_challenge` is no SHA-256 digest in base64url",
        ));
    }
    Ok(challenge.to_owned())
}

fn max_age(parameters: &Parameters) -> Result<Option<u32>, OAuthError> {
    let fault = |_| OAuthError::invalid_request("max-age", "`max_age` is no number of seconds");
    parameters.get("max_age").map(|text| text.parse::<u32>().map_err(fault)).transpose()
}

impl Prompt {
    fn read<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, OAuthError> {
        let mut prompt = Self::default();
        for word in words {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                // `create` and what else there may be: asked for, not demanded.
                _ => {}
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(OAuthError::invalid_request("prompt", "`prompt=none` stands alone"));
        }
        Ok(prompt)
    }
}

#[cfg(test)]
mod tests {
    use bartizan_vault::TokenAlgorithm;

    use super::*;
    use crate::provider::client::{ClientAuthentication, ClientId, ClientKind, ClientOrigin, Consent, Registration};
    use crate::provider::redirect::RedirectUri;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn client() -> Client {
        Client {
            id: ClientId::new("shop").unwrap(),
            registration: Registration {
                name: "Shop".to_owned(),
                kind: ClientKind::Web,
                redirect_uris: vec![RedirectUri::new("https://shop.example/cb", ClientKind::Web).unwrap()],
                post_logout_redirect_uris: Vec::new(),
                grants: vec![GrantType::AuthorizationCode],
                scopes: vec!["openid".to_owned(), "email".to_owned()],
                audience: Vec::new(),
                consent: Consent::Ask,
                id_token_algorithm: TokenAlgorithm::Es256,
                jwks: None,
            },
            authentication: ClientAuthentication::None,
            is_enabled: true,
            origin: ClientOrigin::Declared,
        }
    }

    fn sound() -> Parameters {
        [
            ("client_id", "shop"),
            ("redirect_uri", "https://shop.example/cb"),
            ("response_type", "code"),
            ("scope", "openid email admin"),
            ("state", "xyz"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
        .into_iter()
        .collect()
    }

    fn read(parameters: &Parameters) -> Result<AuthorizationRequest, OAuthError> {
        let client = client();
        AuthorizationRequest::read(parameters, &client, ErrorTarget::of(parameters, &client)?)
    }

    fn refusal(name: &str, value: Option<&str>) -> (&'static str, &'static str) {
        let fault = read(&sound().with(name, value)).unwrap_err();
        (fault.code, fault.reason)
    }

    #[test]
    fn a_sound_request_is_read_with_the_scopes_that_the_client_may_have() {
        let request = read(&sound()).unwrap();
        assert_eq!(request.scopes, ["openid", "email"]);
        assert_eq!((request.state.as_deref(), request.response_mode), (Some("xyz"), ResponseMode::Query));
        assert!(request.is_openid());
    }

    #[test]
    fn rfc_9700_2_1_2_tokens_do_not_travel_through_the_browser() {
        for response_type in ["token", "id_token", "code token", "code id_token", "none", "CODE"] {
            assert_eq!(refusal("response_type", Some(response_type)).0, "unsupported_response_type");
        }
        assert_eq!(refusal("response_type", None).0, "unsupported_response_type");
        assert_eq!(refusal("response_mode", Some("fragment")), ("invalid_request", "response-mode"));
    }

    #[test]
    fn rfc_9700_4_8_pkce_cannot_be_left_out_or_weakened() {
        assert_eq!(refusal("code_challenge", None).1, "pkce-missing");
        assert_eq!(refusal("code_challenge_method", None).1, "pkce-method", "without a method it would be `plain`");
        assert_eq!(refusal("code_challenge_method", Some("plain")).1, "pkce-method");
        for challenge in ["short", &"a".repeat(44), &format!("{}+", "a".repeat(42))] {
            assert_eq!(refusal("code_challenge", Some(challenge)).1, "pkce-challenge");
        }
    }

    #[test]
    fn rfc_9700_4_11_an_error_never_goes_to_a_uri_that_is_not_registered() {
        let client = client();
        for uri in [Some("https://evil.example/cb"), Some("https://shop.example/cb/"), None] {
            let parameters = sound().with("redirect_uri", uri).with("response_type", Some("token"));
            assert!(ErrorTarget::of(&parameters, &client).is_err(), "{uri:?}");
        }
    }

    #[test]
    fn what_is_not_supported_is_said_and_not_ignored() {
        assert_eq!(refusal("request", Some("e30.e30.")).0, "request_not_supported");
        assert_eq!(refusal("request_uri", Some("https://shop.example/r")).0, "request_uri_not_supported");
        assert_eq!(refusal("prompt", Some("none login")), ("invalid_request", "prompt"));
        assert_eq!(refusal("max_age", Some("-1")), ("invalid_request", "max-age"));
        assert_eq!(refusal("nonce", Some(&"n".repeat(LONGEST + 1))).1, "parameter-too-long");
    }
}
