//! APIs of the style gRPC: each method of the descriptors is a route.

use std::sync::Arc;

use bartizan_gateway::config as gateway;
use bartizan_inspect::protobuf::{Descriptors, Method, Unknown};

use super::Resolver;
use super::apis::Declared;
use super::carries;
use super::styles::{self, StyleDocument};
use crate::config::faults::FaultKind;
use crate::config::literal::{Access, Api, Grpc, GrpcApi, Mode, Route, UndeclaredInput};
use crate::config::posture::Weakness;
use crate::config::tree::Place;
use crate::config::units::{Malformed, Name};

impl Resolver<'_> {
    /// The routes of an API of the style gRPC.
    pub(super) fn grpc_api(&mut self, api: &Api, place: &Place) -> Vec<Declared> {
        let rules = api.grpc.clone().unwrap_or_default();
        let Some(descriptors) = self.descriptors(api, place) else { return Vec::new() };
        if api.undeclared == UndeclaredInput::Strip {
            let message = "undeclared fields cannot be taken out of a message: others may have been signed with them";
            self.error(
                FaultKind::Contradiction,
                &place.key("undeclared"),
                message,
                "write `\"refuse\"` or `\"report\"`",
            );
        }
        let inside = place.key("grpc").key("methods");
        for name in rules.methods.keys() {
            let is_there = |it: &Method| *name == it.service || *name == full_name(it);
            if !descriptors.methods().iter().any(is_there) {
                let message = format!("the descriptors have no `{name}`");
                let remedy = "name a service (`shop.v1.Shop`) or a method of one (`shop.v1.Shop/Restock`)";
                self.error(FaultKind::Unresolvable, &inside, message, remedy);
            }
        }
        self.styles.push(described(api, &rules, &descriptors));
        let mut declared = Vec::new();
        for method in descriptors.methods() {
            let Some(access) = access(api, &rules, method) else {
                let message = format!("`{}` does not say who may call it", full_name(method));
                let remedy = "add `access` to the API, or a rule to `grpc.methods`";
                self.error(FaultKind::MissingKey, place, message, remedy);
                continue;
            };
            match route(api, &rules, method, access) {
                Ok(route) => {
                    let method = (api.mode != Mode::Off).then(|| contract(api, &descriptors, method));
                    let (contract, graphql) = (None, None);
                    declared.push(Declared { route, place: place.clone(), contract, graphql, method });
                }
                Err(fault) => {
                    let message = format!("`{}`: {}", full_name(method), fault.problem);
                    self.error(FaultKind::Malformed, &place.key("descriptors"), message, fault.remedy);
                }
            }
        }
        declared
    }

    fn descriptors(&mut self, api: &Api, place: &Place) -> Option<Arc<Descriptors>> {
        let remedy =
            "make it by `protoc --include_imports --descriptor_set_out=shop.pb shop.proto`, or `buf build -o shop.pb`";
        let Some(file) = &api.descriptors else {
            let message = format!("the API `{}` has no descriptors", api.name);
            self.error(FaultKind::MissingKey, place, message, format!("add `descriptors = \"shop.pb\"`: {remedy}"));
            return None;
        };
        let at = place.key("descriptors");
        let content = self.content(file, &at, "descriptor set")?;
        let read = Descriptors::read(&content);
        self.contents.push(content);
        match read {
            Ok(descriptors) => Some(Arc::new(descriptors)),
            Err(fault) => {
                self.error(FaultKind::Malformed, &at, format!("`{}`: {fault}", file.display()), remedy);
                None
            }
        }
    }
}

fn full_name(method: &Method) -> String {
    format!("{}/{}", method.service, method.name)
}

/// Who may call a method: what is said of it, of its service, or of the API.
fn access<'a>(api: &'a Api, rules: &'a GrpcApi, method: &Method) -> Option<&'a Access> {
    rules.methods.get(&full_name(method)).or_else(|| rules.methods.get(&method.service)).or(api.access.as_ref())
}

fn contract(api: &Api, descriptors: &Arc<Descriptors>, method: &Method) -> Arc<gateway::MethodContract> {
    Arc::new(gateway::MethodContract {
        descriptors: descriptors.clone(),
        input: method.input,
        client_streaming: method.client_streaming,
        unknown: if api.undeclared == UndeclaredInput::Report { Unknown::Report } else { Unknown::Refuse },
        mode: if api.mode == Mode::Observe { gateway::ContractMode::Observe } else { gateway::ContractMode::Block },
    })
}

fn route(api: &Api, rules: &GrpcApi, method: &Method, access: &Access) -> Result<Route, Malformed> {
    let service = method.service.rsplit('.').next().unwrap_or_default();
    let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '-' };
    let own: String = format!("{service}-{}", method.name).chars().map(plain).collect();
    let room = 63_usize.saturating_sub(api.name.as_str().len());
    let name: Name = format!("{}.{}", api.name, own.chars().take(room).collect::<String>()).parse()?;
    let path = format!("/{}", full_name(method)).parse()?;
    let route = styles::route(api, name, path, vec!["POST".parse()?], access);
    Ok(Route { grpc: Some(Grpc { message: rules.message }), mask: Vec::new(), ..route })
}

/// What the posture says of it.
fn described(api: &Api, rules: &GrpcApi, descriptors: &Descriptors) -> StyleDocument {
    let requests = match (api.mode, api.undeclared) {
        (Mode::Off, _) => "messages are not held against it",
        (Mode::Observe, _) => "messages that break it pass, and stand in the log",
        (Mode::Block, UndeclaredInput::Report) => "messages that break it are refused; undeclared fields pass",
        (Mode::Block, _) => "messages that break it are refused, undeclared fields included",
    };
    let mut weaker = Vec::new();
    let mut weak =
        |what: &str, because: &str| weaker.push(Weakness { what: what.to_owned(), because: because.to_owned() });
    match (api.mode, api.undeclared) {
        (Mode::Off, _) => weak("messages are not held against the descriptors", "`mode = \"off\"`"),
        (Mode::Observe, _) => weak("no message is refused", "`mode = \"observe\"`"),
        (Mode::Block, UndeclaredInput::Report) => {
            weak("clients may set fields that no message declares", "`undeclared = \"report\"`");
        }
        (Mode::Block, _) => {}
    }
    StyleDocument {
        name: api.name.to_string(),
        title: format!("gRPC, {} messages", descriptors.messages()),
        operations: descriptors.methods().len(),
        requests: format!("{requests}; each of {} at most", rules.message),
        answers: "leave as they are".to_owned(),
        weaker,
        carries: carries::of_methods(descriptors),
    }
}
