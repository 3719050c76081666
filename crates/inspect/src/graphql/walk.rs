//! One walk over an operation as it will be executed: fragments are where they are spread, and selections of one name are one field.

use std::collections::{HashMap, HashSet};

use super::Limits;
use super::cost::{self, Place};
use super::document::{
    Argument, Directive, Field, Fragment, OperationKind, Selection, Type, VariableDefinition, same_arguments,
};
use super::fault::{Fault, Rule};
use super::guard::Guards;
use super::schema::{FieldDefinition, InputDefinition, Schema, TypeId};
use crate::json::Json;

/// Faults that are told; the rest is more of the same.
const MOST_FAULTS: usize = 16;
/// Selections that are looked at, each as often as its fragment is spread: two fragments that spread each other's successor double with
/// every step.
const MOST_SELECTIONS: u32 = 10_000;
/// Selections of one field on one level: servers compare each with each.
const MOST_SAME: usize = 50;
/// Levels, fragments included: the stack.
const MOST_NESTED: u32 = 128;
/// Lists of the schema within each other that introspection may ask for, as graphql-js has it: each multiplies by the whole schema.
const MOST_SCHEMA_LISTS: u32 = 3;
/// Names of root fields that are remembered for the event.
const MOST_ROOTS: usize = 8;

pub(super) struct Walk<'c, 'd> {
    pub(super) schema: &'c Schema,
    pub(super) limits: &'c Limits,
    pub(super) fragments: &'d HashMap<&'d str, &'d Fragment<'d>>,
    pub(super) guards: &'c Guards,
    /// The values of the variables, where this operation is the one that runs.
    pub(super) given: Option<&'c Json>,
    pub(super) variables: HashMap<&'d str, (&'d VariableDefinition<'d>, Type<TypeId>)>,
    pub(super) used: HashSet<&'d str>,
    pub(super) used_fragments: HashSet<&'d str>,
    pub(super) faults: Vec<Fault>,
    pub(super) introspects: bool,
    pub(super) roots: Vec<Box<str>>,
    pub(super) touched: HashSet<usize>,
    visited: u32,
    aliases: u32,
    directives: u32,
    nested: u32,
}

/// A field that was selected.
struct Chosen<'c, 'd> {
    field: &'d Field<'d>,
    parent: TypeId,
    /// None for `__typename`, which every composite type has.
    definition: Option<&'c FieldDefinition>,
}

/// What is selected on one level, by the names of the answer, in their order.
#[derive(Default)]
struct Level<'c, 'd> {
    places: HashMap<&'d str, usize>,
    groups: Vec<Vec<Chosen<'c, 'd>>>,
    spread: HashSet<(&'d str, TypeId)>,
}

impl<'c, 'd> Walk<'c, 'd> {
    pub(super) fn new(
        schema: &'c Schema,
        limits: &'c Limits,
        guards: &'c Guards,
        fragments: &'d HashMap<&'d str, &'d Fragment<'d>>,
    ) -> Self {
        Self {
            schema,
            limits,
            fragments,
            guards,
            given: None,
            variables: HashMap::new(),
            used: HashSet::new(),
            used_fragments: HashSet::new(),
            faults: Vec::new(),
            introspects: false,
            roots: Vec::new(),
            touched: HashSet::new(),
            visited: 0,
            aliases: 0,
            directives: 0,
            nested: 0,
        }
    }

    /// Begins another operation of the same document: what the document as a whole may have goes on being counted.
    pub(super) fn begin(&mut self, given: Option<&'c Json>) {
        self.given = given;
        self.variables.clear();
        self.used.clear();
        self.touched.clear();
        self.aliases = 0;
        self.introspects = false;
    }

    pub(super) fn fault(&mut self, rule: Rule, at: u32) {
        if self.faults.len() < MOST_FAULTS && !self.faults.iter().any(|fault| *fault == Fault::new(rule, at)) {
            self.faults.push(Fault::new(rule, at));
        }
    }

    /// Whether there is nothing more to learn: going on would cost what the limits are there to save.
    fn is_over(&self) -> bool {
        self.faults.len() >= MOST_FAULTS || self.visited > MOST_SELECTIONS
    }

    /// Walks from the root; what comes back is the cost.
    pub(super) fn root(&mut self, kind: OperationKind, selections: &'d [Selection<'d>], root: TypeId, at: u32) -> u64 {
        let level = self.collect(&[(selections, root)]);
        if level.groups.len() > self.limits.root_fields as usize {
            self.fault(Rule::RootFields, at);
        }
        if kind == OperationKind::Subscription && level.groups.len() != 1 {
            self.fault(Rule::Subscription, at);
        }
        let names = level.groups.iter().filter_map(|group| group.first()).map(|chosen| chosen.field.name);
        self.roots = names.take(MOST_ROOTS).map(Box::from).collect();
        self.level(level, Place::root())
    }

    fn level(&mut self, level: Level<'c, 'd>, place: Place<'c>) -> u64 {
        if self.nested >= MOST_NESTED {
            self.visited = u32::MAX;
            self.fault(Rule::Nesting, 0);
            return 0;
        }
        self.nested += 1;
        let mut cost = 0_u64;
        for group in level.groups {
            if self.is_over() {
                break;
            }
            cost = cost.saturating_add(self.group(&group, &place));
        }
        self.nested -= 1;
        cost
    }

    /// The selections of one name: they are one field, or contradict each other.
    fn group(&mut self, group: &[Chosen<'c, 'd>], place: &Place<'c>) -> u64 {
        let Some(first) = group.first() else { return 0 };
        let at = first.field.at;
        if group.len() > MOST_SAME {
            self.fault(Rule::Repetition, at);
            return 0;
        }
        if place.schema_lists.is_none() && place.depth > self.limits.depth {
            self.fault(Rule::Depth, at);
            return 0;
        }
        for other in group.iter().skip(1) {
            if !self.agree(first, other) {
                self.fault(Rule::Conflict, other.field.at);
            }
        }
        for chosen in group {
            self.chosen(chosen, place);
        }
        let Some(definition) = first.definition else { return 0 };
        let inside =
            place.inside(first.field, definition, self.schema.root(OperationKind::Query) == Some(first.parent));
        if let Some(lists) = inside.schema_lists {
            self.introspects = true;
            if lists > MOST_SCHEMA_LISTS {
                self.fault(Rule::IntrospectionDepth, at);
                return 0;
            }
        }
        let size = cost::size(first.field, definition, place, self);
        let sets: Vec<_> = group
            .iter()
            .filter_map(|chosen| Some((chosen.field.selections.as_slice(), *chosen.definition?.ty.base())))
            .collect();
        let is_composite = self.schema.ty(*definition.ty.base()).is_composite();
        let children = if is_composite {
            let level = self.collect(&sets);
            self.level(level, inside.with_size(definition, size.connection))
        } else {
            0
        };
        let own = definition.weight.unwrap_or(u64::from(is_composite));
        size.elements.saturating_mul(own.saturating_add(children))
    }

    /// Whether two selections of one name can be one field (§5.3.2).
    fn agree(&self, one: &Chosen<'_, '_>, other: &Chosen<'_, '_>) -> bool {
        let (Some(own), Some(others)) = (one.definition, other.definition) else {
            return one.field.name == other.field.name;
        };
        let is_object = |id| self.schema.ty(id).kind == super::schema::Kind::Object;
        let never_both = one.parent != other.parent && is_object(one.parent) && is_object(other.parent);
        if !never_both {
            return one.field.name == other.field.name && same_arguments(&one.field.arguments, &other.field.arguments);
        }
        self.same_shape(&own.ty, &others.ty)
    }

    fn same_shape(&self, one: &Type<TypeId>, other: &Type<TypeId>) -> bool {
        match (one, other) {
            (Type::NonNull(one), Type::NonNull(other)) | (Type::List(one), Type::List(other)) => {
                self.same_shape(one, other)
            }
            (Type::Named(one), Type::Named(other)) => {
                one == other || (self.schema.ty(*one).is_composite() && self.schema.ty(*other).is_composite())
            }
            _ => false,
        }
    }

    fn chosen(&mut self, chosen: &Chosen<'c, 'd>, place: &Place<'c>) {
        let field = chosen.field;
        if field.alias.is_some() {
            self.aliases += 1;
            if self.aliases == self.limits.aliases.saturating_add(1) {
                self.fault(Rule::Aliases, field.at);
            }
        }
        self.directives(&field.directives, "FIELD");
        let Some(definition) = chosen.definition else {
            self.arguments(&field.arguments, &[], field.at);
            if !field.selections.is_empty() {
                self.fault(Rule::Selection, field.at);
            }
            return;
        };
        self.arguments(&field.arguments, &definition.arguments, field.at);
        if self.schema.ty(*definition.ty.base()).is_composite() == field.selections.is_empty() {
            self.fault(Rule::Selection, field.at);
        }
        if place.schema_lists.is_none() {
            self.touched.extend(self.guards.of(chosen.parent, &definition.name));
        }
    }

    fn collect(&mut self, sets: &[(&'d [Selection<'d>], TypeId)]) -> Level<'c, 'd> {
        let mut level = Level::default();
        for (selections, parent) in sets {
            self.collect_set(selections, *parent, &mut level);
        }
        level
    }

    fn collect_set(&mut self, selections: &'d [Selection<'d>], parent: TypeId, level: &mut Level<'c, 'd>) {
        if self.nested >= MOST_NESTED {
            self.visited = u32::MAX;
            return self.fault(Rule::Nesting, 0);
        }
        self.nested += 1;
        for selection in selections {
            self.visited = self.visited.saturating_add(1);
            if self.visited == MOST_SELECTIONS + 1 {
                self.fault(Rule::Selections, 0);
            }
            if self.is_over() {
                break;
            }
            match selection {
                Selection::Field(field) => self.collect_field(field, parent, level),
                Selection::Spread { name, directives, at } => {
                    self.directives(directives, "FRAGMENT_SPREAD");
                    let Some(fragment) = self.fragments.get(name) else {
                        self.fault(Rule::Fragment, *at);
                        continue;
                    };
                    self.used_fragments.insert(name);
                    // Twice on one level is once.
                    if level.spread.insert((name, parent)) {
                        self.condition(Some(fragment.on), &fragment.selections, parent, *at, level);
                    }
                }
                Selection::Inline { on, directives, selections, at } => {
                    self.directives(directives, "INLINE_FRAGMENT");
                    self.condition(*on, selections, parent, *at, level);
                }
            }
        }
        self.nested -= 1;
    }

    /// The selections of a fragment, under its type condition.
    fn condition(
        &mut self,
        on: Option<&'d str>,
        selections: &'d [Selection<'d>],
        parent: TypeId,
        at: u32,
        level: &mut Level<'c, 'd>,
    ) {
        let Some(on) = on else { return self.collect_set(selections, parent, level) };
        match self.schema.id(on).filter(|id| self.schema.ty(*id).is_composite()) {
            None => self.fault(Rule::UnknownType, at),
            Some(id) if !self.schema.overlap(id, parent) => self.fault(Rule::Fragment, at),
            Some(id) => self.collect_set(selections, id, level),
        }
    }

    fn collect_field(&mut self, field: &'d Field<'d>, parent: TypeId, level: &mut Level<'c, 'd>) {
        let definition = self.schema.ty(parent).field(field.name);
        if definition.is_none() && field.name != "__typename" {
            return self.fault(Rule::UnknownField, field.at);
        }
        let place = *level.places.entry(field.key()).or_insert(level.groups.len());
        let chosen = Chosen { field, parent, definition };
        match level.groups.get_mut(place) {
            Some(group) => group.push(chosen),
            None => level.groups.push(vec![chosen]),
        }
    }

    /// Arguments, or members of an input object, against what is declared.
    pub(super) fn arguments(&mut self, given: &'d [Argument<'d>], declared: &[InputDefinition], at: u32) {
        for (index, argument) in given.iter().enumerate() {
            if given.iter().take(index).any(|earlier| earlier.name == argument.name) {
                self.fault(Rule::Duplicate, argument.at);
                return;
            }
            match declared.iter().find(|it| *it.name == *argument.name) {
                Some(input) => self.literal(&argument.value, &input.ty, input.has_default),
                None => self.fault(Rule::UnknownArgument, argument.at),
            }
        }
        let is_missing = |it: &InputDefinition| it.is_required() && !given.iter().any(|one| *one.name == *it.name);
        if declared.iter().any(is_missing) {
            self.fault(Rule::MissingArgument, at);
        }
    }

    pub(super) fn directives(&mut self, directives: &'d [Directive<'d>], location: &str) {
        for (index, directive) in directives.iter().enumerate() {
            self.directives += 1;
            if self.directives > self.limits.directives {
                return self.fault(Rule::Directives, directives.first().map_or(0, |first| first.at));
            }
            let known = self.schema.directive(directive.name);
            let Some(known) = known.filter(|it| it.locations.iter().any(|known| **known == *location)) else {
                self.fault(Rule::UnknownDirective, directive.at);
                continue;
            };
            if !known.is_repeatable && directives.iter().take(index).any(|it| it.name == directive.name) {
                self.fault(Rule::Duplicate, directive.at);
            }
            self.arguments(&directive.arguments, &known.arguments, directive.at);
        }
    }
}
