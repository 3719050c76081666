use std::collections::BTreeMap;

use bartizan_gateway::config as gateway;
use bartizan_gateway::{
    CookieRules, Cors, Credentials, HeaderConfig, HeaderRules, Hsts, MaskKinds, Origins, PrivateNetwork,
};
use http::{HeaderName, HeaderValue, Method};

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{self, File, Mask, Route};
use crate::config::tree::Place;
use crate::config::units::HeaderField;

impl Resolver<'_> {
    /// What is done to a route's answers: its own rules on top of the global ones.
    pub(super) fn answer(&mut self, file: &File, route: &Route, place: &Place) -> Option<gateway::AnswerRules> {
        let own = place.key("headers");
        let headers = self.headers(&file.headers.set, &file.headers.remove, &Place::root().key("headers"));
        let (own_set, own_remove) = self.headers(&route.headers.set, &route.headers.remove, &own)?;
        let (set, remove) = headers?;
        let cors = match (&route.cors, &file.cors) {
            (Some(cors), _) => Some(self.cors(cors, route, &place.key("cors"))?),
            (None, Some(cors)) => Some(self.cors(cors, route, &Place::root().key("cors"))?),
            (None, None) => None,
        };
        // A route's own word on a field is the last: what it sets is not removed, what it removes is not set.
        let set =
            set.into_iter().filter(|(name, _)| !own_remove.contains(name) && !own_set.iter().any(|(it, _)| it == name));
        let remove = remove.into_iter().filter(|name| !own_set.iter().any(|(it, _)| it == name));
        Some(gateway::AnswerRules {
            headers: HeaderConfig {
                hsts: hsts(route.headers.hsts.unwrap_or(file.headers.hsts)),
                rules: HeaderRules {
                    set: set.chain(own_set.clone()).collect(),
                    remove: remove.chain(own_remove.clone()).collect(),
                },
            },
            cors,
            cookies: CookieRules { readable: file.headers.cookies.readable.clone(), ..CookieRules::default() },
            mask: MaskKinds {
                card_numbers: route.mask.contains(&Mask::CardNumbers),
                tokens: route.mask.contains(&Mask::Tokens),
                private_keys: route.mask.contains(&Mask::PrivateKeys),
            },
        })
    }

    #[expect(clippy::type_complexity, reason = "what is set and what is removed, used once")]
    fn headers(
        &mut self,
        set: &BTreeMap<HeaderField, String>,
        remove: &[HeaderField],
        place: &Place,
    ) -> Option<(Vec<(HeaderName, HeaderValue)>, Vec<HeaderName>)> {
        let mut fields = Vec::new();
        for (field, value) in set {
            let place = place.key("set").key(field.as_str());
            if let Some(why) = forbidden(field) {
                self.error(FaultKind::Unsafe, &place, format!("`{field}` cannot be set: {why}"), "leave it out");
                return None;
            }
            let Some(pair) = name(field).zip(HeaderValue::from_str(value).ok()) else {
                let message = format!("the value of `{field}` cannot stand in a header field");
                self.error(FaultKind::Malformed, &place, message, "write visible ASCII on one line (RFC 9110 §5.5)");
                return None;
            };
            fields.push(pair);
        }
        for (index, field) in remove.iter().enumerate() {
            let place = place.key("remove").index(index);
            if let Some(why) = forbidden(field) {
                self.error(FaultKind::Unsafe, &place, format!("`{field}` cannot be removed: {why}"), "leave it out");
                return None;
            }
            if set.keys().any(|it| it.as_str().eq_ignore_ascii_case(field.as_str())) {
                let message = format!("`{field}` is both set and removed");
                self.error(FaultKind::Contradiction, &place, message, "leave one of them out");
            }
        }
        Some((fields, remove.iter().filter_map(name).collect()))
    }

    fn cors(&mut self, cors: &literal::Cors, route: &Route, place: &Place) -> Option<Cors> {
        let any = cors.origins.iter().any(|origin| origin.as_str() == "*");
        if any && cors.credentials {
            let message = "every site could call with the visitor's cookies and read the answers";
            self.error(
                FaultKind::Unsafe,
                &place.key("credentials"),
                message,
                "name the origins, or leave `credentials` out",
            );
            return None;
        }
        if any && cors.origins.len() > 1 {
            let message = "`\"*\"` is every origin: the others say nothing";
            self.error(
                FaultKind::Contradiction,
                &place.key("origins"),
                message,
                "write `[\"*\"]`, or name the origins",
            );
            return None;
        }
        let origins = if any {
            Origins::Any
        } else {
            let credentials = if cors.credentials { Credentials::Include } else { Credentials::Omit };
            Origins::Listed(
                cors.origins.iter().filter_map(|origin| origin.as_str().parse().ok()).collect(),
                credentials,
            )
        };
        let methods = if cors.methods.is_empty() { &route.methods } else { &cors.methods };
        Some(Cors {
            origins,
            methods: methods.iter().filter_map(|it| Method::from_bytes(it.as_str().as_bytes()).ok()).collect(),
            headers: cors.headers.iter().filter_map(name).collect(),
            expose: cors.expose.iter().filter_map(name).collect(),
            max_age: cors.max_age.get(),
            private_network: PrivateNetwork::Refused,
        })
    }
}

const fn hsts(literal: literal::Hsts) -> Hsts {
    match literal {
        literal::Hsts::TwoYears => Hsts::TwoYears,
        literal::Hsts::Preload => Hsts::Preload,
        literal::Hsts::Off => Hsts::Off,
    }
}

fn name(field: &HeaderField) -> Option<HeaderName> {
    HeaderName::from_bytes(field.as_str().as_bytes()).ok()
}

/// Fields that frame the message, or that the gate alone may speak: setting them would smuggle or lie.
fn forbidden(field: &HeaderField) -> Option<&'static str> {
    const FRAMING: [&str; 8] =
        ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host"];
    let field = field.as_str().to_ascii_lowercase();
    if FRAMING.contains(&field.as_str()) {
        return Some("it frames the message");
    }
    if field.starts_with("access-control-") {
        return Some("`[cors]` says it");
    }
    (field == "set-cookie").then_some("cookies are the upstream's")
}
