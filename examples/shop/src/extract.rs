use std::fmt::Display;

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::request::Parts;

use crate::error::Failure;

/// An extractor whose refusal is answered as the document says: 400, with a JSON body.
#[derive(Debug)]
pub(crate) struct Valid<E>(pub(crate) E);

impl<S: Send + Sync, E: FromRequestParts<S>> FromRequestParts<S> for Valid<E>
where
    E::Rejection: Display,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        E::from_request_parts(parts, state).await.map(Self).map_err(bad_request)
    }
}

impl<S: Send + Sync, E: FromRequest<S>> FromRequest<S> for Valid<E>
where
    E::Rejection: Display,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        E::from_request(request, state).await.map(Self).map_err(bad_request)
    }
}

fn bad_request(rejection: impl Display) -> Failure {
    Failure::client(StatusCode::BAD_REQUEST, rejection.to_string())
}
