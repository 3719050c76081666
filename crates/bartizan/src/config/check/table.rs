use serde_json::{Map, Value};

use super::Checker;
use crate::config::expect::expectation;
use crate::config::faults::{Fault, FaultKind};
use crate::config::hints::{self, Meant};
use crate::config::later;
use crate::config::tree::{Content, Member, Node, Place};
use crate::config::units;

impl Checker<'_> {
    /// A table without its optional members that are at fault; `None` if a required one is missing or at fault.
    pub(super) fn table(&mut self, schema: &Value, members: &[Member], node: &Node, place: &Place) -> Option<Value> {
        let known = schema.get("properties").and_then(Value::as_object);
        let open = schema.get("additionalProperties").filter(|it| it.is_object());
        let mut sound = Map::new();
        // Required keys that need no fault of their own: a misspelt key next to "missing" would say one thing twice.
        let mut explained = Vec::new();
        for member in members {
            let inside = place.key(&member.key);
            let value = match (known.and_then(|known| known.get(&member.key)), open) {
                (Some(schema), _) => self.value(schema, &member.node, &inside),
                (None, Some(values)) => self.entry(schema, values, member, &inside),
                (None, None) => self.unknown_key(known, member, place, &mut explained),
            };
            match value {
                Some(value) => drop(sound.insert(member.key.clone(), value)),
                None => explained.push(member.key.clone()),
            }
        }
        let complete = self.required(schema, &sound, &explained, node, place);
        // Of the file itself, whatever is sound is read on: a fault in one section must not hide those of the others.
        let is_file = *place == Place::root();
        (complete || is_file).then_some(Value::Object(sound))
    }

    /// A member of a table whose keys are the user's own.
    fn entry(&mut self, schema: &Value, values: &Value, member: &Member, inside: &Place) -> Option<Value> {
        let form = schema.get("x-bartizan-keys").and_then(Value::as_str);
        if let Some(Err(malformed)) = form.and_then(|form| units::check(form, &member.key)) {
            let fault = Fault::error(FaultKind::Malformed, member.key_span.clone(), malformed.problem);
            return self.report(fault.remedy(malformed.remedy));
        }
        self.value(values, &member.node, inside)
    }

    fn unknown_key(
        &mut self,
        known: Option<&Map<String, Value>>,
        member: &Member,
        place: &Place,
        explained: &mut Vec<String>,
    ) -> Option<Value> {
        let (key, span) = (&member.key, member.key_span.clone());
        if let Some(later) = later::key(&place.dotted(), key) {
            // What else is missing may be what the unknown part would have said.
            explained.extend(known.into_iter().flat_map(Map::keys).cloned());
            return self
                .report(Fault::error(FaultKind::NotInThisVersion, span, later.message()).remedy(later.remedy()));
        }
        let section = match (place.dotted().as_str(), &member.node.content) {
            ("", Content::Table(_)) => format!("there is no section `[{key}]`"),
            ("", Content::List(_)) => format!("there is no section `[[{key}]]`"),
            ("", _) => format!("`{key}` is not a key of the top of the file"),
            (place, _) => format!("`{key}` is not a key of `{place}`"),
        };
        let fault = Fault::error(FaultKind::UnknownKey, span, section);
        let empty = Map::new();
        let known = known.unwrap_or(&empty);
        let fault = match hints::meant(self.root, known, key) {
            Some(Meant::Here(meant)) => {
                let remedy = match known.get(&meant) {
                    Some(schema) => format!("write `{meant}`, which is {}", expectation(self.root, schema)),
                    None => format!("write `{meant}`"),
                };
                let label = format!("did you mean `{meant}`?");
                explained.push(meant);
                fault.label(label).remedy(remedy)
            }
            Some(Meant::In(section)) => fault.remedy(format!("`{key}` is a key of {section}: move it there")),
            None => fault.remedy(format!("the keys here are {}", listed(known))),
        };
        self.report(fault)
    }

    /// Whether everything that must be there is.
    fn required(
        &mut self,
        schema: &Value,
        sound: &Map<String, Value>,
        explained: &[String],
        node: &Node,
        place: &Place,
    ) -> bool {
        let required = schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let absent: Vec<&str> =
            required.iter().filter_map(Value::as_str).filter(|key| !sound.contains_key(*key)).collect();
        for key in absent.iter().filter(|key| !explained.iter().any(|it| it == *key)) {
            self.missing(schema, key, node, place);
        }
        let least = schema.get("minProperties").and_then(Value::as_u64).unwrap_or(0);
        if least > 0 && sound.is_empty() && explained.is_empty() {
            let message =
                format!("`{}` is empty: everyone who is signed in would pass", place.last_key().unwrap_or_default());
            let fault = Fault::error(FaultKind::MissingKey, node.span.clone(), message);
            self.report(fault.remedy("say who may, such as `{ roles = [\"staff\"] }`, or write `\"signed-in\"`"));
            return false;
        }
        absent.is_empty() && (least == 0 || !sound.is_empty())
    }

    fn missing(&mut self, schema: &Value, key: &str, node: &Node, place: &Place) {
        let wanted = schema.pointer(&format!("/properties/{key}"));
        let expectation = wanted.map(|schema| expectation(self.root, schema)).unwrap_or_default();
        let (message, remedy) = match (place.dotted().as_str(), key) {
            ("", key) => (
                format!("the section `[{key}]` is missing"),
                "add `[server]` with `listen = \"127.0.0.1:8443\"`".to_owned(),
            ),
            ("routes", "access") => (
                "the route does not say who may call it".to_owned(),
                "add `access = { roles = [\"…\"] }`, `access = \"signed-in\"` or, if everybody may, `access = \"public\"`".to_owned(),
            ),
            ("keys", "expires") => (
                "the key does not say when it ends".to_owned(),
                "add `expires = \"2027-01-31T00:00:00Z\"` or, if it must never end, `expires = \"never\"`".to_owned(),
            ),
            (place, key) => (format!("`{place}` needs the key `{key}`"), format!("add `{key} = …`: {expectation}")),
        };
        self.report(Fault::error(FaultKind::MissingKey, node.span.clone(), message).remedy(remedy));
    }
}

fn listed(known: &Map<String, Value>) -> String {
    let names: Vec<String> = known.keys().map(|key| format!("`{key}`")).collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
