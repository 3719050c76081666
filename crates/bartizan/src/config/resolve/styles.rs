use super::carries::Carries;
use crate::config::posture::Weakness;

/// What an API of another style than OpenAPI is, for the posture.
#[derive(Clone, Debug)]
pub(crate) struct StyleDocument {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) operations: usize,
    pub(crate) requests: String,
    pub(crate) answers: String,
    pub(crate) weaker: Vec<Weakness>,
    pub(crate) carries: Carries,
}
