//! The clients: those that the configuration declares, and those in the store. Both are at hand without the store.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityEvent, IdentityResult, Name};
use bartizan_store::{Expect, Query, Row, Write};
use bartizan_token::KeySet;
use bartizan_vault::{Secret, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::client::{
    Client, ClientAuthentication, ClientId, ClientOrigin, Registration, RegistrationError, SecretHash,
};
use crate::ground::Ground;
use crate::{IdentityError, Moment};

const ALL: Query = Query::new(
    "SELECT id, registration, secret, previous_secret, previous_until, enabled FROM provider_client ORDER BY id LIMIT 100000",
);
const ADD: Query = Query::new(
    "INSERT INTO provider_client (id, registration, secret, enabled, created_at, changed_at) VALUES ($1, $2, $3, 1, $4, $5)",
);
const SET_ENABLED: Query = Query::new("UPDATE provider_client SET enabled = $2, changed_at = $3 WHERE id = $1");
const DELETE: Query = Query::new("DELETE FROM provider_client WHERE id = $1");
const FORGET_CONSENT: Query = Query::new("DELETE FROM provider_consent WHERE client = $1");
const ROTATE: Query = Query::new(
    "UPDATE provider_client SET previous_secret = secret, previous_until = $2, secret = $3, changed_at = $4
     WHERE id = $1 AND secret IS NOT NULL",
);

pub(super) const QUERIES: &[Query] = &[ALL, ADD, SET_ENABLED, DELETE, FORGET_CONSENT, ROTATE];

/// All clients, by their ids.
pub(super) struct Clients {
    declared: RwLock<Arc<Known>>,
    stored: RwLock<Arc<Known>>,
}

type Known = HashMap<ClientId, Arc<Client>>;

/// Why a client could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is none of that id.
    #[error("there is no client `{id}`; `bartizan client list` shows all")]
    Unknown {
        /// The id.
        id: ClientId,
    },
    /// Its registration stands elsewhere.
    #[error("the client `{id}` is declared in the configuration: change it there")]
    Declared {
        /// The id.
        id: ClientId,
    },
    /// The id is taken.
    #[error("there is a client `{id}` already")]
    Exists {
        /// The id.
        id: ClientId,
    },
    /// It has no secret that could be replaced.
    #[error("the client `{id}` has no secret: it cannot keep one, or proves itself by keys of its own")]
    NoSecret {
        /// The id.
        id: ClientId,
    },
    /// What it is to be allowed contradicts itself.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The store, the audit log or randomness.
    #[error(transparent)]
    Failed(#[from] IdentityError),
}

/// A secret that was just made: it is shown once, and kept as a hash.
pub struct NewSecret {
    /// The secret.
    pub text: Secret<String>,
    hash: SecretHash,
}

impl Clients {
    pub(super) async fn load(ground: &Ground, declared: Vec<Client>) -> Result<Self, IdentityError> {
        let clients = Self { declared: RwLock::default(), stored: RwLock::default() };
        clients.declare(declared);
        clients.look(ground).await?;
        Ok(clients)
    }

    /// Puts what a configuration declares in the place of what another one did.
    pub(super) fn declare(&self, declared: Vec<Client>) {
        let known = declared.into_iter().map(|client| (client.id.clone(), Arc::new(client))).collect();
        *self.declared.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    /// Learns what the store knows: another node, or the command line, may have changed it.
    pub(super) async fn look(&self, ground: &Ground) -> Result<(), IdentityError> {
        let mut known = Known::new();
        for row in ground.rows(ALL, &[]).await? {
            let client = Client::read(&row)?;
            known.insert(client.id.clone(), Arc::new(client));
        }
        *self.stored.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        Ok(())
    }

    /// The client of that id, enabled or not. What the configuration declares outranks what is stored.
    pub(super) fn find(&self, id: &ClientId) -> Option<Arc<Client>> {
        [&self.declared, &self.stored].into_iter().find_map(|known| snapshot(known).get(id).cloned())
    }

    /// All, in the order of their ids.
    pub(super) fn all(&self) -> Vec<Arc<Client>> {
        let (declared, stored) = (snapshot(&self.declared), snapshot(&self.stored));
        let hidden = |client: &&Arc<Client>| !declared.contains_key(&client.id);
        let mut all: Vec<_> = declared.values().chain(stored.values().filter(hidden)).cloned().collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    }

    pub(super) async fn create(
        &self,
        ground: &Ground,
        id: &ClientId,
        registration: &Registration,
        secret: Option<&NewSecret>,
    ) -> Result<(), ClientError> {
        registration.check(secret.is_some() || registration.jwks.is_some())?;
        if registration.jwks.is_some() {
            keys_of(registration)?;
        }
        if self.find(id).is_some() {
            return Err(ClientError::Exists { id: id.clone() });
        }
        let now = ground.now();
        let text = serde_json::json!(registration).to_string();
        let hash = secret.map(|secret| *secret.hash.as_bytes());
        let values = [id.as_str().into(), text.into(), hash.into(), now.into(), now.into()];
        match ground.write(Write::new(ADD, values, Expect::One)).await {
            Err(fault) if fault.is_duplicate() => return Err(ClientError::Exists { id: id.clone() }),
            outcome => drop(outcome.map_err(IdentityError::from)?),
        }
        self.changed(ground, id, IdentityAction::ClientCreated).await
    }

    pub(super) async fn set_enabled(&self, ground: &Ground, id: &ClientId, enabled: bool) -> Result<(), ClientError> {
        self.stored_one(id)?;
        let values = [id.as_str().into(), enabled.into(), ground.now().into()];
        ground.write(Write::new(SET_ENABLED, values, Expect::One)).await.map_err(IdentityError::from)?;
        let action = if enabled { IdentityAction::ClientEnabled } else { IdentityAction::ClientDisabled };
        self.changed(ground, id, action).await
    }

    pub(super) async fn delete(&self, ground: &Ground, id: &ClientId) -> Result<(), ClientError> {
        self.stored_one(id)?;
        let write = Write::new(DELETE, [id.as_str().into()], Expect::One);
        let write = write.then(FORGET_CONSENT, [id.as_str().into()], Expect::Any);
        ground.write(write).await.map_err(IdentityError::from)?;
        self.changed(ground, id, IdentityAction::ClientDeleted).await
    }

    /// Replaces a client's secret; the one before it counts for `overlap` more.
    pub(super) async fn rotate_secret(
        &self,
        ground: &Ground,
        id: &ClientId,
        secret: &NewSecret,
        overlap: Duration,
    ) -> Result<(), ClientError> {
        self.stored_one(id)?;
        let now = ground.now();
        let values = [id.as_str().into(), now.after(overlap).into(), (*secret.hash.as_bytes()).into(), now.into()];
        match ground.write(Write::new(ROTATE, values, Expect::One)).await {
            Err(fault) if fault.is_unmet() => return Err(ClientError::NoSecret { id: id.clone() }),
            outcome => drop(outcome.map_err(IdentityError::from)?),
        }
        self.changed(ground, id, IdentityAction::ClientSecretRotated).await
    }

    fn stored_one(&self, id: &ClientId) -> Result<(), ClientError> {
        match self.find(id).map(|client| client.origin) {
            Some(ClientOrigin::Stored) => Ok(()),
            Some(ClientOrigin::Declared) => Err(ClientError::Declared { id: id.clone() }),
            None => Err(ClientError::Unknown { id: id.clone() }),
        }
    }

    async fn changed(&self, ground: &Ground, id: &ClientId, action: IdentityAction) -> Result<(), ClientError> {
        let now = ground.now().as_system_time();
        let mut event = IdentityEvent::new(now, action, IdentityResult::Done, IdentityActor::Operator);
        event.client = Some(Name::new(id.as_str()));
        ground.record(event).await?;
        Ok(self.look(ground).await?)
    }
}

fn snapshot(known: &RwLock<Arc<Known>>) -> Arc<Known> {
    known.read().unwrap_or_else(PoisonError::into_inner).clone()
}

impl NewSecret {
    /// 256 random bits, behind a prefix by which those who search for leaked secrets know what they found.
    ///
    /// # Errors
    /// If there is no randomness.
    pub fn generate(source: &dyn random::SecureRandom) -> Result<Self, IdentityError> {
        let bytes = random::secret::<32>(source)?;
        let text = Secret::new(format!("btz_cs_{}", URL_SAFE_NO_PAD.encode(bytes.expose())));
        let hash = SecretHash::of(text.expose().as_bytes());
        Ok(Self { hash: hash.ok_or(IdentityError::Damaged { what: "new secret" })?, text })
    }
}

/// The keys that a registration names.
pub(super) fn keys_of(registration: &Registration) -> Result<KeySet, RegistrationError> {
    let text = registration.jwks.as_deref().unwrap_or_default();
    KeySet::parse(text.as_bytes()).ok().filter(|keys| !keys.is_empty()).ok_or(RegistrationError::Keys)
}

impl Client {
    /// A client that the configuration declares.
    ///
    /// # Errors
    /// A [`RegistrationError`] if what it is to be allowed contradicts itself.
    pub fn declared(
        id: ClientId,
        registration: Registration,
        secret: Option<&Secret<Vec<u8>>>,
    ) -> Result<Self, RegistrationError> {
        let authentication = match secret {
            Some(secret) => ClientAuthentication::Secret {
                current: SecretHash::of(secret.expose()).ok_or(RegistrationError::WeakSecret)?,
                previous: None,
            },
            None if registration.jwks.is_some() => ClientAuthentication::PrivateKeyJwt(keys_of(&registration)?),
            None => ClientAuthentication::None,
        };
        registration.check(!matches!(authentication, ClientAuthentication::None))?;
        Ok(Self { id, registration, authentication, is_enabled: true, origin: ClientOrigin::Declared })
    }

    fn read(row: &Row) -> Result<Self, IdentityError> {
        const DAMAGED: IdentityError = IdentityError::Damaged { what: "client" };
        let registration: Registration = serde_json::from_str(row.read("registration")?).map_err(|_| DAMAGED)?;
        let hash = |column| row.read::<Option<[u8; 32]>>(column).map(|bytes| bytes.map(SecretHash::from_bytes));
        let previous_until = row.read::<Option<i64>>("previous_until")?.map(Moment::from_micros);
        let authentication = match hash("secret")? {
            Some(current) => {
                ClientAuthentication::Secret { current, previous: hash("previous_secret")?.zip(previous_until) }
            }
            None if registration.jwks.is_some() => {
                ClientAuthentication::PrivateKeyJwt(keys_of(&registration).map_err(|_| DAMAGED)?)
            }
            None => ClientAuthentication::None,
        };
        Ok(Self {
            id: ClientId::new(row.read("id")?).ok_or(DAMAGED)?,
            registration,
            authentication,
            is_enabled: row.read("enabled")?,
            origin: ClientOrigin::Stored,
        })
    }
}
