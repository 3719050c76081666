//! What a TLS handshake costs the server: whole, resumed from the cache in memory, resumed from a ticket.
//!
//! `cargo run --release -p bartizan-gateway --example resumption`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection};

const ROUNDS: u32 = 2000;

fn main() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(default_provider());
    let server = || {
        let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
        ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key.into())
            .unwrap()
    };
    let mut roots = RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let client = |resumption| {
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let mut config = builder.unwrap().with_root_certificates(roots.clone()).with_no_client_auth();
        config.resumption = resumption;
        Arc::new(config)
    };
    let mut cache = server();
    cache.session_storage = ServerSessionMemoryCache::new(256);
    let mut tickets = server();
    tickets.session_storage = Arc::new(NoServerSessionStorage {});
    tickets.ticketer = Ticketer::new().unwrap();
    let (cache, tickets) = (Arc::new(cache), Arc::new(tickets));
    for (name, server, resumption) in [
        ("whole, cache", &cache, Resumption::disabled()),
        ("whole, tickets", &tickets, Resumption::disabled()),
        ("resumed, cache", &cache, Resumption::in_memory_sessions(8)),
        ("resumed, tickets", &tickets, Resumption::in_memory_sessions(8)),
    ] {
        let client = client(resumption);
        handshake(server, &client);
        let (mut spent, mut resumed) = (Duration::ZERO, 0);
        for _ in 0..ROUNDS {
            let (took, kind) = handshake(server, &client);
            spent += took;
            resumed += u32::from(kind == HandshakeKind::Resumed);
        }
        println!(
            "{name:18} {:7.1} µs of the server, {resumed} of {ROUNDS} resumed",
            spent.as_secs_f64() * 1e6 / f64::from(ROUNDS)
        );
    }
}

/// A handshake without a network; returns what the server's side of it took.
fn handshake(server: &Arc<ServerConfig>, client: &Arc<ClientConfig>) -> (Duration, HandshakeKind) {
    let mut client = ClientConnection::new(client.clone(), "localhost".try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(server.clone()).unwrap();
    let mut spent = Duration::ZERO;
    let mut wire = Vec::new();
    for _ in 0..4 {
        wire.clear();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let began = Instant::now();
        let mut left = wire.as_slice();
        while !left.is_empty() {
            server.read_tls(&mut left).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut answer = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answer).unwrap();
        }
        spent += began.elapsed();
        let mut left = answer.as_slice();
        while !left.is_empty() {
            client.read_tls(&mut left).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    (spent, server.handshake_kind().unwrap())
}
