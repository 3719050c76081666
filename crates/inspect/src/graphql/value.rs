//! Values against the input types of a schema (GraphQL October 2021 §3.5 to §3.12, §5.6, §5.8.5).

use super::document::{Content, Type, Value, VariableDefinition};
use super::fault::{Fault, Rule};
use super::schema::{InputDefinition, Kind, Schema, TypeId};
use super::walk::Walk;
use crate::json::{self, Json, Number};

impl<'d> Walk<'_, 'd> {
    /// A value in the document where `wanted` is wanted. Variables in it are counted as used.
    pub(super) fn literal(&mut self, value: &'d Value<'d>, wanted: &Type<TypeId>, has_default: bool) {
        match (&value.content, wanted) {
            (Content::Variable(name), _) => self.variable(name, wanted, has_default, value.at),
            (Content::Null, Type::NonNull(_)) => self.fault(Rule::Value, value.at),
            (Content::Null, _) => {}
            (Content::List(values), Type::List(inner)) => values.iter().for_each(|it| self.literal(it, inner, false)),
            // §3.11: one value stands for a list of one.
            (_, Type::List(inner) | Type::NonNull(inner)) => self.literal(value, inner, false),
            (_, Type::Named(id)) => self.named(value, *id),
        }
    }

    fn named(&mut self, value: &'d Value<'d>, id: TypeId) {
        let ty = self.schema.ty(id);
        let fits = match (ty.kind, &value.content) {
            (Kind::Input, Content::Object(members)) => {
                self.arguments(members, &ty.inputs, value.at);
                !ty.is_one_of || matches!(members.as_slice(), [one] if !matches!(one.value.content, Content::Null))
            }
            (Kind::Enum, Content::Enum(name)) => ty.values.iter().any(|known| **known == **name),
            (Kind::Scalar, content) => match (ty.name.as_str(), content) {
                ("Int", Content::Int(text)) => text.parse::<i32>().is_ok(),
                ("Float", Content::Int(text) | Content::Float(text)) => text.parse().is_ok_and(f64::is_finite),
                ("String" | "ID", Content::Text(_)) | ("Boolean", Content::Bool(_)) => true,
                ("ID", Content::Int(text)) => text.len() <= 20,
                ("Int" | "Float" | "String" | "ID" | "Boolean", _) => false,
                // What a scalar of the service's own takes is not in its schema.
                _ => {
                    self.variables_within(value);
                    true
                }
            },
            _ => false,
        };
        if !fits {
            self.fault(Rule::Value, value.at);
        }
    }

    fn variables_within(&mut self, value: &'d Value<'d>) {
        match &value.content {
            Content::Variable(name) if self.variables.contains_key(name) => drop(self.used.insert(name)),
            Content::Variable(_) => self.fault(Rule::Variable, value.at),
            Content::List(values) => values.iter().for_each(|it| self.variables_within(it)),
            Content::Object(members) => members.iter().for_each(|it| self.variables_within(&it.value)),
            _ => {}
        }
    }

    fn variable(&mut self, name: &'d str, wanted: &Type<TypeId>, has_default: bool, at: u32) {
        let fits =
            self.variables.get(name).is_some_and(|(definition, ty)| may_stand(definition, ty, wanted, has_default));
        if self.variables.contains_key(name) {
            self.used.insert(name);
        }
        if !fits {
            self.fault(Rule::Variable, at);
        }
    }
}

/// Whether a variable may stand where `wanted` is wanted (§5.8.5).
fn may_stand(
    definition: &VariableDefinition<'_>,
    declared: &Type<TypeId>,
    wanted: &Type<TypeId>,
    has_default: bool,
) -> bool {
    let defaults = definition.default.as_ref().is_some_and(|value| !matches!(value.content, Content::Null));
    match (wanted, declared) {
        (Type::NonNull(inner), Type::Named(_) | Type::List(_)) if defaults || has_default => {
            is_subtype(declared, inner)
        }
        _ => is_subtype(declared, wanted),
    }
}

fn is_subtype(declared: &Type<TypeId>, wanted: &Type<TypeId>) -> bool {
    match (declared, wanted) {
        (Type::NonNull(declared), Type::NonNull(wanted)) | (Type::List(declared), Type::List(wanted)) => {
            is_subtype(declared, wanted)
        }
        (Type::NonNull(declared), wanted) => is_subtype(declared, wanted),
        (Type::Named(declared), Type::Named(wanted)) => declared == wanted,
        _ => false,
    }
}

/// Holds the value of a variable, as it was sent, against its type; the first fault is told.
pub(super) fn judge_json(schema: &Schema, value: &Json, wanted: &Type<TypeId>, pointer: &mut String) -> Option<Fault> {
    let fault = |pointer: &str| Some(Fault::at_pointer(Rule::Value, pointer.to_owned()));
    match (&value.content, wanted) {
        (json::Content::Null, Type::NonNull(_)) => fault(pointer),
        (json::Content::Null, _) => None,
        (json::Content::Array(elements), Type::List(inner)) => elements.iter().enumerate().find_map(|(at, element)| {
            within(pointer, &at.to_string(), |pointer| judge_json(schema, element, inner, pointer))
        }),
        (_, Type::List(inner) | Type::NonNull(inner)) => judge_json(schema, value, inner, pointer),
        (_, Type::Named(id)) => {
            let ty = schema.ty(*id);
            if ty.kind == Kind::Input && value.is_object() {
                if ty.is_one_of && (value.members().len() != 1 || value.members().iter().any(|it| is_null(&it.value))) {
                    return fault(pointer);
                }
                return judge_object(schema, value, &ty.inputs, pointer);
            }
            let fits = match (ty.kind, ty.name.as_str(), &value.content) {
                (Kind::Enum, _, json::Content::Text(name)) => ty.values.contains(name),
                (Kind::Scalar, "Int", json::Content::Number(number)) => is_int(*number),
                (Kind::Scalar, "Float", json::Content::Number(_))
                | (Kind::Scalar, "String" | "ID", json::Content::Text(_))
                | (Kind::Scalar, "Boolean", json::Content::Bool(_)) => true,
                (Kind::Scalar, "ID", json::Content::Number(number)) => number.is_whole(),
                (Kind::Scalar, "Int" | "Float" | "String" | "ID" | "Boolean", _) => false,
                (Kind::Scalar, ..) => true,
                _ => false,
            };
            if fits { None } else { fault(pointer) }
        }
    }
}

fn judge_object(schema: &Schema, value: &Json, inputs: &[InputDefinition], pointer: &mut String) -> Option<Fault> {
    for member in value.members() {
        let input = inputs.iter().find(|input| input.name == member.name);
        let found = within(pointer, &member.name, |pointer| match input {
            Some(input) => judge_json(schema, &member.value, &input.ty, pointer),
            None => Some(Fault::at_pointer(Rule::Value, pointer.clone())),
        });
        if found.is_some() {
            return found;
        }
    }
    let missing = inputs.iter().find(|input| input.is_required() && value.get(&input.name).is_none())?;
    within(pointer, &missing.name, |pointer| Some(Fault::at_pointer(Rule::MissingArgument, pointer.clone())))
}

fn within<T>(pointer: &mut String, token: &str, act: impl FnOnce(&mut String) -> T) -> T {
    let length = pointer.len();
    json::push_token(pointer, token);
    let done = act(pointer);
    pointer.truncate(length);
    done
}

const fn is_null(value: &Json) -> bool {
    matches!(value.content, json::Content::Null)
}

fn is_int(number: Number) -> bool {
    number.as_whole().is_some_and(|number| i32::try_from(number).is_ok())
}
