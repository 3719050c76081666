//! Says in words who may call.

use std::sync::Arc;

use bartizan_policy::{Access, Attribute, Hours, Owner, OwnerSource, Rule, StepUp};

use crate::config::expect::either;
use crate::config::units::{self, Period, Time};

/// Who may call, one condition an element; all of them hold.
pub(super) fn who(access: &Access) -> Vec<String> {
    match access {
        Access::Public => vec!["anybody".to_owned()],
        Access::SignedIn => vec!["everybody who is signed in".to_owned()],
        Access::Rule(rule) => of_rule(rule),
    }
}

fn of_rule(rule: &Rule) -> Vec<String> {
    let Rule { roles, scopes, attributes, owner, step_up, networks, hours, until } = rule;
    let listed = |names: &[Arc<str>]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let mut who = Vec::new();
    if !roles.is_empty() {
        who.push(format!("role {}", either(&listed(roles))));
    }
    if !scopes.is_empty() {
        who.push(format!("scope {}", listed(scopes).join(" and ")));
    }
    who.extend(attributes.iter().map(of_attribute));
    who.extend(owner.iter().map(of_owner));
    who.extend(of_step_up(step_up));
    if !networks.is_empty() {
        let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
        who.push(format!("from {}", either(&networks)));
    }
    who.extend(hours.iter().map(of_hours));
    who.extend(until.iter().map(|until| format!("until {}", Time::written(*until))));
    who
}

fn of_attribute(attribute: &Attribute) -> String {
    let values: Vec<String> = attribute.any_of.iter().map(ToString::to_string).collect();
    format!("whose claim {} is {}", attribute.pointer, either(&values))
}

fn of_owner(owner: &Owner) -> String {
    let source = match &owner.source {
        OwnerSource::Parameter(name) => format!("the owner, who is `{{{name}}}` of the path"),
        OwnerSource::Field(pointer) => format!("the owner, whom the answer names at {pointer}"),
        OwnerSource::Lookup { path, field } => format!("the owner, whom GET {path} names at {field}"),
    };
    match owner.unless_roles.as_slice() {
        [] => source,
        roles => {
            format!("{source}, or role {}", either(&roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>()))
        }
    }
}

fn of_step_up(step_up: &StepUp) -> Vec<String> {
    let mut asked = Vec::new();
    if step_up.multi_factor {
        asked.push("signed in with two factors".to_owned());
    }
    if !step_up.acr.is_empty() {
        let classes: Vec<String> = step_up.acr.iter().map(|class| format!("`{class}`")).collect();
        asked.push(format!("signed in by {}", either(&classes)));
    }
    if let Some(age) = step_up.max_age {
        asked.push(format!("signed in at most {} ago", Period::new(age)));
    }
    asked
}

fn of_hours(hours: &Hours) -> String {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let days: Vec<&str> = NAMES.into_iter().zip(hours.days).filter_map(|(name, open)| open.then_some(name)).collect();
    let window = units::Hours { start: hours.start, end: hours.end };
    match (days.len(), hours.start == hours.end) {
        (7, _) => format!("{window} UTC"),
        (_, true) => format!("on {}", days.join(", ")),
        (_, false) => format!("{window} UTC on {}", days.join(", ")),
    }
}
