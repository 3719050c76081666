use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::Value;

use crate::{Owner, Principal, PrincipalKind, Timestamp};

/// Who may call a route. There is no default: a route that does not say is not served.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// Anyone, signed in or not.
    Public,
    /// Every principal.
    SignedIn,
    /// Principals that satisfy every part of the rule.
    Rule(Box<Rule>),
}

/// What a caller must satisfy; every part that is present must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Any one of these roles.
    pub roles: Vec<Arc<str>>,
    /// All of these scopes (`RFC 6750 §3.1`).
    pub scopes: Vec<Arc<str>>,
    /// All of these attributes.
    pub attributes: Vec<Attribute>,
    /// The caller must own what is asked for (`OWASP API1:2023`).
    pub owner: Option<Owner>,
    /// How the caller must have signed in (`RFC 9470`).
    pub step_up: StepUp,
    /// The client's address must lie in one of these; empty means anywhere.
    pub networks: Vec<IpNet>,
    /// The hours in which the route may be called.
    pub hours: Option<Hours>,
    /// When the grant ends: "temporary" access that nobody has to remember to remove.
    pub until: Option<Timestamp>,
}

/// A claim that must have one of the listed values.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// JSON Pointer into the claims (`RFC 6901`).
    pub pointer: Arc<str>,
    /// The values that pass. A claim that is an array passes if it holds one of them.
    pub any_of: Vec<Value>,
}

/// How, and how recently, the caller must have signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepUp {
    /// More than one factor.
    pub multi_factor: bool,
    /// One of these authentication context classes; empty means any.
    pub acr: Vec<Arc<str>>,
    /// The sign-in is at most this old.
    pub max_age: Option<Duration>,
}

/// A daily window in UTC, in minutes since midnight. `start > end` spans midnight; both ends equal means the whole day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// First minute that passes.
    pub start: u16,
    /// First minute that no longer passes.
    pub end: u16,
    /// Days of the week on which the window opens, Monday first.
    pub days: [bool; 7],
}

/// What is known of a request before its body is read.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The client's address, as the trusted proxies say.
    pub client: IpAddr,
    /// The route's path parameters, decoded.
    pub parameters: &'a [(Arc<str>, String)],
    /// Now.
    pub now: Timestamp,
}

/// Proof that a request satisfied its route's rule as far as can be known without a body or a look-up. Only [`decide`] makes it.
#[derive(Debug)]
#[must_use = "a permit that still has an owner to ask about is not yet permission"]
pub struct Permit<'a> {
    pending: Option<&'a Owner>,
}

impl<'a> Permit<'a> {
    /// The ownership that only the upstream can tell, if there is one.
    pub fn pending_owner(&self) -> Option<&'a Owner> {
        self.pending
    }
}

/// Why a caller may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Nobody is signed in, and the route wants somebody.
    SignInRequired,
    /// None of the route's roles.
    RoleMissing,
    /// Lacks this scope.
    ScopeMissing(String),
    /// The claim at this pointer does not have a value that passes.
    AttributeMissing(String),
    /// What is asked for belongs to somebody else, or to nobody who can be known.
    NotOwner,
    /// Signed in, but not strongly or recently enough.
    StepUpRequired(StepUp),
    /// Not from this network.
    NetworkRefused,
    /// Not at this time.
    OutsideHours,
    /// The grant has ended.
    GrantEnded,
}

impl Denial {
    /// The stable name used in refusals, events and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SignInRequired => "sign-in-required",
            Self::RoleMissing => "role-missing",
            Self::ScopeMissing(_) => "scope-missing",
            Self::AttributeMissing(_) => "attribute-missing",
            Self::NotOwner => "not-owner",
            Self::StepUpRequired(_) => "step-up-required",
            Self::NetworkRefused => "network-refused",
            Self::OutsideHours => "outside-hours",
            Self::GrantEnded => "grant-ended",
        }
    }
}

/// Judges a caller against a route's access rule.
///
/// # Errors
/// The first part of the rule that does not hold. Parts about the caller's right come before step-up, so that nobody is asked for a
/// second factor on the way to a door that stays shut.
pub fn decide<'a>(access: &'a Access, caller: Option<&Principal>, facts: Facts<'_>) -> Result<Permit<'a>, Denial> {
    let rule = match (access, caller) {
        (Access::Public, _) | (Access::SignedIn, Some(_)) => return Ok(Permit { pending: None }),
        (Access::SignedIn | Access::Rule(_), None) => return Err(Denial::SignInRequired),
        (Access::Rule(rule), Some(caller)) => {
            rule.judge_caller(caller)?;
            rule.judge_conditions(facts)?;
            rule.step_up.judge(caller, facts.now)?;
            rule
        }
    };
    match (&rule.owner, caller) {
        (Some(owner), Some(caller)) => Ok(Permit { pending: owner.judge_parameters(caller, facts.parameters)? }),
        _ => Ok(Permit { pending: None }),
    }
}

impl Rule {
    fn judge_caller(&self, caller: &Principal) -> Result<(), Denial> {
        if !self.roles.is_empty() && !caller.has_any_role(&self.roles) {
            return Err(Denial::RoleMissing);
        }
        if let Some(scope) = caller.missing_scope(&self.scopes) {
            return Err(Denial::ScopeMissing(scope.to_owned()));
        }
        match self.attributes.iter().find(|attribute| !attribute.holds(caller)) {
            Some(attribute) => Err(Denial::AttributeMissing(attribute.pointer.to_string())),
            None => Ok(()),
        }
    }

    fn judge_conditions(&self, facts: Facts<'_>) -> Result<(), Denial> {
        if !self.networks.is_empty() && !self.networks.iter().any(|network| network.contains(&facts.client)) {
            return Err(Denial::NetworkRefused);
        }
        if self.until.is_some_and(|until| facts.now >= until) {
            return Err(Denial::GrantEnded);
        }
        match &self.hours {
            Some(hours) if !hours.contain(facts.now) => Err(Denial::OutsideHours),
            _ => Ok(()),
        }
    }
}

impl Attribute {
    fn holds(&self, caller: &Principal) -> bool {
        let (first, rest) = match self.pointer.trim_start_matches('/').split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (self.pointer.trim_start_matches('/'), None),
        };
        let member = caller.attributes.get(&first.replace("~1", "/").replace("~0", "~"));
        let claim = match rest {
            Some(rest) => member.and_then(|member| member.pointer(&format!("/{rest}"))),
            None => member,
        };
        match claim {
            Some(Value::Array(values)) => values.iter().any(|value| self.any_of.contains(value)),
            Some(value) => self.any_of.contains(value),
            None => false,
        }
    }
}

impl StepUp {
    /// Whether anything is asked at all.
    pub fn is_empty(&self) -> bool {
        !self.multi_factor && self.acr.is_empty() && self.max_age.is_none()
    }

    fn judge(&self, caller: &Principal, now: Timestamp) -> Result<(), Denial> {
        if self.is_empty() {
            return Ok(());
        }
        let signed_in = &caller.authentication;
        let is_person = caller.kind == PrincipalKind::User;
        let factors = !self.multi_factor || signed_in.is_multi_factor();
        let class = self.acr.is_empty() || signed_in.acr.as_ref().is_some_and(|acr| self.acr.contains(acr));
        // A token that does not say when its holder signed in is too old for any limit.
        let fresh = self.max_age.is_none_or(|limit| {
            signed_in.time.is_some_and(|time| time <= now.after(CLOCK_SKEW) && now.since(time) <= limit)
        });
        if is_person && factors && class && fresh { Ok(()) } else { Err(Denial::StepUpRequired(self.clone())) }
    }
}

/// How far ahead of ours the issuer's clock may run before a sign-in "from the future" is not believed.
const CLOCK_SKEW: Duration = Duration::from_secs(30);

impl Hours {
    fn contain(&self, now: Timestamp) -> bool {
        const DAY: i64 = 24 * 60;
        let minutes = now.as_unix().div_euclid(60);
        // 1970-01-01 was a Thursday, the fourth day of a week that begins on Monday.
        let weekday = usize::try_from((minutes.div_euclid(DAY) + 3).rem_euclid(7)).unwrap_or(0);
        let minute = u16::try_from(minutes.rem_euclid(DAY)).unwrap_or(0);
        let opens_on = |day: usize| self.days.get(day % 7).copied().unwrap_or(false);
        if self.start < self.end {
            return opens_on(weekday) && (self.start..self.end).contains(&minute);
        }
        // A window over midnight belongs to the day on which it opened.
        (opens_on(weekday) && minute >= self.start) || (opens_on(weekday + 6) && minute < self.end)
    }
}
