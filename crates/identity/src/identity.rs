use std::sync::Arc;

use bartizan_store::Store;
use bytes::Bytes;
use http::header::{ALLOW, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ground::{Ground, Parts};
use crate::pages::{Assets, Pages};
use crate::people::{AdministrationError, People, UserCommand};
use crate::provider::{ClientCommand, ClientError, Provider, ProviderConfig};
use crate::{Config, Context, IdentityError};

/// The gate's own sign-in: everything below `[identity] path`.
pub struct Identity {
    people: Arc<People>,
    pages: Pages,
    provider: Arc<Provider>,
    ground: Arc<Ground>,
}

/// Something that an operator asks for, on the command line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// With accounts.
    User(UserCommand),
    /// With clients.
    Client(ClientCommand),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// With accounts.
    #[error(transparent)]
    User(#[from] AdministrationError),
    /// With clients.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Identity {
    /// Stands on a store that has this room's tables.
    ///
    /// # Errors
    /// A key that cannot be derived, a thread that cannot be had, or a store that fails.
    pub async fn open(config: Config, provider: ProviderConfig, parts: &Parts<'_>) -> Result<Arc<Self>, IdentityError> {
        let ground = Arc::new(Ground::new(config, parts));
        let people = Arc::new(People::new(ground.clone(), parts)?);
        let assets = Arc::new(Assets::new(&ground.config)?);
        let pages = Pages::new(people.clone(), assets.clone());
        let provider = Provider::open(ground.clone(), people.clone(), assets, parts.root, provider).await?;
        let provider = Arc::new(provider);
        Ok(Arc::new(Self { people, pages, provider, ground }))
    }

    /// Clients, tokens and keys.
    pub const fn provider(&self) -> &Arc<Provider> {
        &self.provider
    }

    /// Accounts and sessions.
    pub const fn people(&self) -> &Arc<People> {
        &self.people
    }

    /// Answers a request whose path lies below the configured one. What the gate says of its sender stands in its fields.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let context = Context::of(request.headers(), self.ground.now());
        if let Some(response) = self.provider.answer(&request, &context).await {
            return response;
        }
        if *request.method() == Method::OPTIONS {
            return no_preflight();
        }
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
    pub async fn administer(&self, command: Command) -> Result<Value, CommandError> {
        match command {
            Command::User(command) => Ok(self.people.administer(command).await?),
            Command::Client(command) => Ok(self.provider.administer(command).await?),
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

    /// Sends the mail that people ask for, for as long as the node runs.
    pub async fn deliver_mail(self: Arc<Self>) {
        self.people.deliver_mail().await;
    }

    /// Sends the mail that waits now, for a command that ends.
    ///
    /// # Errors
    /// Why some of it was not sent.
    pub async fn deliver_waiting_mail(&self) -> Result<(), String> {
        self.people.deliver_waiting_mail().await
    }

    /// Goes on with a store that was closed and is opened again.
    pub fn reopened(&self, store: Store) {
        self.ground.reopened(store);
    }
}

/// No page of another site has anything to ask of a page of ours.
fn no_preflight() -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    answer
}
