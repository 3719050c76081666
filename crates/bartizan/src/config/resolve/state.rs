use std::sync::Arc;

use bartizan_evidence::{Otlp, Sink};
use bartizan_gateway::config as gateway;
use bartizan_vault::RootSource;

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{self, File, RootSource as Literal};
use crate::config::tree::Place;

/// Where systemd puts the credentials of a unit named `bartizan.service`. Outside of the unit nobody can read it, so that a
/// gate started by hand stops there rather than take a root from elsewhere.
const UNIT_CREDENTIALS: &str = "/run/credentials/bartizan.service";

/// The limits that hold for every route.
pub(super) fn limits(limits: &literal::Limits) -> gateway::Limits {
    gateway::Limits {
        address: limits.address.get(),
        failed_authentication: limits.failed_authentication.get(),
        identity: limits.identity.get(),
        concurrency: limits.concurrency,
        connections: limits.connections,
        connections_per_address: limits.connections_per_address,
        handshakes: limits.handshakes,
        ipv6_prefix: limits.ipv6_prefix,
        counters: limits.counters,
    }
}

impl Resolver<'_> {
    pub(super) fn evidence(&self, file: &File, otlp: Option<Arc<Otlp>>) -> bartizan_evidence::Config {
        let sink = |sink: &literal::Sink| match sink {
            literal::Sink::Word(literal::SinkWord::Stdout) => Sink::Stdout,
            literal::Sink::File(to) => Sink::File(self.beside(&to.file)),
        };
        bartizan_evidence::Config {
            directory: self.beside(&file.store.path).join("audit"),
            queue: file.audit.queue,
            retain_bytes: file.audit.retain.size.get(),
            retain_for: file.audit.retain.age.get(),
            otlp,
            sinks: file.audit.sinks.iter().map(sink).collect(),
            ..bartizan_evidence::Config::default()
        }
    }

    /// Where the root of the key hierarchy comes from.
    pub(super) fn root(&mut self, file: &File) -> Option<RootSource> {
        let place = Place::root().key("vault").key("root");
        let state = self.beside(&file.store.path);
        match &file.vault.root {
            Literal::Word(literal::RootWord::Automatic) => Some(RootSource::Automatic(state)),
            Literal::Credential(from) => {
                let directory = self.environment.variable("CREDENTIALS_DIRECTORY").unwrap_or_else(|| {
                    let message = "`CREDENTIALS_DIRECTORY` is not set here: systemd sets it for the gate's unit only";
                    let remedy = format!("see that the unit has `LoadCredentialEncrypted={}`", from.credential);
                    self.warning(FaultKind::SecretUnavailable, &place, message, remedy);
                    UNIT_CREDENTIALS.to_owned()
                });
                Some(RootSource::Credential { directory: directory.into(), name: from.credential.clone() })
            }
            Literal::File(from) => {
                let path = self.beside(&from.file);
                if path.starts_with(&state) {
                    let message = "the root stands inside the state directory, beside what it protects";
                    let remedy = "put it elsewhere, so that a copy of the state is worth nothing without it";
                    self.error(FaultKind::Unsafe, &place.key("file"), message, remedy);
                    return None;
                }
                Some(RootSource::File(path))
            }
        }
    }
}
