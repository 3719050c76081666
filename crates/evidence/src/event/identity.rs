use std::net::IpAddr;
use std::time::SystemTime;

use crate::{Name, RequestId};

/// Something that a person or a client did at the gate's own sign-in, or that was done to its account.
///
/// Accounts are named by their opaque id only, so that the log stays whole when an account's personal data is erased; what was typed
/// into a form is never part of it, since people type passwords into the wrong field.
#[derive(Clone, Debug)]
pub struct IdentityEvent {
    /// When it happened.
    pub time: SystemTime,
    /// What happened.
    pub action: IdentityAction,
    /// Whether it was done.
    pub result: IdentityResult,
    /// Who did it.
    pub actor: IdentityActor,
    /// The account that it concerns, where one is known.
    pub user: Option<Name>,
    /// The session that it concerns.
    pub session: Option<Name>,
    /// The OAuth client that it concerns.
    pub client: Option<Name>,
    /// Where it came from.
    pub source: Option<IpAddr>,
    /// The request that asked for it.
    pub request_id: Option<RequestId>,
    /// The means of proof: `pwd`, `otp`, `recovery`, `passkey`, `link`.
    pub method: Option<&'static str>,
}

impl IdentityEvent {
    /// An event of which nothing more is known.
    pub const fn new(time: SystemTime, action: IdentityAction, result: IdentityResult, actor: IdentityActor) -> Self {
        Self {
            time,
            action,
            result,
            actor,
            user: None,
            session: None,
            client: None,
            source: None,
            request_id: None,
            method: None,
        }
    }
}

/// Whether something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityResult {
    /// It was.
    Done,
    /// It was refused, for this reason.
    Refused(&'static str),
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityActor {
    /// Whoever sent the request: nobody who is known.
    Anyone,
    /// The account's own holder.
    Holder,
    /// Whoever has the command line and the state.
    Operator,
    /// An OAuth client, in its own name.
    Client,
    /// The node itself, on schedule.
    Node,
}

impl IdentityActor {
    /// The word that logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Holder => "holder",
            Self::Operator => "operator",
            Self::Client => "client",
            Self::Node => "node",
        }
    }
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $category:literal, $kind:literal;)+) => {
        /// What happened to an account, a session, a client or a grant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum IdentityAction {
            $($(#[doc = $doc])+ $name,)+
        }

        impl IdentityAction {
            /// The word that logs use.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// Its category and type in the Elastic Common Schema.
            pub(crate) const fn kind(self) -> (&'static [&'static str], &'static [&'static str]) {
                match self {
                    $(Self::$name => (&[$category], &[$kind]),)+
                }
            }
        }
    };
}

actions! {
    /// A person signed in, or tried to.
    SignIn = "sign-in", "authentication", "start";
    /// A person proved more in a session that stood already.
    StepUp = "step-up", "authentication", "start";
    /// A person signed out.
    SignOut = "sign-out", "authentication", "end";
    /// Sessions were ended from another one, or by an administrator.
    SessionsEnded = "sessions-ended", "session", "end";
    /// A password was set or changed.
    PasswordChanged = "password-changed", "iam", "change";
    /// An authenticator was added.
    FactorAdded = "factor-added", "iam", "change";
    /// An authenticator was removed.
    FactorRemoved = "factor-removed", "iam", "change";
    /// New recovery codes were made; the old ones are worth nothing.
    RecoveryCodesMade = "recovery-codes-made", "iam", "change";
    /// A passkey's counter went backwards: there may be a copy of it.
    PasskeyCloned = "passkey-cloned", "intrusion_detection", "info";
    /// An account was made.
    UserCreated = "user-created", "iam", "creation";
    /// A link to take up an account, or to recover it, was made.
    LinkMade = "link-made", "iam", "info";
    /// A mail to an account's holder was handed in at the mail server, or was not.
    MailSent = "mail-sent", "email", "info";
    /// An account's holder showed that its mail address is theirs.
    EmailVerified = "email-verified", "iam", "change";
    /// An account's roles, groups, names or attributes changed.
    UserChanged = "user-changed", "iam", "change";
    /// An account was disabled.
    UserDisabled = "user-disabled", "iam", "change";
    /// An account was enabled again.
    UserEnabled = "user-enabled", "iam", "change";
    /// An account was deleted, and its personal data erased.
    UserDeleted = "user-deleted", "iam", "deletion";
    /// All data of an account was given out to its holder.
    UserExported = "user-exported", "iam", "info";
    /// A client was given a code for tokens, or asked for one.
    CodeIssued = "authorization-code-issued", "iam", "info";
    /// A code was shown a second time: what the first time gave has ended.
    CodeReused = "authorization-code-reused", "intrusion_detection", "info";
    /// A client was given a code for a device, or asked for one.
    DeviceCodeIssued = "device-code-issued", "iam", "info";
    /// A client was given tokens, or asked for them.
    TokensIssued = "tokens-issued", "iam", "info";
    /// A refresh token was shown that two hold: all that came of it has ended.
    RefreshTokenReused = "refresh-token-reused", "intrusion_detection", "info";
    /// A client gave its tokens back.
    TokensRevoked = "tokens-revoked", "iam", "change";
    /// A client asked what a token is worth.
    TokenIntrospected = "token-introspected", "iam", "info";
    /// A person allowed a client what it asked for.
    ConsentGiven = "consent-given", "iam", "change";
    /// An account's holder took back what an application was allowed.
    ConsentWithdrawn = "consent-withdrawn", "iam", "change";
    /// A client was registered.
    ClientCreated = "client-created", "iam", "creation";
    /// A client was let in again.
    ClientEnabled = "client-enabled", "iam", "change";
    /// A client was shut out.
    ClientDisabled = "client-disabled", "iam", "change";
    /// A client was forgotten.
    ClientDeleted = "client-deleted", "iam", "deletion";
    /// A client was given a new secret.
    ClientSecretRotated = "client-secret-rotated", "iam", "change";
    /// A key that signs tokens was made.
    SigningKeyMade = "signing-key-made", "configuration", "creation";
}
