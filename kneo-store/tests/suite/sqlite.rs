//! The conformance suite on the SQLite store.

use std::sync::Arc;

use async_trait::async_trait;
use kneo_core::clock::Clock;
use kneo_core::store::Store;
use kneo_store::conformance::{StoreBuilder, Traits};
use kneo_store::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

struct Sqlite(TempDir);

impl Sqlite {
    fn new() -> Sqlite {
        Sqlite(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl StoreBuilder for Sqlite {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let options = SqliteOptions::new().clock(clock);
        Arc::new(SqliteStore::open_with(self.0.path().join("kneo.db"), options).await.unwrap())
    }

    fn traits(&self) -> Traits {
        Traits { durable: true, sees_gone_workers: true }
    }
}

kneo_store::conformance_tests!(Sqlite::new());
