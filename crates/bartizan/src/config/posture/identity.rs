//! What the gate's own sign-in protects, and where it is weaker than it could be.

use bartizan_identity::{AdminPasskeys, MailSecurity};

use super::Weakness;
use crate::config::resolve::Resolved;
use crate::config::units::Period;

pub(super) fn facts(resolved: &Resolved) -> Vec<String> {
    let Some(config) = &resolved.sign_in else { return Vec::new() };
    let cost = config.passwords.cost;
    let mut facts = vec![
        format!(
            "people sign in at {}; sessions end after {} without a request, or {}",
            config.issuer(),
            Period::new(config.sessions.idle),
            Period::new(config.sessions.absolute)
        ),
        format!(
            "passwords of {} characters at least ({} with a second factor), guessable ones refused, kept by Argon2id with {} KiB and {} passes",
            config.passwords.min_length_alone, config.passwords.min_length, cost.memory, cost.passes
        ),
    ];
    if !config.mfa_roles.is_empty() {
        facts.push(format!("a second factor before anything else for {}", config.mfa_roles.join(", ")));
    }
    match &config.mail {
        Some(server) => facts.push(format!(
            "links for forgotten passwords and invitations by mail through {}:{}{}",
            server.host,
            server.port,
            if server.security == MailSecurity::Plain { ", on this machine, without TLS" } else { ", by TLS" }
        )),
        None => facts.push("no mail: links for forgotten passwords and invitations are handed over".to_owned()),
    }
    if let AdminPasskeys::Only(kinds) = &config.admin_passkeys {
        let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
        facts.push(format!(
            "administrators' passkeys only in authenticators of the kinds {}, as browsers tell them (attestation is not verified)",
            kinds.join(", ")
        ));
    }
    facts
}

pub(super) fn weaknesses(resolved: &Resolved) -> Vec<Weakness> {
    let Some(config) = &resolved.sign_in else { return Vec::new() };
    let mut weaker = Vec::new();
    if config.mfa_roles.is_empty() {
        weaker.push(Weakness::new("administrators get in by a password alone", "`[identity] mfa_roles = []`"));
    }
    if config.passwords.min_length_alone < 15 {
        weaker.push(Weakness::new(
            "short passwords open accounts by themselves",
            "`[identity] password.min_length_alone` is below 15",
        ));
    }
    weaker
}
