//! The conformance suite on the memory store.

use std::sync::Arc;

use async_trait::async_trait;
use kneo_core::clock::Clock;
use kneo_core::store::Store;
use kneo_store::MemoryStore;
use kneo_store::conformance::{StoreBuilder, Traits};

struct Memory;

#[async_trait]
impl StoreBuilder for Memory {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        Arc::new(MemoryStore::new(clock))
    }

    fn traits(&self) -> Traits {
        Traits { durable: false, sees_gone_workers: false }
    }
}

kneo_store::conformance_tests!(Memory);

/// What is said in runs is in no log of a host that shows its store.
#[test]
fn debugging_shows_no_run() {
    assert_eq!(format!("{:?}", MemoryStore::default()), "MemoryStore { clock: SystemClock, runs: 0, .. }");
}
