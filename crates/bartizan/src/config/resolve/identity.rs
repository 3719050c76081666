//! The gate's own sign-in.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bartizan_gateway::config as gateway;
use bartizan_identity::{Config, Cost, PasswordRules, SessionRules, Theme};

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{File, Identity};
use crate::config::tree::Place;

/// The largest logo.
const LARGEST_LOGO: usize = 256 * 1024;

impl Resolver<'_> {
    pub(super) fn sign_in(&mut self, file: &File, server: Option<&gateway::Server>) -> Option<Config> {
        let identity = file.identity.as_ref()?;
        let place = Place::root().key("identity");
        let path = self.identity_path(identity, &place);
        self.foreign_routes(file, &identity.path);
        self.sessions(identity, &place);
        let theme = self.theme(identity, &place.key("theme"));
        let mail = identity.smtp.as_ref().and_then(|smtp| self.mail_server(smtp, &place.key("smtp")));
        let admin_passkeys = self.admin_passkeys(&identity.admin_passkeys, &place.key("admin_passkeys"));
        let server = server?;
        let public_url = server.public_url.to_string();
        let name = identity.name.clone().or_else(|| server.public_url.host().map(str::to_owned)).unwrap_or_default();
        let password = &identity.password;
        let defaults = PasswordRules::default();
        Some(Config {
            origin: public_url.trim_end_matches('/').into(),
            path: path?.into(),
            name: name.into(),
            sessions: SessionRules { idle: identity.session.idle.get(), absolute: identity.session.absolute.get() },
            passwords: PasswordRules {
                min_length: password.min_length,
                min_length_alone: password.min_length_alone,
                cost: Cost { memory: password.memory, passes: password.passes, lanes: password.lanes },
                queue: NonZeroUsize::new(password.queue).unwrap_or(defaults.queue),
                workers: defaults.workers,
            },
            mfa_roles: identity.mfa_roles.iter().map(|role| role.as_str().into()).collect(),
            theme,
            mail,
            admin_passkeys,
        })
    }

    fn identity_path(&mut self, identity: &Identity, place: &Place) -> Option<String> {
        let path = identity.path.as_str();
        let is_segment =
            |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let is_sound =
            path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|it| is_segment(it) && !it.starts_with('.')));
        if is_sound {
            return Some(path.to_owned());
        }
        let message = format!("`{path}` is not a path below which pages could be");
        let remedy = "write one that begins with a slash and does not end with one, such as `\"/auth\"`";
        self.error(FaultKind::Malformed, &place.key("path"), message, remedy);
        None
    }

    /// A route below the sign-in's own path would answer in its name.
    fn foreign_routes(&mut self, file: &File, path: &str) {
        for (index, route) in file.routes.iter().enumerate() {
            let is_below =
                route.path.as_str().strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            if is_below {
                let place = self.element("routes", index).key("path");
                let message = format!("`{}` is the gate's own: its sign-in is below `{path}`", route.path);
                self.error(
                    FaultKind::Contradiction,
                    &place,
                    message,
                    "serve it elsewhere, or move the sign-in by `[identity] path`",
                );
            }
        }
    }

    fn sessions(&mut self, identity: &Identity, place: &Place) {
        let (idle, absolute) = (identity.session.idle, identity.session.absolute);
        let place = place.key("session");
        if idle.get().as_secs() < 60 {
            self.error(
                FaultKind::OutOfRange,
                &place.key("idle"),
                "sessions would end while people read a page",
                "write at least `\"1m\"`",
            );
        }
        if absolute.get() < idle.get() {
            let message = format!("a session of at most {absolute} cannot be idle for {idle}");
            self.error(FaultKind::Contradiction, &place.key("absolute"), message, "make it at least as long as `idle`");
        }
    }

    fn theme(&mut self, identity: &Identity, place: &Place) -> Theme {
        let logo = identity.theme.logo.as_ref().and_then(|path| {
            let place = place.key("logo");
            let content = self.content(path, &place, "logo")?;
            self.contents.push(content.clone());
            let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default().to_ascii_lowercase();
            let media_type = match extension.as_str() {
                "png" => Some("image/png"),
                "jpg" | "jpeg" => Some("image/jpeg"),
                "webp" => Some("image/webp"),
                "svg" => Some("image/svg+xml"),
                _ => None,
            };
            let Some(media_type) = media_type.filter(|_| content.len() <= LARGEST_LOGO) else {
                let message = format!("`{}` cannot be shown as a logo", path.display());
                self.error(
                    FaultKind::Malformed,
                    &place,
                    message,
                    "name a PNG, JPEG, WebP or SVG file of at most 256 KiB",
                );
                return None;
            };
            Some((Arc::from(content), media_type))
        });
        let colour = |colour: &Option<String>| colour.as_deref().map(Arc::from);
        Theme { logo, accent: colour(&identity.theme.accent), accent_dark: colour(&identity.theme.accent_dark) }
    }
}
