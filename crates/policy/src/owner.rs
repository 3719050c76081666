use std::sync::Arc;

use serde_json::Value;

use crate::{Denial, Principal, PrincipalKind};

/// How the owner of what is asked for becomes known. A gate cannot know who owns order 42: it is told, or it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Where the owner's name stands.
    pub source: OwnerSource,
    /// Callers with one of these roles pass without owning: staff who help customers.
    pub unless_roles: Vec<Arc<str>>,
}

/// Where the owner's name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerSource {
    /// In a path parameter: its value must be the caller.
    Parameter(Arc<str>),
    /// In the upstream's answer, at a JSON Pointer. Only for safe methods: after an unsafe one it would be too late.
    Field(Arc<str>),
    /// In the answer to another request, which the gate makes first.
    Lookup {
        /// Path of the look-up, `{name}` standing for the route's parameters.
        path: Arc<str>,
        /// JSON Pointer into the look-up's answer.
        field: Arc<str>,
    },
}

impl Owner {
    /// Judges what the path alone tells; returns the owner that still has to be asked for.
    pub(crate) fn judge_parameters(
        &self,
        caller: &Principal,
        parameters: &[(Arc<str>, String)],
    ) -> Result<Option<&Self>, Denial> {
        if caller.has_any_role(&self.unless_roles) {
            return Ok(None);
        }
        // A key or a service is nobody's name: were a service called `42`, it must not own user 42's orders.
        if caller.kind != PrincipalKind::User {
            return Err(Denial::NotOwner);
        }
        match &self.source {
            OwnerSource::Parameter(name) => {
                let value = parameters.iter().find(|(parameter, _)| parameter == name).map(|(_, value)| value);
                if value.is_some_and(|value| value == caller.subject.as_str()) {
                    Ok(None)
                } else {
                    Err(Denial::NotOwner)
                }
            }
            OwnerSource::Field(_) | OwnerSource::Lookup { .. } => Ok(Some(self)),
        }
    }

    /// Judges the document that names the owner: the upstream's answer, or the look-up's.
    ///
    /// # Errors
    /// [`Denial::NotOwner`] if the field is missing, is neither a string nor a whole number, or names somebody else. An array is
    /// judged element by element, with the pointer applied to each: a list that holds one foreign object is refused whole.
    pub fn judge_document(&self, caller: &Principal, document: &Value) -> Result<(), Denial> {
        let (OwnerSource::Field(pointer) | OwnerSource::Lookup { field: pointer, .. }) = &self.source else {
            return Err(Denial::NotOwner);
        };
        let owns = |object: &Value| names_caller(object.pointer(pointer), caller);
        let owned = match document {
            Value::Array(objects) => objects.iter().all(owns),
            object => owns(object),
        };
        if owned { Ok(()) } else { Err(Denial::NotOwner) }
    }
}

fn names_caller(owner: Option<&Value>, caller: &Principal) -> bool {
    match owner {
        Some(Value::String(name)) => name == caller.subject.as_str(),
        // Databases number their users; a fraction or an exponent is not a name.
        Some(Value::Number(number)) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.to_string() == caller.subject.as_str(),
            (None, Some(number)) => number.to_string() == caller.subject.as_str(),
            (None, None) => false,
        },
        _ => false,
    }
}
