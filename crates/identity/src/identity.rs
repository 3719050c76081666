use std::sync::Arc;

use bartizan_store::Store;
use bytes::Bytes;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ground::{Ground, Parts};
use crate::pages::Pages;
use crate::people::{AdministrationError, People, UserCommand};
use crate::{Config, Context, IdentityError};

/// The gate's own sign-in: everything below `[identity] path`.
pub struct Identity {
    people: Arc<People>,
    pages: Pages,
    ground: Arc<Ground>,
}

/// Something that an operator asks for, on the command line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// With accounts.
    User(UserCommand),
}

impl Identity {
    /// Stands on a store that has this room's tables.
    ///
    /// # Errors
    /// A key that cannot be derived, or a thread that cannot be had.
    pub fn new(config: Config, parts: &Parts<'_>) -> Result<Arc<Self>, IdentityError> {
        let ground = Arc::new(Ground::new(config, parts));
        let people = Arc::new(People::new(ground.clone(), parts)?);
        let pages = Pages::new(people.clone())?;
        Ok(Arc::new(Self { people, pages, ground }))
    }

    /// Accounts and sessions.
    pub const fn people(&self) -> &Arc<People> {
        &self.people
    }

    /// Answers a request whose path lies below the configured one. What the gate says of its sender stands in its fields.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let context = Context::of(request.headers(), self.ground.now());
        self.pages.answer(&request, &context).await
    }

    /// What it was told.
    pub fn config(&self) -> &Config {
        &self.ground.config
    }

    /// Does what an operator asks, and gives back what there is to say of it.
    ///
    /// # Errors
    /// Why it was not done, in the operator's words.
    pub async fn administer(&self, command: Command) -> Result<Value, AdministrationError> {
        match command {
            Command::User(command) => self.people.administer(command).await,
        }
    }

    /// A link that makes the first administrator, if there is none: to be shown to whoever started the node.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn setup_link(&self) -> Result<Option<String>, IdentityError> {
        self.people.setup_link().await
    }

    /// Removes what has ended, for as long as the node runs.
    pub async fn keep_house(self: Arc<Self>) {
        self.people.keep_house().await;
    }

    /// Goes on with a store that was closed and is opened again.
    pub fn reopened(&self, store: Store) {
        self.ground.reopened(store);
    }
}
