use std::collections::HashMap;

use super::document::{Document, Fragment, Operation, OperationKind, Selection, Type};
use super::fault::{Fault, Rule};
use super::guard::Guards;
use super::parse::parse;
use super::request::Request;
use super::schema::{Schema, TypeId};
use super::value;
use super::walk::Walk;
use super::{Judged, Limits};
use crate::json::{Content, Json};

/// Judges one request: its document, the operation that it runs, and the values that it runs with.
///
/// # Errors
/// What it breaks, the first sixteen.
pub fn judge(schema: &Schema, guards: &Guards, limits: &Limits, request: &Request) -> Result<Judged, Vec<Fault>> {
    let text = request.query.as_deref().unwrap_or_default();
    let placed = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.placed(text)).collect::<Vec<_>>();
    let document = parse(text, limits.tokens as usize).map_err(|fault| placed(vec![fault]))?;
    let fragments = fragments(&document).map_err(|fault| placed(vec![fault]))?;
    let runs = chosen(&document, request.operation_name.as_deref()).map_err(|fault| placed(vec![fault]))?;
    let mut walk = Walk::new(schema, limits, guards, &fragments);
    let others = document.operations.iter().filter(|operation| !std::ptr::eq(*operation, runs));
    for operation in others {
        walk.begin(None);
        judge_operation(&mut walk, operation);
    }
    walk.begin(request.variables.as_ref());
    let cost = judge_operation(&mut walk, runs);
    judge_given(&mut walk, request.variables.as_ref());
    for fragment in &document.fragments {
        if !walk.used_fragments.contains(fragment.name) {
            walk.fault(Rule::UnusedFragment, fragment.at);
        }
        walk.directives(&fragment.directives, "FRAGMENT_DEFINITION");
    }
    if cost > u64::from(limits.cost) {
        walk.fault(Rule::Cost, runs.at);
    }
    if !walk.faults.is_empty() {
        return Err(placed(walk.faults));
    }
    let mut touched: Vec<usize> = walk.touched.into_iter().collect();
    touched.sort_unstable();
    Ok(Judged {
        kind: runs.kind,
        name: runs.name.map(Box::from),
        roots: walk.roots,
        introspects: walk.introspects,
        touched,
        cost,
    })
}

/// The fragments by name, none of which contains itself.
fn fragments<'d>(document: &'d Document<'d>) -> Result<HashMap<&'d str, &'d Fragment<'d>>, Fault> {
    let mut fragments = HashMap::new();
    for fragment in &document.fragments {
        if fragments.insert(fragment.name, fragment).is_some() {
            return Err(Fault::new(Rule::Duplicate, fragment.at));
        }
    }
    // Whoever is spread by nobody that is left goes, until nobody does: what remains then goes round in a circle.
    let mut spread: HashMap<&str, usize> = HashMap::new();
    let within = |fragment: &'d Fragment<'d>| {
        let mut names = Vec::new();
        spreads(&fragment.selections, &mut names);
        names
    };
    for name in document.fragments.iter().flat_map(within) {
        *spread.entry(name).or_default() += 1;
    }
    let mut free: Vec<&Fragment<'d>> = document.fragments.iter().filter(|it| !spread.contains_key(it.name)).collect();
    let mut gone = 0;
    while let Some(fragment) = free.pop() {
        gone += 1;
        for name in within(fragments.get(fragment.name).copied().unwrap_or(fragment)) {
            let left = spread.entry(name).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                free.extend(fragments.get(name).copied());
            }
        }
    }
    if gone < document.fragments.len() {
        let at = document.fragments.iter().find(|it| spread.get(it.name).is_some_and(|left| *left > 0));
        return Err(Fault::new(Rule::FragmentCycle, at.map_or(0, |fragment| fragment.at)));
    }
    Ok(fragments)
}

fn spreads<'d>(selections: &'d [Selection<'d>], names: &mut Vec<&'d str>) {
    for selection in selections {
        match selection {
            Selection::Field(field) => spreads(&field.selections, names),
            Selection::Spread { name, .. } => names.push(name),
            Selection::Inline { selections, .. } => spreads(selections, names),
        }
    }
}

/// The operation that runs (§6.1).
fn chosen<'d>(document: &'d Document<'d>, name: Option<&str>) -> Result<&'d Operation<'d>, Fault> {
    let operations = &document.operations;
    for (index, operation) in operations.iter().enumerate() {
        let is_twice = operations.iter().take(index).any(|earlier| earlier.name == operation.name);
        // §5.2.2.1: one without a name stands alone.
        if is_twice || (operation.name.is_none() && operations.len() > 1) {
            return Err(Fault::new(Rule::Duplicate, operation.at));
        }
    }
    match (operations.as_slice(), name) {
        ([], _) => Err(Fault::of_request(Rule::NoOperation)),
        ([only], None) => Ok(only),
        (several, Some(name)) => {
            let named = several.iter().find(|operation| operation.name == Some(name));
            named.ok_or(Fault::of_request(Rule::OperationName))
        }
        _ => Err(Fault::of_request(Rule::OperationName)),
    }
}

fn judge_operation<'d>(walk: &mut Walk<'_, 'd>, operation: &'d Operation<'d>) -> u64 {
    let Some(root) = walk.schema.root(operation.kind) else {
        walk.fault(Rule::UnknownType, operation.at);
        return 0;
    };
    walk.directives(
        &operation.directives,
        match operation.kind {
            OperationKind::Query => "QUERY",
            OperationKind::Mutation => "MUTATION",
            OperationKind::Subscription => "SUBSCRIPTION",
        },
    );
    for definition in &operation.variables {
        walk.directives(&definition.directives, "VARIABLE_DEFINITION");
        let schema = walk.schema;
        let ty = definition.ty.map(&mut |name| schema.id(name).filter(|id| schema.ty(*id).is_input()));
        let Some(ty) = ty else {
            walk.fault(Rule::UnknownType, definition.at);
            continue;
        };
        if let Some(default) = &definition.default {
            walk.literal(default, &ty, false);
        }
        if walk.variables.insert(definition.name, (definition, ty)).is_some() {
            walk.fault(Rule::Duplicate, definition.at);
        }
    }
    let cost = walk.root(operation.kind, &operation.selections, root, operation.at);
    for definition in &operation.variables {
        if !walk.used.contains(definition.name) {
            walk.fault(Rule::Variable, definition.at);
        }
    }
    cost
}

/// The values of the variables, as they were sent: each is declared, and of its type.
fn judge_given(walk: &mut Walk<'_, '_>, given: Option<&Json>) {
    let mut faults = Vec::new();
    for member in given.map(Json::members).unwrap_or_default() {
        let mut pointer = String::from("/variables");
        crate::json::push_token(&mut pointer, &member.name);
        match walk.variables.get(&*member.name) {
            Some((definition, ty)) => {
                let is_absent = definition.default.is_some() && matches!(member.value.content, Content::Null);
                if !is_absent || matches!(ty, Type::NonNull(_)) {
                    faults.extend(value::judge_json(walk.schema, &member.value, ty, &mut pointer));
                }
            }
            // Nobody reads it, and whoever inspects the message would.
            None => faults.push(Fault::at_pointer(Rule::Variable, pointer)),
        }
    }
    for (name, (definition, ty)) in &walk.variables {
        let is_needed = is_non_null(ty) && definition.default.is_none();
        if is_needed && given.is_none_or(|given| given.get(name).is_none()) {
            faults.push(Fault::new(Rule::MissingArgument, definition.at));
        }
    }
    let room = 16_usize.saturating_sub(walk.faults.len());
    walk.faults.extend(faults.into_iter().take(room.max(1)));
}

const fn is_non_null(ty: &Type<TypeId>) -> bool {
    matches!(ty, Type::NonNull(_))
}
