use std::net::{IpAddr, Ipv4Addr};

use bartizan_evidence::{Event, IdentityAction, IdentityActor, IdentityEvent, IdentityResult, RequestId};
use http::header::{HeaderMap, HeaderName, USER_AGENT};

use crate::Moment;
use crate::pages::language::{self, Language};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What is kept of a `User-Agent`, in characters.
const LONGEST_AGENT: usize = 256;

/// What the gate says of a request: who sent it, which one it is, and when.
#[derive(Clone, Debug)]
pub struct Context {
    /// The client's address.
    pub client: IpAddr,
    /// The request's id.
    pub request_id: Option<RequestId>,
    /// What the client calls itself, cut to 256 characters.
    pub user_agent: String,
    /// When it came.
    pub now: Moment,
    /// What its sender reads.
    pub(crate) language: Language,
}

impl Context {
    /// From the fields that the gate sets after it removed whatever a client said under their names.
    pub fn of(headers: &HeaderMap, now: Moment) -> Self {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            client: text(X_FORWARDED_FOR).and_then(|it| it.parse().ok()).unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            request_id: text(X_REQUEST_ID).and_then(|it| it.parse().ok()),
            user_agent: text(USER_AGENT).unwrap_or_default().chars().take(LONGEST_AGENT).collect(),
            now,
            language: language::of(headers),
        }
    }

    /// An event of this request.
    pub fn event(&self, action: IdentityAction, result: IdentityResult, actor: IdentityActor) -> IdentityEvent {
        let mut event = IdentityEvent::new(self.now.as_system_time(), action, result, actor);
        event.source = Some(self.client);
        event.request_id = self.request_id;
        event
    }
}

/// An event as the log takes it.
pub(crate) fn identity(event: IdentityEvent) -> Event {
    Event::Identity(Box::new(event))
}
