use std::collections::HashMap;
use std::sync::Arc;

use super::schema::{Schema, SchemaFault, TypeId};

/// Which fields are under a rule of their own, by the places of the rules in their list.
#[derive(Clone, Debug, Default)]
pub struct Guards(Arc<Guarded>);

/// The rules of each field.
type Guarded = HashMap<(TypeId, Box<str>), Vec<usize>>;

impl Guards {
    /// Looks up what coordinates (`Type` or `Type.field`) mean in a schema.
    ///
    /// # Errors
    /// The first one that the schema does not have: a rule that guards nothing is a mistake that nobody would see.
    pub fn compile<'a>(schema: &Schema, coordinates: impl IntoIterator<Item = &'a str>) -> Result<Self, SchemaFault> {
        let mut guards = Guarded::new();
        for (index, coordinate) in coordinates.into_iter().enumerate() {
            for field in schema.coordinate(coordinate)? {
                guards.entry(field).or_default().push(index);
            }
        }
        Ok(Self(Arc::new(guards)))
    }

    pub(super) fn of(&self, ty: TypeId, field: &str) -> impl Iterator<Item = usize> {
        // Most services have no such rule, and pay nothing.
        let found = if self.0.is_empty() { None } else { self.0.get(&(ty, Box::from(field))) };
        found.into_iter().flatten().copied()
    }
}
