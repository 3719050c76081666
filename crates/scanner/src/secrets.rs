//! Credentials that stand in files or in the history of a repository.
