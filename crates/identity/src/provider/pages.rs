//! The provider's few pages, in the frame of all others: the question whether a client may, what is wrong, and the way back to the client.

use bytes::Bytes;
use http::{Response, StatusCode};
use maud::{Markup, html};

use super::client::Client;
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use crate::pages::{Ask, Message, Texts, leading_on, sending_to};

/// Asks whether the client may have what it asks for, and go on to `redirect_uri` with it.
pub(super) fn consent(
    ask: &Ask<'_>,
    client: &Client,
    scopes: &[String],
    redirect_uri: &str,
    sealed: &str,
) -> Response<Bytes> {
    let text = ask.text;
    let body = html! {
        p { strong { (client.registration.name) } " " (text.client_asks_for) }
        (asked_for(text, scopes))
        p.hint { (text.client_leads_to) " " strong { (origin(redirect_uri)) } }
        form method="post" action=(ask.url("/consent")) {
            (ask.form_field())
            input type="hidden" name="request" value=(sealed);
            (decision(text))
        }
    };
    ask.page(text.allow_access, None, &body)
}

/// What a client asks for, in the reader's words.
pub(super) fn asked_for(text: &'static Texts, scopes: &[String]) -> Markup {
    html! { ul { @for scope in scopes { li { (described(text, scope)) } } } }
}

/// Both answers to the question whether a client may.
pub(super) fn decision(text: &Texts) -> Markup {
    html! {
        button type="submit" name="decision" value="allow" { (text.allow) }
        button.quiet type="submit" name="decision" value="deny" { (text.do_not_allow) }
    }
}

fn described<'s>(text: &'static Texts, scope: &'s str) -> &'s str {
    match scope {
        "openid" => text.scope_openid,
        "profile" => text.scope_profile,
        "email" => text.scope_email,
        "roles" => text.scope_roles,
        "groups" => text.scope_groups,
        "attributes" => text.scope_attributes,
        "offline_access" => text.scope_offline_access,
        other => other,
    }
}

/// Tells whoever sits at the browser what is wrong. Most of it is for those who made the application.
pub(super) fn fault(ask: &Ask<'_>, fault: &OAuthError) -> Response<Bytes> {
    let text = ask.text;
    let said = match fault.reason {
        "interaction-expired" => text.request_too_old,
        "client-unknown" => text.client_unknown,
        _ => text.request_malformed,
    };
    let body = html! {
        details {
            summary { (text.for_developers) }
            p lang="en" { (fault.description) "." }
        }
    };
    ask.page_with(StatusCode::BAD_REQUEST, text.did_not_work, Some(&Message::Error(said)), &body)
}

/// Leads on by itself, without a script; with a link for browsers that do not.
pub(super) fn leading_to(ask: &Ask<'_>, location: &str) -> Response<Bytes> {
    let body = html! { p { a href=(location) { (ask.text.go_on) } } };
    leading_on(ask.page(ask.text.go_on, None, &body), location)
}

/// Posts the answer to the client (`OAuth 2.0 Form Post Response Mode`): by a script of ours, or by the button.
pub(super) fn form_post(ask: &Ask<'_>, redirect_uri: &str, answer: &Parameters) -> Response<Bytes> {
    let body = html! {
        form method="post" action=(redirect_uri) {
            @for (name, value) in answer.iter() { input type="hidden" name=(name) value=(value); }
            button type="submit" { (ask.text.go_on) }
        }
        script src=(ask.url(ask.assets.submit_path())) defer {}
    };
    sending_to(&origin(redirect_uri), ask.page(ask.text.go_on, None, &body))
}

/// Whom a form may be posted to, as a Content-Security-Policy names it; and what people know a place by.
fn origin(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.split_once(':').map(|(scheme, _)| format!("{scheme}:")).unwrap_or_default();
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    format!("{scheme}://{authority}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_goes_to_the_origin_of_its_uri() {
        assert_eq!(origin("https://client.example:8443/cb?x=1"), "https://client.example:8443");
        assert_eq!(origin("http://[::1]:7000/cb"), "http://[::1]:7000");
        assert_eq!(origin("com.example.app:/cb"), "com.example.app:");
    }
}
