use serde_json::{Value, json};

use super::Proposal;
use super::document::Document;
use super::outline::{length, whole};
use super::speakers::{inner, speakers};
use crate::json::Json;
use crate::learn::{Broken, CONTENT_TYPE, OfOperation, Seen};
use crate::openapi::components::At;
use crate::openapi::media::{Media, MediaKind};
use crate::openapi::operation::Operation;
use crate::openapi::parameter::{In, Parameter};
use crate::schema::keywords::Schema;
use crate::schema::{Dialect, Place, SchemaId};

/// What to change where traffic broke the document, one proposal for each rule.
pub(super) fn of(document: &Document<'_>, operation: &Operation, of: &OfOperation) -> Vec<Proposal> {
    let case = |broken| Case { document, operation, of, broken, names: names(broken) };
    of.broken.iter().map(|broken| case(broken).proposal()).collect()
}

fn names(broken: &Broken) -> Vec<String> {
    broken.pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

/// A rule that was broken, and what is known of it.
struct Case<'c> {
    document: &'c Document<'c>,
    operation: &'c Operation,
    of: &'c OfOperation,
    broken: &'c Broken,
    names: Vec<String>,
}

type Changes<'c> = Vec<(Vec<&'c str>, Option<Value>)>;

impl Case<'_> {
    fn proposal(&self) -> Proposal {
        match self.broken.rule.as_str() {
            "undeclared" | "additionalProperties" => self.undeclared(),
            "required" => self.required(),
            "answer-status-undeclared" => self.status(),
            CONTENT_TYPE | "answer-type-undeclared" => {
                self.only_told(self.operation.at, "declare the media type, or let nobody send it")
            }
            "readOnly" => self.only_told(
                self.speaker(|it| it.read_only),
                "it is not the clients' to set: take `readOnly` out, or refuse it",
            ),
            "enum" | "const" => self
                .only_told(self.speaker(|it| it.equal.is_some()), "values are not kept: add the one that is missing"),
            "pattern" => self.only_told(
                self.speaker(|it| it.text.as_ref().is_some_and(|text| text.pattern.is_some())),
                "values are not kept: correct the pattern",
            ),
            _ => self
                .keyword()
                .unwrap_or_else(|| self.only_told(self.speaker(|_| true), "see which of the two is right")),
        }
    }

    /// What a change of one keyword sets right.
    fn keyword(&self) -> Option<Proposal> {
        let seen = self.seen()?;
        let rule = self.broken.rule.as_str();
        let (place, changes): (Place, Changes<'_>) = match rule {
            "type" => {
                let place = self.speaker(|it| !it.types.is_any());
                let is_text = ["path", "query"].contains(&self.broken.part.as_str());
                let types = if is_text {
                    self.document.outline.parameter(seen)
                } else {
                    Value::Object(self.document.outline.types(seen))
                };
                (place, vec![(vec!["type"], None), (vec![], Some(types))])
            }
            "format" => (self.speaker(|it| it.format.is_some()), vec![(vec!["format"], None)]),
            "maxLength" => {
                let place = self.speaker(|it| it.text.as_ref().is_some_and(|text| text.max_length.is_some()));
                (place, vec![(vec![], Some(json!({ rule: length(seen.text()?.longest) })))])
            }
            "minLength" => {
                let place = self.speaker(|it| it.text.as_ref().is_some_and(|text| text.min_length.is_some()));
                (place, vec![(vec![], Some(json!({ rule: seen.text()?.shortest })))])
            }
            "maxItems" => {
                let place = self.speaker(|it| it.array.as_ref().is_some_and(|array| array.max_items.is_some()));
                (place, vec![(vec![], Some(json!({ rule: length(seen.array()?.longest) })))])
            }
            "minItems" => {
                let place = self.speaker(|it| it.array.as_ref().is_some_and(|array| array.min_items.is_some()));
                (place, vec![(vec!["minItems"], None)])
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                (self.speaker(|it| it.number.is_some()), vec![(vec![], Some(self.number(rule, seen)?))])
            }
            _ => return None,
        };
        Some(self.document.propose(place, self.reason(""), changes))
    }

    fn number(&self, rule: &str, seen: &Seen) -> Option<Value> {
        let (least, most) = whole(seen)?;
        let is_boolean = self.document.outline.dialect == Dialect::OpenApi30;
        Some(match rule {
            "minimum" => json!({ "minimum": least }),
            "maximum" => json!({ "maximum": most }),
            "exclusiveMinimum" if is_boolean => json!({ "minimum": least.checked_sub(1)? }),
            "exclusiveMaximum" if is_boolean => json!({ "maximum": most.checked_add(1)? }),
            "exclusiveMinimum" => json!({ "exclusiveMinimum": least.checked_sub(1)? }),
            _ => json!({ "exclusiveMaximum": most.checked_add(1)? }),
        })
    }

    /// A member or a parameter of the query that traffic has and the document has not.
    fn undeclared(&self) -> Proposal {
        let Some((name, outer)) = self.names.split_last() else {
            return self.only_told(self.operation.at, "see which of the two is right");
        };
        if self.speakers(&self.names).iter().any(|it| it.write_only) {
            return self
                .only_told(self.speaker(|it| it.write_only), "the backend answers it although it is `writeOnly`");
        }
        let Some(seen) = self.seen() else {
            return self.only_told(self.operation.at, "declare it, or let nobody send it");
        };
        if self.broken.part == "query" && outer.is_empty() {
            let parameter = json!({ "name": name, "in": "query", "schema": self.document.outline.parameter(seen) });
            let has_list = self.document.at(self.operation.at).is_some_and(|it| it.get("parameters").is_some());
            let change = if has_list {
                (vec!["parameters"], Some(parameter))
            } else {
                (vec![], Some(json!({ "parameters": [parameter] })))
            };
            return self.document.propose(self.operation.at, self.reason(""), vec![change]);
        }
        let schema = self.document.outline.schema(seen);
        let update = match name.as_str() {
            "*" => json!({ "additionalProperties": schema }),
            name => json!({ "properties": { name: schema } }),
        };
        let around = self.speakers(outer);
        let object = around.iter().find(|it| it.object.as_ref().is_some_and(|object| object.declares));
        let place = object.or_else(|| around.first()).map_or(self.operation.at, |it| it.place);
        self.document.propose(place, self.reason(""), vec![(vec![], Some(update))])
    }

    /// A member, a parameter or a body that is not always there.
    fn required(&self) -> Proposal {
        let parameter = self.parameter().filter(|_| self.names.len() == 1);
        if let Some(parameter) = parameter {
            let place = self.parameter_place(parameter).unwrap_or(self.operation.at);
            return self.document.propose(place, self.reason(""), vec![(vec![], Some(json!({ "required": false })))]);
        }
        let Some((_, outer)) = self.names.split_last() else {
            let change = (vec!["requestBody"], Some(json!({ "required": false })));
            return self.document.propose(self.operation.at, self.reason(""), vec![change]);
        };
        let around = self.speakers(outer);
        let demands = |it: &&&Schema| {
            let object = it.object.as_ref();
            object.is_some_and(|it| {
                self.names.last().and_then(|name| it.named.get(name.as_str())).is_some_and(|it| it.required)
            })
        };
        let Some(schema) = around.iter().find(demands) else {
            return self.only_told(self.operation.at, "see which of the two is right");
        };
        let is_missing = |name: &str| {
            let missing = self.of.broken.iter().filter(|it| it.rule == "required" && it.part == self.broken.part);
            missing.map(names).any(|it| it.split_last().is_some_and(|(last, before)| last == name && before == outer))
        };
        let named = schema.object.iter().flat_map(|object| &object.named);
        let still: Vec<&str> =
            named.filter(|(name, named)| named.required && !is_missing(name)).map(|(name, _)| &**name).collect();
        let mut changes: Changes<'_> = vec![(vec!["required"], None)];
        if !still.is_empty() {
            changes.push((vec![], Some(json!({ "required": still }))));
        }
        self.document.propose(schema.place, self.reason(""), changes)
    }

    fn status(&self) -> Proposal {
        let status = self.broken.part.trim_start_matches("answer ");
        let update = json!({ "responses": { status: { "description": "observed" } } });
        self.document.propose(self.operation.at, self.reason("declare what it answers"), vec![(vec![], Some(update))])
    }

    fn only_told(&self, place: Place, what: &str) -> Proposal {
        self.document.propose(place, self.reason(what), Vec::new())
    }

    fn reason(&self, what: &str) -> String {
        let Broken { part, pointer, rule, count, shapes, .. } = self.broken;
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        let at = format!("{part} {pointer}");
        let mut reason = format!("`{rule}` broken {times} at {} of {}", at.trim_end(), self.operation);
        for (between, text) in [(": ", shapes.join("; ")), ("; ", what.to_owned())] {
            if !text.is_empty() {
                reason = format!("{reason}{between}{text}");
            }
        }
        reason
    }

    /// What was seen at the place.
    fn seen(&self) -> Option<&Seen> {
        self.of.parts.get(&self.broken.part)?.at(self.names.iter().map(String::as_str))
    }

    /// Where the schema stands whose rule was broken; the operation, if it cannot be told.
    fn speaker(&self, is_it: impl Fn(&Schema) -> bool) -> Place {
        let speakers = self.speakers(&self.names);
        speakers.iter().find(|it| is_it(it)).or_else(|| speakers.first()).map_or(self.operation.at, |it| it.place)
    }

    fn speakers(&self, names: &[String]) -> Vec<&Schema> {
        let Some(root) = self.root() else { return Vec::new() };
        let names = if self.parameter().is_some() { names.get(1..).unwrap_or_default() } else { names };
        speakers(&self.operation.schemas, root, names)
    }

    fn root(&self) -> Option<SchemaId> {
        let json = |media: &[Media]| media.iter().find(|it| it.kind == MediaKind::Json).and_then(|it| it.schema);
        match self.broken.part.strip_prefix("answer ") {
            Some(status) => {
                let status: u16 = status.parse().ok()?;
                let answers = &self.operation.answers.by_status;
                let of = |wanted| answers.iter().find(|(known, _)| *known == wanted);
                of(Some(status))
                    .or_else(|| of(Some(status / 100)))
                    .or_else(|| of(None))
                    .and_then(|(_, media)| json(media))
            }
            None if self.broken.part == "body" => self.operation.body.as_ref().and_then(|body| json(&body.media)),
            None => self.parameter()?.schema,
        }
    }

    fn parameter(&self) -> Option<&Parameter> {
        let place = match self.broken.part.as_str() {
            "path" => In::Path,
            "query" => In::Query,
            "header" => In::Header,
            "cookie" => In::Cookie,
            _ => return None,
        };
        let name = self.names.first()?;
        self.operation.parameters.iter().find(|it| it.place == place && it.name == *name)
    }

    /// Where a parameter is declared: by the operation, or by its path.
    fn parameter_place(&self, parameter: &Parameter) -> Option<Place> {
        let operation = self.document.at(self.operation.at);
        let item = self.document.around(self.operation.at);
        let lists = [operation, item].into_iter().flatten().filter_map(|json| json.get("parameters"));
        let document = self.operation.at.document;
        let stated = lists
            .flat_map(Json::elements)
            .filter_map(|json| At { document, json }.followed(self.document.library).ok());
        let is_it = |at: &At<'_>| at.text("name") == Some(&parameter.name) && at.text("in") == Some(&self.broken.part);
        stated.into_iter().find(is_it).map(At::place)
    }
}

/// Whether a schema says something of a member.
pub(super) fn declares(schema: &Schema, name: &str) -> bool {
    !inner(schema, name).is_empty()
}
