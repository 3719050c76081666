//! What only a start reads: a reload that would change it says so rather than pass over it.

use std::time::Duration;

use bartizan_gateway::config::Server;
use bartizan_vault::RootSource;
use http::Uri;

use crate::config::{Console, Identity, Loaded};

/// The part of a configuration that the process was started with and keeps.
pub(super) struct Fixed {
    server: Server,
    counters: std::num::NonZeroUsize,
    evidence: bartizan_evidence::Config,
    root: RootSource,
    console: Console,
    identity: Identity,
    assertion_lifetime: Duration,
}

impl Fixed {
    pub(super) fn of(loaded: &Loaded) -> Self {
        Self {
            server: loaded.gateway.server.clone(),
            counters: loaded.gateway.limits.counters,
            evidence: loaded.evidence.clone(),
            root: loaded.vault.clone(),
            console: loaded.console,
            identity: loaded.identity.clone(),
            assertion_lifetime: loaded.gateway.assertion.lifetime,
        }
    }

    /// The issuer of assertions is the URL that the gate had when it was started.
    pub(super) fn issuer(&self) -> &Uri {
        &self.server.public_url
    }

    /// The keys that `loaded` has otherwise.
    pub(super) fn changed(&self, loaded: &Loaded) -> impl Iterator<Item = &'static str> {
        let (server, evidence) = (&loaded.gateway.server, &loaded.evidence);
        let (old, kept) = (&self.server, &self.evidence);
        [
            (old.listen != server.listen, "server.listen"),
            (old.redirect_from != server.redirect_from, "server.redirect_from"),
            (old.listening.unix_sockets != server.listening.unix_sockets, "server.socket_mode"),
            (old.workers != server.workers, "server.workers"),
            (self.identity != loaded.identity, "server.user"),
            (kept.directory != evidence.directory, "store.path"),
            (self.root != loaded.vault, "vault.root"),
            (self.counters != loaded.gateway.limits.counters, "limits.counters"),
            (self.assertion_lifetime != loaded.gateway.assertion.lifetime, "assertion.lifetime"),
            (kept.queue != evidence.queue, "audit.queue"),
            (kept.retain_bytes != evidence.retain_bytes || kept.retain_for != evidence.retain_for, "audit.retain"),
            (kept.sinks != evidence.sinks, "audit.sinks"),
            (kept.otlp != evidence.otlp, "telemetry.otlp"),
            (self.console != loaded.console, "console.listen"),
        ]
        .into_iter()
        .filter_map(|(has_changed, key)| has_changed.then_some(key))
    }
}
