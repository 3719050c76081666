//! Mail to people: where it is handed in, and what it says. When and to whom is decided by [`people`](crate::people).

mod letter;
mod transport;

use std::sync::Arc;

use bartizan_vault::Secret;
use lettre::message::Mailbox;

pub(crate) use letter::{Kind, Letter};
pub(crate) use transport::{NotSent, Transport};

/// The server that takes the gate's mail.
#[derive(Clone)]
pub struct MailServer {
    /// Its name, or address.
    pub host: Arc<str>,
    /// Its port.
    pub port: u16,
    /// How the way there is secured.
    pub security: MailSecurity,
    /// Certificates of authorities, as PEM, in place of the system's.
    pub authorities: Option<Arc<[u8]>>,
    /// Who hands in: a name, and its password.
    pub login: Option<(Arc<str>, Arc<Secret<String>>)>,
    /// Whom mail is from.
    pub from: MailSender,
}

/// How the way to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS from the first byte (`RFC 8314 §3.3`).
    Implicit,
    /// `STARTTLS`, without which nothing is sent (`RFC 3207`).
    StartTls,
    /// None: for a server on this machine alone. Whoever reads the mails gets into accounts.
    Plain,
}

/// Whom mail is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSender(Mailbox);

impl MailSender {
    /// From `name@example.com`, or `Name <name@example.com>`; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl PartialEq for MailServer {
    fn eq(&self, other: &Self) -> bool {
        let login = |server: &Self| server.login.clone();
        let is_same_login = match (login(self), login(other)) {
            (None, None) => true,
            (Some((name, secret)), Some((other, its_secret))) => {
                name == other && secret.matches(its_secret.expose().as_bytes())
            }
            _ => false,
        };
        let rest = |it: &Self| (it.host.clone(), it.port, it.security, it.authorities.clone(), it.from.clone());
        is_same_login && rest(self) == rest(other)
    }
}

impl Eq for MailServer {}
