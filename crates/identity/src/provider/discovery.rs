//! What the provider says of itself (`OpenID Connect Discovery §3`, `RFC 8414 §2`).

use bartizan_vault::TokenAlgorithm;
use serde_json::json;

use super::Provider;
use super::client::GrantType;
use crate::people::Acr;

impl Provider {
    /// The metadata, for both standards.
    pub(super) fn metadata(&self) -> String {
        let endpoint = |name| self.endpoint(name);
        let client_proofs = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
        let confidential_proofs = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
        let assertion_algorithms: Vec<_> = bartizan_token::Algorithm::PUBLIC_KEY.iter().map(|it| it.as_str()).collect();
        json!({
            "issuer": &*self.issuer,
            "authorization_endpoint": endpoint("authorize"),
            "token_endpoint": endpoint("token"),
            "userinfo_endpoint": endpoint("userinfo"),
            "jwks_uri": endpoint("jwks"),
            "device_authorization_endpoint": endpoint("device"),
            "revocation_endpoint": endpoint("revoke"),
            "introspection_endpoint": endpoint("introspect"),
            "end_session_endpoint": endpoint("logout"),
            "scopes_supported": ["openid", "profile", "email", "roles", "groups", "attributes", "offline_access"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": GrantType::ALL.map(GrantType::as_str),
            "acr_values_supported": Acr::ALL.map(Acr::as_str),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": TokenAlgorithm::ALL.map(TokenAlgorithm::as_str),
            "token_endpoint_auth_methods_supported": client_proofs,
            "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
            "revocation_endpoint_auth_methods_supported": client_proofs,
            "revocation_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
            "introspection_endpoint_auth_methods_supported": confidential_proofs,
            "introspection_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "claim_types_supported": ["normal"],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid", "name",
                "preferred_username", "locale", "updated_at", "email", "email_verified", "roles", "groups", "attributes"],
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "authorization_response_iss_parameter_supported": true,
        })
        .to_string()
    }
}
