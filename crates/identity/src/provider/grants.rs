//! What ends with a session or an account: statements for the writes that end those, so that all of it ends together or not at all.

use bartizan_store::{Expect, Query, Write};

use crate::Moment;

const OF_SESSION: Query = Query::new(
    "UPDATE provider_family SET revoked_at = $2, revoked_for = 'signed-out'
     WHERE session = $1 AND outlives_session = 0 AND revoked_at IS NULL",
);
const OF_OTHER_SESSIONS: Query = Query::new(
    "UPDATE provider_family SET revoked_at = $3, revoked_for = 'signed-out'
     WHERE subject = $1 AND session <> $2 AND outlives_session = 0 AND revoked_at IS NULL",
);
const OF_ACCOUNT: Query = Query::new(
    "UPDATE provider_family SET revoked_at = $2, revoked_for = 'account-ended' WHERE subject = $1 AND revoked_at IS NULL",
);
const DEVICES_OF_SESSION: Query = Query::new("DELETE FROM provider_device WHERE session = $1 AND used_at IS NULL");
const DEVICES_OF_OTHER_SESSIONS: Query =
    Query::new("DELETE FROM provider_device WHERE subject = $1 AND session <> $2 AND used_at IS NULL");
const DEVICES_OF_ACCOUNT: Query = Query::new("DELETE FROM provider_device WHERE subject = $1");
const FORGET_CONSENT: Query = Query::new("DELETE FROM provider_consent WHERE subject = $1");
const FORGET_CODES: Query = Query::new("DELETE FROM provider_code WHERE subject = $1");

pub(super) const QUERIES: &[Query] = &[
    OF_SESSION,
    OF_OTHER_SESSIONS,
    OF_ACCOUNT,
    DEVICES_OF_SESSION,
    DEVICES_OF_OTHER_SESSIONS,
    DEVICES_OF_ACCOUNT,
    FORGET_CONSENT,
    FORGET_CODES,
];

/// Ends what a session gave to clients, except what its holder allowed to outlive it.
pub(crate) fn ending_of_session(write: Write, session: &str, now: Moment) -> Write {
    write.then(OF_SESSION, [session.into(), now.into()], Expect::Any).then(
        DEVICES_OF_SESSION,
        [session.into()],
        Expect::Any,
    )
}

/// The same for all sessions of an account but one.
pub(crate) fn ending_of_other_sessions(write: Write, subject: &str, keep: &str, now: Moment) -> Write {
    let write = write.then(OF_OTHER_SESSIONS, [subject.into(), keep.into(), now.into()], Expect::Any);
    write.then(DEVICES_OF_OTHER_SESSIONS, [subject.into(), keep.into()], Expect::Any)
}

/// Ends everything that an account gave to clients.
pub(crate) fn ending_of_account(write: Write, subject: &str, now: Moment) -> Write {
    let write = write.then(OF_ACCOUNT, [subject.into(), now.into()], Expect::Any);
    write.then(DEVICES_OF_ACCOUNT, [subject.into()], Expect::Any)
}

/// Forgets what an account's holder allowed clients.
pub(crate) fn forgetting(write: Write, subject: &str) -> Write {
    write.then(FORGET_CONSENT, [subject.into()], Expect::Any).then(FORGET_CODES, [subject.into()], Expect::Any)
}
