//! Requests to the authorization server. Its parsers need neither store nor keys: they are compiled here a second time.

#[path = "../../crates/identity/src/provider/authorization.rs"]
mod authorization;
#[path = "../../crates/identity/src/provider/oauth_error.rs"]
mod oauth_error;
#[path = "../../crates/identity/src/provider/parameters.rs"]
mod parameters;
#[path = "../../crates/identity/src/provider/redirect.rs"]
mod redirect;

/// What the parsers ask of a client.
mod client {
    use super::redirect::RedirectUri;

    #[derive(Clone, Copy, PartialEq, Eq)]
    pub enum ClientKind {
        Web,
        Native,
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    pub enum GrantType {
        AuthorizationCode,
    }

    pub struct Client(pub Vec<RedirectUri>, pub ClientKind);

    impl Client {
        pub fn may(&self, _: GrantType) -> bool {
            true
        }

        pub fn admits_redirect(&self, asked: &str) -> bool {
            self.0.iter().any(|uri| uri.admits(asked, self.1))
        }

        pub fn granted<'a>(&self, asked: impl IntoIterator<Item = &'a str>) -> Vec<String> {
            asked.into_iter().filter(|scope| *scope == "openid").map(str::to_owned).collect()
        }
    }
}

use authorization::{AuthorizationRequest, ErrorTarget};
use client::{Client, ClientKind};
use parameters::Parameters;
use redirect::RedirectUri;

const WEB: &str = "https://app.example/cb?x=1";
const NATIVE: &str = "http://127.0.0.1/cb";

/// The query of an authorization request, or the form of a token request: what is read is written back as it was read, and an answer goes
/// to a registered URI or nowhere.
pub fn oauth_request(input: &[u8]) {
    let Ok(parameters) = Parameters::parse(input) else { return };
    assert_eq!(Parameters::parse(parameters.encoded().as_bytes()), Ok(parameters.clone()));
    for (uri, kind) in [(WEB, ClientKind::Web), (NATIVE, ClientKind::Native)] {
        let client = Client(vec![RedirectUri::new(uri, kind).expect("a sound URI")], kind);
        let Ok(target) = ErrorTarget::of(&parameters, &client) else { continue };
        let asked = target.redirect_uri.clone();
        match kind {
            ClientKind::Web => assert_eq!(asked, WEB),
            ClientKind::Native => {
                let port = asked.strip_prefix("http://127.0.0.1").and_then(|rest| rest.strip_suffix("/cb"));
                let port = port.expect("the registered host and path");
                assert!(port.is_empty() || port.strip_prefix(':').is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit())));
            }
        }
        if let Ok(request) = AuthorizationRequest::read(&parameters, &client, target) {
            assert_eq!((request.redirect_uri, request.code_challenge.len()), (asked, 43));
            assert_eq!(parameters.get("code_challenge_method"), Some("S256"));
            assert!(request.scopes.iter().all(|scope| scope == "openid"));
        }
    }
}
