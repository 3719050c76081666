//! Handing mail in by SMTP (`RFC 6409`).

use std::time::{Duration, SystemTime};

use lettre::address::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::{Letter, MailSecurity, MailServer};
use crate::IdentityError;

/// How long the server may take for each step.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Transport {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why a mail did not go out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSent {
    /// The server would not take it, however often it is asked.
    #[error("the mail server refuses it: {0}")]
    Refused(String),
    /// The server cannot be reached, or has no time.
    #[error("the mail server cannot be reached, or asks for patience: {0}")]
    Later(String),
}

impl Transport {
    /// Prepares the way to a server. It is called `name` there.
    ///
    /// # Errors
    /// Authorities that cannot be read.
    pub(crate) fn new(server: &MailServer, name: &str) -> Result<Self, IdentityError> {
        let tls = match server.security {
            MailSecurity::Implicit => Tls::Wrapper(parameters(server)?),
            MailSecurity::StartTls => Tls::Required(parameters(server)?),
            MailSecurity::Plain => Tls::None,
        };
        let mut smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&*server.host)
            .port(server.port)
            .hello_name(ClientId::Domain(name.to_owned()))
            .timeout(Some(PATIENCE))
            .tls(tls);
        if let Some((name, password)) = &server.login {
            smtp = smtp.credentials(Credentials::new(name.to_string(), password.expose().clone()));
        }
        Ok(Self { smtp: smtp.build(), from: server.from.0.clone() })
    }

    /// Hands a mail in. `id` tells it from others.
    pub(crate) async fn send(&self, letter: &Letter, id: &str, now: SystemTime) -> Result<(), NotSent> {
        let message = self.message(letter, id, now).map_err(NotSent::Refused)?;
        match self.smtp.send(message).await {
            Ok(_) => Ok(()),
            Err(cause) if cause.is_permanent() || cause.is_client() => Err(NotSent::Refused(in_full(&cause))),
            Err(cause) => Err(NotSent::Later(in_full(&cause))),
        }
    }

    fn message(&self, letter: &Letter, id: &str, now: SystemTime) -> Result<Message, String> {
        let to: Address = letter.to.parse().map_err(|cause| format!("the address cannot be used: {cause}"))?;
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&*letter.subject)
            .date(now)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            // No holiday notice is wanted in return (`RFC 3834 §5`).
            .raw_header(automatic)
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
            .map_err(|cause| cause.to_string())
    }
}

fn parameters(server: &MailServer) -> Result<TlsParameters, IdentityError> {
    let fault =
        |cause: lettre::transport::smtp::Error| IdentityError::Configuration { key: "smtp", cause: in_full(&cause) };
    let mut tls = TlsParameters::builder(server.host.to_string());
    if let Some(authorities) = &server.authorities {
        tls = tls.certificate_store(CertificateStore::None);
        tls = tls.add_root_certificate(Certificate::from_pem(authorities).map_err(fault)?);
    }
    tls.build_rustls().map_err(fault)
}

/// An error with what caused it: the outermost says little.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
