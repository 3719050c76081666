use super::ownership::Permitted;

/// A request that may be forwarded: the stage *forward* takes nothing else.
pub(crate) struct Inspected(Permitted);

impl Inspected {
    pub(super) fn into_permitted(self) -> Permitted {
        self.0
    }
}

/// The place of the stage *inspect*: what recognizes hostile input stands here. Until it does, the posture says of every route that
/// its input is not inspected.
pub(super) fn inspect(permitted: Permitted) -> Inspected {
    Inspected(permitted)
}
