//! t
pub mod path;
pub fn f(data:&[u8]) { let _ = path::CanonicalPath::parse(data); }
