//! What an operator can do with clients, from the command line: the same whether the node runs or not.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Provider;
use super::client::{Client, ClientAuthentication, ClientId, ClientOrigin, Registration};
use super::clients::{ClientError, NewSecret};

/// Something to be done with clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClientCommand {
    /// Registers one.
    Create {
        /// What it calls itself; without it, one is made.
        #[serde(default)]
        id: Option<ClientId>,
        /// What it may do.
        registration: Registration,
        /// Whether it can keep a secret, and gets one.
        with_secret: bool,
    },
    /// All of them.
    List,
    /// One.
    Show {
        /// Its id.
        id: ClientId,
    },
    /// Gives it nothing more, and ends what it was given.
    Disable {
        /// Its id.
        id: ClientId,
    },
    /// Lets it in again.
    Enable {
        /// Its id.
        id: ClientId,
    },
    /// Forgets it, and ends what it was given.
    Delete {
        /// Its id.
        id: ClientId,
    },
    /// Gives it a new secret.
    RotateSecret {
        /// Its id.
        id: ClientId,
        /// For how many seconds the one before it counts.
        overlap: u64,
    },
}

impl Provider {
    /// Does what an operator asks, and gives back what there is to say of it. A secret that was made is in it, this once.
    ///
    /// # Errors
    /// Why it was not done, in the operator's words.
    pub async fn administer(&self, command: ClientCommand) -> Result<Value, ClientError> {
        match command {
            ClientCommand::Create { id, registration, with_secret } => {
                let id = match id {
                    Some(id) => id,
                    None => self.new_id()?,
                };
                let secret = with_secret.then(|| NewSecret::generate(&self.ground.random)).transpose()?;
                self.create_client(&id, &registration, secret.as_ref()).await?;
                let mut told = self.told(&id)?;
                tell_secret(&mut told, secret.as_ref());
                Ok(told)
            }
            ClientCommand::List => Ok(Value::Array(self.all_clients().iter().map(|it| described(it)).collect())),
            ClientCommand::Show { id } => self.told(&id),
            ClientCommand::Disable { id } => {
                self.set_client_enabled(&id, false).await?;
                self.told(&id)
            }
            ClientCommand::Enable { id } => {
                self.set_client_enabled(&id, true).await?;
                self.told(&id)
            }
            ClientCommand::Delete { id } => {
                self.delete_client(&id).await?;
                Ok(json!({ "id": id, "deleted": true }))
            }
            ClientCommand::RotateSecret { id, overlap } => {
                let secret = NewSecret::generate(&self.ground.random)?;
                self.rotate_client_secret(&id, &secret, Duration::from_secs(overlap)).await?;
                let mut told = self.told(&id)?;
                tell_secret(&mut told, Some(&secret));
                Ok(told)
            }
        }
    }

    fn told(&self, id: &ClientId) -> Result<Value, ClientError> {
        let client = self.client(id).ok_or_else(|| ClientError::Unknown { id: id.clone() })?;
        Ok(described(&client))
    }

    fn new_id(&self) -> Result<ClientId, ClientError> {
        let id = format!("client-{}", self.ground.id()?);
        ClientId::new(&id).ok_or(ClientError::Failed(crate::IdentityError::Damaged { what: "new client" }))
    }
}

fn tell_secret(told: &mut Value, secret: Option<&NewSecret>) {
    if let (Some(members), Some(secret)) = (told.as_object_mut(), secret) {
        members.insert("secret".to_owned(), json!(secret.text.expose()));
    }
}

/// What there is to say of a client: nothing by which somebody could pass for it.
fn described(client: &Client) -> Value {
    let authentication = match client.authentication {
        ClientAuthentication::None => "none",
        ClientAuthentication::Secret { .. } => "secret",
        ClientAuthentication::PrivateKeyJwt(_) => "private_key_jwt",
    };
    let origin = match client.origin {
        ClientOrigin::Declared => "configuration",
        ClientOrigin::Stored => "store",
    };
    let mut told = json!({ "id": client.id, "enabled": client.is_enabled, "authentication": authentication, "declared_in": origin });
    if let (Some(told), Value::Object(registration)) = (told.as_object_mut(), json!(client.registration)) {
        told.extend(registration);
    }
    told
}
