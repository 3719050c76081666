use std::collections::HashMap;

use super::reader::{Field, Reader, Wire};

/// Messages of one set; the largest published ones have some tens of thousands.
const MOST_MESSAGES: usize = 200_000;
/// Messages within messages.
const MOST_NESTED: usize = 32;

/// Where a message stands in its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(usize);

/// The messages and methods of a `FileDescriptorSet`, as `protoc --include_imports --descriptor_set_out` and `buf build` write it.
#[derive(Debug, Default)]
pub struct Descriptors {
    messages: Vec<Message>,
    names: HashMap<String, MessageId>,
    methods: Vec<Method>,
}

/// A method of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The service with its package: `shop.v1.Shop`.
    pub service: String,
    /// Its name.
    pub name: String,
    /// What it takes.
    pub input: MessageId,
    /// What it answers.
    pub output: MessageId,
    /// Whether its client sends any number of messages.
    pub client_streaming: bool,
}

/// A field with the message that it is of.
#[derive(Clone, Copy, Debug)]
pub struct FieldName<'d> {
    /// The message's name, with its package.
    pub message: &'d str,
    /// The field's.
    pub field: &'d str,
}

/// Why a descriptor set is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorsFault {
    /// Not of the form of a `FileDescriptorSet`.
    #[error("it is no descriptor set: {0} cannot be read")]
    Form(&'static str),
    /// A message that is used and not there.
    #[error("`{place}` uses `{name}`, which is not in the set: make it with `--include_imports`")]
    Missing {
        /// Where it is used.
        place: String,
        /// What is not there.
        name: String,
    },
    /// More than any set has.
    #[error("it has too many messages, or nests them too deeply")]
    TooLarge,
    /// No method to call.
    #[error("it declares no method")]
    NoMethod,
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) name: String,
    /// By number.
    pub(super) fields: Vec<FieldDescriptor>,
}

#[derive(Clone, Debug)]
pub(super) struct FieldDescriptor {
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) label: Label,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Single,
    Required,
    Repeated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Varint,
    Fixed64,
    Fixed32,
    Text,
    Bytes,
    Message(MessageId),
    Group(MessageId),
}

/// A message or field as the set has it, until every name is known.
#[derive(Default)]
struct Draft {
    messages: Vec<(String, Vec<DraftField>)>,
    extensions: Vec<(String, DraftField)>,
    methods: Vec<(String, String, String, String, bool)>,
}

#[derive(Clone, Default)]
struct DraftField {
    number: u32,
    name: String,
    label: u64,
    kind: u64,
    type_name: String,
}

impl Descriptors {
    /// Reads a set.
    ///
    /// # Errors
    /// What cannot be read, or is used and not there.
    pub fn read(bytes: &[u8]) -> Result<Self, DescriptorsFault> {
        let mut draft = Draft::default();
        for file in fields(bytes, "the set")?.filter(|field| field.number == 1 && field.wire == Wire::Length) {
            draft.file(file.bytes)?;
        }
        draft.link()
    }

    /// The methods, in the order of the set.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// How many messages there are.
    pub fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Every field of a message and of the messages within it.
    pub fn fields_within(&self, message: MessageId) -> Vec<FieldName<'_>> {
        let (mut seen, mut open, mut found) = (vec![message], vec![message], Vec::new());
        while let Some(message) = open.pop().and_then(|id| self.message(id)) {
            for field in &message.fields {
                found.push(FieldName { message: &message.name, field: &field.name });
                if let Kind::Message(inner) | Kind::Group(inner) = field.kind
                    && !seen.contains(&inner)
                {
                    seen.push(inner);
                    open.push(inner);
                }
            }
        }
        found
    }

    pub(super) fn message(&self, id: MessageId) -> Option<&Message> {
        self.messages.get(id.0)
    }

    /// The message of that name.
    pub fn named(&self, name: &str) -> Option<MessageId> {
        self.names.get(name).copied()
    }
}

impl Message {
    pub(super) fn field(&self, number: u32) -> Option<(usize, &FieldDescriptor)> {
        let at = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
        Some((at, self.fields.get(at)?))
    }
}

/// The fields of a descriptor, all of them or none.
fn fields<'b>(
    bytes: &'b [u8],
    what: &'static str,
) -> Result<impl Iterator<Item = Field<'b>> + use<'b>, DescriptorsFault> {
    let mut reader = Reader::new(bytes);
    let mut fields = Vec::new();
    while !reader.is_done() {
        fields.push(reader.field().ok_or(DescriptorsFault::Form(what))?);
    }
    Ok(fields.into_iter())
}

fn text(bytes: &[u8], what: &'static str) -> Result<String, DescriptorsFault> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DescriptorsFault::Form(what))
}

fn within(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

impl Draft {
    fn file(&mut self, bytes: &[u8]) -> Result<(), DescriptorsFault> {
        let all: Vec<_> = fields(bytes, "a file")?.collect();
        let package =
            all.iter().find(|field| field.number == 2).map_or(Ok(String::new()), |it| text(it.bytes, "a package"))?;
        for field in all.iter().filter(|field| field.wire == Wire::Length) {
            match field.number {
                4 => self.message(field.bytes, &package, 0)?,
                6 => self.service(field.bytes, &package)?,
                7 => self.extension(field.bytes)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn message(&mut self, bytes: &[u8], scope: &str, depth: usize) -> Result<(), DescriptorsFault> {
        if depth > MOST_NESTED || self.messages.len() >= MOST_MESSAGES {
            return Err(DescriptorsFault::TooLarge);
        }
        let all: Vec<_> = fields(bytes, "a message")?.filter(|field| field.wire == Wire::Length).collect();
        let name =
            all.iter().find(|field| field.number == 1).ok_or(DescriptorsFault::Form("a message without a name"))?;
        let name = within(scope, &text(name.bytes, "a message's name")?);
        let own = all.iter().filter(|field| field.number == 2);
        let own = own.map(|field| DraftField::read(field.bytes).map(|(_, field)| field)).collect::<Result<_, _>>()?;
        self.messages.push((name.clone(), own));
        for field in &all {
            match field.number {
                3 => self.message(field.bytes, &name, depth + 1)?,
                6 => self.extension(field.bytes)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn extension(&mut self, bytes: &[u8]) -> Result<(), DescriptorsFault> {
        let (extendee, field) = DraftField::read(bytes)?;
        self.extensions.push((extendee, field));
        Ok(())
    }

    fn service(&mut self, bytes: &[u8], package: &str) -> Result<(), DescriptorsFault> {
        let all: Vec<_> = fields(bytes, "a service")?.filter(|field| field.wire == Wire::Length).collect();
        let name =
            all.iter().find(|field| field.number == 1).ok_or(DescriptorsFault::Form("a service without a name"))?;
        let service = within(package, &text(name.bytes, "a service's name")?);
        for method in all.iter().filter(|field| field.number == 2) {
            let (mut name, mut input, mut output, mut streaming) = (String::new(), String::new(), String::new(), false);
            for field in fields(method.bytes, "a method")? {
                match field.number {
                    1 => name = text(field.bytes, "a method's name")?,
                    2 => input = text(field.bytes, "a method's input")?,
                    3 => output = text(field.bytes, "a method's output")?,
                    5 => streaming = field.value != 0,
                    _ => {}
                }
            }
            self.methods.push((service.clone(), name, input, output, streaming));
        }
        Ok(())
    }

    fn link(self) -> Result<Descriptors, DescriptorsFault> {
        let Self { messages, extensions, methods } = self;
        let numbered = messages.iter().enumerate();
        let names: HashMap<String, MessageId> = numbered.map(|(at, (name, _))| (name.clone(), MessageId(at))).collect();
        let find = |name: &str, place: &dyn Fn() -> String| {
            let name = name.trim_start_matches('.');
            let missing = || DescriptorsFault::Missing { place: place(), name: name.to_owned() };
            names.get(name).copied().ok_or_else(missing)
        };
        let mut linked = Vec::with_capacity(messages.len());
        for (name, own) in &messages {
            let extending = extensions.iter().filter(|(extendee, _)| extendee.trim_start_matches('.') == name);
            let mut fields = Vec::new();
            for field in own.iter().chain(extending.map(|(_, field)| field)) {
                let place = || format!("{name}.{}", field.name);
                fields.push(FieldDescriptor {
                    number: field.number,
                    name: field.name.clone(),
                    label: match field.label {
                        2 => Label::Required,
                        3 => Label::Repeated,
                        _ => Label::Single,
                    },
                    kind: match field.kind {
                        1 | 6 | 16 => Kind::Fixed64,
                        2 | 7 | 15 => Kind::Fixed32,
                        3..=5 | 8 | 13 | 14 | 17 | 18 => Kind::Varint,
                        9 => Kind::Text,
                        10 => Kind::Group(find(&field.type_name, &place)?),
                        11 => Kind::Message(find(&field.type_name, &place)?),
                        12 => Kind::Bytes,
                        _ => return Err(DescriptorsFault::Form("a field's type")),
                    },
                });
            }
            fields.sort_by_key(|field| field.number);
            linked.push(Message { name: name.clone(), fields });
        }
        let mut declared = Vec::new();
        for (service, name, input, output, client_streaming) in methods {
            let place = || format!("{service}/{name}");
            let (input, output) = (find(&input, &place)?, find(&output, &place)?);
            declared.push(Method { service, name, input, output, client_streaming });
        }
        if declared.is_empty() {
            return Err(DescriptorsFault::NoMethod);
        }
        Ok(Descriptors { messages: linked, names, methods: declared })
    }
}

impl DraftField {
    /// A field, and the message that it extends, if it is an extension.
    fn read(bytes: &[u8]) -> Result<(String, Self), DescriptorsFault> {
        let (mut extendee, mut read) = (String::new(), Self::default());
        for field in fields(bytes, "a field")? {
            match field.number {
                1 => read.name = text(field.bytes, "a field's name")?,
                2 => extendee = text(field.bytes, "an extension's message")?,
                3 => {
                    read.number = u32::try_from(field.value).map_err(|_| DescriptorsFault::Form("a field's number"))?;
                }
                4 => read.label = field.value,
                5 => read.kind = field.value,
                6 => read.type_name = text(field.bytes, "a field's type")?,
                _ => {}
            }
        }
        Ok((extendee, read))
    }
}
