/// A piece of a file by which a rule is tried: it has to find something in it, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Where it stands in the file of rules.
    pub(super) line: u32,
    /// The name of the file that it would stand in.
    pub(super) file: String,
    pub(super) text: String,
}
