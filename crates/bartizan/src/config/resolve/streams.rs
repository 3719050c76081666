use bartizan_gateway::config as gateway;

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{MessageCompression, Route, Upgrade};
use crate::config::tree::Place;
use crate::config::units::{Rate, Size};

/// The largest message that may be allowed: what an upstream has to hold at once.
const LARGEST_MESSAGE: u64 = 1 << 30;

impl Resolver<'_> {
    /// What holds for WebSocket connections, where the route takes them.
    pub(super) fn websocket(&mut self, route: &Route, place: &Place) -> Option<gateway::WebSocket> {
        let rules = match (route.upgrade, &route.websocket) {
            (Some(Upgrade::Websocket), rules) => rules.clone().unwrap_or_default(),
            (None, Some(_)) => {
                let message = "`websocket` says what holds for connections that the route does not take";
                let remedy = "add `upgrade = \"websocket\"`, or leave `websocket` out";
                self.error(FaultKind::Contradiction, &place.key("websocket"), message, remedy);
                return None;
            }
            (None, None) => return None,
        };
        let inside = place.key("websocket");
        if !route.methods.iter().any(|method| method.as_str() == "GET") {
            let message = "a WebSocket connection is opened by `GET`, which this route does not serve";
            self.error(FaultKind::Contradiction, &place.key("methods"), message, "add `\"GET\"` to `methods`");
        }
        self.message_size(rules.message, &inside);
        for (key, period) in [("idle", rules.idle), ("lifetime", rules.lifetime)] {
            if period.get().is_zero() {
                let message = format!("with `{key}` at nothing, every connection is closed at once");
                self.error(FaultKind::OutOfRange, &inside.key(key), message, "write how long it may be");
            }
        }
        let origins = rules.origins.iter().enumerate().filter_map(|(index, origin)| {
            let origin = origin.as_str().parse().ok();
            if origin.is_none() {
                let place = inside.key("origins").index(index);
                let message = "every page of the web could connect with its visitors' cookies";
                self.error(FaultKind::OutOfRange, &place, message, "list each origin that may");
            }
            origin
        });
        let defaults = gateway::WebSocket::default();
        Some(gateway::WebSocket {
            origins: origins.collect(),
            message_bytes: rules.message.get(),
            frame_bytes: rules.message.get(),
            rate: rules.rate.map_or(defaults.rate, Rate::get),
            idle: rules.idle.get(),
            lifetime: rules.lifetime.get(),
            compression: match rules.compression {
                MessageCompression::Strip => gateway::Compression::Strip,
                MessageCompression::Allow => gateway::Compression::Allow,
            },
        })
    }

    /// What holds for gRPC calls, where the route takes nothing else.
    pub(super) fn grpc(&mut self, route: &Route, place: &Place) -> Option<gateway::Grpc> {
        let rules = route.grpc?;
        self.message_size(rules.message, &place.key("grpc"));
        if route.upgrade.is_some() {
            let message = "a route takes gRPC calls or WebSocket connections, not both";
            self.error(FaultKind::Contradiction, &place.key("grpc"), message, "make two routes");
        }
        Some(gateway::Grpc { message_bytes: u32::try_from(rules.message.get()).unwrap_or(u32::MAX) })
    }

    fn message_size(&mut self, message: Size, place: &Place) {
        if !(1..=LARGEST_MESSAGE).contains(&message.get()) {
            let text = format!("`{message}` is no size for one message");
            let remedy = format!("write between `\"1B\"` and `\"{}\"`", Size::new(LARGEST_MESSAGE));
            self.error(FaultKind::OutOfRange, &place.key("message"), text, remedy);
        }
    }
}
