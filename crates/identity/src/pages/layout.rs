//! What all pages share.

use maud::{DOCTYPE, Markup, html};

use super::ask::Ask;

/// What a page says first.
pub(crate) enum Message<'t> {
    /// Something is not right.
    Error(&'t str),
    /// Something is done.
    Notice(&'t str),
}

pub(crate) fn document(ask: &Ask<'_>, title: &str, message: Option<&Message<'_>>, body: &Markup) -> Markup {
    let name = &ask.people.ground.config.name;
    html! {
        (DOCTYPE)
        html lang=(ask.language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { (title) " – " (name) }
                link rel="stylesheet" href=(ask.url(ask.assets.style_path()));
                link rel="icon" href="data:,";
            }
            body {
                main {
                    header {
                        @if ask.assets.has_logo() {
                            img.logo src=(ask.url(ask.assets.logo_path())) alt=(name);
                        } @else {
                            p.brand { (name) }
                        }
                        h1 { (title) }
                    }
                    @match message {
                        Some(Message::Error(text)) => p.error role="alert" { (text) },
                        Some(Message::Notice(text)) => p.notice role="status" { (text) },
                        None => {},
                    }
                    (body)
                }
            }
        }
    }
}

/// A labelled field of a form.
pub(crate) struct Field<'t> {
    pub(crate) label: &'t str,
    pub(crate) name: &'t str,
    pub(crate) kind: &'t str,
    pub(crate) autocomplete: &'t str,
    pub(crate) value: &'t str,
    pub(crate) hint: Option<&'t str>,
}

impl Field<'_> {
    pub(crate) fn render(&self) -> Markup {
        let hint = self.hint.map(|_| format!("{}-hint", self.name));
        let mode = (self.autocomplete == "one-time-code").then_some("numeric");
        html! {
            label for=(self.name) { (self.label) }
            input id=(self.name) name=(self.name) type=(self.kind) autocomplete=(self.autocomplete) value=[
                (!self.value.is_empty()).then_some(self.value)
            ] aria-describedby=[&hint] inputmode=[mode] autocapitalize="none" spellcheck="false" required;
            @if let (Some(id), Some(text)) = (&hint, self.hint) {
                p.hint id=(id) { (text) }
            }
        }
    }
}
