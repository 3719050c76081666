use crate::json::push_token;

/// Most faults that one message is told of: a client needs the first few, and an answer has to stay small.
pub const MOST_FAULTS: usize = 32;

/// What is wrong with a message, and where. Says what the document demands and never what the message held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place, as a JSON Pointer.
    pub pointer: String,
    /// The keyword of the document that is not met.
    pub rule: &'static str,
    /// What it demands.
    pub message: String,
}

/// The way from the root of a value to a place in it, kept on the stack: it becomes text only for a fault.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root,
    Name(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

/// A name longer than this is cut in a pointer: it may be the client's own.
const MOST_NAME: usize = 64;

impl Path<'_> {
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.write(&mut pointer);
        pointer
    }

    fn write(&self, pointer: &mut String) {
        match self {
            Self::Root => {}
            Self::Name(outer, name) => {
                outer.write(pointer);
                let cut: String = name.chars().filter(|it| !it.is_control()).take(MOST_NAME).collect();
                push_token(pointer, &cut);
            }
            Self::Index(outer, index) => {
                outer.write(pointer);
                push_token(pointer, &index.to_string());
            }
        }
    }
}
