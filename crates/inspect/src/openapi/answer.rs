//! Answers, held against their operation: what the document does not declare does not leave.

use super::components::At;
use super::media::{self, Media, MediaKind, choose};
use super::operation::Operation;
use crate::json::{Json, JsonFault, Limits, read, without};
use crate::schema::{Closed, Compiler, Direction, Fault, Library, Removal, SchemaId, UndeclaredKind};

/// The answers of an operation.
#[derive(Default)]
pub(super) struct Answers {
    /// A status, or a family of them: `2` for `2XX`; none for `default`.
    pub(super) by_status: Vec<(Option<u16>, Vec<Media>)>,
}

impl Answers {
    /// The schemas of answers, each with the status, or the family of statuses, that it is for.
    pub(super) fn schemas(&self) -> impl Iterator<Item = (Option<u16>, SchemaId)> {
        let each =
            self.by_status.iter().flat_map(|(status, media)| media.iter().map(move |media| (*status, media.schema)));
        each.filter_map(|(status, schema)| Some((status, schema?)))
    }
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerContract {
    /// The operation has no answer of that status.
    OtherStatus,
    /// The answer of that status has another type.
    OtherType,
    /// Nothing in it is declared.
    Open,
    /// Only what this schema declares leaves.
    Filter(SchemaId),
}

/// An answer that was filtered.
#[derive(Debug)]
pub struct Filtered {
    /// The body without what is not declared; `None` if there was nothing of it.
    pub body: Option<Vec<u8>>,
    /// Places of what is not declared, the first of them.
    pub found: Vec<String>,
    /// What does not hold; the answer is what it is.
    pub faults: Vec<Fault>,
    /// The body as it was read.
    pub json: Json,
}

/// What is taken out of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// All that is not declared.
    Undeclared,
    /// Only what is `writeOnly`.
    WriteOnly,
}

/// An answer that cannot be filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no JSON, or can be read in two ways.
    #[error(transparent)]
    Json(#[from] JsonFault),
    /// So much of it is undeclared that nobody looked at all of it.
    #[error("too much is undeclared")]
    TooMuch,
}

/// Reads the `responses` of an operation.
pub(super) fn load<'l>(
    responses: At<'l>,
    library: &'l Library,
    compiler: &mut Compiler<'l>,
) -> Result<Answers, String> {
    let mut answers = Answers::default();
    for (status, response) in responses.entries() {
        let response = response.followed(library)?;
        let status = match status {
            "default" => None,
            family if family.len() == 3 && family.to_ascii_uppercase().ends_with("XX") => {
                family.get(..1).and_then(|it| it.parse().ok())
            }
            exact => Some(
                exact
                    .parse::<u16>()
                    .ok()
                    .filter(|it| (100..600).contains(it))
                    .ok_or_else(|| format!("`{exact}` is no status"))?,
            ),
        };
        let media = response.get("content").map(|content| media::read(content, library, compiler)).transpose()?;
        answers.by_status.push((status, media.unwrap_or_default()));
    }
    Ok(answers)
}

impl Operation {
    /// What becomes of an answer with a body of this type.
    pub fn answer_contract(&self, status: u16, content_type: Option<&str>) -> AnswerContract {
        let of = |wanted: Option<u16>| {
            self.answers.by_status.iter().find(|(known, _)| *known == wanted).map(|(_, media)| media)
        };
        let Some(media) = of(Some(status)).or_else(|| of(Some(status / 100))).or_else(|| of(None)) else {
            return AnswerContract::OtherStatus;
        };
        let Some(media) = content_type.and_then(|it| choose(media, it)) else { return AnswerContract::OtherType };
        match media.schema {
            Some(schema) if content_type.map(MediaKind::of) == Some(MediaKind::Json) => AnswerContract::Filter(schema),
            _ => AnswerContract::Open,
        }
    }

    /// Whether any answer of it may have to be filtered.
    pub fn filters_answers(&self) -> bool {
        self.answers
            .by_status
            .iter()
            .flat_map(|(_, media)| media)
            .any(|media| media.schema.is_some() && (media.kind == MediaKind::Json || media.range.contains('*')))
    }

    /// Takes out of an answer what its schema does not declare.
    ///
    /// # Errors
    /// An answer of which nobody can say what it holds.
    pub fn filter_answer(&self, schema: SchemaId, bytes: &[u8], removed: Removed) -> Result<Filtered, Unfit> {
        /// Places that are named in the event.
        const MOST_NAMED: usize = 32;
        let limits = Limits { bytes: bytes.len(), values: 2_000_000, ..Limits::default() };
        let json = read(bytes, limits)?;
        let judged = self.schemas.judge(schema, &json, Closed::World(Direction::Answer));
        if judged.undeclared.len() >= crate::schema::MOST_UNDECLARED {
            return Err(Unfit::TooMuch);
        }
        let found = judged.undeclared.iter().take(MOST_NAMED).map(|it| it.pointer.clone()).collect();
        let is_out = |kind| removed == Removed::Undeclared || kind == UndeclaredKind::WrongWay;
        let out: Vec<_> = judged.undeclared.into_iter().filter(|it| is_out(it.kind)).collect();
        let removal = Removal::of(&out);
        let body = (!out.is_empty()).then(|| without(bytes, &json, &|value| removal.takes(value)));
        Ok(Filtered { body, found, faults: judged.faults, json })
    }
}
