//! Signing in: one factor after another, and what happens when one is wrong.

use std::time::Duration;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bartizan_store::{Expect, Query, Write};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::factor::{Acr, Method, Methods};
use super::password::{Password, Verdict};
use super::session::{Begun, SessionView};
use super::throttle::{Counted, Turn};
use super::user::{User, UserId};
use super::{People, name};
use crate::{Context, IdentityError};

/// What came of the first factor.
pub(crate) enum First {
    /// Name or password are not right; which one is nobody's business.
    Wrong,
    /// There were too many tries.
    Wait(Duration),
    /// The password is right.
    Right(Box<User>),
}

/// A second factor, as it was typed.
pub(crate) enum Second<'t> {
    Totp(&'t str),
    RecoveryCode(&'t str),
}

/// What came of it.
pub(crate) enum Shown {
    Wrong,
    Wait(Duration),
    Right(Method),
}

/// A sign-in that lacks a second factor: what is sealed into the page that asks for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) user: UserId,
    pub(crate) methods: Methods,
    /// The session that is stepped up, rather than begun.
    pub(crate) session: Option<String>,
    pub(crate) return_to: Option<String>,
}

const REHASH: Query = Query::new("UPDATE identity_user SET password = $3 WHERE id = $1 AND password = $2");

pub(super) const QUERIES: &[Query] = &[REHASH];

impl People {
    /// Judges a name and a password. Whether there is such an account shows neither in the answer nor in how long it takes.
    pub(crate) async fn check_password(
        &self,
        typed_name: &str,
        typed_password: &str,
        headers: &HeaderMap,
        context: &Context,
    ) -> Result<First, IdentityError> {
        let called = name::spelled(typed_name);
        let found = self.user_called(&called).await?;
        let is_known_device = found.as_ref().is_some_and(|(user, _)| self.is_known_device(headers, &user.id));
        let counted = Counted::sign_in(&called, context, is_known_device);
        let user_id = found.as_ref().map(|(user, _)| user.id.clone());
        if let Turn::Wait(wait) = self.take_turn(&counted, context.now).await? {
            self.refused(context, IdentityAction::SignIn, user_id.as_ref(), Method::Password, "throttled").await?;
            return Ok(First::Wait(wait));
        }
        let stored = found.as_ref().and_then(|(_, password)| password.as_deref());
        // One that cannot be a password is compared as well, with nobody's: an answer that comes sooner would say something.
        let (password, stored) = match Password::typed(typed_password) {
            Some(password) => (password, stored),
            None => (Password::nobodys(), None),
        };
        let verdict = self.pool.verify(password.duplicate(), stored).await?;
        let right = found.filter(|(user, _)| verdict != Verdict::Wrong && user.disabled_at.is_none());
        let Some((user, stored)) = right else {
            let reason = if verdict == Verdict::Wrong { "wrong-credentials" } else { "disabled" };
            self.refused(context, IdentityAction::SignIn, user_id.as_ref(), Method::Password, reason).await?;
            return Ok(First::Wrong);
        };
        self.forgive(&counted).await?;
        if let (Verdict::RightAndOutdated, Some(old)) = (verdict, stored) {
            let new = self.pool.hash(password).await?;
            // If it was changed meanwhile, the change stands.
            self.ground.write(Write::new(REHASH, [(&user.id).into(), old.into(), new.into()], Expect::Any)).await?;
        }
        Ok(First::Right(Box::new(user)))
    }

    /// Judges a second factor of whoever has shown the first one.
    pub(crate) async fn check_second_factor(
        &self,
        user: &UserId,
        second: &Second<'_>,
        context: &Context,
    ) -> Result<Shown, IdentityError> {
        let counted = Counted::second_factor(user.as_str());
        let method = match second {
            Second::Totp(_) => Method::Totp,
            Second::RecoveryCode(_) => Method::RecoveryCode,
        };
        if let Turn::Wait(wait) = self.take_turn(&counted, context.now).await? {
            self.refused(context, IdentityAction::SignIn, Some(user), method, "throttled").await?;
            return Ok(Shown::Wait(wait));
        }
        let is_right = match second {
            Second::Totp(code) => self.use_totp(user, code, context.now).await?,
            Second::RecoveryCode(code) => self.use_recovery_code(user, code).await?,
        };
        if !is_right {
            self.refused(context, IdentityAction::SignIn, Some(user), method, "wrong-code").await?;
            return Ok(Shown::Wrong);
        }
        self.forgive(&counted).await?;
        Ok(Shown::Right(method))
    }

    /// Begins a session for whoever has shown enough; `None` if the account lets nobody in by now. The event is on disk before the
    /// cookie leaves.
    pub(crate) async fn finish_sign_in(
        &self,
        user: &UserId,
        methods: &Methods,
        context: &Context,
    ) -> Result<Option<Begun>, IdentityError> {
        let Some(begun) = self.begin_session(user, methods, context).await? else {
            self.refused(context, IdentityAction::SignIn, Some(user), Method::Password, "disabled").await?;
            return Ok(None);
        };
        let mut event = context.event(IdentityAction::SignIn, IdentityResult::Done, IdentityActor::Holder);
        event.user = Some(Name::new(user.as_str()));
        event.session = Some(Name::new(&begun.id));
        event.method = methods.last().map(Method::as_str);
        if let Err(cause) = self.ground.record(event).await {
            self.end_session(user, &begun.id).await?;
            return Err(cause);
        }
        Ok(Some(begun))
    }

    /// Adds what was shown to a session that stands, under a new token.
    pub(crate) async fn finish_step_up(
        &self,
        view: &SessionView,
        methods: &Methods,
        context: &Context,
    ) -> Result<Option<Begun>, IdentityError> {
        let mut event = context.event(IdentityAction::StepUp, IdentityResult::Done, IdentityActor::Holder);
        event.user = Some(Name::new(view.user.as_str()));
        event.session = Some(Name::new(&view.id));
        event.method = methods.last().map(Method::as_str);
        self.ground.record(event).await?;
        self.step_up_session(view, methods, context.now).await
    }

    /// Ends the session of whoever asks.
    pub(crate) async fn sign_out(&self, view: &SessionView, context: &Context) -> Result<(), IdentityError> {
        self.end_session(&view.user, &view.id).await?;
        let mut event = context.event(IdentityAction::SignOut, IdentityResult::Done, IdentityActor::Holder);
        event.user = Some(Name::new(view.user.as_str()));
        event.session = Some(Name::new(&view.id));
        self.ground.record(event).await
    }

    /// Records what was refused. The same for accounts that exist and that do not, so that it takes the same time.
    pub(crate) async fn refused(
        &self,
        context: &Context,
        action: IdentityAction,
        user: Option<&UserId>,
        method: Method,
        reason: &'static str,
    ) -> Result<(), IdentityError> {
        let mut event = context.event(action, IdentityResult::Refused(reason), IdentityActor::Anyone);
        event.user = user.map(|user| Name::new(user.as_str()));
        event.method = Some(method.as_str());
        self.ground.record(event).await
    }

    /// Whether an account has more to show than a password.
    pub(crate) async fn has_second_factor(&self, user: &UserId) -> Result<bool, IdentityError> {
        Ok(self.has_totp(user).await?.is_some() || !self.passkeys(user).await?.is_empty())
    }
}

/// Whether a session satisfies what is asked of it: strong enough, and fresh enough.
pub(crate) fn satisfies(view: &SessionView, wanted: Option<Acr>, not_before: Option<crate::Moment>) -> bool {
    wanted.is_none_or(|wanted| view.acr >= wanted) && not_before.is_none_or(|limit| view.auth_time >= limit)
}
