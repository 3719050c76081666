//! `bartizan demo`: the vulnerable sample shop, an issuer of tokens and the gate before the shop, on loopback, with state that
//! is thrown away; and every attack tried on both ways in.

mod attacks;
mod client;
mod configuration;
mod honest;
mod issuer;
mod story;
mod table;
mod tokens;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use aws_lc_rs::rand::SystemRandom;
use bartizan_shop::{Database, Running, Settings, Shop};
use bartizan_vault::random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use client::{Call, send};
use configuration::Places;
use issuer::{RunningIssuer, User};
use story::{Story, Ways};
pub use table::Colour;
use tokens::Tokens;

/// The configuration's name in the demo's directory.
const FILE: &str = "bartizan.toml";

/// What the user chose.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What happens after the table.
    pub afterwards: Afterwards,
    /// How the outcome is told.
    pub output: Output,
}

/// What happens after the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// Everything goes on serving until Ctrl-C.
    Serve,
    /// The demo ends: 0 if the gate kept its promises, 1 if not.
    Exit,
}

/// How the outcome is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A table for a person.
    Text(Colour),
    /// One JSON document.
    Json,
}

/// A gate that serves, as the demo needs it.
pub trait Gate: Send + 'static {
    /// Stops it, letting what is open end.
    ///
    /// # Errors
    /// What did not end well.
    fn stop(self) -> anyhow::Result<()>;
}

/// Plays the demo. `start` starts the gate on a configuration file; it is called off the runtime that serves the shop and
/// the issuer, since it may ask the issuer for its keys before it returns.
///
/// # Errors
/// When a part does not start, or standard output is gone.
pub fn run<G: Gate>(
    options: Options,
    start: impl FnOnce(&Path) -> anyhow::Result<G> + Send + 'static,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(play(options, start))
}

async fn play<G: Gate>(
    options: Options,
    start: impl FnOnce(&Path) -> anyhow::Result<G> + Send + 'static,
) -> anyhow::Result<ExitCode> {
    // From here on a signal ends the demo in order, so that nothing of it stays on the disk.
    let mut stop = StopSignals::listen()?;
    let stage = Stage::set(start).await?;
    let story = tokio::select! {
        story = stage.play() => Some(story?),
        () = stop.arrive() => None,
    };
    if let Some(story) = &story {
        tell(story, options.output)?;
        if options.afterwards == Afterwards::Serve {
            invite(&stage)?;
            stop.arrive().await;
        }
    }
    stage.clear().await?;
    Ok(if story.is_none_or(|story| story.is_good()) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Everything that runs during a demo.
struct Stage<G> {
    shop: Running,
    issuer: RunningIssuer,
    gate: G,
    gate_address: SocketAddr,
    console: SocketAddr,
    /// Configuration and state of the gate; removed with the stage.
    directory: TempDir,
}

impl<G: Gate> Stage<G> {
    async fn set(start: impl FnOnce(&Path) -> anyhow::Result<G> + Send + 'static) -> anyhow::Result<Self> {
        let directory =
            TempDir::with_prefix("bartizan-demo-").context("cannot make a directory for the demo's state")?;
        let token_secret = URL_SAFE_NO_PAD.encode(random::bytes::<32>(&SystemRandom::new())?);
        write_private(&directory.path().join("jwt-secret"), &token_secret)?;
        let listen = listen_near(3000).await?.local_addr()?;
        let shop = Shop::start(Settings { listen, database: Database::Throwaway, token_secret }).await?;
        let issuer = RunningIssuer::start(listen_near(8081).await?)?;
        let gate_address = listen_near(8080).await?.local_addr()?;
        let console = listen_near(9443).await?.local_addr()?;
        let places = Places { gate: gate_address, console, shop: &shop.url(), issuer: issuer.issuer().url() };
        let file = directory.path().join(FILE);
        write_private(&file, &configuration::text(&places))?;
        let gate = tokio::task::spawn_blocking(move || start(&file)).await??;
        Ok(Self { shop, issuer, gate, gate_address, console, directory })
    }

    async fn play(&self) -> anyhow::Result<Story> {
        let tokens = Tokens::new(self.issuer.issuer(), SystemTime::now())?;
        until_ready(self.gate_address, &tokens).await?;
        story::play(&Ways { shop: &self.shop, gate: self.gate_address }, &tokens).await
    }

    async fn clear(self) -> anyhow::Result<()> {
        let gate = self.gate;
        tokio::task::spawn_blocking(|| gate.stop()).await??;
        self.shop.stop().await?;
        self.directory.close().context("cannot remove the demo's state")
    }
}

/// What tells a process to end.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("cannot wait for signals");
        Ok(Self { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    async fn arrive(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}

/// A listener on the usual port, so that what is printed is the same every time; on any free one where it is taken.
async fn listen_near(port: u16) -> anyhow::Result<TcpListener> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(at(port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(at(0)).await.context("cannot listen on 127.0.0.1"),
    }
}

/// Writes a file that nobody else on the machine can read: the gate refuses a secret that others can.
fn write_private(path: &Path, content: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).with_context(|| format!("cannot write `{}`", path.display()))?;
    file.write_all(content.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Waits until a signed-in user is served: the gate listens before it has the issuer's keys.
async fn until_ready(gate: SocketAddr, tokens: &Tokens) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(15);
    let mut last = "no answer".to_owned();
    while Instant::now() < end {
        match send(gate, Call::get("/orders").with_token(tokens.of(User::Alice))).await {
            Ok(answer) if answer.status == StatusCode::OK => return Ok(()),
            Ok(answer) => last = format!("{} {}", answer.status, answer.body),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the gate does not serve a signed-in user: {last}")
}

fn tell(story: &Story, output: Output) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match output {
        Output::Text(colour) => out.write_all(table::render(story, colour).as_bytes())?,
        Output::Json => {
            serde_json::to_writer_pretty(&mut out, story)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn invite<G>(stage: &Stage<G>) -> anyhow::Result<()> {
    let (gate, shop, issuer) =
        (format!("http://{}", stage.gate_address), stage.shop.url(), stage.issuer.issuer().url());
    let (console, file) = (stage.console, stage.directory.path().join(FILE));
    writeln!(
        std::io::stderr().lock(),
        "
Try it yourself. The shop is vulnerable on purpose; all of this is on loopback.

  the gate        {gate}
  the shop        {shop}   as it is without the gate
  tokens          {issuer}/token?user=alice   or bob, mallory, admin
  metrics         http://{console}/metrics
  configuration   {}

  MALLORY=\"Authorization: Bearer $(curl -s '{issuer}/token?user=mallory')\"
  curl -i {shop}/orders/42 -H \"$MALLORY\"
  curl -i {gate}/orders/42 -H \"$MALLORY\"
  curl -i {gate}/users/3 -H \"$MALLORY\"
  curl -i {gate}/debug/env

Ctrl-C ends it and removes all of it.",
        file.display()
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Process};
    use crate::serve;

    struct Served(serve::Running);

    impl Gate for Served {
        fn stop(self) -> anyhow::Result<()> {
            self.0.stop()
        }
    }

    fn start(file: &Path) -> anyhow::Result<Served> {
        let loaded = config::load(file, &Process).map_err(|faults| anyhow::anyhow!("{}", faults.summary()))?;
        Ok(Served(serve::start(file, loaded)?))
    }

    #[tokio::test]
    async fn the_gate_stops_what_it_promises_and_serves_honest_users() {
        let stage = Stage::set(start).await.unwrap();
        let story = stage.play().await.unwrap();
        let directory = stage.directory.path().to_owned();
        stage.clear().await.unwrap();
        assert!(!directory.exists(), "the demo's state is still there");
        insta::assert_snapshot!(table::render(&story, Colour::Plain));
        assert!(story.is_good());
    }
}
