//! A schema as its source has it, by names: what the definition language and introspection both become.

use super::document::Type;
use super::schema::{Kind, ListSize, Schema, SchemaFault};
use super::sdl;

#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) types: Vec<DraftType>,
    pub(super) directives: Vec<DraftDirective>,
    /// Whether the roots are named, and not those with the usual names.
    pub(super) has_schema: bool,
    pub(super) query: Option<String>,
    pub(super) mutation: Option<String>,
    pub(super) subscription: Option<String>,
}

#[derive(Debug)]
pub(super) struct DraftType {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) fields: Vec<DraftField>,
    pub(super) inputs: Vec<DraftInput>,
    pub(super) values: Vec<String>,
    /// The interfaces that an object implements, or what a union can be.
    pub(super) members: Vec<String>,
    pub(super) is_one_of: bool,
}

#[derive(Clone, Debug)]
pub(super) struct DraftField {
    pub(super) name: String,
    pub(super) arguments: Vec<DraftInput>,
    pub(super) ty: Type<String>,
    pub(super) weight: Option<u64>,
    pub(super) list_size: Option<ListSize>,
}

#[derive(Clone, Debug)]
pub(super) struct DraftInput {
    pub(super) name: String,
    pub(super) ty: Type<String>,
    pub(super) has_default: bool,
}

#[derive(Debug)]
pub(super) struct DraftDirective {
    pub(super) name: String,
    pub(super) arguments: Vec<DraftInput>,
    pub(super) locations: Vec<String>,
    pub(super) is_repeatable: bool,
}

impl DraftType {
    pub(super) const fn new(name: String, kind: Kind) -> Self {
        Self {
            name,
            kind,
            fields: Vec::new(),
            inputs: Vec::new(),
            values: Vec::new(),
            members: Vec::new(),
            is_one_of: false,
        }
    }
}

impl Draft {
    /// The schema, with what every schema has: the scalars, the directives and the types of introspection (§3.5, §3.13, §4.2).
    pub(super) fn finish(mut self) -> Result<Schema, SchemaFault> {
        let common = sdl::draft(COMMON)?;
        let query = self.query.clone().unwrap_or_else(|| "Query".to_owned());
        if let Some(query) = self.types.iter_mut().find(|ty| ty.name == query) {
            let meta = common.types.iter().find(|ty| ty.name == "__Meta");
            query.fields.extend(meta.map(|meta| meta.fields.clone()).unwrap_or_default());
        }
        for ty in common.types {
            if ty.name != "__Meta" && !self.types.iter().any(|own| own.name == ty.name) {
                self.types.push(ty);
            }
        }
        for directive in common.directives {
            if !self.directives.iter().any(|own| own.name == directive.name) {
                self.directives.push(directive);
            }
        }
        Schema::build(&self)
    }
}

const COMMON: &str = "
scalar Int scalar Float scalar String scalar Boolean scalar ID
directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
type __Meta { __schema: __Schema! __type(name: String!): __Type }
type __Schema {
  description: String types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type
  directives(includeDeprecated: Boolean = false): [__Directive!]!
}
type __Type {
  kind: __TypeKind! name: String description: String specifiedByURL: String isOneOf: Boolean
  fields(includeDeprecated: Boolean = false): [__Field!]
  interfaces: [__Type!] possibleTypes: [__Type!]
  enumValues(includeDeprecated: Boolean = false): [__EnumValue!]
  inputFields(includeDeprecated: Boolean = false): [__InputValue!]
  ofType: __Type
}
type __Field {
  name: String! description: String args(includeDeprecated: Boolean = false): [__InputValue!]! type: __Type!
  isDeprecated: Boolean! deprecationReason: String
}
type __InputValue {
  name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean! deprecationReason: String
}
type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String }
type __Directive {
  name: String! description: String isRepeatable: Boolean! locations: [__DirectiveLocation!]!
  args(includeDeprecated: Boolean = false): [__InputValue!]!
}
enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }
enum __DirectiveLocation {
  QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT VARIABLE_DEFINITION SCHEMA SCALAR OBJECT
  FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT INPUT_FIELD_DEFINITION
}
";
