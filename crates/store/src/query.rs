/// One SQL statement that both engines accept, with parameters `$1`, `$2`, ….
///
/// Rooms list theirs as `pub const QUERIES: &[Query]`, for [`Store::prepare`](crate::Store::prepare) to try on both engines.
/// `PostgreSQL` has to infer `bigint`, `text` or `bytea` for each parameter: where it would infer something else (`$1 + 1` is an
/// `integer`), the query says `CAST($1 AS BIGINT)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Query(&'static str);

impl Query {
    /// The statement `sql`. Only text that is known at compile time can be one.
    pub const fn new(sql: &'static str) -> Self {
        Self(sql)
    }

    /// Its text.
    pub const fn sql(self) -> &'static str {
        self.0
    }

    /// Whether it is counted by the rows that it returns; other statements are counted by the rows that they change.
    pub(crate) fn reads(self) -> bool {
        let first = self.0.split_whitespace().next().unwrap_or_default();
        ["select", "with", "values"].iter().any(|word| first.eq_ignore_ascii_case(word))
    }
}
