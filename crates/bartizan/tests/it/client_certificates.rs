//! Authorities and revocation lists for clients' certificates, changed while the node serves.

use std::fs;

use bartizan_testkit::{Authority, Certificate, HttpClient, Issued, Lifetime, Upstream};
use http::StatusCode;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};

use crate::node::Node;

/// A node that asks for certificates of one authority, by one list.
struct Mutual {
    node: Node,
    server: Certificate,
}

impl Mutual {
    fn start(authority: &Authority, upstream: &Upstream) -> Self {
        let server = Certificate::for_names(&["localhost"]);
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://localhost\"\n\
             tls = {{ cert = \"tls.crt\", key = \"tls.key\" }}\n\
             client_certificates = {{ ca = \"clients.pem\", crl = [\"revoked.crl\"] }}\n\
             [console]\nlisten = \"127.0.0.1:0\"\n[[routes]]\nname = \"all\"\npath = \"/one\"\nmethods = [\"GET\"]\n\
             upstream = \"{}\"\naccess = \"public\"\n",
            upstream.url()
        );
        for (name, text) in [
            ("bartizan.toml", text),
            ("tls.crt", server.pem.clone()),
            ("tls.key", server.key_pem.clone()),
            ("clients.pem", authority.pem()),
            ("revoked.crl", authority.revocation_list(&[], Lifetime::Now)),
        ] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Self { node: Node::start_in(directory), server }
    }

    /// Whether a client that shows this certificate is served.
    async fn serves(&self, shown: &Issued) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(self.server.der.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(default_provider().into());
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let config = builder.with_client_auth_cert(vec![shown.der.clone()], shown.key()).unwrap();
        let client = HttpClient::with_tls(config).connecting_to(self.node.address_after("serving https://"));
        client.get("https://localhost/one").await.is_ok_and(|answer| answer.status == StatusCode::OK)
    }

    fn in_force(&self, times: usize) {
        self.node.wait_for_times("the changed configuration is in force", times);
    }
}

#[tokio::test]
async fn a_list_that_names_a_certificate_and_an_authority_that_is_replaced_hold_for_the_next_handshake() {
    let (old, new) = (Authority::new("Clients 1"), Authority::new("Clients 2"));
    let [shop, thief] = ["shop", "thief"].map(|name| old.client(name, name.len() as u64, Lifetime::Now));
    let successor = new.client("shop", 7, Lifetime::Now);
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mutual = Mutual::start(&old, &upstream);
    assert!(mutual.serves(&shop).await && mutual.serves(&thief).await && !mutual.serves(&successor).await);

    mutual.node.write("revoked.crl", &old.revocation_list(&[&thief], Lifetime::Now));
    mutual.in_force(1);
    assert!(mutual.serves(&shop).await && !mutual.serves(&thief).await);

    // What is no list does not hold, and the one before it goes on.
    mutual.node.write("revoked.crl", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    mutual.node.wait_for("the changed configuration is not in force");
    assert!(mutual.serves(&shop).await && !mutual.serves(&thief).await);

    // While clients move from one authority to the next, both are trusted, each with its list.
    let lists = [old.revocation_list(&[&thief], Lifetime::Now), new.revocation_list(&[], Lifetime::Now)].concat();
    mutual.node.write("revoked.crl", &lists);
    mutual.node.write("clients.pem", &(old.pem() + &new.pem()));
    mutual.in_force(2);
    while !mutual.serves(&successor).await {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(mutual.serves(&shop).await && !mutual.serves(&thief).await);

    mutual.node.write("clients.pem", &new.pem());
    while mutual.serves(&shop).await {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(mutual.serves(&successor).await && !mutual.serves(&thief).await);
}
