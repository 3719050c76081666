//! What connections bring before the first byte of HTTP.

use bartizan_gateway::config::{
    CertificateDemand, ClientCertificates, ListenAddress, ProxyProtocol, Server, UnknownRevocation,
};

use super::Weakness;

/// What the public listener asks of whoever connects.
pub(super) fn demands(server: &Server) -> Vec<String> {
    let mut demands = Vec::new();
    if server.listening.proxy_protocol == ProxyProtocol::Required {
        demands.push("a PROXY header from a trusted proxy required".to_owned());
    }
    demands.extend(server.listening.client_certificates.as_ref().map(certificates));
    demands
}

fn certificates(rules: &ClientCertificates) -> String {
    let demand = match rules.demand {
        CertificateDemand::Required => "client certificates required",
        CertificateDemand::Optional => "client certificates taken",
    };
    match rules.revocation_lists.len() {
        0 => demand.to_owned(),
        lists => format!("{demand}, held against {}", crate::config::render::counted(lists, "revocation list")),
    }
}

/// What is weaker than the default.
pub(super) fn weaker(server: &Server) -> Vec<Weakness> {
    let mut weaker = Vec::new();
    let listening = &server.listening;
    if listening.unix_sockets.mode & 0o002 != 0 && server.listen.iter().any(|at| matches!(at, ListenAddress::Unix(_))) {
        weaker.push(Weakness::new("every process on this machine can connect", "`socket_mode` lets others write"));
    }
    if let Some(rules) = &listening.client_certificates {
        if rules.revocation_lists.is_empty() {
            weaker.push(Weakness::new(
                "a stolen client certificate is good until it ends",
                "`client_certificates` has no `crl`",
            ));
        } else if rules.unknown_revocation == UnknownRevocation::Accept {
            weaker.push(Weakness::new(
                "a revoked client certificate passes while its list is missing or out of date",
                "`unknown_revocation = \"accept\"`",
            ));
        }
    }
    weaker
}
