//! What a page of the gate's own origin may know of its session: who is signed in, and the token that its requests carry where a browser
//! says nothing of their origin. No script ever sees the session itself.

use bartizan_token::form_token;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::token_endpoint::failed;
use super::{Provider, response};
use crate::people::{SESSION_COOKIE, cookie_value};

impl Provider {
    pub(super) async fn session(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if request.method() != Method::GET {
            return response::method_not_allowed("GET");
        }
        let standing = match self.people.standing(request.headers()).await {
            Ok(standing) => standing.filter(|standing| !standing.view.is_restricted),
            Err(cause) => return failed(&cause),
        };
        let cookie = cookie_value(request.headers(), SESSION_COOKIE);
        let (Some(standing), Some(cookie)) = (standing, cookie) else {
            return response::json(StatusCode::OK, &json!({ "signed_in": false }));
        };
        let (view, claims) = (&standing.view, &standing.claims);
        let document = json!({
            "signed_in": true,
            "sub": claims.sub,
            "name": claims.name,
            "preferred_username": claims.preferred_username,
            "roles": claims.roles,
            "groups": claims.groups,
            "auth_time": view.auth_time.as_timestamp(),
            "acr": view.acr,
            "expires_at": view.expires_at.as_timestamp(),
            "csrf_token": form_token(cookie),
        });
        response::json(StatusCode::OK, &document)
    }
}
