//! Where the gate's mail is handed in, and which authenticators administrators may use.

use std::net::IpAddr;
use std::sync::Arc;

use bartizan_identity::{Aaguid, AdminPasskeys, MailSecurity, MailSender, MailServer};
use bartizan_vault::Secret;

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{self, Smtp, SmtpTls};
use crate::config::tree::Place;

impl Resolver<'_> {
    pub(super) fn mail_server(&mut self, smtp: &Smtp, place: &Place) -> Option<MailServer> {
        if smtp.tls == SmtpTls::Off && !is_loopback(&smtp.host) {
            let message = format!("links that open accounts would go to `{}` in the clear", smtp.host);
            let remedy = "write `tls = \"starttls\"` or `\"implicit\"`; `\"off\"` is for a server on this machine";
            self.error(FaultKind::Unsafe, &place.key("tls"), message, remedy);
        }
        let from = MailSender::parse(&smtp.from);
        if from.is_none() {
            let message = format!("`{}` is no address that mail could be from", smtp.from);
            let remedy = "write `\"name@example.com\"`, or `\"Example <name@example.com>\"`";
            self.error(FaultKind::Malformed, &place.key("from"), message, remedy);
        }
        let authorities = match &smtp.ca {
            Some(path) => {
                let content = self.content(path, &place.key("ca"), "file of authorities")?;
                self.contents.push(content.clone());
                Some(Arc::from(content))
            }
            None => None,
        };
        let login = self.mail_login(smtp, place);
        if login.is_none() && (smtp.username.is_some() || smtp.password.is_some()) {
            return None;
        }
        let (usual, security) = match smtp.tls {
            SmtpTls::Starttls => (587, MailSecurity::StartTls),
            SmtpTls::Implicit => (465, MailSecurity::Implicit),
            SmtpTls::Off => (25, MailSecurity::Plain),
        };
        let port = smtp.port.unwrap_or(usual);
        Some(MailServer { host: smtp.host.as_str().into(), port, security, authorities, login, from: from? })
    }

    /// Who hands mail in; `None` if nobody is said to, or after a fault.
    fn mail_login(&mut self, smtp: &Smtp, place: &Place) -> Option<(Arc<str>, Arc<Secret<String>>)> {
        let (Some(name), Some(password)) = (&smtp.username, &smtp.password) else {
            if smtp.username.is_some() || smtp.password.is_some() {
                let message = "a mail server is told a name and a password, or neither";
                self.error(FaultKind::MissingKey, place, message, "write both `username` and `password`");
            }
            return None;
        };
        let password = self.secret(password, &place.key("password"))?;
        let Ok(text) = String::from_utf8(password.expose().clone()) else {
            let message = "the password is no text";
            self.error(FaultKind::SecretUnavailable, &place.key("password"), message, "put it there in UTF-8");
            return None;
        };
        Some((name.as_str().into(), Arc::new(Secret::new(text))))
    }

    pub(super) fn admin_passkeys(&mut self, literal: &literal::AdminPasskeys, place: &Place) -> AdminPasskeys {
        let literal::AdminPasskeys::Kinds(kinds) = literal else { return AdminPasskeys::Any };
        if kinds.is_empty() {
            let message = "no authenticator would do: administrators could have no passkey at all";
            self.error(FaultKind::Contradiction, place, message, "name the kinds that will do, or write `\"any\"`");
        }
        let parsed = kinds.iter().enumerate().filter_map(|(index, kind)| {
            let parsed = Aaguid::parse(kind);
            if parsed.is_none() {
                let message = format!("`{kind}` names no kind of authenticator");
                let remedy = "write its AAGUID, as its maker publishes it: `\"cb69481e-8ff7-4039-93ec-0a2729a154a8\"`";
                self.error(FaultKind::Malformed, &place.index(index), message, remedy);
            }
            parsed
        });
        AdminPasskeys::Only(parsed.collect())
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
