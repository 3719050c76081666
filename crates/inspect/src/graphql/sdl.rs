//! The schema definition language (GraphQL October 2021 §3).

use super::document::{Content, Directive, Type, Value};
use super::draft::{Draft, DraftDirective, DraftField, DraftInput, DraftType};
use super::fault::Fault;
use super::lex::Token;
use super::parse::Parser;
use super::schema::{Kind, ListSize, Schema, SchemaFault};

/// Tokens of a schema: the largest known services have about 600,000.
const MOST_TOKENS: usize = 4_000_000;

/// Reads a schema from its definition language.
///
/// # Errors
/// The first place that cannot be read, or a type that is not there.
pub fn from_sdl(text: &str) -> Result<Schema, SchemaFault> {
    draft(text)?.finish()
}

pub(super) fn draft(text: &str) -> Result<Draft, SchemaFault> {
    let placed = |fault: Fault| {
        let fault = fault.placed(text);
        SchemaFault::Syntax { line: fault.line, column: fault.column }
    };
    let mut parser = Parser::new(text, MOST_TOKENS).map_err(placed)?;
    let mut draft = Draft::default();
    while parser.token != Token::End {
        parser.definition(&mut draft).map_err(placed)?;
    }
    Ok(draft)
}

impl Parser<'_> {
    fn definition(&mut self, draft: &mut Draft) -> Result<(), Fault> {
        self.description()?;
        let extends = self.take_word("extend")?;
        let Token::Name(word) = self.token else { return Err(self.fault()) };
        self.advance()?;
        let kind = match word {
            "schema" => return self.roots(draft),
            "directive" => {
                let directive = self.directive_definition()?;
                draft.directives.push(directive);
                return Ok(());
            }
            "scalar" => Kind::Scalar,
            "type" => Kind::Object,
            "interface" => Kind::Interface,
            "union" => Kind::Union,
            "enum" => Kind::Enum,
            "input" => Kind::Input,
            _ => return Err(self.fault()),
        };
        let ty = self.type_definition(kind)?;
        match draft.types.iter_mut().find(|own| extends && own.name == ty.name) {
            Some(own) => {
                own.fields.extend(ty.fields);
                own.inputs.extend(ty.inputs);
                own.values.extend(ty.values);
                own.members.extend(ty.members);
            }
            None => draft.types.push(ty),
        }
        Ok(())
    }

    fn description(&mut self) -> Result<(), Fault> {
        if matches!(self.token, Token::Text(_)) {
            self.advance()?;
        }
        Ok(())
    }

    fn roots(&mut self, draft: &mut Draft) -> Result<(), Fault> {
        self.directives()?;
        draft.has_schema = true;
        for (kind, name) in self.several(b'{', b'}', |parser| {
            let kind = parser.name()?;
            parser.expect(b':')?;
            Ok((kind, parser.name()?.to_owned()))
        })? {
            match kind {
                "query" => draft.query = Some(name),
                "mutation" => draft.mutation = Some(name),
                "subscription" => draft.subscription = Some(name),
                _ => return Err(self.fault()),
            }
        }
        Ok(())
    }

    fn type_definition(&mut self, kind: Kind) -> Result<DraftType, Fault> {
        let mut ty = DraftType::new(self.name()?.to_owned(), kind);
        if self.take_word("implements")? {
            ty.members = self.names(b'&')?;
        }
        let directives = self.directives()?;
        ty.is_one_of = directives.iter().any(|directive| directive.name == "oneOf");
        match kind {
            Kind::Object | Kind::Interface => ty.fields = self.several(b'{', b'}', Self::field_definition)?,
            Kind::Input => ty.inputs = self.several(b'{', b'}', Self::input_definition)?,
            Kind::Enum => {
                ty.values = self.several(b'{', b'}', |parser| {
                    parser.description()?;
                    let name = parser.name()?.to_owned();
                    parser.directives()?;
                    Ok(name)
                })?;
            }
            Kind::Union if self.take(b'=')? => ty.members = self.names(b'|')?,
            Kind::Union | Kind::Scalar => {}
        }
        Ok(ty)
    }

    /// Names with a mark between them, and perhaps one before the first.
    fn names(&mut self, between: u8) -> Result<Vec<String>, Fault> {
        self.take(between)?;
        let mut names = vec![self.name()?.to_owned()];
        while self.take(between)? {
            names.push(self.name()?.to_owned());
        }
        Ok(names)
    }

    fn field_definition(&mut self) -> Result<DraftField, Fault> {
        self.description()?;
        let name = self.name()?.to_owned();
        let arguments = self.several(b'(', b')', Self::input_definition)?;
        self.expect(b':')?;
        let ty = owned(&self.ty()?);
        let directives = self.directives()?;
        Ok(DraftField { name, arguments, ty, weight: weight(&directives), list_size: list_size(&directives) })
    }

    fn input_definition(&mut self) -> Result<DraftInput, Fault> {
        self.description()?;
        let name = self.name()?.to_owned();
        self.expect(b':')?;
        let ty = owned(&self.ty()?);
        let has_default = self.take(b'=')?;
        if has_default {
            self.value(false)?;
        }
        self.directives()?;
        Ok(DraftInput { name, ty, has_default })
    }

    fn directive_definition(&mut self) -> Result<DraftDirective, Fault> {
        self.expect(b'@')?;
        let name = self.name()?.to_owned();
        let arguments = self.several(b'(', b')', Self::input_definition)?;
        let is_repeatable = self.take_word("repeatable")?;
        if !self.take_word("on")? {
            return Err(self.fault());
        }
        Ok(DraftDirective { name, arguments, locations: self.names(b'|')?, is_repeatable })
    }
}

fn owned(ty: &Type<&str>) -> Type<String> {
    match ty {
        Type::Named(name) => Type::Named((*name).to_owned()),
        Type::List(inner) => Type::List(Box::new(owned(inner))),
        Type::NonNull(inner) => Type::NonNull(Box::new(owned(inner))),
    }
}

fn argument<'d>(directives: &'d [Directive<'_>], directive: &str, name: &str) -> Option<&'d Value<'d>> {
    let directive = directives.iter().find(|it| it.name == directive)?;
    directive.arguments.iter().find(|argument| argument.name == name).map(|argument| &argument.value)
}

/// `@cost(weight: "5")`, a number in a text by its specification; a bare number is what people write.
fn weight(directives: &[Directive<'_>]) -> Option<u64> {
    let text = match &argument(directives, "cost", "weight")?.content {
        Content::Text(text) => text,
        Content::Int(text) | Content::Float(text) => *text,
        _ => return None,
    };
    let weight: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and no weight is negative")]
    Some(weight.ceil() as u64)
}

fn list_size(directives: &[Directive<'_>]) -> Option<ListSize> {
    directives.iter().find(|it| it.name == "listSize")?;
    let texts = |name| match argument(directives, "listSize", name).map(|value| &value.content) {
        Some(Content::List(values)) => values.iter().filter_map(text).collect(),
        Some(_) => argument(directives, "listSize", name).and_then(text).into_iter().collect(),
        None => Vec::new(),
    };
    let assumed = match argument(directives, "listSize", "assumedSize").map(|value| &value.content) {
        Some(Content::Int(text)) => text.parse().ok(),
        _ => None,
    };
    Some(ListSize { assumed, slicing: texts("slicingArguments"), sized_fields: texts("sizedFields") })
}

fn text(value: &Value<'_>) -> Option<Box<str>> {
    match &value.content {
        Content::Text(text) => Some(text.as_ref().into()),
        _ => None,
    }
}
