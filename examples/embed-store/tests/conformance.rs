//! The proof that the log store is a store: the public conformance suite, and a workflow that outlives the process's
//! store.

use std::sync::Arc;

use async_trait::async_trait;
use embed_store::LogStore;
use kneo_core::clock::Clock;
use kneo_core::store::Store;
use kneo_store::conformance::{StoreBuilder, Traits};

/// A file in a folder that goes when the case is over.
struct InFolder(tempfile::TempDir);

impl InFolder {
    fn new() -> InFolder {
        InFolder(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl StoreBuilder for InFolder {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        Arc::new(LogStore::open(&self.0.path().join("runs.log"), clock).unwrap())
    }

    fn traits(&self) -> Traits {
        // One process, one store: whoever held a run when the file was closed holds it until the lease is over.
        Traits { durable: true, sees_gone_workers: false }
    }
}

kneo_store::conformance_tests!(InFolder::new());
