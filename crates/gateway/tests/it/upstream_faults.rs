//! upstream_faults
