use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bartizan_token::ApiKey;
use bartizan_vault::random::{SecureRandom, SystemRandom};
use serde_json::json;

use super::{Format, Output};
use crate::config::units::{Expiry, Name, Time};
use crate::config::{Environment, Process};

/// How long a key is good for when nothing is said.
const LIFETIME: Duration = Duration::from_hours(90 * 24);

/// What can be done with API keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Key {
    /// Make a key: it is shown once, and only its hash goes into the configuration
    New(New),
}

/// What `key new` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan key new partner --scope orders:read
  bartizan key new batch --role worker --expires 2027-01-31T00:00:00Z
  bartizan key new legacy --expires never      good for ever if it leaks; the posture says so")]
pub(super) struct New {
    /// What the key is for: an integration, never a person.
    name: Name,
    /// A role of requests made with it; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A scope of requests made with it; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// When it ends (RFC 3339), or `never`. Without it, in 90 days.
    #[arg(long, value_name = "TIME")]
    expires: Option<Expiry>,
    /// Who answers for it: a person or team, for the audit log.
    #[arg(long, value_name = "WHO")]
    owner: Option<String>,
}

impl Key {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        let Self::New(new) = self;
        output.write(&new.make(&SystemRandom::new(), &Process, output)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl New {
    pub(super) fn make(
        &self,
        random: &dyn SecureRandom,
        clock: &dyn Environment,
        output: Output,
    ) -> anyhow::Result<String> {
        let key = ApiKey::generate(random).context("no key could be made")?;
        let end = || Time::written(clock.now().after(LIFETIME));
        let expires = self.expires.map_or_else(end, |expires| expires.to_string());
        let section = self.section(&key, &expires);
        let text = key.text.expose();
        Ok(match output.format {
            Format::Json => {
                let value = json!({ "key": text, "id": key.id.as_str(), "expires": expires, "configuration": section });
                format!("{value:#}\n")
            }
            Format::Text if output.quiet => format!("{text}\n\n{section}"),
            Format::Text => format!(
                "The key, which is shown this once; give it to its holder by a safe way:\n\n    {text}\n\n\
                 Add to bartizan.toml:\n\n{section}"
            ),
        })
    }

    /// The lines to paste, written by a TOML writer: a name or owner with quotes in it stays one value.
    fn section(&self, key: &ApiKey, expires: &str) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let list =
            |names: &[String]| format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "));
        let mut lines = vec![
            "[[keys]]".to_owned(),
            format!("name = {}", quoted(self.name.as_str())),
            format!("id = {}", quoted(key.id.as_str())),
            format!("hash = {}", quoted(&key.hash.to_string())),
        ];
        if !self.roles.is_empty() {
            lines.push(format!("roles = {}", list(&self.roles)));
        }
        if !self.scopes.is_empty() {
            lines.push(format!("scopes = {}", list(&self.scopes)));
        }
        lines.push(format!("expires = {}", quoted(expires)));
        lines.extend(self.owner.iter().map(|owner| format!("owner = {}", quoted(owner))));
        lines.join("\n") + "\n"
    }
}
