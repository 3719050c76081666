//! GraphQL schemas that services tell themselves: asked for once on the control plane, and kept over reloads.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bartizan_inspect::graphql::{INTROSPECTION_QUERY, Schema, from_introspection};
use bytes::Bytes;
use http::Uri;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::fetch::{FetchError, post_json};

/// The first wait after an attempt that failed; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The largest schema that is taken, in bytes of the answer.
const MOST_BYTES: usize = 32 << 20;

/// A schema, once it is known.
pub(crate) type Slot = Arc<OnceLock<Arc<Schema>>>;

/// Every schema that a configuration wants. A new configuration is built while the old one is still there, and finds what that has.
#[derive(Default)]
pub(crate) struct Schemas(Mutex<HashMap<Service, Weak<OnceLock<Arc<Schema>>>>>);

/// Who is asked, and the authorities that are trusted for it.
type Service = (Uri, Option<PathBuf>);

impl Schemas {
    /// The schema of the service at `url`, which is asked for it if it was not yet.
    pub(crate) fn of(&self, url: &Uri, authorities: Option<&PathBuf>, runtime: &Handle) -> Slot {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (url.clone(), authorities.cloned());
        known.retain(|_, slot| slot.strong_count() > 0);
        if let Some(slot) = known.get(&key).and_then(Weak::upgrade) {
            return slot;
        }
        let slot = Slot::default();
        known.insert(key, Arc::downgrade(&slot));
        runtime.spawn(ask(url.clone(), authorities.cloned(), Arc::downgrade(&slot)));
        slot
    }
}

/// Asks until there is an answer that is a schema. Ends when no configuration wants it any more.
async fn ask(url: Uri, authorities: Option<PathBuf>, slot: Weak<OnceLock<Arc<Schema>>>) {
    let mut wait = FIRST_WAIT;
    loop {
        let outcome = schema_of(&url, authorities.as_ref()).await;
        let Some(slot) = slot.upgrade() else { return };
        match outcome {
            Ok(schema) => {
                tracing::info!(%url, types = schema.types(), "the GraphQL schema is known");
                let _ = slot.set(Arc::new(schema));
                return;
            }
            Err(cause) => {
                tracing::warn!(%url, %cause, "the GraphQL schema is not known: its API refuses everything until it is");
            }
        }
        drop(slot);
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn schema_of(url: &Uri, authorities: Option<&PathBuf>) -> Result<Schema, FetchError> {
    let question = Bytes::from(json!({ "query": INTROSPECTION_QUERY, "operationName": "Schema" }).to_string());
    let answer = post_json(url, authorities.map(PathBuf::as_path), question, MOST_BYTES).await?;
    from_introspection(&answer).map_err(|cause| FetchError::Document { url: url.clone(), cause: cause.to_string() })
}
