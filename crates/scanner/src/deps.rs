//! Dependencies: lock files, advisories, versions.
