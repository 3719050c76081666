use std::num::{NonZeroU8, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::units::{Address, Period, Rate, Size};

/// Where state is kept.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// Directory of the embedded store: SQLite, keys and the audit log.
    pub path: PathBuf,
}

impl Default for Store {
    fn default() -> Self {
        Self { path: PathBuf::from("state") }
    }
}

/// What protects the keys in the state directory.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// The root of the key hierarchy: 256 bits from a systemd credential or from a file outside the state directory.
    /// `"automatic"` keeps it beside what it protects: for development.
    pub root: RootSource,
}

/// Where the root of the key hierarchy comes from.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RootSource {
    /// A word.
    Word(RootWord),
    /// A systemd credential.
    Credential(FromCredential),
    /// A file.
    File(FromRootFile),
}

impl Default for RootSource {
    fn default() -> Self {
        Self::Word(RootWord::Automatic)
    }
}

/// A root that needs no place of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RootWord {
    /// Made on the first start and kept inside the state directory; for development.
    Automatic,
}

/// The root from a systemd credential (`LoadCredential=` or `LoadCredentialEncrypted=`).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromCredential {
    /// The credential's name.
    pub credential: String,
}

/// The root from a file, outside the state directory, that only the gate's user can read.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromRootFile {
    /// The file's path.
    pub file: PathBuf,
}

/// Limits that hold for every route.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests from one address (IPv6: one prefix).
    pub address: Rate,
    /// Requests with a credential that fails, from one address.
    pub failed_authentication: Rate,
    /// Requests of one identity.
    pub identity: Rate,
    /// Requests in flight: 503 beyond, at once, rather than late answers for everybody.
    pub concurrency: NonZeroUsize,
    /// Open connections: another one is closed at once.
    pub connections: NonZeroUsize,
    /// Open connections from one address (IPv6: one prefix): another one is closed at once. Trusted proxies are exempt.
    pub connections_per_address: NonZeroUsize,
    /// TLS handshakes under way: a connection that would begin another one is closed at once.
    pub handshakes: NonZeroUsize,
    /// How many bits of an IPv6 address count as one client.
    #[schemars(range(min = 16, max = 128))]
    pub ipv6_prefix: NonZeroU8,
    /// How many counters are kept (about 64 bytes each): the bound on memory under a flood of distinct addresses.
    #[schemars(range(min = 1024))]
    pub counters: NonZeroUsize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            address: per_minute(600),
            failed_authentication: per_minute(30),
            identity: per_minute(1200),
            concurrency: NonZeroUsize::MIN.saturating_add(4095),
            connections: NonZeroUsize::MIN.saturating_add(16_383),
            connections_per_address: NonZeroUsize::MIN.saturating_add(1023),
            handshakes: NonZeroUsize::MIN.saturating_add(1023),
            ipv6_prefix: NonZeroU8::MIN.saturating_add(63),
            counters: NonZeroUsize::MIN.saturating_add(262_143),
        }
    }
}

fn per_minute(count: u32) -> Rate {
    bartizan_policy::Rate::per_minute(NonZeroU32::MIN.saturating_add(count.saturating_sub(1))).into()
}

/// The signed statement to the upstream of who calls.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Assertion {
    /// Whether requests to upstreams carry `Bartizan-Assertion`.
    pub header: bool,
    /// How long one assertion is valid.
    pub lifetime: Period,
}

impl Default for Assertion {
    fn default() -> Self {
        Self { header: true, lifetime: Period::new(Duration::from_mins(1)) }
    }
}

/// The audit log: one event per request, in the state directory.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Where events go besides the state directory, as ECS JSON, one a line.
    pub sinks: Vec<Sink>,
    /// What is kept in the state directory.
    pub retain: Retention,
    /// Events that may wait to be written. When it is full the gate answers 503: nothing is served that is not recorded.
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub queue: NonZeroUsize,
}

impl Default for Audit {
    fn default() -> Self {
        Self { sinks: Vec::new(), retain: Retention::default(), queue: NonZeroUsize::MIN.saturating_add(65_535) }
    }
}

/// How much of the audit log is kept. The oldest segments go first, when either bound is passed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Events younger than this.
    pub age: Period,
    /// At most this much.
    pub size: Size,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: Period::new(Duration::from_hours(366 * 24)), size: Size::new(4 << 30) }
    }
}

/// A place for events besides the state directory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Sink {
    /// A word.
    Word(SinkWord),
    /// A file.
    File(FileSink),
}

/// A place that needs no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SinkWord {
    /// Standard output.
    Stdout,
}

/// A file that events are appended to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSink {
    /// The file's path.
    pub file: PathBuf,
}

/// Health, readiness and metrics, apart from the public listener.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// Address of `/healthz`, `/readyz` and `/metrics`.
    pub listen: Address,
}

impl Default for Console {
    fn default() -> Self {
        Self { listen: Address::new(std::net::SocketAddr::from(([127, 0, 0, 1], 9443))) }
    }
}
