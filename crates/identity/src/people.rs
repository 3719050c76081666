//! People: accounts, what they prove themselves with, and their sessions.
//!
//! Each file here has one subject with its own queries. What is secret is kept as a hash or sealed; every act is an event on disk before
//! anybody is told of it; and each change of state is one statement with its condition in it, so that of two who race one wins.

mod accounts;
mod administration;
mod device;
mod export;
mod factor;
mod invitation;
mod link;
mod name;
mod passkey;
mod password;
mod post;
mod recovery;
mod schema;
mod sealed;
mod session;
mod sign_in;
mod throttle;
mod totp;
mod user;
mod webauthn;

use std::sync::Arc;
use std::time::Duration;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityEvent, IdentityResult, Name};
use bartizan_policy::IssuerName;
use bartizan_store::Query;
use bartizan_vault::{Purpose as KeyPurpose, SealingKey};

pub(crate) use accounts::ADMINISTRATOR;
pub use accounts::{Change, NewUser};
pub use administration::{AdministrationError, UserCommand};
pub(crate) use export::shown_time;
pub use factor::{Acr, Method, Methods};
pub(crate) use link::Link;
pub use link::Purpose;
pub(crate) use name::spelled;
pub use name::{NameFault, email, username};
pub(crate) use passkey::{Assertion, Challenge, Passkey};
pub use password::{PasswordFault, StoredPassword, UnknownFormat};
pub(crate) use post::{Addressee, Wish};
pub(crate) use schema::MIGRATIONS;
pub(crate) use sealed::Opened;
pub(crate) use session::{Begun, Standing, cookie_value, session_cookie};
pub use session::{Device, SESSION_COOKIE, SessionView};
pub(crate) use sign_in::{First, Pending, Second, Shown, satisfies};
pub(crate) use throttle::{Counted, Turn};
pub(crate) use totp::TotpSecret;
pub use user::{Claims, User, UserId};
pub use webauthn::{Expected, KeyKind, NewPasskey, PasskeyFault, verify_creation, verify_use};

use crate::ground::{Ground, Parts};
use crate::{IdentityError, Moment};

/// How often what has ended is removed from the store.
const HOUSEKEEPING: Duration = Duration::from_mins(10);

/// Accounts, credentials and sessions of this node's store.
pub struct People {
    pub(crate) ground: Arc<Ground>,
    issuer: IssuerName,
    sealing: SealingKey,
    pool: password::HashingPool,
    cache: session::SessionCache,
    outbox: Option<post::Outbox>,
}

impl People {
    pub(crate) fn new(ground: Arc<Ground>, parts: &Parts<'_>) -> Result<Self, IdentityError> {
        Ok(Self {
            issuer: IssuerName::from(ground.config.issuer()),
            sealing: parts.root.sealing_key(KeyPurpose("identity-people"))?,
            pool: password::HashingPool::start(&ground.config.passwords)?,
            cache: session::SessionCache::new(),
            outbox: post::Outbox::open(&ground.config)?,
            ground,
        })
    }

    /// Removes what has ended, for as long as the node runs.
    pub(crate) async fn keep_house(&self) {
        loop {
            tokio::time::sleep(HOUSEKEEPING).await;
            if let Err(cause) = self.forget_what_ended(self.ground.now()).await {
                tracing::warn!(%cause, "what has ended could not be removed from the store; the next look is in ten minutes");
            }
        }
    }

    async fn forget_what_ended(&self, now: Moment) -> Result<(), IdentityError> {
        self.forget_ended_sessions(now).await?;
        self.forget_links(now).await?;
        self.forget_spent(now).await?;
        self.forget_attempts(now).await
    }

    /// An event that no request asked for.
    fn event(&self, action: IdentityAction, actor: IdentityActor, user: &UserId) -> IdentityEvent {
        let now = self.ground.now().as_system_time();
        let mut event = IdentityEvent::new(now, action, IdentityResult::Done, actor);
        event.user = Some(Name::new(user.as_str()));
        event
    }
}

/// Every query of people, for the test that prepares them on both engines.
pub(crate) fn queries() -> Vec<Query> {
    let all = [
        user::QUERIES,
        session::QUERIES,
        throttle::QUERIES,
        sealed::QUERIES,
        passkey::QUERIES,
        totp::QUERIES,
        recovery::QUERIES,
        link::QUERIES,
        accounts::QUERIES,
        sign_in::QUERIES,
    ];
    all.concat()
}
