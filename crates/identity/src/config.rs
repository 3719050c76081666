use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::mail::MailServer;

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
    /// Who takes mail to people; without it, links are handed over.
    pub mail: Option<MailServer>,
    /// Which authenticators administrators may have passkeys in.
    pub admin_passkeys: AdminPasskeys,
}

/// Which authenticators administrators may have passkeys in. What kind an authenticator is, is what the browser says: attestation is not
/// verified, so that this keeps administrators to what was agreed with them, and stops nobody who forges what their own browser sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdminPasskeys {
    /// All.
    #[default]
    Any,
    /// Those of these kinds.
    Only(Vec<Aaguid>),
}

impl AdminPasskeys {
    /// Whether an authenticator of this kind will do. Of one that was enrolled before kinds were kept, nothing is known.
    pub fn permit(&self, kind: Option<Aaguid>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(kinds) => kind.is_some_and(|kind| kinds.contains(&kind)),
        }
    }
}

/// A kind of authenticator (`Authenticator Attestation Globally Unique ID`, W3C Web Authentication Level 3, §6.5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aaguid([u8; 16]);

impl Aaguid {
    /// From its form with hyphens, `cb69481e-8ff7-4039-93ec-0a2729a154a8`; `None` if it is another, or all zero, as authenticators say
    /// that do not want to tell.
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        let is_hexadecimal = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if lengths != [8, 4, 4, 4, 12] || !is_hexadecimal {
            return None;
        }
        let number = u128::from_str_radix(&groups.concat(), 16).ok().filter(|number| *number != 0)?;
        Some(Self(number.to_be_bytes()))
    }

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Aaguid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", u128::from_be_bytes(self.0));
        let mut rest = digits.as_str();
        for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
            let Some((group, after)) = rest.split_at_checked(length) else { break };
            write!(out, "{}{group}", if index == 0 { "" } else { "-" })?;
            rest = after;
        }
        Ok(())
    }
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
            mail: None,
            admin_passkeys: AdminPasskeys::Any,
        }
    }

    /// The issuer: what tokens and metadata call this place.
    pub fn issuer(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }
}
