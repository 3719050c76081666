use std::sync::Arc;

use bartizan_policy::{Access, Attribute, Hours, Owner, OwnerSource, Rule, StepUp};

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{self, AccessRule, AccessWord, Credential, Route, Scalar, Weekday};
use crate::config::tree::Place;
use crate::config::units::{Period, Time};

impl Resolver<'_> {
    /// Who may call a route.
    pub(super) fn access(&mut self, route: &Route, place: &Place) -> Option<Access> {
        let place = place.key("access");
        match &route.access {
            literal::Access::Word(AccessWord::Public) => Some(Access::Public),
            literal::Access::Word(AccessWord::SignedIn) => Some(Access::SignedIn),
            literal::Access::Rule(rule) => self.rule(rule, route, &place).map(|rule| Access::Rule(Box::new(rule))),
        }
    }

    fn rule(&mut self, rule: &AccessRule, route: &Route, place: &Place) -> Option<Rule> {
        let owner = match &rule.owner {
            Some(owner) => Some(self.owner(owner, route, &place.key("owner"))?),
            None => None,
        };
        self.people_only(rule, route, place);
        let hours = self.hours(rule, place);
        if let Some(until) = rule.until.filter(|until| until.get() <= self.environment.now()) {
            let message = format!("this access ended at {until}: nobody passes");
            self.warning(FaultKind::Expired, &place.key("until"), message, "renew it, or take the route out");
        }
        let attribute = |(pointer, claim): (&crate::config::units::Pointer, &literal::Claim)| Attribute {
            pointer: pointer.as_str().into(),
            any_of: claim.as_slice().iter().map(value).collect(),
        };
        Some(Rule {
            roles: shared(rule.roles.as_deref()),
            scopes: shared(rule.scopes.as_deref()),
            attributes: rule.attributes.iter().map(attribute).collect(),
            owner,
            step_up: StepUp {
                multi_factor: rule.mfa,
                acr: shared(rule.acr.as_deref()),
                max_age: rule.max_age.map(Period::get),
            },
            networks: rule.networks.iter().flatten().map(|network| network.get()).collect(),
            hours,
            until: rule.until.map(Time::get),
        })
    }

    /// How the owner becomes known: a parameter, a field of the answer, or a look-up.
    fn owner(&mut self, owner: &literal::Owner, route: &Route, place: &Place) -> Option<Owner> {
        let source = match (&owner.param, &owner.lookup, &owner.field) {
            (Some(param), None, None) => self.owner_parameter(param, route, place)?,
            (None, None, Some(field)) => {
                self.safe_methods_only(route, place);
                OwnerSource::Field(field.as_str().into())
            }
            (None, Some(lookup), Some(field)) => {
                let known: Vec<&str> = route.path.parameters().collect();
                for name in lookup.path().parameters().filter(|name| !known.contains(name)) {
                    let message = format!("the look-up's `{{{name}}}` is not a parameter of `{}`", route.path);
                    self.error(FaultKind::Unresolvable, &place.key("lookup"), message, parameters_remedy(route));
                }
                OwnerSource::Lookup { path: lookup.path().as_str().into(), field: field.as_str().into() }
            }
            (None, Some(_), None) => {
                let message = "the look-up does not say where its answer names the owner";
                self.error(FaultKind::MissingKey, &place.key("lookup"), message, "add `field = \"/user_id\"`");
                return None;
            }
            (None, None, None) => {
                let message = "`owner` does not say how the owner becomes known";
                let remedy = "write `{ param = \"id\" }`, `{ field = \"/user_id\" }` or `{ lookup = \"GET /…\", field = \"/user_id\" }`";
                self.error(FaultKind::MissingKey, place, message, remedy);
                return None;
            }
            (Some(_), _, _) => {
                let message = "`param` and a field are two ways to know the owner";
                self.error(FaultKind::Contradiction, &place.key("param"), message, "leave one of them out");
                return None;
            }
        };
        Some(Owner { source, unless_roles: shared(Some(&owner.unless_roles)) })
    }

    fn owner_parameter(&mut self, param: &str, route: &Route, place: &Place) -> Option<OwnerSource> {
        if route.path.parameters().any(|name| name == param) {
            return Some(OwnerSource::Parameter(param.into()));
        }
        let message = format!("`{param}` is not a parameter of `{}`", route.path);
        self.error(FaultKind::Unresolvable, &place.key("param"), message, parameters_remedy(route));
        None
    }

    /// The answer to an unsafe request names its owner when the deed is done.
    fn safe_methods_only(&mut self, route: &Route, place: &Place) {
        if let Some(method) = route.methods.iter().find(|method| !method.is_safe()) {
            let message = format!("the answer to `{method}` names the owner when it is too late");
            let remedy =
                "add a look-up that the gate makes first: `{ lookup = \"GET /orders/{id}\", field = \"/user_id\" }`";
            self.error(FaultKind::Unsafe, &place.key("field"), message, remedy);
        }
    }

    /// Only people own things and sign in with factors: a route for keys alone that asks for either is closed to everybody.
    fn people_only(&mut self, rule: &AccessRule, route: &Route, place: &Place) {
        let is_machines = |credential: &Credential| matches!(credential, Credential::ApiKey | Credential::Mtls);
        let by_key_alone = route.webhook.is_some() || route.credentials().iter().all(is_machines);
        let steps_up = rule.mfa || rule.acr.is_some() || rule.max_age.is_some();
        let owned = rule.owner.as_ref().is_some_and(|owner| owner.unless_roles.is_empty());
        if by_key_alone && (steps_up || owned) {
            let message = "an API key is nobody: it owns nothing and has no second factor, so that nobody passes here";
            self.error(
                FaultKind::Contradiction,
                place,
                message,
                "accept `\"bearer\"` too, or ask for roles and scopes only",
            );
        }
    }

    fn hours(&mut self, rule: &AccessRule, place: &Place) -> Option<Hours> {
        const WEEK: [Weekday; 7] =
            [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
        let window = rule.hours.or_else(|| rule.days.as_ref().and_then(|_| "00:00-00:00".parse().ok()))?;
        if window.start == window.end && rule.hours.is_some() {
            let message = "the window begins and ends at the same minute: it is the whole day";
            self.warning(FaultKind::Contradiction, &place.key("hours"), message, "leave `hours` out if that is meant");
        }
        let days = rule.days.as_deref().unwrap_or(&WEEK);
        Some(Hours { start: window.start, end: window.end, days: WEEK.map(|day| days.contains(&day)) })
    }
}

fn parameters_remedy(route: &Route) -> String {
    let names: Vec<String> = route.path.parameters().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        format!("name a parameter in the path, such as `{}/{{id}}`", route.path.as_str().trim_end_matches('/'))
    } else {
        format!("its parameters are {}", names.join(", "))
    }
}

fn shared(names: Option<&[String]>) -> Vec<Arc<str>> {
    names.unwrap_or_default().iter().map(|name| name.as_str().into()).collect()
}

fn value(scalar: &Scalar) -> serde_json::Value {
    match scalar {
        Scalar::Text(text) => text.as_str().into(),
        Scalar::Number(number) => (*number).into(),
        Scalar::Truth(truth) => (*truth).into(),
    }
}
