//! The OpenAPI document (3.0, 3.1, 3.2) as a policy: what it declares passes, in the form that it declares, and nothing else does.

mod answer;
mod components;
mod form;
mod holes;
mod infer;
mod load;
mod media;
mod multipart;
mod operation;
mod parameter;
mod request;
mod security;
mod sensitive;
mod shape;
mod style;
mod tighten;

pub use answer::{AnswerContract, Filtered, Removed, Unfit};
pub use form::{Pairing, query_pairs, without as without_pairs};
pub use holes::{Hole, HoleKind};
pub use infer::infer;
pub use load::{Api, ApiFault, load};
pub use media::{Media, MediaKind};
pub use operation::{Extensions, Operation};
pub use request::{BodyContract, BodyVerdict, Head, HeadVerdict, Located, Part};
pub use security::{Alternative, Requirement, Security};
pub use tighten::{Action, Proposal, tighten};
