use std::fmt::Write as _;
use std::io::{self, BufRead as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bartizan_identity::Command;
use bartizan_identity::people::{Change, UserCommand};
use serde_json::{Map, Value};

use super::administration::{Administration, Target};
use super::{Format, Output};

/// The longest file of accounts, and the longest password, that are read.
const LARGEST_IMPORT: u64 = 256 << 20;
const LONGEST_PASSWORD: u64 = 4096;

/// What can be done with accounts. It works whether the gate runs or not.
#[derive(Debug, clap::Subcommand)]
pub(super) enum User {
    /// Make an account, and a link by which its holder sets a password
    #[command(after_help = "Examples:
  bartizan user create ada --email ada@example.com --name \"Ada Lovelace\"
  bartizan user create root --role admin
  pass show ada | bartizan user create ada --password-stdin")]
    Create(Create),
    /// Invite somebody: by mail, or by a link that is printed
    #[command(after_help = "Examples:
  bartizan user invite ada --email ada@example.com --role staff    by mail, with `[identity.smtp]`
  bartizan user invite ada --print                                 the link, to be handed over

The link opens once, for a week, and lets its holder set a password or make a passkey. Inviting somebody again, who
has not come yet, makes the earlier link worth nothing.")]
    Invite(Invite),
    /// Make the accounts of a JSON Lines file, with the passwords as another program has stored them
    #[command(after_help = "Each line is an account:
  {\"username\":\"ada\",\"email\":\"ada@example.com\",\"roles\":[\"staff\"],\"password_hash\":\"$2b$12$…\"}

Forms of `password_hash`: argon2, bcrypt, scrypt and PBKDF2, as frameworks write them. Each is replaced by Argon2id when
its holder signs in. An account without one gets a link, which is printed.")]
    Import {
        /// The file, or `-` for standard input.
        file: PathBuf,
        #[command(flatten)]
        target: Target,
    },
    /// Show all accounts
    List(Target),
    /// Show one account
    Show(Who),
    /// Write down everything that is kept about one, as JSON
    Export(Who),
    /// Change names, roles, groups or attributes
    Change(ChangeUser),
    /// Let nobody in with an account, and end its sessions
    Disable(Who),
    /// Let its holder in again
    Enable(Who),
    /// Erase an account, for good
    Delete(Who),
    /// Take the second factors from an account, and end its sessions
    ResetMfa(Who),
    /// Let somebody back in who has lost password and second factor: prints a link for a new password
    Recover(Who),
}

/// An account, and where it is.
#[derive(Debug, clap::Args)]
pub(super) struct Who {
    /// Its name, mail address or id.
    who: String,
    #[command(flatten)]
    target: Target,
}

/// Somebody who gets an account.
#[derive(Debug, clap::Args)]
struct Person {
    /// What its holder types.
    username: String,
    /// What its holder is called.
    #[arg(long)]
    name: Option<String>,
    /// Its mail address.
    #[arg(long)]
    email: Option<String>,
    /// A role; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A group; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
}

/// What `user create` can be told.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    #[command(flatten)]
    person: Person,
    /// Read its password from standard input, rather than make a link.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    target: Target,
}

/// What `user invite` can be told.
#[derive(Debug, clap::Args)]
pub(super) struct Invite {
    #[command(flatten)]
    person: Person,
    /// The language of the mail: `en` or `de`.
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// Print the link, and send no mail.
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    target: Target,
}

/// What `user change` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bartizan user change ada --role staff --role admin        these roles, and no others
  bartizan user change ada --no-roles
  bartizan user change ada --attribute department='\"sales\"'")]
pub(super) struct ChangeUser {
    /// Its name, mail address or id.
    who: String,
    /// What its holder is called.
    #[arg(long)]
    name: Option<String>,
    /// Its mail address.
    #[arg(long)]
    email: Option<String>,
    /// A role, in place of those that it has; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Take every role.
    #[arg(long, conflicts_with = "roles")]
    no_roles: bool,
    /// A group, in place of those that it has; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Take every group.
    #[arg(long, conflicts_with = "groups")]
    no_groups: bool,
    /// An attribute as `NAME=JSON`, in place of those that it has; may be repeated.
    #[arg(long = "attribute", value_name = "NAME=JSON")]
    attributes: Vec<String>,
    #[command(flatten)]
    target: Target,
}

impl User {
    pub(super) fn run(self, output: Output) -> anyhow::Result<ExitCode> {
        let (target, command) = match self {
            Self::Import { file, target } => return import(&file, &target, output),
            Self::Create(create) => create.command()?,
            Self::Invite(invite) => invite.command(),
            Self::Change(change) => change.command()?,
            Self::List(target) => (target, UserCommand::List),
            Self::Show(Who { who, target }) => (target, UserCommand::Show { who }),
            Self::Export(Who { who, target }) => (target, UserCommand::Export { who }),
            Self::Disable(Who { who, target }) => (target, UserCommand::Disable { who }),
            Self::Enable(Who { who, target }) => (target, UserCommand::Enable { who }),
            Self::Delete(Who { who, target }) => (target, UserCommand::Delete { who }),
            Self::ResetMfa(Who { who, target }) => (target, UserCommand::ResetMfa { who }),
            Self::Recover(Who { who, target }) => (target, UserCommand::Recover { who }),
        };
        let administration = target.open()?;
        let done = administration.ask(&Command::User(command));
        administration.close()?;
        show(&done?, output)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    fn command(self) -> anyhow::Result<(Target, UserCommand)> {
        let password = if self.password_stdin { Some(first_line()?) } else { None };
        let Person { username, name, email, roles, groups } = self.person;
        let command = UserCommand::Create {
            username,
            name,
            email,
            roles: shared(roles),
            groups: shared(groups),
            attributes: Map::new(),
            password,
            password_hash: None,
        };
        Ok((self.target, command))
    }
}

impl Invite {
    fn command(self) -> (Target, UserCommand) {
        let Person { username, name, email, roles, groups } = self.person;
        let command = UserCommand::Invite {
            username,
            name,
            email,
            roles: shared(roles),
            groups: shared(groups),
            locale: self.language,
            print: self.print,
        };
        (self.target, command)
    }
}

impl ChangeUser {
    fn command(self) -> anyhow::Result<(Target, UserCommand)> {
        let some = |list: Vec<String>, none: bool| (none || !list.is_empty()).then(|| shared(list));
        let mut attributes = Map::new();
        for attribute in &self.attributes {
            let (name, value) = attribute.split_once('=').context("an attribute is written `NAME=JSON`")?;
            let value = serde_json::from_str(value).with_context(|| {
                format!("the value of `{name}` is not JSON; a text stands in quotes: `{name}='\"text\"'`")
            })?;
            attributes.insert(name.to_owned(), value);
        }
        let change = Change {
            name: self.name,
            email: self.email,
            roles: some(self.roles, self.no_roles),
            groups: some(self.groups, self.no_groups),
            attributes: (!self.attributes.is_empty()).then_some(attributes),
        };
        Ok((self.target, UserCommand::Change { who: self.who, change }))
    }
}

fn shared(names: Vec<String>) -> Vec<Arc<str>> {
    names.into_iter().map(Arc::from).collect()
}

/// A password is never an argument: everybody on the machine can read those.
fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(LONGEST_PASSWORD).read_line(&mut line)?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        bail!("standard input has no password: write it there, or leave `--password-stdin` out");
    }
    Ok(line.to_owned())
}

/// Goes on after a line that cannot be taken, and says which ones those were.
fn import(file: &PathBuf, target: &Target, output: Output) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        io::stdin().lock().take(LARGEST_IMPORT).read_to_string(&mut text)?;
    } else {
        let opened = std::fs::File::open(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
        opened.take(LARGEST_IMPORT).read_to_string(&mut text)?;
    }
    let administration = target.open()?;
    let mut refused = 0_usize;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match import_line(line, &administration) {
            Ok(done) => show(&done, output)?,
            Err(cause) => {
                refused += 1;
                output.complain(&format!("line {number}: {cause:#}"));
            }
        }
    }
    administration.close()?;
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn import_line(line: &str, administration: &Administration) -> anyhow::Result<Value> {
    let mut account: Map<String, Value> = serde_json::from_str(line).context("not a JSON object")?;
    account.insert("do".to_owned(), "create".into());
    let command: UserCommand = serde_json::from_value(Value::Object(account)).context("not an account")?;
    administration.ask(&Command::User(command))
}

fn show(value: &Value, output: Output) -> anyhow::Result<()> {
    if output.format == Format::Json {
        return Ok(output.write_json(value)?);
    }
    let text = match value {
        Value::Array(all) => all.iter().map(row).collect(),
        one => members(one),
    };
    Ok(output.write(&text)?)
}

/// One account as one line.
fn row(user: &Value) -> String {
    let text = |name: &str| user.get(name).map(plain).unwrap_or_default();
    let disabled = if user.get("disabled") == Some(&Value::Bool(true)) { "  disabled" } else { "" };
    format!("{}  {}  {}  {}{disabled}\n", text("id"), text("username"), text("email"), text("roles"))
}

fn members(value: &Value) -> String {
    let members = value.as_object().into_iter().flatten();
    members.fold(String::new(), |mut text, (name, value)| {
        let _infallible = writeln!(text, "{:<20} {}", name.replace('_', " "), plain(value));
        text
    })
}

/// Terminals obey what stands in texts of others: control characters are shown, not sent.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => {
            text.chars().flat_map(|it| if it.is_control() { it.escape_default().collect() } else { vec![it] }).collect()
        }
        Value::Null => "–".to_owned(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
