//! Files that the pages link to: their style, and the logo. Their names change with their content, so browsers may keep them.

use bartizan_vault::sha256;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Response};

use crate::IdentityError;
use crate::config::{Config, Theme};

const SCRIPT: &str = include_str!("passkey.js");
/// What submits the form that brings an answer to a client.
const SUBMIT: &str = include_str!("form-post.js");
const STYLE: &str = include_str!("style.css");

pub(crate) struct Assets {
    style: Asset,
    script: Asset,
    submit: Asset,
    logo: Option<Asset>,
}

struct Asset {
    path: String,
    media_type: HeaderValue,
    content: Bytes,
}

impl Assets {
    pub(crate) fn new(config: &Config) -> Result<Self, IdentityError> {
        let style = format!("{STYLE}{}", colours(&config.theme)?);
        let logo = config
            .theme
            .logo
            .as_ref()
            .map(|(content, media_type)| Asset::new("logo", media_type, Bytes::copy_from_slice(content)));
        let style = Asset::new("style", "text/css; charset=utf-8", style.into());
        let script = |name, content: &'static str| {
            Asset::new(name, "text/javascript; charset=utf-8", Bytes::from_static(content.as_bytes()))
        };
        Ok(Self { style, script: script("passkey", SCRIPT), submit: script("form-post", SUBMIT), logo })
    }

    pub(crate) fn style_path(&self) -> &str {
        &self.style.path
    }

    pub(crate) fn script_path(&self) -> &str {
        &self.script.path
    }

    pub(crate) fn submit_path(&self) -> &str {
        &self.submit.path
    }

    pub(crate) const fn has_logo(&self) -> bool {
        self.logo.is_some()
    }

    pub(crate) fn logo_path(&self) -> &str {
        self.logo.as_ref().map_or("", |logo| &logo.path)
    }

    /// The file at `path`, if there is one.
    pub(crate) fn answer(&self, method: &Method, path: &str) -> Option<Response<Bytes>> {
        let asset = [Some(&self.style), Some(&self.script), Some(&self.submit), self.logo.as_ref()]
            .into_iter()
            .flatten()
            .find(|asset| asset.path == path)?;
        if *method != Method::GET && *method != Method::HEAD {
            return None;
        }
        let mut response = Response::new(asset.content.clone());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, asset.media_type.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        // A logo may be an SVG: opened by itself, it must not run anything.
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        );
        Some(response)
    }
}

impl Asset {
    fn new(name: &str, media_type: &str, content: Bytes) -> Self {
        let [a, b, c, d, ..] = sha256(&content);
        let path = format!("/assets/{name}-{:08x}", u32::from_be_bytes([a, b, c, d]));
        let media_type =
            HeaderValue::from_str(media_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
        Self { path, media_type, content }
    }
}

/// The theme's colours as style. They are numbers by now, and cannot carry any other rule.
fn colours(theme: &Theme) -> Result<String, IdentityError> {
    let rule = |key: &'static str, colour: &Option<std::sync::Arc<str>>| -> Result<Option<String>, IdentityError> {
        let Some(colour) = colour else { return Ok(None) };
        let value = colour.strip_prefix('#').filter(|it| it.len() == 6).and_then(|it| u32::from_str_radix(it, 16).ok());
        let value = value.ok_or_else(|| IdentityError::Configuration {
            key,
            cause: format!("`{colour}` is not a colour: write it as `#rrggbb`"),
        })?;
        Ok(Some(format!("--accent:#{value:06x};--on-accent:{};", on(value))))
    };
    let light = rule("theme.accent", &theme.accent)?.map(|rule| format!(":root{{{rule}}}\n")).unwrap_or_default();
    let dark = rule("theme.accent_dark", &theme.accent_dark)?
        .map(|rule| format!("@media (prefers-color-scheme:dark){{:root{{{rule}}}}}\n"))
        .unwrap_or_default();
    Ok(light + &dark)
}

/// Black or white, whichever reads better on a colour (`WCAG 2.2, relative luminance`).
fn on(colour: u32) -> &'static str {
    let part = |shift: u32| {
        let value = f64::from((colour >> shift) & 0xff) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0);
    if luminance > 0.179 { "#000" } else { "#fff" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_a_number_and_carries_no_other_rule() {
        let theme = |accent: &str| Theme { accent: Some(accent.into()), ..Theme::default() };
        assert_eq!(colours(&theme("#0a5f38")).unwrap(), ":root{--accent:#0a5f38;--on-accent:#fff;}\n");
        assert!(colours(&theme("#ffd700")).unwrap().contains("--on-accent:#000"));
        for wrong in ["red", "#fff", "#12345g", "#000000;}body{display:none", "url(//evil)"] {
            assert!(colours(&theme(wrong)).is_err(), "{wrong}");
        }
    }
}
