//! The tables of people.

use bartizan_store::{Migrations, Step};

/// Tables, in the order in which they refer to each other. Secrets stand in them as hashes or sealed.
pub(crate) const MIGRATIONS: Migrations = Migrations { room: "identity", steps: &[FIRST, SECOND] };

/// What kind of authenticator a passkey is in; unknown of those that were made before.
const SECOND: Step = Step {
    number: 2,
    name: "kinds of authenticators",
    sqlite: "ALTER TABLE identity_passkey ADD COLUMN aaguid BLOB;",
    postgres: "ALTER TABLE identity_passkey ADD COLUMN aaguid BYTEA;",
};

const FIRST: Step = Step {
        number: 1,
        name: "users, credentials, sessions",
        sqlite: "
        CREATE TABLE identity_user (
            id TEXT NOT NULL PRIMARY KEY, username TEXT NOT NULL UNIQUE, name TEXT, email TEXT UNIQUE,
            email_verified INTEGER NOT NULL CHECK (email_verified IN (0, 1)), disabled_at INTEGER,
            roles TEXT NOT NULL, groups TEXT NOT NULL, attributes TEXT NOT NULL, locale TEXT,
            password TEXT, password_at INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE identity_session (
            token BLOB NOT NULL PRIMARY KEY, id TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL REFERENCES identity_user ON DELETE CASCADE,
            created_at INTEGER NOT NULL, auth_time INTEGER NOT NULL, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
            methods TEXT NOT NULL, agent TEXT NOT NULL, address TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX identity_session_user ON identity_session (user_id);
        CREATE INDEX identity_session_end ON identity_session (expires_at);
        CREATE TABLE identity_totp (
            user_id TEXT NOT NULL PRIMARY KEY REFERENCES identity_user ON DELETE CASCADE, secret BLOB NOT NULL,
            last_step INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE identity_recovery_code (
            user_id TEXT NOT NULL REFERENCES identity_user ON DELETE CASCADE, hash BLOB NOT NULL,
            created_at INTEGER NOT NULL, PRIMARY KEY (user_id, hash)) STRICT, WITHOUT ROWID;
        CREATE TABLE identity_passkey (
            id BLOB NOT NULL PRIMARY KEY, user_id TEXT NOT NULL REFERENCES identity_user ON DELETE CASCADE, name TEXT NOT NULL,
            kind INTEGER NOT NULL, public_key BLOB NOT NULL, counter INTEGER NOT NULL,
            is_synced INTEGER NOT NULL CHECK (is_synced IN (0, 1)), created_at INTEGER NOT NULL, used_at INTEGER) STRICT, WITHOUT ROWID;
        CREATE INDEX identity_passkey_user ON identity_passkey (user_id);
        CREATE TABLE identity_link (
            hash BLOB NOT NULL PRIMARY KEY, purpose TEXT NOT NULL, user_id TEXT REFERENCES identity_user ON DELETE CASCADE,
            expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE identity_spent (
            id TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE identity_attempt (
            counted BLOB NOT NULL PRIMARY KEY, attempts INTEGER NOT NULL, last_at INTEGER NOT NULL,
            free_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX identity_attempt_last ON identity_attempt (last_at);",
        postgres: "
        CREATE TABLE identity_user (
            id TEXT NOT NULL PRIMARY KEY, username TEXT NOT NULL UNIQUE, name TEXT, email TEXT UNIQUE,
            email_verified BIGINT NOT NULL CHECK (email_verified IN (0, 1)), disabled_at BIGINT,
            roles TEXT NOT NULL, groups TEXT NOT NULL, attributes TEXT NOT NULL, locale TEXT,
            password TEXT, password_at BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
        CREATE TABLE identity_session (
            token BYTEA NOT NULL PRIMARY KEY, id TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL REFERENCES identity_user ON DELETE CASCADE,
            created_at BIGINT NOT NULL, auth_time BIGINT NOT NULL, seen_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
            methods TEXT NOT NULL, agent TEXT NOT NULL, address TEXT NOT NULL);
        CREATE INDEX identity_session_user ON identity_session (user_id);
        CREATE INDEX identity_session_end ON identity_session (expires_at);
        CREATE TABLE identity_totp (
            user_id TEXT NOT NULL PRIMARY KEY REFERENCES identity_user ON DELETE CASCADE, secret BYTEA NOT NULL,
            last_step BIGINT NOT NULL, created_at BIGINT NOT NULL);
        CREATE TABLE identity_recovery_code (
            user_id TEXT NOT NULL REFERENCES identity_user ON DELETE CASCADE, hash BYTEA NOT NULL,
            created_at BIGINT NOT NULL, PRIMARY KEY (user_id, hash));
        CREATE TABLE identity_passkey (
            id BYTEA NOT NULL PRIMARY KEY, user_id TEXT NOT NULL REFERENCES identity_user ON DELETE CASCADE, name TEXT NOT NULL,
            kind BIGINT NOT NULL, public_key BYTEA NOT NULL, counter BIGINT NOT NULL,
            is_synced BIGINT NOT NULL CHECK (is_synced IN (0, 1)), created_at BIGINT NOT NULL, used_at BIGINT);
        CREATE INDEX identity_passkey_user ON identity_passkey (user_id);
        CREATE TABLE identity_link (
            hash BYTEA NOT NULL PRIMARY KEY, purpose TEXT NOT NULL, user_id TEXT REFERENCES identity_user ON DELETE CASCADE,
            expires_at BIGINT NOT NULL);
        CREATE TABLE identity_spent (
            id TEXT NOT NULL PRIMARY KEY, expires_at BIGINT NOT NULL);
        CREATE TABLE identity_attempt (
            counted BYTEA NOT NULL PRIMARY KEY, attempts BIGINT NOT NULL, last_at BIGINT NOT NULL,
            free_at BIGINT NOT NULL);
        CREATE INDEX identity_attempt_last ON identity_attempt (last_at);",
};
