//! Whole scans of trees and repositories that the tests make, most of them hostile.

mod history;
mod hostile;
mod moved;
mod repeatable;
mod tree;
