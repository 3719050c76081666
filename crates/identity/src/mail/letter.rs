//! What mails say: in the reader's language, as text and as a page of our own making that loads nothing from anywhere.

use bartizan_vault::Secret;
use maud::{DOCTYPE, Markup, html};

use crate::Config;
use crate::pages::Language;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A link for a new password.
    Reset,
    /// A link that shows that the address is its holder's.
    Verification,
    /// A link that takes up an account.
    Invitation,
    /// Word of a change that its holder has to know of.
    PasswordChanged,
}

impl Kind {
    /// The word that the audit log uses.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Verification => "verification",
            Self::Invitation => "invitation",
            Self::PasswordChanged => "password-changed",
        }
    }
}

/// A mail, ready to be sent.
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// Its parts, in the order in which they are read.
struct Parts<'p> {
    hello: String,
    why: &'p str,
    link: &'p str,
    unless: &'p str,
    account: String,
}

impl Letter {
    /// Writes to somebody who is called `name`, and whose account is `username`.
    pub(crate) fn write(
        kind: Kind,
        language: Language,
        config: &Config,
        to: &str,
        (name, username): (&str, &str),
        link: &Secret<String>,
    ) -> Self {
        let text = language.texts();
        let (subject, why, unless) = match kind {
            Kind::Reset => (text.mail_reset_subject, text.mail_reset_body, text.mail_reset_not_you),
            Kind::Verification => (text.mail_verify_subject, text.mail_verify_body, text.mail_verify_not_you),
            Kind::Invitation => (text.mail_invitation_subject, text.mail_invitation_body, text.mail_invitation_not_you),
            Kind::PasswordChanged => (text.mail_changed_subject, text.mail_changed_body, text.mail_changed_not_you),
        };
        let parts = Parts {
            hello: format!("{} {name},", text.mail_hello),
            why,
            link: link.expose(),
            unless,
            account: format!("{} {username}, {}", text.mail_account, config.name),
        };
        let in_order = if kind == Kind::PasswordChanged { text_after(&parts) } else { text_before(&parts) };
        Self {
            to: to.to_owned(),
            subject: format!("{subject} – {}", config.name),
            text: in_order,
            html: page(kind, language, config, subject, &parts).into_string(),
        }
    }
}

fn text_before(parts: &Parts<'_>) -> String {
    format!("{}\n\n{}\n\n{}\n\n{}\n\n--\n{}\n", parts.hello, parts.why, parts.link, parts.unless, parts.account)
}

/// The link stands after what would make somebody want it.
fn text_after(parts: &Parts<'_>) -> String {
    format!("{}\n\n{}\n\n{}\n\n{}\n\n--\n{}\n", parts.hello, parts.why, parts.unless, parts.link, parts.account)
}

fn page(kind: Kind, language: Language, config: &Config, title: &str, parts: &Parts<'_>) -> Markup {
    let accent = config.theme.accent.as_deref().unwrap_or("#0b5cad");
    let link = html! { p style="margin:1.5em 0;overflow-wrap:anywhere" { a href=(parts.link) style=(format!("color:{accent}")) { (parts.link) } } };
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head { meta charset="utf-8"; title { (title) } }
            body style="margin:0 auto;max-width:34em;padding:1.5em;font:16px/1.5 sans-serif" {
                p { (parts.hello) }
                p { (parts.why) }
                @if kind != Kind::PasswordChanged { (link) }
                p { (parts.unless) }
                @if kind == Kind::PasswordChanged { (link) }
                p style="margin-top:2em;font-size:14px" { (parts.account) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_loads_nothing_and_what_people_are_called_is_text_in_it() {
        let config = Config::for_origin("https://gate.example");
        let link = Secret::new("https://gate.example/auth/welcome?token=abc".to_owned());
        for kind in [Kind::Reset, Kind::Verification, Kind::Invitation, Kind::PasswordChanged] {
            for language in [Language::English, Language::German] {
                let who = ("<img src=x>", "ada");
                let letter = Letter::write(kind, language, &config, "ada@example.com", who, &link);
                assert!(letter.html.contains("&lt;img src=x&gt;") && !letter.html.contains("<img"), "{}", letter.html);
                assert!(!letter.html.contains("<link") && !letter.html.contains("url("), "{}", letter.html);
                assert_eq!((letter.html.matches("https://").count(), letter.text.matches("https://").count()), (2, 1));
                assert!(!letter.subject.contains('\n'));
            }
        }
    }
}
