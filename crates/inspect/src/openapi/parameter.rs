use super::components::At;
use super::media::MediaKind;
use super::shape::Shape;
use super::style::{Pairs, Style};
use crate::json::{Json, Limits, read};
use crate::schema::{Closed, Compiler, Direction, Fault, Library, SchemaId, Schemas};

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum In {
    Path,
    Query,
    Header,
    Cookie,
}

/// A parameter of an operation, compiled.
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: In,
    pub(super) required: bool,
    pub(super) style: Style,
    pub(super) explode: bool,
    pub(super) allow_empty: bool,
    /// Its text is a JSON document (`content`), and no style applies.
    pub(super) is_json: bool,
    pub(super) schema: Option<SchemaId>,
    pub(super) shape: Shape,
}

impl Parameter {
    /// Reads a parameter object; `None` for one that is not a parameter (OpenAPI 3.1 §4.8.12.1).
    pub(super) fn read<'l>(
        at: At<'l>,
        library: &'l Library,
        compiler: &mut Compiler<'l>,
    ) -> Result<Option<Self>, String> {
        let (Some(name), Some(place)) = (at.text("name"), at.text("in")) else {
            return Err("a parameter needs `name` and `in`".to_owned());
        };
        let place = match place {
            "path" => In::Path,
            "query" => In::Query,
            "header" => In::Header,
            "cookie" => In::Cookie,
            other => return Err(format!("parameters in `{other}` are not supported")),
        };
        // These are described elsewhere, and a parameter of that name is ignored.
        let is_described_elsewhere = ["accept", "content-type", "authorization"].contains(&&*name.to_ascii_lowercase());
        if place == In::Header && is_described_elsewhere {
            return Ok(None);
        }
        let style = Style::read(at.text("style"), place)?;
        let content = at.get("content").and_then(|content| content.entries().next());
        let is_json = match content {
            Some((media, _)) if MediaKind::of(media) == MediaKind::Json => true,
            Some((media, _)) => {
                return Err(format!("a parameter of type `{media}` is not supported: use JSON, or `schema`"));
            }
            None => false,
        };
        let schema = match content {
            Some((_, media)) => media.followed(library)?.get("schema"),
            None => at.get("schema"),
        };
        Ok(Some(Self {
            name: name.to_owned(),
            place,
            required: place == In::Path || at.truth("required"),
            style,
            explode: at.json.get("explode").and_then(Json::as_bool).unwrap_or(style == Style::Form),
            allow_empty: at.truth("allowEmptyValue"),
            is_json,
            schema: schema.map(|schema| compiler.schema(schema.document, schema.json)),
            shape: Shape::Object(std::collections::BTreeMap::new(), None),
        }))
    }

    /// Fits its shape to its schema, once that is compiled.
    pub(super) fn fit(&mut self, schemas: &Schemas) {
        self.shape =
            self.schema.map_or(Shape::Single(crate::schema::keywords::Types::ANY), |id| Shape::of(schemas, id));
    }

    /// Whether a name of the query belongs to it.
    pub(super) fn owns(&self, name: &str) -> bool {
        if self.place != In::Query {
            return false;
        }
        match (&self.shape, self.style, self.explode) {
            (Shape::Object(..), Style::DeepObject, _) if !self.is_json => Pairs::deep_key(&self.name, name).is_some(),
            (Shape::Object(properties, other), Style::Form, true) if !self.is_json => {
                other.is_some() || properties.contains_key(name)
            }
            _ => self.name == name,
        }
    }

    /// Judges what the request holds for it.
    pub(super) fn judge(&self, pairs: &Pairs<'_>, schemas: &Schemas) -> Vec<Fault> {
        let fault = |rule, message: &str| {
            let mut pointer = String::new();
            crate::json::push_token(&mut pointer, &self.name);
            vec![Fault { pointer, rule, message: message.to_owned() }]
        };
        let values = match self.values(pairs) {
            Ok(values) => values,
            Err(rule) => return fault(rule, "can be read in more than one way"),
        };
        let Some(values) = values else {
            return if self.required { fault("required", "is missing") } else { Vec::new() };
        };
        let Some(schema) = self.schema else { return Vec::new() };
        let mut first = None;
        for value in &values {
            let judged = schemas.judge(schema, value, Closed::World(Direction::Request));
            if judged.is_sound() {
                return Vec::new();
            }
            first.get_or_insert(judged);
        }
        let mut faults = Vec::new();
        if let Some(judged) = first {
            faults.extend(judged.faults);
            let undeclared = judged.undeclared.into_iter();
            faults.extend(undeclared.map(|it| Fault {
                pointer: it.pointer,
                rule: "undeclared",
                message: "is not declared".to_owned(),
            }));
        }
        for fault in &mut faults {
            let mut pointer = String::new();
            crate::json::push_token(&mut pointer, &self.name);
            fault.pointer.insert_str(0, &pointer);
        }
        faults
    }

    /// What its text may stand for, the likeliest first; nothing if it is not there.
    fn values(&self, pairs: &Pairs<'_>) -> Result<Option<Vec<Json>>, &'static str> {
        if self.is_json {
            let Some(text) = pairs.sole(&self.name)? else { return Ok(None) };
            let value = read(text.as_bytes(), Limits { bytes: 64 << 10, depth: 16, values: 1_000 });
            return value.map(|value| Some(vec![value])).map_err(|fault| fault.kind.code());
        }
        match &self.shape {
            Shape::Single(_) => {
                let Some(text) = pairs.sole(&self.name)? else { return Ok(None) };
                let text = self.style.bare(&self.name, text).ok_or("style")?;
                if text.is_empty() && self.allow_empty {
                    return Ok(None);
                }
                Ok(Some(self.shape.candidates(text)))
            }
            Shape::List(_) => Ok(self.style.list(self, pairs)?.map(|value| vec![value])),
            Shape::Object(..) => Ok(self.style.object(self, pairs)?.map(|value| vec![value])),
        }
    }
}
