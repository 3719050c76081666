use super::authorize::Authorized;

/// A request whose shape was held against its document. No document, no claim: routes that are declared in the configuration have
/// none, and the posture says so.
pub(crate) struct Validated(Authorized);

impl Validated {
    pub(super) fn into_authorized(self) -> Authorized {
        self.0
    }
}

/// The place of the stage *validate*: what an OpenAPI document says of a request is held against it here.
pub(super) fn validate(authorized: Authorized) -> Validated {
    Validated(authorized)
}
