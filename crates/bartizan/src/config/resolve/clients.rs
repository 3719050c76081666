//! Clients of the gate's own sign-in, and how long their tokens are good for.

use std::time::Duration;

use bartizan_gateway::config as gateway;
use bartizan_gateway::config::TrustedIssuer;
use bartizan_identity::people::Acr;
use bartizan_identity::provider::client::{
    Client, ClientId, ClientKind, Consent, GrantType, Registration, RegistrationError,
};
use bartizan_identity::provider::redirect::RedirectUri;
use bartizan_identity::provider::{Lifetimes, ProviderConfig, RefreshRules};
use bartizan_token::{Issuer, KeySource};
use bartizan_vault::TokenAlgorithm;

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{self, ClientConsent, File, Grant, IdTokenAlgorithm, Tokens};
use crate::config::tree::Place;

/// An access token cannot be taken back from services that check it by themselves.
const LONGEST_ACCESS: Duration = Duration::from_hours(1);
/// Within the grace, a stolen refresh token is as good as the real one.
const LONGEST_GRACE: Duration = Duration::from_mins(1);

impl Resolver<'_> {
    /// What the provider is told; `None` without a sign-in, and then no clients make sense.
    pub(super) fn provider(&mut self, file: &File) -> Option<ProviderConfig> {
        let places: Vec<Place> = (0..file.clients.len()).map(|index| self.element("clients", index)).collect();
        let ids: Vec<_> =
            file.clients.iter().zip(&places).map(|(it, place)| (it.id.clone(), place.key("id"))).collect();
        self.duplicates(ids, |id| format!("two clients have the id `{id}`"), "give each an id of its own");
        let clients: Vec<_> =
            file.clients.iter().zip(&places).filter_map(|(client, place)| self.client(client, place)).collect();
        let Some(identity) = &file.identity else {
            if let Some(place) = places.first() {
                let message = "`[[clients]]` get their tokens from the gate's own sign-in, and there is none";
                self.error(FaultKind::Contradiction, place, message, "add `[identity]`, or leave the clients out");
            }
            return None;
        };
        let (lifetimes, refresh) = self.tokens(&identity.tokens);
        Some(ProviderConfig { lifetimes, refresh, clients })
    }

    fn tokens(&mut self, tokens: &Tokens) -> (Lifetimes, RefreshRules) {
        let place = Place::root().key("identity").key("tokens");
        let access = tokens.access.get();
        let (grace, idle, absolute) =
            (tokens.refresh_grace.get(), tokens.refresh_idle.get(), tokens.refresh_absolute.get());
        if access < Duration::from_secs(30) || access > LONGEST_ACCESS {
            let message = "an access token is good for 30 seconds at least, and for an hour at most: nobody can take it back everywhere";
            self.error(
                FaultKind::OutOfRange,
                &place.key("access"),
                message,
                "write `\"15m\"`, and let clients refresh",
            );
        }
        if grace > LONGEST_GRACE {
            let message = "whoever has stolen a refresh token could use it unseen for so long";
            self.error(FaultKind::OutOfRange, &place.key("refresh_grace"), message, "write at most `\"1m\"`");
        }
        if idle <= access || absolute < idle {
            let message = "refresh tokens outlive access tokens, and do so for `refresh_absolute` at most";
            let remedy = "write them in this order: `access`, `refresh_idle`, `refresh_absolute`";
            self.error(FaultKind::Contradiction, &place, message, remedy);
        }
        (Lifetimes { access, ..Lifetimes::default() }, RefreshRules { grace, idle, absolute })
    }

    fn client(&mut self, client: &literal::Client, place: &Place) -> Option<Client> {
        let kind = match client.kind {
            literal::ClientKind::Web => ClientKind::Web,
            literal::ClientKind::Native => ClientKind::Native,
        };
        let secret = match &client.secret {
            Some(secret) => Some(self.secret(secret, &place.key("secret"))?),
            None => None,
        };
        let jwks = match &client.jwks {
            Some(path) => {
                let content = self.content(path, &place.key("jwks"), "client's key set")?;
                self.contents.push(content.clone());
                Some(String::from_utf8(content).unwrap_or_default())
            }
            None => None,
        };
        if secret.is_some() && jwks.is_some() {
            let message = "a client proves itself in one way";
            self.error(FaultKind::Contradiction, &place.key("jwks"), message, "leave `secret` out, or `jwks`");
        }
        let Some(id) = ClientId::new(&client.id) else {
            let message = format!("`{}` cannot be a client's id", client.id);
            let remedy =
                "write letters, digits and `-._~:/`, and not 32 hexadecimal digits, which is how accounts are named";
            self.error(FaultKind::Malformed, &place.key("id"), message, remedy);
            return None;
        };
        let redirect_uris = self.redirect_uris(client, kind, place)?;
        let registration = Registration {
            name: client.name.clone(),
            kind,
            redirect_uris,
            post_logout_redirect_uris: client.post_logout_redirect_uris.clone(),
            grants: client.grants.iter().map(|grant| grant_type(*grant)).collect(),
            scopes: client.scopes.clone(),
            audience: client.audience.clone(),
            consent: match client.consent {
                ClientConsent::Ask => Consent::Ask,
                ClientConsent::FirstParty => Consent::FirstParty,
            },
            id_token_algorithm: match client.id_token_algorithm {
                IdTokenAlgorithm::ES256 => TokenAlgorithm::Es256,
                IdTokenAlgorithm::EdDSA => TokenAlgorithm::EdDsa,
                IdTokenAlgorithm::RS256 => TokenAlgorithm::Rs256,
            },
            jwks,
        };
        match Client::declared(id, registration, secret.as_ref()) {
            Ok(client) => Some(client),
            Err(fault) => {
                let (key, remedy) = remedy(&fault);
                self.error(FaultKind::Malformed, &place.key(key), fault.to_string(), remedy);
                None
            }
        }
    }

    fn redirect_uris(&mut self, client: &literal::Client, kind: ClientKind, place: &Place) -> Option<Vec<RedirectUri>> {
        let place = place.key("redirect_uris");
        let taken = client.redirect_uris.iter().enumerate().map(|(index, uri)| match RedirectUri::new(uri, kind) {
            Ok(uri) => Some(uri),
            Err(fault) => {
                let remedy = "write the whole URI that the application is called back at, as the application sends it";
                self.error(FaultKind::Malformed, &place.index(index), format!("`{uri}` {fault}"), remedy);
                None
            }
        });
        let taken: Vec<_> = taken.collect();
        taken.into_iter().collect()
    }
}

const fn grant_type(grant: Grant) -> GrantType {
    match grant {
        Grant::AuthorizationCode => GrantType::AuthorizationCode,
        Grant::RefreshToken => GrantType::RefreshToken,
        Grant::ClientCredentials => GrantType::ClientCredentials,
        Grant::DeviceCode => GrantType::DeviceCode,
    }
}

/// Where a registration is wrong, and what to do.
const fn remedy(fault: &RegistrationError) -> (&'static str, &'static str) {
    match fault {
        RegistrationError::Name => ("name", "write what people know it by"),
        RegistrationError::RedirectUri { .. } => {
            ("post_logout_redirect_uris", "write the whole URI, as the application sends it")
        }
        RegistrationError::NoRedirectUri => ("redirect_uris", "write the URI that the application is called back at"),
        RegistrationError::PublicServiceClient => ("grants", "add `secret = { env = \"…\" }`, or leave the grant out"),
        RegistrationError::NoGrant | RegistrationError::NothingToRefresh => {
            ("grants", "write `[\"authorization_code\", \"refresh_token\"]`")
        }
        RegistrationError::Scope { .. } => ("scopes", "write one word for each scope"),
        RegistrationError::Keys => {
            ("jwks", "write the client's public keys as a JWKS: EC on P-256 or P-384, Ed25519, or RSA")
        }
        RegistrationError::WeakSecret => ("secret", "make one by `openssl rand -base64 32`"),
    }
}

/// The gate's own tokens, as one of the issuers that it accepts: its keys come from this process.
pub(super) fn own_issuer(sign_in: &bartizan_identity::Config) -> TrustedIssuer {
    let mut issuer = Issuer::new(sign_in.issuer(), vec![sign_in.origin.to_string()], KeySource::Published);
    issuer.algorithms = vec![bartizan_token::Algorithm::Es256];
    issuer.token_types = vec!["at+jwt".to_owned()];
    TrustedIssuer { issuer, fetch: None, introspection: None }
}

/// Where browsers without a session are sent.
pub(super) fn way_to_sign_in(sign_in: &bartizan_identity::Config) -> gateway::SignIn {
    gateway::SignIn { path: format!("{}/login", sign_in.path).into(), multi_factor: Acr::MultiFactor.as_str().into() }
}
