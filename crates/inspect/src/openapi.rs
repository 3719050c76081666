//! The OpenAPI document as policy: what it does not declare does not pass.
