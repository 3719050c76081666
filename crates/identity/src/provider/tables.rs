//! The tables of the provider. Codes, secrets and keys stand in them as hashes or sealed; of refresh tokens nothing does.

use bartizan_store::{Migrations, Query, Step};

/// Tables, in the order in which they were added.
pub(crate) const MIGRATIONS: Migrations = Migrations { room: "provider", steps: &[FIRST, SECOND] };

const SECOND: Step = Step {
    number: 2,
    name: "devices that wait for somebody",
    sqlite: "
        CREATE TABLE provider_device (
            hash BLOB NOT NULL PRIMARY KEY, user_code BLOB NOT NULL UNIQUE, client TEXT NOT NULL, scope TEXT NOT NULL,
            expires_at INTEGER NOT NULL, pause INTEGER NOT NULL, polled_at INTEGER NOT NULL, hurried INTEGER NOT NULL,
            decision INTEGER, subject TEXT, session TEXT, sign_in TEXT, used_at INTEGER) STRICT, WITHOUT ROWID;
        CREATE INDEX provider_device_end ON provider_device (expires_at);
        CREATE INDEX provider_device_subject ON provider_device (subject);
        CREATE INDEX provider_device_session ON provider_device (session);",
    postgres: "
        CREATE TABLE provider_device (
            hash BYTEA NOT NULL PRIMARY KEY, user_code BYTEA NOT NULL UNIQUE, client TEXT NOT NULL, scope TEXT NOT NULL,
            expires_at BIGINT NOT NULL, pause BIGINT NOT NULL, polled_at BIGINT NOT NULL, hurried BIGINT NOT NULL,
            decision BIGINT, subject TEXT, session TEXT, sign_in TEXT, used_at BIGINT);
        CREATE INDEX provider_device_end ON provider_device (expires_at);
        CREATE INDEX provider_device_subject ON provider_device (subject);
        CREATE INDEX provider_device_session ON provider_device (session);",
};

const FIRST: Step = Step {
        number: 1,
        name: "clients, signing keys, codes, families of tokens, consent",
        sqlite: "
        CREATE TABLE provider_client (
            id TEXT NOT NULL PRIMARY KEY, registration TEXT NOT NULL, secret BLOB, previous_secret BLOB, previous_until INTEGER,
            enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)), created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE provider_signing_key (
            id TEXT NOT NULL PRIMARY KEY, algorithm TEXT NOT NULL, signs_from INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE provider_code (
            hash BLOB NOT NULL PRIMARY KEY, family BLOB NOT NULL, client TEXT NOT NULL, redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL,
            subject TEXT NOT NULL, session TEXT NOT NULL, scope TEXT NOT NULL, sign_in TEXT NOT NULL, nonce TEXT,
            expires_at INTEGER NOT NULL, used_at INTEGER) STRICT, WITHOUT ROWID;
        CREATE INDEX provider_code_end ON provider_code (expires_at);
        CREATE TABLE provider_family (
            id BLOB NOT NULL PRIMARY KEY, client TEXT NOT NULL, subject TEXT NOT NULL, session TEXT NOT NULL, outlives_session INTEGER NOT NULL,
            scope TEXT NOT NULL, sign_in TEXT NOT NULL, generation INTEGER NOT NULL, rotated_at INTEGER NOT NULL,
            grace_from INTEGER NOT NULL, grace_at INTEGER NOT NULL, created_at INTEGER NOT NULL, idle_until INTEGER NOT NULL,
            expires_at INTEGER NOT NULL, revoked_at INTEGER, revoked_for TEXT) STRICT, WITHOUT ROWID;
        CREATE INDEX provider_family_session ON provider_family (session);
        CREATE INDEX provider_family_subject ON provider_family (subject);
        CREATE INDEX provider_family_end ON provider_family (expires_at);
        CREATE INDEX provider_family_revoked ON provider_family (revoked_at);
        CREATE TABLE provider_revoked_token (
            id TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE provider_used_assertion (
            hash BLOB NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE provider_consent (
            subject TEXT NOT NULL, client TEXT NOT NULL, scope TEXT NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (subject, client)) STRICT, WITHOUT ROWID;",
        postgres: "
        CREATE TABLE provider_client (
            id TEXT NOT NULL PRIMARY KEY, registration TEXT NOT NULL, secret BYTEA, previous_secret BYTEA, previous_until BIGINT,
            enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)), created_at BIGINT NOT NULL, changed_at BIGINT NOT NULL);
        CREATE TABLE provider_signing_key (
            id TEXT NOT NULL PRIMARY KEY, algorithm TEXT NOT NULL, signs_from BIGINT NOT NULL, sealed BYTEA NOT NULL);
        CREATE TABLE provider_code (
            hash BYTEA NOT NULL PRIMARY KEY, family BYTEA NOT NULL, client TEXT NOT NULL, redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL,
            subject TEXT NOT NULL, session TEXT NOT NULL, scope TEXT NOT NULL, sign_in TEXT NOT NULL, nonce TEXT,
            expires_at BIGINT NOT NULL, used_at BIGINT);
        CREATE INDEX provider_code_end ON provider_code (expires_at);
        CREATE TABLE provider_family (
            id BYTEA NOT NULL PRIMARY KEY, client TEXT NOT NULL, subject TEXT NOT NULL, session TEXT NOT NULL, outlives_session BIGINT NOT NULL,
            scope TEXT NOT NULL, sign_in TEXT NOT NULL, generation BIGINT NOT NULL, rotated_at BIGINT NOT NULL,
            grace_from BIGINT NOT NULL, grace_at BIGINT NOT NULL, created_at BIGINT NOT NULL, idle_until BIGINT NOT NULL,
            expires_at BIGINT NOT NULL, revoked_at BIGINT, revoked_for TEXT);
        CREATE INDEX provider_family_session ON provider_family (session);
        CREATE INDEX provider_family_subject ON provider_family (subject);
        CREATE INDEX provider_family_end ON provider_family (expires_at);
        CREATE INDEX provider_family_revoked ON provider_family (revoked_at);
        CREATE TABLE provider_revoked_token (
            id TEXT NOT NULL PRIMARY KEY, expires_at BIGINT NOT NULL);
        CREATE TABLE provider_used_assertion (
            hash BYTEA NOT NULL PRIMARY KEY, expires_at BIGINT NOT NULL);
        CREATE TABLE provider_consent (
            subject TEXT NOT NULL, client TEXT NOT NULL, scope TEXT NOT NULL, at BIGINT NOT NULL,
            PRIMARY KEY (subject, client));",
};

const FORGET_CODES: Query = Query::new("DELETE FROM provider_code WHERE expires_at < $1");
const FORGET_FAMILIES: Query = Query::new("DELETE FROM provider_family WHERE expires_at < $1");
const FORGET_REVOKED: Query = Query::new("DELETE FROM provider_revoked_token WHERE expires_at < $1");
const FORGET_ASSERTIONS: Query = Query::new("DELETE FROM provider_used_assertion WHERE expires_at < $1");
const FORGET_DEVICES: Query = Query::new("DELETE FROM provider_device WHERE expires_at < $1");

/// What can be forgotten once it has ended.
pub(super) const FORGET: [Query; 5] =
    [FORGET_CODES, FORGET_FAMILIES, FORGET_REVOKED, FORGET_ASSERTIONS, FORGET_DEVICES];

/// Every query of the provider, for the test that prepares them on both engines.
pub(crate) fn queries() -> Vec<Query> {
    let parts = [
        super::clients::QUERIES,
        super::codes::QUERIES,
        super::consent::QUERIES,
        super::device::QUERIES,
        super::families::QUERIES,
        super::grants::QUERIES,
        super::keys::QUERIES,
        super::revoked::QUERIES,
        super::client_authentication::QUERIES,
        &FORGET,
    ];
    parts.concat()
}
