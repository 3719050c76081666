use std::fmt;

/// A value of a parameter or a column: all that is ever stored.
///
/// Its `Debug` shows numbers, and of text and bytes the length only: columns hold password hashes and sealed keys.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// SQL's `NULL`.
    Null,
    /// `BIGINT`, in `SQLite` `INTEGER`; also times in microseconds since 1970, and booleans as 0 and 1.
    I64(i64),
    /// `TEXT`.
    Text(String),
    /// `BLOB`, in `PostgreSQL` `BYTEA`.
    Blob(Vec<u8>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::I64(number) => write!(f, "I64({number})"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Blob(bytes) => write!(f, "Blob({} bytes)", bytes.len()),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::I64(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::I64(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::I64(i64::from(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::I64(i64::from(flag))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
