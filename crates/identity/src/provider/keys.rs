//! The keys that sign tokens: sealed in the store, published before they are used, and kept until the last token that they signed has ended.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityEvent, IdentityResult};
use bartizan_store::{Expect, Query, Row, Write};
use bartizan_token::KeySet;
use bartizan_vault::{Purpose, Root, Sealed, SealingKey, TokenAlgorithm, TokenKey, TokenPublicKey, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::json;

use crate::ground::Ground;
use crate::{IdentityError, Moment};

/// A key signs for this long.
pub(super) const SIGNS_FOR: Duration = Duration::from_hours(30 * 24);
/// It is published for this long before: longer than anybody caches a key set.
pub(super) const AHEAD: Duration = Duration::from_hours(24);
/// And for this long after: longer than any token lives, and longer than anybody caches.
pub(super) const AFTER: Duration = Duration::from_hours(2 * 24);

const ALL: Query =
    Query::new("SELECT id, algorithm, signs_from, sealed FROM provider_signing_key ORDER BY signs_from DESC, id");
/// Of several nodes that find it time for the next key, one adds it: the others' condition fails.
const ADD: Query = Query::new(
    "INSERT INTO provider_signing_key (id, algorithm, signs_from, sealed) SELECT $1, $2, $3, $4
     WHERE NOT EXISTS (SELECT 1 FROM provider_signing_key WHERE algorithm = $5 AND signs_from > $6)",
);
const FORGET: Query = Query::new(
    "DELETE FROM provider_signing_key WHERE algorithm = $1 AND signs_from <
     (SELECT MAX(newer.signs_from) FROM provider_signing_key AS newer WHERE newer.algorithm = $2 AND newer.signs_from <= $3)",
);

pub(super) const QUERIES: &[Query] = &[ALL, ADD, FORGET];

/// The keys as they are now; they rotate while the node runs.
pub(super) struct Keys {
    sealing: SealingKey,
    ring: RwLock<Arc<KeyRing>>,
}

/// What signs now, and what verifies.
pub(super) struct KeyRing {
    signers: Vec<Signer>,
    /// The public keys as they are published (`RFC 7517 §5`).
    pub(super) jwks: String,
    /// The same, ready to verify.
    pub(super) set: KeySet,
}

struct Signer {
    key: TokenKey,
    signs_from: Moment,
    id: String,
    /// The encoded headers: they change with the key only.
    access_header: String,
    id_header: String,
}

/// What kind of token is signed: another kind must not be taken for it (`RFC 8725 §3.11`).
#[derive(Clone, Copy)]
pub(super) enum TokenType {
    /// `at+jwt` (`RFC 9068 §2.1`).
    Access,
    /// An ID token.
    Id,
}

impl Keys {
    /// Loads the keys, and makes those that are due. The first start makes the one for ES256 alone, since one for RSA takes its time:
    /// [`look`](Self::look) makes the others.
    pub(super) async fn load(ground: &Ground, root: &Root) -> Result<Self, IdentityError> {
        let sealing = root.sealing_key(Purpose("token-signing-keys"))?;
        make_due(ground, &sealing, TokenAlgorithm::Es256).await?;
        let ring = KeyRing::of(stored(ground, &sealing).await?, ground.now())?;
        Ok(Self { sealing, ring: RwLock::new(Arc::new(ring)) })
    }

    /// Follows the schedule; says whether what is published has changed.
    pub(super) async fn look(&self, ground: &Ground) -> Result<bool, IdentityError> {
        for algorithm in TokenAlgorithm::ALL {
            make_due(ground, &self.sealing, algorithm).await?;
        }
        let ring = KeyRing::of(stored(ground, &self.sealing).await?, ground.now())?;
        let has_changed = ring.jwks != self.ring().jwks;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(has_changed)
    }

    pub(super) fn ring(&self) -> Arc<KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl KeyRing {
    fn of(keys: Vec<Signer>, now: Moment) -> Result<Self, IdentityError> {
        let published: Vec<_> = keys.iter().map(|it| jwk(it.key.public(), &it.id)).collect();
        let jwks = json!({ "keys": published }).to_string();
        let set = KeySet::parse(jwks.as_bytes()).map_err(|_| IdentityError::Damaged { what: "signing keys" })?;
        let mut signers: Vec<Signer> = Vec::new();
        // The newest comes first: of each algorithm, the first that may sign already.
        for key in keys.into_iter().filter(|key| key.signs_from <= now) {
            if !signers.iter().any(|known| known.key.algorithm() == key.key.algorithm()) {
                signers.push(key);
            }
        }
        Ok(Self { signers, jwks, set })
    }

    /// Signs `claims`. `None` while there is no key for the algorithm yet: on the first start, for some seconds.
    pub(super) fn sign(
        &self,
        algorithm: TokenAlgorithm,
        kind: TokenType,
        claims: &impl Serialize,
    ) -> Result<Option<String>, IdentityError> {
        let Some(signer) = self.signers.iter().find(|signer| signer.key.algorithm() == algorithm) else {
            return Ok(None);
        };
        let payload = serde_json::to_vec(claims)
            .map_err(|fault| IdentityError::Library { operation: "writing claims", cause: fault.to_string() })?;
        let header = match kind {
            TokenType::Access => &signer.access_header,
            TokenType::Id => &signer.id_header,
        };
        let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + 100);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = signer.key.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(Some(token))
    }
}

impl Signer {
    fn new(key: TokenKey, signs_from: Moment) -> Self {
        let id = key_id(key.public());
        let header = |kind: &str| {
            URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{}","typ":"{kind}","kid":"{id}"}}"#, key.algorithm()))
        };
        let (access_header, id_header) = (header("at+jwt"), header("JWT"));
        Self { key, signs_from, id, access_header, id_header }
    }
}

/// Makes the next key of `algorithm` if it is time, and forgets those that nothing needs any more.
async fn make_due(ground: &Ground, sealing: &SealingKey, algorithm: TokenAlgorithm) -> Result<(), IdentityError> {
    let now = ground.now();
    let due_before = now.before(SIGNS_FOR).after(AHEAD);
    let rows = ground.rows(ALL, &[]).await?;
    let mut of_algorithm = Vec::new();
    for row in &rows {
        if row.read::<&str>("algorithm")? == algorithm.as_str() {
            of_algorithm.push(Moment::from_micros(row.read("signs_from")?));
        }
    }
    if of_algorithm.first().is_some_and(|newest| *newest > due_before) {
        return Ok(());
    }
    // The first of all signs at once: there is nothing else that could.
    let signs_from = if of_algorithm.is_empty() { now } else { now.after(AHEAD) };
    let key = tokio::task::spawn_blocking(move || TokenKey::generate(algorithm))
        .await
        .map_err(|fault| IdentityError::Library { operation: "making a key", cause: fault.to_string() })??;
    let id = key_id(key.public());
    let sealed = sealing.seal(&ground.random, id.as_bytes(), key.to_pkcs8()?.expose())?;
    let name = algorithm.as_str();
    let add = [
        id.as_str().into(),
        name.into(),
        signs_from.into(),
        sealed.into_bytes().into(),
        name.into(),
        due_before.into(),
    ];
    let forget = [name.into(), name.into(), now.before(AFTER).into()];
    let outcomes = ground.write(Write::new(ADD, add, Expect::Any).then(FORGET, forget, Expect::Any)).await?;
    if outcomes.first().is_some_and(|added| added.count == 1) {
        let (action, actor) = (IdentityAction::SigningKeyMade, IdentityActor::Node);
        let mut event = IdentityEvent::new(now.as_system_time(), action, IdentityResult::Done, actor);
        event.method = Some(name);
        ground.record(event).await?;
    }
    Ok(())
}

async fn stored(ground: &Ground, sealing: &SealingKey) -> Result<Vec<Signer>, IdentityError> {
    ground.rows(ALL, &[]).await?.iter().map(|row| open(row, sealing)).collect()
}

fn open(row: &Row, sealing: &SealingKey) -> Result<Signer, IdentityError> {
    let id: &str = row.read("id")?;
    let algorithm = TokenAlgorithm::from_name(row.read("algorithm")?);
    let algorithm = algorithm.ok_or(IdentityError::Damaged { what: "signing keys" })?;
    let sealed: &[u8] = row.read("sealed")?;
    let document = sealing.open(id.as_bytes(), &Sealed::from_bytes(sealed.to_vec()))?;
    let key = TokenKey::from_pkcs8(algorithm, &document)?;
    Ok(Signer::new(key, Moment::from_micros(row.read("signs_from")?)))
}

/// The thumbprint (`RFC 7638 §3`): the required members in lexical order without white space.
fn key_id(key: &TokenPublicKey) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let canonical = match key {
        TokenPublicKey::Es256(key) => {
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, encode(&key.x), encode(&key.y))
        }
        TokenPublicKey::EdDsa(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x)),
        TokenPublicKey::Rs256 { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n)),
    };
    encode(&sha256(canonical.as_bytes()))
}

fn jwk(key: &TokenPublicKey, id: &str) -> serde_json::Value {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match key {
        TokenPublicKey::Es256(key) => json!({ "kty": "EC", "crv": "P-256", "x": encode(&key.x), "y": encode(&key.y),
            "kid": id, "use": "sig", "alg": "ES256" }),
        TokenPublicKey::EdDsa(x) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(x),
            "kid": id, "use": "sig", "alg": "EdDSA" }),
        TokenPublicKey::Rs256 { n, e } => json!({ "kty": "RSA", "n": encode(n), "e": encode(e),
            "kid": id, "use": "sig", "alg": "RS256" }),
    }
}
