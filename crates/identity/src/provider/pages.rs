//! The provider's few pages: the question whether a client may, what is wrong, and the way back to the client.

use bytes::Bytes;
use http::{Response, StatusCode};
use maud::{DOCTYPE, Markup, html};

use super::client::Client;
use super::parameters::Parameters;
use super::response;
use crate::Config;

/// What submits the form of [`form_post`].
pub(super) const SUBMIT: &str = "document.forms[0].submit();\n";

/// Asks whether the client may have what it asks for.
pub(super) fn consent(config: &Config, client: &Client, scopes: &[String], sealed: &str) -> Response<Bytes> {
    let action = format!("{}/consent", config.path);
    let name = &client.registration.name;
    let body = html! {
        h1 { "Allow " (name) "?" }
        p { strong { (name) } " asks " (config.name) " for:" }
        ul {
            @for scope in scopes { li { (described(scope)) } }
        }
        form method="post" action=(action) {
            input type="hidden" name="request" value=(sealed);
            button class="primary" type="submit" name="decision" value="allow" { "Allow" }
            button type="submit" name="decision" value="deny" { "Do not allow" }
        }
    };
    let markup = page(config, &format!("Allow {name}?"), None, &body);
    response::page(StatusCode::OK, markup, "'self'", false)
}

/// What a scope lets a client do, for people.
fn described(scope: &str) -> String {
    match scope {
        "openid" => "know that it is you".to_owned(),
        "profile" => "see your name".to_owned(),
        "email" => "see your e-mail address".to_owned(),
        "roles" => "see your roles".to_owned(),
        "groups" => "see your groups".to_owned(),
        "attributes" => "see what else is kept about you".to_owned(),
        "offline_access" => "keep its access after you have signed out".to_owned(),
        other => other.to_owned(),
    }
}

/// Tells whoever sits at the browser what is wrong.
pub(super) fn fault(config: &Config, status: StatusCode, message: &str) -> Response<Bytes> {
    let body = html! {
        h1 { "This did not work" }
        p role="alert" { (message) "." }
    };
    response::page(status, page(config, "This did not work", None, &body), "'none'", false)
}

/// Leads on by itself, without a script; with a link for browsers that do not.
pub(super) fn leading_to(config: &Config, location: &str) -> Response<Bytes> {
    let body = html! {
        p { a href=(location) { "Continue" } }
    };
    response::page(StatusCode::OK, page(config, "Continue", Some(location), &body), "'none'", false)
}

/// Posts the answer to the client (`OAuth 2.0 Form Post Response Mode`): by a script of ours, or by the button.
pub(super) fn form_post(config: &Config, redirect_uri: &str, answer: &Parameters) -> Response<Bytes> {
    let script = format!("{}/form-post.js", config.path);
    let body = html! {
        form method="post" action=(redirect_uri) {
            @for (name, value) in answer.iter() { input type="hidden" name=(name) value=(value); }
            button type="submit" { "Continue" }
        }
        script src=(script) {}
    };
    let markup = page(config, "Continue", None, &body);
    response::page(StatusCode::OK, markup, &origin(redirect_uri), true)
}

/// Whom a form may be posted to, as a Content-Security-Policy names it.
fn origin(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.split_once(':').map(|(scheme, _)| format!("{scheme}:")).unwrap_or_default();
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    format!("{scheme}://{authority}")
}

fn page(config: &Config, title: &str, refresh: Option<&str>, body: &Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(location) = refresh {
                    meta http-equiv="refresh" content=(format!("0; url={location}"));
                }
                title { (title) " · " (config.name) }
                link rel="stylesheet" href=(format!("{}/style.css", config.path));
            }
            body { main { (body) } }
        }
    };
    markup.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_is_text_on_our_pages_and_never_markup() {
        let config = Config::for_origin("https://gate.example");
        let answer: Parameters = [("state", "\"><script>alert(1)</script>")].into_iter().collect();
        let page = form_post(&config, "https://client.example/cb", &answer);
        let body = String::from_utf8(page.body().to_vec()).unwrap();
        assert!(!body.contains("<script>alert") && body.contains("&lt;script&gt;"), "{body}");
        let policy = page.headers().get("content-security-policy").unwrap().to_str().unwrap();
        assert!(policy.contains("form-action https://client.example;") && !policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn a_form_goes_to_the_origin_of_its_uri() {
        assert_eq!(origin("https://client.example:8443/cb?x=1"), "https://client.example:8443");
        assert_eq!(origin("http://[::1]:7000/cb"), "http://[::1]:7000");
        assert_eq!(origin("com.example.app:/cb"), "com.example.app:");
    }
}
