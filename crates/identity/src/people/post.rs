//! Mail to accounts: asked for in a moment, sent when there is time.
//!
//! Whoever asks is answered before anybody looks whether there is such an account: neither the answer nor its time tells. What is asked for
//! waits in a queue with so many places, so that a slow or dead mail server costs neither time nor memory; what does not fit is refused,
//! to everybody alike. The link of a mail is made when the mail is.

use std::time::Duration;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityEvent, IdentityResult, Name};
use bartizan_vault::Secret;
use tokio::sync::{Mutex, mpsc};

use super::link::Purpose;
use super::user::{User, UserId};
use super::{People, name};
use crate::config::Config;
use crate::mail::{Kind, Letter, NotSent, Transport};
use crate::pages::Language;
use crate::{Context, IdentityError};

/// Mails that may wait.
const MOST_WAITING: usize = 256;
/// Pauses between tries while the server is not there: it queues what it takes, and people ask again for what it does not.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// What waits to be sent, and the way there.
pub(super) struct Outbox {
    transport: Transport,
    queue: mpsc::Sender<Wish>,
    waiting: Mutex<mpsc::Receiver<Wish>>,
}

/// A mail that somebody wants.
pub(crate) struct Wish {
    pub(crate) kind: Kind,
    pub(crate) to: Addressee,
    /// The language of whoever asked; an account's own goes before it.
    pub(crate) language: Language,
    pub(crate) actor: IdentityActor,
    /// The request that asked for it.
    pub(crate) context: Option<Context>,
}

/// Whom a mail is for.
pub(crate) enum Addressee {
    /// Whoever is called so, if anybody is.
    Called(String),
    User(UserId),
}

impl Outbox {
    pub(super) fn open(config: &Config) -> Result<Option<Self>, IdentityError> {
        let Some(server) = &config.mail else { return Ok(None) };
        let authority = config.origin.split_once("://").map_or(&*config.origin, |(_, authority)| authority);
        let name = authority.split(':').next().unwrap_or(authority);
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        Ok(Some(Self { transport: Transport::new(server, name)?, queue, waiting: Mutex::new(waiting) }))
    }
}

impl People {
    /// Whether mail can be sent at all.
    pub(crate) const fn has_mail(&self) -> bool {
        self.outbox.is_some()
    }

    /// Puts a mail into the queue.
    ///
    /// # Errors
    /// [`IdentityError::Overloaded`] if there is no room, or no mail.
    pub(crate) fn post(&self, wish: Wish) -> Result<(), IdentityError> {
        let outbox = self.outbox.as_ref().ok_or(IdentityError::Overloaded)?;
        outbox.queue.try_send(wish).map_err(|_| IdentityError::Overloaded)
    }

    /// Sends what is asked for, for as long as the node runs.
    pub(crate) async fn deliver_mail(&self) {
        let Some(outbox) = &self.outbox else { return };
        let mut waiting = outbox.waiting.lock().await;
        while let Some(wish) = waiting.recv().await {
            if let Err(cause) = self.deliver(&outbox.transport, &wish).await {
                tracing::warn!(%cause, mail = wish.kind.as_str(), "a mail was not sent");
            }
        }
    }

    /// Sends what waits now, and returns: for a command that ends. What went wrong, if anything did.
    ///
    /// # Errors
    /// Why the last mail that was not sent was not.
    pub(crate) async fn deliver_waiting_mail(&self) -> Result<(), String> {
        let Some(outbox) = &self.outbox else { return Ok(()) };
        let mut waiting = outbox.waiting.lock().await;
        let mut outcome = Ok(());
        while let Ok(wish) = waiting.try_recv() {
            if let Err(cause) = self.deliver(&outbox.transport, &wish).await {
                outcome = Err(cause);
            }
        }
        outcome
    }

    async fn deliver(&self, transport: &Transport, wish: &Wish) -> Result<(), String> {
        let (user, letter) = match self.prepare(wish).await {
            Ok(Some(prepared)) => prepared,
            // Nobody is called so: there is nothing to send, and nothing wrong.
            Ok(None) => return Ok(()),
            Err(cause) => return Err(cause.to_string()),
        };
        let sent = self.hand_in(transport, &letter).await;
        let result = match &sent {
            Ok(()) => IdentityResult::Done,
            Err(NotSent::Refused(_)) => IdentityResult::Refused("mail-server-refuses"),
            Err(NotSent::Later(_)) => IdentityResult::Refused("mail-server-unavailable"),
        };
        let mut event = self.mail_event(wish, IdentityAction::MailSent, result);
        event.user = Some(Name::new(user.as_str()));
        event.method = Some(wish.kind.as_str());
        self.ground.record(event).await.map_err(|cause| cause.to_string())?;
        sent.map_err(|cause| cause.to_string())
    }

    async fn hand_in(&self, transport: &Transport, letter: &Letter) -> Result<(), NotSent> {
        let id = self.ground.id().map_err(|cause| NotSent::Refused(cause.to_string()))?;
        let mut pauses = PAUSES.iter();
        loop {
            match (transport.send(letter, &id, self.ground.now().as_system_time()).await, pauses.next()) {
                (Err(NotSent::Later(_)), Some(pause)) => tokio::time::sleep(*pause).await,
                (outcome, _) => return outcome,
            }
        }
    }

    /// The mail that is wanted, with its link; `None` if it goes to nobody, which is recorded.
    async fn prepare(&self, wish: &Wish) -> Result<Option<(UserId, Letter)>, IdentityError> {
        let (user, reason) = match self.addressee(wish).await? {
            Some(user) if user.disabled_at.is_some() => (Some(user), "disabled"),
            Some(user) if user.email.is_none() => (Some(user), "no-address"),
            Some(user) => return self.letter_for(wish, user).await.map(Some),
            None => (None, "no-such-account"),
        };
        self.not_wanted(wish, user.as_ref(), reason).await?;
        Ok(None)
    }

    async fn addressee(&self, wish: &Wish) -> Result<Option<User>, IdentityError> {
        match &wish.to {
            Addressee::Called(typed) => Ok(self.user_called(&name::spelled(typed)).await?.map(|(user, _)| user)),
            Addressee::User(id) => self.user(id).await,
        }
    }

    async fn letter_for(&self, wish: &Wish, user: User) -> Result<(UserId, Letter), IdentityError> {
        let address = user.email.as_deref().unwrap_or_default();
        let purpose = match wish.kind {
            Kind::Reset => Some(Purpose::MailedReset),
            Kind::Verification => Some(Purpose::Verification),
            Kind::Invitation => Some(Purpose::MailedInvitation),
            Kind::PasswordChanged => None,
        };
        let config = &self.ground.config;
        let link = match purpose {
            Some(purpose) => {
                let link = self.mail_link(purpose, &user.id, address, self.ground.now()).await?;
                let mut event = self.mail_event(wish, IdentityAction::LinkMade, IdentityResult::Done);
                event.user = Some(Name::new(user.id.as_str()));
                event.method = Some(wish.kind.as_str());
                self.ground.record(event).await?;
                link
            }
            None => Secret::new(format!("{}/forgotten", config.issuer())),
        };
        let language = user.locale.as_deref().and_then(Language::of_tag).unwrap_or(wish.language);
        let letter = Letter::write(wish.kind, language, config, address, (user.display_name(), &user.username), &link);
        Ok((user.id, letter))
    }

    async fn not_wanted(&self, wish: &Wish, user: Option<&User>, reason: &'static str) -> Result<(), IdentityError> {
        let mut event = self.mail_event(wish, IdentityAction::MailSent, IdentityResult::Refused(reason));
        event.user = user.map(|user| Name::new(user.id.as_str()));
        event.method = Some(wish.kind.as_str());
        self.ground.record(event).await
    }

    fn mail_event(&self, wish: &Wish, action: IdentityAction, result: IdentityResult) -> IdentityEvent {
        match &wish.context {
            Some(context) => context.event(action, result, wish.actor),
            None => IdentityEvent::new(self.ground.now().as_system_time(), action, result, wish.actor),
        }
    }
}
