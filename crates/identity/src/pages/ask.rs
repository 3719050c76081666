//! One request to the pages, with what every page needs of it.

use std::sync::Arc;

use bartizan_vault::{Secret, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode};
use maud::{Markup, html};

use super::answers::{leading_on, page, redirect};
use super::assets::Assets;
use super::form::Fields;
use super::language::{Language, Texts};
use super::layout::{Message, document};
use super::return_to::local_path;
use crate::people::{People, Standing, cookie_value};
use crate::{Context, IdentityError};

/// The cookie that tells our own forms from everybody else's: random, and out of reach of other sites and of scripts.
const FORM_COOKIE: &str = "__Host-bartizan-form";

pub(crate) struct Ask<'r> {
    pub(crate) request: &'r Request<Bytes>,
    pub(crate) context: &'r Context,
    pub(crate) people: &'r Arc<People>,
    pub(crate) assets: &'r Assets,
    pub(crate) query: Fields<'r>,
    pub(crate) form: Fields<'r>,
    pub(crate) language: Language,
    pub(crate) text: &'static Texts,
    /// The form cookie's value: the browser's, or the one that it gets now.
    browser: Secret<String>,
    is_new_browser: bool,
}

/// Why somebody cannot go on to a page of the account.
pub(crate) enum Gate {
    Open(Arc<Standing>),
    Answer(Response<Bytes>),
}

impl<'r> Ask<'r> {
    pub(crate) fn of(
        request: &'r Request<Bytes>,
        context: &'r Context,
        people: &'r Arc<People>,
        assets: &'r Assets,
    ) -> Result<Self, IdentityError> {
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|it| it.as_bytes().to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded"));
        let language = context.language;
        let known = cookie_value(request.headers(), FORM_COOKIE).filter(|it| it.len() == 43);
        let (browser, is_new_browser) = match known {
            Some(known) => (Secret::new(known.to_owned()), false),
            None => (people.ground.token()?, true),
        };
        Ok(Self {
            request,
            context,
            people,
            assets,
            query: Fields::parse(request.uri().query().unwrap_or_default().as_bytes()),
            form: Fields::parse(if is_form { request.body() } else { b"" }),
            language,
            text: language.texts(),
            browser,
            is_new_browser,
        })
    }

    /// What tells this browser from others, for what is sealed.
    pub(crate) fn browser(&self) -> &str {
        self.browser.expose()
    }

    /// The value that each of our forms carries. Whoever cannot read the cookie cannot know it.
    fn form_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(format!("form/{}", self.browser()).as_bytes()))
    }

    /// What every form has in it.
    pub(crate) fn form_field(&self) -> Markup {
        html! { input type="hidden" name="form" value=(self.form_token()); }
    }

    /// The refusal of a form that is not one of ours, sent by a page of ours (`OWASP: Cross-Site Request Forgery Prevention`). Any one of the three would
    /// do in a browser of today; an old one lacks the first, a strict one the second.
    pub(crate) fn foreign_form(&self) -> Option<Response<Bytes>> {
        let field = |name: &str| self.request.headers().get(name).map(HeaderValue::as_bytes);
        let is_ours = match (field("sec-fetch-site"), field("origin")) {
            (Some(site), _) if site != b"same-origin" && site != b"none" => false,
            (_, Some(origin)) => origin == b"null" || origin == self.people.ground.config.origin.as_bytes(),
            (_, None) => true,
        };
        let expected = Secret::new(self.form_token());
        if is_ours && !self.is_new_browser && expected.matches(self.form.text("form").as_bytes()) {
            return None;
        }
        let message = Message::Error(self.text.form_too_old);
        let again = self.url("/login");
        let body = html! { p { a href=(again) { (self.text.sign_in) } } };
        Some(self.page_with(StatusCode::FORBIDDEN, self.text.sign_in, Some(&message), &body))
    }

    /// A path of ours, whole.
    pub(crate) fn url(&self, page: &str) -> String {
        format!("{}{page}", self.people.ground.config.path)
    }

    pub(crate) fn page(&self, title: &str, message: Option<&Message<'_>>, body: &Markup) -> Response<Bytes> {
        let status = match message {
            Some(Message::Error(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::OK,
        };
        self.page_with(status, title, message, body)
    }

    pub(crate) fn page_with(
        &self,
        status: StatusCode,
        title: &str,
        message: Option<&Message<'_>>,
        body: &Markup,
    ) -> Response<Bytes> {
        page(status, document(self, title, message, body))
    }

    pub(crate) fn not_found(&self) -> Response<Bytes> {
        let body = html! { p { a href=(self.url("/account")) { (self.text.your_account) } } };
        self.page_with(StatusCode::NOT_FOUND, self.text.not_found, None, &body)
    }

    /// What fails inside is for the operator; the reader learns that it was not their fault.
    pub(crate) fn failed(&self, cause: &IdentityError) -> Response<Bytes> {
        if matches!(cause, IdentityError::Overloaded) {
            tracing::warn!(%cause, "a sign-in was turned away");
        } else {
            tracing::error!(%cause, "a request to the sign-in could not be answered");
        }
        let message = Message::Error(self.text.out_of_order);
        let mut answer = self.page_with(StatusCode::SERVICE_UNAVAILABLE, self.text.sign_in, Some(&message), &html! {});
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        answer
    }

    /// Where to go after the sign-in: as the form or the query says, if that is a place of ours.
    pub(crate) fn return_to(&self) -> Option<&str> {
        self.form.get("return_to").or_else(|| self.query.get("return_to")).and_then(local_path)
    }

    /// Goes on to a place of ours after a form. Where that may lead on to another site, a page stands between: browsers hold a form's
    /// whole chain of redirects against `form-action`.
    pub(crate) fn go_on(&self, to: Option<&str>) -> Response<Bytes> {
        let account = self.url("/account");
        let to = to.unwrap_or(&account);
        if !to.starts_with(&self.url("/authorize")) {
            return redirect(to);
        }
        let body = html! { p { a href=(to) { (self.text.go_on) } } };
        leading_on(self.page(self.text.signed_in, None, &body), to)
    }

    /// The session of whoever asks, or the way to one. A restricted one opens only what is open to `restricted`.
    pub(crate) async fn signed_in(&self, restricted: bool) -> Result<Gate, IdentityError> {
        self.signed_in_to(self.request.uri().path(), restricted).await
    }

    /// The same; the way in leads to `here`.
    pub(crate) async fn signed_in_to(&self, here: &str, restricted: bool) -> Result<Gate, IdentityError> {
        let Some(standing) = self.people.standing(self.request.headers()).await? else {
            return Ok(Gate::Answer(redirect(&self.login_url(here, false))));
        };
        if standing.view.is_restricted && !restricted {
            return Ok(Gate::Answer(redirect(&self.url("/account/authenticator"))));
        }
        Ok(Gate::Open(standing))
    }

    /// The same for what a borrowed browser must not do: its holder has proven who they are within the last quarter of an hour.
    pub(crate) async fn freshly_signed_in(&self, restricted: bool) -> Result<Gate, IdentityError> {
        const FRESH: std::time::Duration = std::time::Duration::from_mins(15);
        match self.signed_in(restricted).await? {
            Gate::Open(standing) if self.context.now.since(standing.view.auth_time) > FRESH => {
                Ok(Gate::Answer(redirect(&self.login_url(&self.url("/account"), true))))
            }
            gate => Ok(gate),
        }
    }

    pub(crate) fn login_url(&self, return_to: &str, anew: bool) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("return_to", return_to);
        if anew {
            query.append_pair("prompt", "login");
        }
        format!("{}?{}", self.url("/login"), query.finish())
    }

    /// Gives the browser its form cookie, where it has none.
    pub(crate) fn finish(&self, mut answer: Response<Bytes>) -> Response<Bytes> {
        if self.is_new_browser {
            let cookie = format!("{FORM_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax", self.browser());
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                answer.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        answer
    }
}
