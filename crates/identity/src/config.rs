use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// What the gate's own sign-in is told.
#[derive(PartialEq, Eq)]
pub struct Config {
    /// How the outside names the gate: scheme and authority, without a slash at the end.
    pub origin: Arc<str>,
    /// Where the endpoints are, below the origin: begins with a slash and does not end with one. The issuer is `origin` + `path`.
    pub path: Arc<str>,
    /// What the pages call this place.
    pub name: Arc<str>,
    /// Sessions.
    pub sessions: SessionRules,
    /// Passwords.
    pub passwords: PasswordRules,
    /// Roles whose holders must have a second factor before they get into anything.
    pub mfa_roles: Vec<Arc<str>>,
    /// How the pages look.
    pub theme: Theme,
}

/// How long a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRules {
    /// Without a request.
    pub idle: Duration,
    /// At most, whatever its holder does.
    pub absolute: Duration,
}

impl Default for SessionRules {
    /// What `NIST SP 800-63B-4 §2.2.3` recommends at AAL2: an hour, and a day.
    fn default() -> Self {
        Self { idle: Duration::from_hours(1), absolute: Duration::from_hours(24) }
    }
}

/// What a password must be, and how it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// Characters, where a second factor is asked for as well. Never less than 8 (`NIST SP 800-63B-4 §3.1.1.2`).
    pub min_length: usize,
    /// Characters, where the password is all that is asked for.
    pub min_length_alone: usize,
    /// What hashing one costs.
    pub cost: Cost,
    /// How many may wait to be hashed; beyond it, 503.
    pub queue: NonZeroUsize,
    /// How many are hashed at once: each takes a core, and the memory of its cost.
    pub workers: NonZeroUsize,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self {
            min_length: 8,
            min_length_alone: 15,
            cost: Cost::default(),
            queue: NonZeroUsize::MIN.saturating_add(63),
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// What hashing a password by Argon2id costs (`RFC 9106 §3.1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    /// The first choice of OWASP's Password Storage Cheat Sheet.
    fn default() -> Self {
        Self { memory: 19_456, passes: 2, lanes: 1 }
    }
}

/// How the pages look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    /// The picture above each page, and its media type.
    pub logo: Option<(Arc<[u8]>, &'static str)>,
    /// The colour of buttons and links, as `#rrggbb`, in the light form of the pages.
    pub accent: Option<Arc<str>>,
    /// The same in their dark form.
    pub accent_dark: Option<Arc<str>>,
}

impl Config {
    /// A configuration for `origin`, with everything else as it is by default.
    pub fn for_origin(origin: &str) -> Self {
        Self {
            origin: origin.trim_end_matches('/').into(),
            path: "/auth".into(),
            name: "Bartizan".into(),
            sessions: SessionRules::default(),
            passwords: PasswordRules::default(),
            mfa_roles: vec!["admin".into()],
            theme: Theme::default(),
        }
    }

    /// The issuer: what tokens and metadata call this place.
    pub fn issuer(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }
}
