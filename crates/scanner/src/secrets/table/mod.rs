//! Every kind of credential that is known, by the field of its provider. To add one, add its entry; the tests hold its sample and its
//! near miss against the whole table.

mod ai;
mod cloud;
mod commerce;
mod data;
mod forge;
mod general;
mod messaging;
mod observability;
mod services;

use super::pattern::Pattern;

/// All of them, in the order in which they are preferred where two match the same bytes.
pub(super) const TABLES: [&[Pattern]; 9] = [
    cloud::TABLE,
    forge::TABLE,
    commerce::TABLE,
    messaging::TABLE,
    ai::TABLE,
    observability::TABLE,
    data::TABLE,
    services::TABLE,
    general::TABLE,
];
