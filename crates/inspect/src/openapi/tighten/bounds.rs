use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Proposal;
use super::broken::declares;
use super::document::Document;
use super::outline::{length, whole};
use super::speakers::{beside, inner};
use crate::learn::{OfOperation, Seen};
use crate::openapi::holes::{HoleKind, of_schema};
use crate::openapi::media::MediaKind;
use crate::openapi::operation::Operation;
use crate::openapi::parameter::In;
use crate::schema::keywords::{Schema, Types};
use crate::schema::{Place, SchemaId, Schemas};

/// Values that have to be seen at a place before a bound is proposed for it: of a few, the next may be the longest.
const ENOUGH: u64 = 20;

/// Bounds for what a document leaves open in requests, where enough was seen.
pub(super) fn of(document: &Document<'_>, observed: &[(&Operation, &OfOperation)]) -> Vec<Proposal> {
    let mut places: BTreeMap<Place, Open<'_>> = BTreeMap::new();
    for (operation, of) in observed {
        let mut walk = Walk { schemas: &operation.schemas, places: &mut places };
        let body = operation.body.iter().flat_map(|body| &body.media).find(|it| it.kind == MediaKind::Json);
        if let (Some(schema), Some(seen)) = (body.and_then(|media| media.schema), of.parts.get("body")) {
            walk.at(vec![schema], seen);
        }
        for parameter in &operation.parameters {
            let part = match parameter.place {
                In::Path => "path",
                In::Query => "query",
                In::Header | In::Cookie => continue,
            };
            let seen = of.parts.get(part).and_then(|seen| seen.at(std::iter::once(parameter.name.as_str())));
            if let (Some(schema), Some(seen)) = (parameter.schema, seen) {
                walk.at(vec![schema], seen);
            }
        }
    }
    let enough = places.into_iter().filter(|(_, open)| open.seen.count >= ENOUGH);
    enough.filter_map(|(place, open)| open.proposal(document, place)).collect()
}

/// A schema that leaves something open, and all that was seen of it.
struct Open<'s> {
    schema: &'s Schema,
    seen: Seen,
}

struct Walk<'s, 'w> {
    schemas: &'s Schemas,
    places: &'w mut BTreeMap<Place, Open<'s>>,
}

impl<'s> Walk<'s, '_> {
    fn at(&mut self, ids: Vec<SchemaId>, seen: &Seen) {
        let here = beside(self.schemas, ids);
        for schema in &here {
            if of_schema(schema).next().is_some() {
                let open = self.places.entry(schema.place).or_insert_with(|| Open { schema, seen: Seen::default() });
                open.seen.join(seen);
            }
        }
        let members = seen.object().into_iter().flat_map(|object| &object.members);
        for (name, member) in members {
            self.inside(&here, name, member);
        }
        if let Some(array) = seen.array() {
            self.inside(&here, "*", &array.element);
        }
    }

    fn inside(&mut self, here: &[&'s Schema], name: &str, seen: &Seen) {
        let ids: Vec<SchemaId> = here.iter().flat_map(|schema| inner(schema, name)).collect();
        if !ids.is_empty() {
            self.at(ids, seen);
        }
    }
}

impl Open<'_> {
    fn proposal(&self, document: &Document<'_>, place: Place) -> Option<Proposal> {
        let (mut update, mut reasons) = (serde_json::Map::new(), Vec::new());
        for kind in of_schema(self.schema) {
            if let Some((reason, keywords)) = self.bound(kind) {
                reasons.push(reason);
                update.extend(keywords.as_object().cloned().unwrap_or_default());
            }
        }
        let reason = format!("{} times seen: {}", self.seen.count, reasons.join("; "));
        (!update.is_empty()).then(|| document.propose(place, reason, vec![(vec![], Some(Value::Object(update)))]))
    }

    /// What was seen, and the keywords that it supports.
    fn bound(&self, kind: HoleKind) -> Option<(String, Value)> {
        let seen = &self.seen;
        Some(match kind {
            HoleKind::String if seen.has(Types::STRING) => {
                let longest = seen.text()?.longest;
                (format!("strings of at most {longest} characters"), json!({ "maxLength": length(longest) }))
            }
            HoleKind::Array if seen.array().is_some() => {
                let longest = seen.array()?.longest;
                (format!("arrays of at most {longest}"), json!({ "maxItems": length(longest) }))
            }
            HoleKind::Integer => {
                let (least, most) = whole(seen)?;
                (format!("whole numbers from {least} to {most}"), json!({ "minimum": least, "maximum": most }))
            }
            HoleKind::OpenBySilence => {
                let mut members = seen.object()?.members.keys();
                let is_closed = members.all(|name| declares(self.schema, name));
                is_closed.then(|| ("no other members".to_owned(), json!({ "additionalProperties": false })))?
            }
            _ => return None,
        })
    }
}
