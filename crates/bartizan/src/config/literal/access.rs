use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OneOrMany;
use crate::config::units::{Hours, LookUp, Network, Period, Pointer, Time};

/// Who may call a route.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Access {
    /// A word.
    Word(AccessWord),
    /// A rule, of which every part must hold.
    Rule(Box<AccessRule>),
}

/// Access that needs no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessWord {
    /// Anyone, signed in or not.
    Public,
    /// Everyone who is signed in.
    SignedIn,
}

/// What a caller must satisfy. Every part that is present must hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct AccessRule {
    /// Any one of these roles.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub roles: Option<Vec<String>>,
    /// All of these scopes.
    #[schemars(length(min = 1))]
    pub scopes: Option<Vec<String>>,
    /// Claims that must have one of the given values; the keys are JSON Pointers into the token.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Claim>", extend("x-bartizan-keys" = "pointer"))]
    pub attributes: BTreeMap<Pointer, Claim>,
    /// The caller must own what is asked for.
    pub owner: Option<Owner>,
    /// The caller must have signed in with more than one factor.
    #[serde(default)]
    pub mfa: bool,
    /// The caller's sign-in must be of one of these authentication context classes (`acr`).
    #[schemars(length(min = 1))]
    pub acr: Option<Vec<String>>,
    /// The caller must have signed in no longer ago than this (RFC 9470).
    pub max_age: Option<Period>,
    /// The client's address must lie in one of these networks.
    #[schemars(length(min = 1))]
    pub networks: Option<Vec<Network>>,
    /// The hours, in UTC, in which the route may be called.
    pub hours: Option<Hours>,
    /// The days on which `hours` begin; without it, every day.
    #[schemars(length(min = 1))]
    pub days: Option<Vec<Weekday>>,
    /// When this access ends: the end of a temporary grant.
    pub until: Option<Time>,
}

/// The value that a claim must have, or a list of which it must have one.
pub type Claim = OneOrMany<Scalar>;

/// A value of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A whole number.
    Number(i64),
    /// True or false.
    Truth(bool),
}

/// How the owner of what is asked for becomes known: a path parameter (`param`), a field of the answer (`field`), or a field
/// of the answer to a request that the gate makes first (`lookup` and `field`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The path parameter whose value must be the caller.
    pub param: Option<String>,
    /// The field, as a JSON Pointer, that must be the caller. Without `lookup`: of the answer, for safe methods only.
    pub field: Option<Pointer>,
    /// The request that the gate makes to the upstream before it forwards.
    pub lookup: Option<LookUp>,
    /// Callers with one of these roles pass without owning.
    #[serde(default)]
    pub unless_roles: Vec<String>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}
