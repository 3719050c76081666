use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use bartizan_identity::Command;
use bartizan_identity::provider::ClientCommand;
use bartizan_identity::provider::client::{ClientId, ClientKind, Consent, GrantType, Registration};
use bartizan_identity::provider::redirect::RedirectUri;
use bartizan_vault::TokenAlgorithm;
use serde_json::Value;

use super::administration::Target;
use super::{Format, Output};
use crate::config::units::Period;

/// What can be done with OAuth clients. It works whether the gate runs or not.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Client {
    /// Register a client; its secret is shown once
    #[command(after_help = "Examples:
  bartizan client create shop --name Shop --redirect-uri https://shop.example.com/callback
  bartizan client create cli --name \"Shop CLI\" --native --redirect-uri http://127.0.0.1/callback
  bartizan client create batch --name Batch --grant client_credentials --scope orders:read")]
    Create(Box<Create>),
    /// Show all clients, those of the configuration too
    List(Target),
    /// Show one client
    Show(Which),
    /// Give a client nothing more, and end what it was given
    Disable(Which),
    /// Let a client in again
    Enable(Which),
    /// Forget a client, and end what it was given
    Delete(Which),
    /// Give a client a new secret; the one before it counts for a while
    RotateSecret(RotateSecret),
}

/// A client, and where it is.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Its id.
    id: String,
    #[command(flatten)]
    target: Target,
}

/// What `client create` can be told.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// What it calls itself; without it, an id is made.
    id: Option<String>,
    /// What people know it by.
    #[arg(long)]
    name: String,
    /// Where people are sent back to; may be repeated.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Where they may be sent after signing out; may be repeated.
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// How it comes to tokens; may be repeated. Without it, authorization_code and refresh_token.
    #[arg(long = "grant", value_name = "GRANT")]
    grants: Vec<String>,
    /// What it may ask for; may be repeated. Without it, openid, profile and email.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Whom its access tokens are for; may be repeated. Without it, the gate.
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// It is an application on somebody's device: a public client, which gets no secret.
    #[arg(long)]
    native: bool,
    /// It runs in a browser and can keep no secret.
    #[arg(long)]
    public: bool,
    /// It belongs to whoever runs the gate: people are not asked.
    #[arg(long)]
    first_party: bool,
    /// What its ID tokens are signed with: ES256, EdDSA or RS256.
    #[arg(long, value_name = "ALGORITHM", default_value = "ES256")]
    id_token_algorithm: String,
    #[command(flatten)]
    target: Target,
}

/// What `client rotate-secret` can be told.
#[derive(Debug, clap::Args)]
pub(super) struct RotateSecret {
    /// Its id.
    id: String,
    /// For how long the secret before it counts: enough to deploy the new one; `0s` where it leaked.
    #[arg(long, value_name = "TIME", default_value = "1d")]
    overlap: Period,
    #[command(flatten)]
    target: Target,
}

impl Client {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        let (target, command) = match self {
            Self::Create(create) => create.command()?,
            Self::List(target) => (target, ClientCommand::List),
            Self::Show(Which { id, target }) => (target, ClientCommand::Show { id: known(&id)? }),
            Self::Disable(Which { id, target }) => (target, ClientCommand::Disable { id: known(&id)? }),
            Self::Enable(Which { id, target }) => (target, ClientCommand::Enable { id: known(&id)? }),
            Self::Delete(Which { id, target }) => (target, ClientCommand::Delete { id: known(&id)? }),
            Self::RotateSecret(RotateSecret { id, overlap, target }) => {
                (target, ClientCommand::RotateSecret { id: known(&id)?, overlap: overlap.get().as_secs() })
            }
        };
        let administration = target.open()?;
        let done = administration.ask(&Command::Client(command));
        administration.close()?;
        show(&done?, output)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn known(id: &str) -> anyhow::Result<ClientId> {
    ClientId::new(id).with_context(|| format!("`{id}` cannot be a client's id; `bartizan client list` shows all"))
}

impl Create {
    fn command(self) -> anyhow::Result<(Target, ClientCommand)> {
        let kind = if self.native { ClientKind::Native } else { ClientKind::Web };
        let redirect_uri =
            |uri: &String| RedirectUri::new(uri, kind).map_err(|fault| anyhow::anyhow!("`{uri}` {fault}"));
        let or = |list: Vec<String>, usual: &[&str]| {
            if list.is_empty() { usual.iter().map(|it| (*it).to_owned()).collect() } else { list }
        };
        let grants = or(self.grants, &["authorization_code", "refresh_token"])
            .iter()
            .map(|name| grant(name))
            .collect::<anyhow::Result<_>>()?;
        let algorithm = TokenAlgorithm::from_name(&self.id_token_algorithm).with_context(|| {
            format!("`{}` is no algorithm for ID tokens: write ES256, EdDSA or RS256", self.id_token_algorithm)
        })?;
        let registration = Registration {
            name: self.name,
            kind,
            redirect_uris: self.redirect_uris.iter().map(redirect_uri).collect::<anyhow::Result<_>>()?,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            grants,
            scopes: or(self.scopes, &["openid", "profile", "email"]),
            audience: self.audience,
            consent: if self.first_party { Consent::FirstParty } else { Consent::Ask },
            id_token_algorithm: algorithm,
            jwks: None,
        };
        let id = self.id.as_deref().map(known).transpose()?;
        Ok((self.target, ClientCommand::Create { id, registration, with_secret: !self.native && !self.public }))
    }
}

fn grant(name: &str) -> anyhow::Result<GrantType> {
    // Its name on the wire is a URN, which nobody types.
    if name == "device_code" {
        return Ok(GrantType::DeviceCode);
    }
    if let Some(grant) = GrantType::ALL.into_iter().find(|grant| grant.as_str() == name) {
        return Ok(grant);
    }
    bail!("`{name}` is no grant: write authorization_code, refresh_token, client_credentials or device_code")
}

fn show(done: &Value, output: Output) -> anyhow::Result<()> {
    if output.format == Format::Json {
        return Ok(output.write_json(done)?);
    }
    let mut text = String::new();
    match done {
        Value::Array(clients) => clients.iter().for_each(|client| line(&mut text, client)),
        client => {
            for (name, value) in client.as_object().into_iter().flatten() {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let _ = writeln!(text, "{name:<28}{value}");
            }
            if client.get("secret").is_some() {
                text.push_str("\nThe secret is shown this once; give it to the client by a safe way.\n");
            }
        }
    }
    Ok(output.write(&text)?)
}

fn line(text: &mut String, client: &Value) {
    let of = |name: &str| client.get(name).and_then(Value::as_str).unwrap_or_default();
    let state = if client.get("enabled") == Some(&Value::Bool(true)) { "enabled" } else { "disabled" };
    let _ = writeln!(
        text,
        "{:<36} {:<9} {:<16} {:<14} {}",
        of("id"),
        state,
        of("authentication"),
        of("declared_in"),
        of("name")
    );
}
