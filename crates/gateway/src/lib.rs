//! gateway

#[cfg_attr(not(test), expect(dead_code, reason = "called by the pipeline's stages as they land"))]
pub(crate) mod path;
