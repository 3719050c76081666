//! The JOSE vectors of Project Wycheproof. `BARTIZAN_WYCHEPROOF` names the unpacked folder, the one that holds
//! `testvectors_v1`.

use std::collections::BTreeMap;
use std::path::Path;

use bartizan_token::{Algorithm, Jws, KeySet, SharedSecret};
use bartizan_vault::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Vectors that we judge otherwise than the suite, and why.
const DIVERGENCES: &[(&str, &[u64], &str)] = &[
    ("json_web_crypto_test.json", &[48], SYMMETRIC_SET),
    ("json_web_key_test.json", &[2], SYMMETRIC_SET),
    ("json_web_signature_test.json", &[346, 350], OTHER_ALGORITHM),
    ("json_web_signature_test.json", &[347, 351], P521),
    ("json_web_signature_test.json", &[372, 373], INVALID_CHARACTER),
    ("json_web_signature_test.json", &[367, 370], SAME_TEXT),
];
const SYMMETRIC_SET: &str =
    "a set of symmetric keys is not accepted: a secret is configured by itself, never published";
const OTHER_ALGORITHM: &str =
    "a PS384 token under a key whose `alg` is PS256: the key is bound to its algorithm (RFC 8725 §3.1)";
const P521: &str = "ES512 is not on the gate's list, and the key's `alg` ES521 is no registered name";
const INVALID_CHARACTER: &str =
    "a `?` within base64url, marked valid by the suite for decoders that drop it; RFC 7515 §2 does not";
const SAME_TEXT: &str =
    "marked invalid for its padding, but letter for letter the valid vector 357: the padding was lost in the suite";

#[test]
#[expect(clippy::print_stderr, reason = "a suite that is absent is said, and so are the figures of one that ran")]
fn wycheproof_jose_vectors_are_judged_as_the_suite_says() {
    let Some(folder) = std::env::var_os("BARTIZAN_WYCHEPROOF") else {
        eprintln!("skipped: BARTIZAN_WYCHEPROOF does not name the Wycheproof vectors");
        return;
    };
    let mut tally = Tally::default();
    for file in ["json_web_crypto_test.json", "json_web_key_test.json", "json_web_signature_test.json"] {
        let text = std::fs::read(Path::new(&folder).join("testvectors_v1").join(file)).unwrap();
        let suite: Value = serde_json::from_slice(&text).unwrap();
        for group in suite["testGroups"].as_array().unwrap() {
            for vector in group["tests"].as_array().unwrap() {
                tally.judge(file, group, vector);
            }
        }
    }
    eprintln!(
        "Wycheproof JOSE: {} of {} as the suite says, {} JWE vectors not applicable",
        tally.agreed, tally.total, tally.jwe
    );
    for (reason, ids) in &tally.diverged {
        eprintln!("  diverges on purpose at {ids:?}: {reason}");
    }
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
    assert!(tally.total > 400, "the suite is cut short");
}

#[derive(Default)]
struct Tally {
    total: usize,
    agreed: usize,
    jwe: usize,
    diverged: BTreeMap<&'static str, Vec<u64>>,
    wrong: Vec<String>,
}

impl Tally {
    fn judge(&mut self, file: &str, group: &Value, vector: &Value) {
        // JWS in JSON serialization stands there as an object: to the gate, text that is no compact JWS.
        let token = match &vector["jws"] {
            Value::Null => return self.jwe += 1,
            Value::String(compact) => compact.clone(),
            object => object.to_string(),
        };
        let id = vector["tcId"].as_u64().unwrap();
        let accepted = is_accepted(group, &token);
        let divergence = DIVERGENCES.iter().find(|(in_file, ids, _)| *in_file == file && ids.contains(&id));
        self.total += 1;
        match (accepted == (vector["result"] == "valid"), divergence) {
            (true, None) => self.agreed += 1,
            (false, Some((_, _, reason))) => self.diverged.entry(reason).or_default().push(id),
            _ => self.wrong.push(format!("{file} {id} {}: accepted {accepted}", vector["comment"])),
        }
    }
}

/// Whether `token` is accepted under the key of `group`, as the gate would be configured for it.
fn is_accepted(group: &Value, token: &str) -> bool {
    let key = group.get("public").unwrap_or(&group["private"]);
    let key = match key["keys"].as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => key,
    };
    let Ok(jws) = Jws::parse(token) else { return false };
    if key["kty"] == "oct" {
        return is_accepted_under_secret(key, &jws);
    }
    let document = if key.get("keys").is_some() { key.clone() } else { json!({"keys": [key]}) };
    KeySet::parse(document.to_string().as_bytes()).is_ok_and(|keys| jws.verify(&keys).is_ok())
}

/// A shared secret and the one algorithm that its key is for.
fn is_accepted_under_secret(key: &Value, jws: &Jws<'_>) -> bool {
    let secret = URL_SAFE_NO_PAD.decode(key["k"].as_str().unwrap()).unwrap();
    let algorithm: Option<Algorithm> = key["alg"].as_str().unwrap().parse().ok();
    SharedSecret::new(&Secret::new(secret))
        .is_ok_and(|secret| algorithm == Some(jws.algorithm()) && jws.verify_shared(&secret).is_ok())
}
