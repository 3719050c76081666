use std::collections::HashMap;

use super::document::{OperationKind, Type};
use super::draft::{Draft, DraftDirective, DraftField, DraftInput, DraftType};

/// A schema is the service's own, not a stranger's; this keeps a mistake from taking the machine.
const MOST_TYPES: usize = 20_000;

/// Where a type stands in its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TypeId(u32);

/// The types of a service, looked up by name and by place.
#[derive(Debug)]
pub struct Schema {
    types: Vec<TypeDefinition>,
    names: HashMap<Box<str>, TypeId>,
    directives: HashMap<Box<str>, DirectiveDefinition>,
    roots: [Option<TypeId>; 3],
}

/// Why a schema is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaFault {
    /// Not of the form of a schema document.
    #[error("the schema cannot be read at {line}:{column}")]
    Syntax {
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
    },
    /// Not the answer to the introspection query.
    #[error("the schema is no answer to an introspection query: {0}")]
    Introspection(&'static str),
    /// A name that two types have.
    #[error("the type `{0}` is defined twice")]
    Twice(String),
    /// A type that is used and not defined.
    #[error("`{place}` uses the type `{name}`, which is not defined, or not of the kind that is needed there")]
    Unknown {
        /// Where it is used.
        place: String,
        /// The type.
        name: String,
    },
    /// No type to begin a query with.
    #[error("the schema has no query type")]
    NoQuery,
    /// More than any service has.
    #[error("the schema has more than 20000 types")]
    TooLarge,
    /// A rule for something that is not there.
    #[error("the schema has no `{0}`")]
    NoCoordinate(String),
}

/// What kind of type a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    Input,
}

#[derive(Debug)]
pub(super) struct TypeDefinition {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// By name, for look-up.
    pub(super) fields: Vec<FieldDefinition>,
    pub(super) inputs: Vec<InputDefinition>,
    pub(super) values: Vec<Box<str>>,
    /// The objects that it can be: itself, or those of an interface or a union.
    pub(super) possible: Vec<TypeId>,
    /// Whether of the members of an input object exactly one is given.
    pub(super) is_one_of: bool,
}

#[derive(Debug)]
pub(super) struct FieldDefinition {
    pub(super) name: Box<str>,
    pub(super) arguments: Vec<InputDefinition>,
    pub(super) ty: Type<TypeId>,
    /// What `@cost` says of it.
    pub(super) weight: Option<u64>,
    /// What `@listSize` says of it.
    pub(super) list_size: Option<ListSize>,
}

/// How many elements a list has (`@listSize`).
#[derive(Clone, Debug, Default)]
pub(super) struct ListSize {
    pub(super) assumed: Option<u64>,
    pub(super) slicing: Vec<Box<str>>,
    pub(super) sized_fields: Vec<Box<str>>,
}

#[derive(Debug)]
pub(super) struct InputDefinition {
    pub(super) name: Box<str>,
    pub(super) ty: Type<TypeId>,
    pub(super) has_default: bool,
}

impl InputDefinition {
    pub(super) fn is_required(&self) -> bool {
        matches!(self.ty, Type::NonNull(_)) && !self.has_default
    }
}

#[derive(Debug)]
pub(super) struct DirectiveDefinition {
    pub(super) arguments: Vec<InputDefinition>,
    pub(super) locations: Vec<Box<str>>,
    pub(super) is_repeatable: bool,
}

impl Schema {
    pub(super) fn build(draft: &Draft) -> Result<Self, SchemaFault> {
        if draft.types.len() > MOST_TYPES {
            return Err(SchemaFault::TooLarge);
        }
        let mut names = HashMap::new();
        for (id, ty) in (0..).map(TypeId).zip(&draft.types) {
            if names.insert(Box::from(ty.name.as_str()), id).is_some() {
                return Err(SchemaFault::Twice(ty.name.clone()));
            }
        }
        let root = |kind: OperationKind, named: Option<&String>| {
            let usual = match kind {
                OperationKind::Query => "Query",
                OperationKind::Mutation => "Mutation",
                OperationKind::Subscription => "Subscription",
            };
            let name = match named {
                Some(name) => Some(name.as_str()),
                None => (!draft.has_schema).then_some(usual),
            };
            name.and_then(|name| names.get(name).copied())
        };
        let roots = [
            root(OperationKind::Query, draft.query.as_ref()),
            root(OperationKind::Mutation, draft.mutation.as_ref()),
            root(OperationKind::Subscription, draft.subscription.as_ref()),
        ];
        let linker = Linker { names: &names, draft };
        let types = draft.types.iter().map(|ty| linker.ty(ty)).collect::<Result<Vec<_>, _>>()?;
        let directives = draft.directives.iter().map(|it| linker.directive(it)).collect::<Result<_, _>>()?;
        let schema = Self { types, names, directives, roots };
        match schema.root(OperationKind::Query).map(|id| schema.ty(id).kind) {
            Some(Kind::Object) => Ok(schema),
            _ => Err(SchemaFault::NoQuery),
        }
    }

    /// How many types it has, those of introspection included.
    pub fn types(&self) -> usize {
        self.types.len()
    }

    /// Each field of an object or an interface that is the service's own, with the name of its type: `("User", "email")`.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.types.iter().filter(|ty| !ty.name.starts_with("__"));
        let with = |ty: &TypeDefinition| matches!(ty.kind, Kind::Object | Kind::Interface | Kind::Input);
        own.filter(move |ty| with(ty)).flat_map(|ty| {
            let outputs = ty.fields.iter().map(|field| &field.name);
            let names = outputs.chain(ty.inputs.iter().map(|input| &input.name));
            names.filter(|name| !name.starts_with("__")).map(|name| (&*ty.name, &**name))
        })
    }

    pub(super) fn root(&self, kind: OperationKind) -> Option<TypeId> {
        let [query, mutation, subscription] = self.roots;
        match kind {
            OperationKind::Query => query,
            OperationKind::Mutation => mutation,
            OperationKind::Subscription => subscription,
        }
    }

    pub(super) fn id(&self, name: &str) -> Option<TypeId> {
        self.names.get(name).copied()
    }

    pub(super) fn ty(&self, id: TypeId) -> &TypeDefinition {
        // An id is made of a place in the list, which never shrinks.
        self.types.get(id.0 as usize).unwrap_or(&NOTHING)
    }

    pub(super) fn directive(&self, name: &str) -> Option<&DirectiveDefinition> {
        self.directives.get(name)
    }

    /// Whether something can be of both types (§5.5.2.3).
    pub(super) fn overlap(&self, one: TypeId, other: TypeId) -> bool {
        let (one, other) = (&self.ty(one).possible, &self.ty(other).possible);
        one.iter().any(|id| other.contains(id))
    }

    /// The fields that a coordinate means: `Type` all of it, `Type.field` one; with the same field of every interface that the type
    /// implements, since what is asked of the interface is answered by the type.
    pub(super) fn coordinate(&self, coordinate: &str) -> Result<Vec<(TypeId, Box<str>)>, SchemaFault> {
        let unknown = || SchemaFault::NoCoordinate(coordinate.to_owned());
        let (name, field) = match coordinate.split_once('.') {
            Some((name, field)) => (name, Some(field)),
            None => (coordinate, None),
        };
        let id = self.id(name).ok_or_else(unknown)?;
        let ty = self.ty(id);
        let fields: Vec<&str> = match field {
            Some(field) => vec![&*ty.field(field).ok_or_else(unknown)?.name],
            None => ty.fields.iter().map(|field| &*field.name).collect(),
        };
        if fields.is_empty() {
            return Err(unknown());
        }
        let related = (0..).map(TypeId).zip(&self.types).filter(|(other, definition)| {
            let is_shared = definition.possible.iter().any(|possible| ty.possible.contains(possible));
            *other == id || (is_shared && matches!(definition.kind, Kind::Object | Kind::Interface))
        });
        let meant = related.flat_map(|(other, definition)| {
            let named = fields.iter().filter(|name| definition.field(name).is_some());
            named.map(move |name| (other, Box::from(*name))).collect::<Vec<_>>()
        });
        Ok(meant.collect())
    }
}

impl TypeDefinition {
    pub(super) fn field(&self, name: &str) -> Option<&FieldDefinition> {
        let at = self.fields.binary_search_by(|field| (*field.name).cmp(name)).ok()?;
        self.fields.get(at)
    }

    pub(super) const fn is_composite(&self) -> bool {
        matches!(self.kind, Kind::Object | Kind::Interface | Kind::Union)
    }

    pub(super) const fn is_input(&self) -> bool {
        matches!(self.kind, Kind::Scalar | Kind::Enum | Kind::Input)
    }
}

/// What a place means that no schema has.
static NOTHING: TypeDefinition = TypeDefinition {
    name: String::new(),
    kind: Kind::Scalar,
    fields: Vec::new(),
    inputs: Vec::new(),
    values: Vec::new(),
    possible: Vec::new(),
    is_one_of: false,
};

/// Puts places where a draft has names.
struct Linker<'d> {
    names: &'d HashMap<Box<str>, TypeId>,
    draft: &'d Draft,
}

impl Linker<'_> {
    fn ty(&self, ty: &DraftType) -> Result<TypeDefinition, SchemaFault> {
        let mut fields = ty.fields.iter().map(|it| self.field(it, &ty.name)).collect::<Result<Vec<_>, _>>()?;
        fields.sort_by(|one, other| one.name.cmp(&other.name));
        let twice = fields.windows(2).find_map(|pair| match pair {
            [one, other] if one.name == other.name => Some(&one.name),
            _ => None,
        });
        if let Some(twice) = twice {
            return Err(SchemaFault::Twice(format!("{}.{twice}", ty.name)));
        }
        let possible = match ty.kind {
            Kind::Object => vec![self.named(&ty.name, &ty.name)?],
            Kind::Union => ty.members.iter().map(|name| self.named(name, &ty.name)).collect::<Result<_, _>>()?,
            Kind::Interface => {
                let implementing = self.draft.types.iter().filter(|other| other.kind == Kind::Object);
                let implementing = implementing.filter(|other| other.members.contains(&ty.name));
                implementing.map(|other| self.named(&other.name, &ty.name)).collect::<Result<_, _>>()?
            }
            Kind::Scalar | Kind::Enum | Kind::Input => Vec::new(),
        };
        Ok(TypeDefinition {
            name: ty.name.clone(),
            kind: ty.kind,
            fields,
            inputs: self.inputs(&ty.inputs, &ty.name)?,
            values: ty.values.iter().map(|value| value.as_str().into()).collect(),
            possible,
            is_one_of: ty.is_one_of,
        })
    }

    fn field(&self, field: &DraftField, ty: &str) -> Result<FieldDefinition, SchemaFault> {
        let place = format!("{ty}.{}", field.name);
        Ok(FieldDefinition {
            name: field.name.as_str().into(),
            arguments: self.inputs(&field.arguments, &place)?,
            ty: self.used(&field.ty, &place)?,
            weight: field.weight,
            list_size: field.list_size.clone(),
        })
    }

    fn inputs(&self, inputs: &[DraftInput], place: &str) -> Result<Vec<InputDefinition>, SchemaFault> {
        let input = |it: &DraftInput| {
            let ty = self.used(&it.ty, &format!("{place}.{}", it.name))?;
            Ok(InputDefinition { name: it.name.as_str().into(), ty, has_default: it.has_default })
        };
        inputs.iter().map(input).collect()
    }

    fn directive(&self, it: &DraftDirective) -> Result<(Box<str>, DirectiveDefinition), SchemaFault> {
        let definition = DirectiveDefinition {
            arguments: self.inputs(&it.arguments, &format!("@{}", it.name))?,
            locations: it.locations.iter().map(|location| location.as_str().into()).collect(),
            is_repeatable: it.is_repeatable,
        };
        Ok((it.name.as_str().into(), definition))
    }

    fn named(&self, name: &str, place: &str) -> Result<TypeId, SchemaFault> {
        let id = self.names.get(name).copied();
        id.ok_or_else(|| SchemaFault::Unknown { place: place.to_owned(), name: name.to_owned() })
    }

    fn used(&self, ty: &Type<String>, place: &str) -> Result<Type<TypeId>, SchemaFault> {
        let used = ty.map(&mut |name| self.names.get(name.as_str()).copied());
        used.ok_or_else(|| SchemaFault::Unknown { place: place.to_owned(), name: ty.base().clone() })
    }
}
