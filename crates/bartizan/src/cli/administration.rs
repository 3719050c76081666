//! Commands about identities: through the running node, or on its state while none runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use bartizan_evidence::Recorder;
use bartizan_identity::{Command, Identity};
use bartizan_store::Store;
use bartizan_vault::Root;
use bartizan_vault::random::SystemRandom;
use serde_json::Value;

use crate::config::{self, Loaded, Process, Style};
use crate::serve;

/// Where the state is, and who is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The configuration of the gate.
    #[arg(long = "config", value_name = "FILE", default_value_os_t = super::default_file())]
    configuration: PathBuf,
}

/// Whoever does what is asked.
pub(super) enum Administration {
    /// The node that has the state.
    Node(PathBuf),
    /// This process, which has it as long as this lives.
    Here(Box<Here>),
}

pub(super) struct Here {
    identity: Arc<Identity>,
    store: Store,
    runtime: tokio::runtime::Runtime,
    writer: bartizan_evidence::WriterHandle,
}

impl Target {
    /// Finds out whether a node runs; opens the state if none does.
    pub(super) fn open(&self) -> anyhow::Result<Administration> {
        let loaded = config::load(&self.configuration, &Process)
            .map_err(|faults| anyhow::anyhow!("{}", faults.render(Style::Plain)))
            .context("the configuration does not hold")?;
        if loaded.sign_in.is_none() {
            bail!(
                "`{}` has no `[identity]` section: the gate has no accounts of its own",
                self.configuration.display()
            );
        }
        let bartizan_store::Config::Sqlite { directory } = &loaded.store else {
            bail!("the state of this version is a directory");
        };
        let directory = directory.clone();
        if serve::control::is_there(&directory) {
            Ok(Administration::Node(directory))
        } else {
            here(&directory, loaded)
        }
    }
}

fn here(directory: &Path, loaded: Loaded) -> anyhow::Result<Administration> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let root = Root::load(&loaded.vault, &SystemRandom::new())?;
    let store = runtime
        .block_on(Store::open(&loaded.store, &serve::rooms(), SystemTime::now()))
        .with_context(|| format!("the state in `{}` cannot be opened", directory.display()))?;
    let (recorder, writer) = Recorder::start(loaded.evidence)?;
    let config = loaded.sign_in.context("the gate has no accounts of its own")?;
    let identity = runtime.block_on(serve::sign_in(config, loaded.provider, store.clone(), &root, &recorder))?;
    Ok(Administration::Here(Box::new(Here { identity, store, runtime, writer })))
}

impl Administration {
    /// Has it done.
    pub(super) fn ask(&self, command: &Command) -> anyhow::Result<Value> {
        match self {
            Self::Node(state) => serve::control::ask(state, command),
            Self::Here(here) => Ok(here.runtime.block_on(here.identity.administer(command.clone()))?),
        }
    }

    /// Puts everything on disk and lets go of the state.
    pub(super) fn close(self) -> anyhow::Result<()> {
        if let Self::Here(here) = self {
            let mailed = here.runtime.block_on(here.identity.deliver_waiting_mail());
            here.runtime.block_on(here.store.close());
            here.writer.shutdown().context("the last events are not on disk")?;
            if let Err(cause) = mailed {
                bail!("the mail was not sent: {cause}; `bartizan user invite NAME --print` gives you the link instead");
            }
        }
        Ok(())
    }
}
