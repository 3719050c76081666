use std::sync::Arc;

use crate::{StoreError, Value};

/// One row of an answer; columns are read by the name that the query gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    columns: Arc<[Box<str>]>,
    values: Vec<Value>,
}

impl Row {
    pub(crate) const fn new(columns: Arc<[Box<str>]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The value of `column` as `i64`, `bool`, text, bytes, bytes of a fixed length, or an `Option` of these.
    ///
    /// # Errors
    /// [`StoreError::Column`] if there is no such column, or if what it holds is no `T`: a fault of the query, or damaged state.
    pub fn read<'r, T: FromValue<'r>>(&'r self, column: &'static str) -> Result<T, StoreError> {
        let mismatch = |found| StoreError::Column { column, wanted: T::NAME, found };
        let position = self.columns.iter().position(|name| **name == *column);
        let value =
            position.and_then(|position| self.values.get(position)).ok_or_else(|| mismatch("no such column"))?;
        T::from_value(value).ok_or_else(|| {
            mismatch(match value {
                Value::Null => "NULL",
                Value::I64(_) => "a number",
                Value::Text(_) => "text",
                Value::Blob(_) => "bytes",
            })
        })
    }
}

/// A type that a column can be read as.
pub trait FromValue<'r>: Sized {
    /// What to call it in an error.
    const NAME: &'static str;

    /// The value, if it is one.
    fn from_value(value: &'r Value) -> Option<Self>;
}

impl FromValue<'_> for i64 {
    const NAME: &'static str = "a number";

    fn from_value(value: &Value) -> Option<Self> {
        if let Value::I64(number) = value { Some(*number) } else { None }
    }
}

impl FromValue<'_> for bool {
    const NAME: &'static str = "0 or 1";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::I64(0) => Some(false),
            Value::I64(1) => Some(true),
            _ => None,
        }
    }
}

impl<'r> FromValue<'r> for &'r str {
    const NAME: &'static str = "text";

    fn from_value(value: &'r Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl FromValue<'_> for String {
    const NAME: &'static str = "text";

    fn from_value(value: &Value) -> Option<Self> {
        <&str>::from_value(value).map(str::to_owned)
    }
}

impl<'r> FromValue<'r> for &'r [u8] {
    const NAME: &'static str = "bytes";

    fn from_value(value: &'r Value) -> Option<Self> {
        if let Value::Blob(bytes) = value { Some(bytes) } else { None }
    }
}

impl FromValue<'_> for Vec<u8> {
    const NAME: &'static str = "bytes";

    fn from_value(value: &Value) -> Option<Self> {
        <&[u8]>::from_value(value).map(<[u8]>::to_vec)
    }
}

impl<const N: usize> FromValue<'_> for [u8; N] {
    const NAME: &'static str = "bytes of a fixed length";

    fn from_value(value: &Value) -> Option<Self> {
        <&[u8]>::from_value(value).and_then(|bytes| bytes.try_into().ok())
    }
}

impl<'r, T: FromValue<'r>> FromValue<'r> for Option<T> {
    const NAME: &'static str = T::NAME;

    fn from_value(value: &'r Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: impl Into<Value>) -> Row {
        Row::new(Arc::from([Box::from("column")]), vec![value.into()])
    }

    #[test]
    fn a_column_is_read_as_what_it_holds_and_as_nothing_else() {
        assert_eq!(row(7_i64).read::<i64>("column").unwrap(), 7);
        assert!(row(true).read::<bool>("column").unwrap());
        assert_eq!(row("text").read::<&str>("column").unwrap(), "text");
        assert_eq!(row([1_u8, 2]).read::<[u8; 2]>("column").unwrap(), [1, 2]);
        assert_eq!(row(Value::Null).read::<Option<i64>>("column").unwrap(), None);
        assert!(row(2_i64).read::<bool>("column").is_err());
        assert!(row([1_u8, 2]).read::<[u8; 3]>("column").is_err());
        assert!(row("7").read::<i64>("column").is_err());
        assert!(row("text").read::<Option<Vec<u8>>>("column").is_err());
    }

    #[test]
    fn errors_and_debug_output_tell_no_contents() {
        let row = row("$argon2id$secret");
        let error = row.read::<i64>("column").unwrap_err();
        assert_eq!(error.to_string(), "column `column` should hold a number, found text");
        assert!(!format!("{row:?}").contains("argon2id"));
        assert!(row.read::<i64>("other").unwrap_err().to_string().contains("no such column"));
    }
}
