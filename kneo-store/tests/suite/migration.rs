//! Files of older schemas, as the builds of their time wrote them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kneo_core::store::{CommitError, Page, RunQuery, Store, TaskQuery};
use kneo_core::{Name, Namespace, RunStatus};
use kneo_store::SqliteStore;
use rusqlite::Connection;
use tempfile::TempDir;

use super::kit::{Held, cancel, commit, name, put_plan, sealed_start};

/// A file of schema 1 with two runs: one under a seal of sequence 5 that waits for a person, and one that has ended.
const V1: &str = include_str!("../golden/sqlite-v1.sql");

fn of_v1(folder: &TempDir) -> PathBuf {
    let file = folder.path().join("kneo.db");
    let connection = Connection::open(&file).unwrap();
    connection.execute_batch(V1).unwrap();
    // What a dump does not tell.
    connection.execute_batch("pragma journal_mode = wal; pragma application_id = 0x4b6e656f").unwrap();
    file
}

fn schema(file: &Path) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let mut select = connection.prepare("select sql from sqlite_schema where sql is not null order by name").unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

async fn floor(store: &dyn Store) -> Option<u64> {
    let environment: Name = name("production");
    store.floor(&Namespace::default(), &name("report"), Some(&environment)).await.unwrap()
}

#[tokio::test]
async fn a_file_of_schema_1_is_read_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = of_v1(&folder);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(file.clone()).await.unwrap());
    let rows = store.runs(&RunQuery::default(), Page::default()).await.unwrap();
    let statuses: Vec<_> = rows.iter().map(|row| row.status).collect();
    assert_eq!(statuses, [RunStatus::Completed, RunStatus::Blocked]);
    for row in &rows {
        let records = store.records(&row.key, None, 100).await.unwrap();
        assert_eq!(records.len() as u64, row.tail.as_u64());
        assert!(store.plan(row.plan).await.unwrap().is_some());
    }
    assert_eq!(store.tasks(&TaskQuery::default(), Page::default()).await.unwrap().len(), 1);
    commit(&*store, cancel(&rows[1].key)).await.unwrap();

    // Who had verified the seals of these runs, if anybody, is not in the file: the first start to come counts.
    assert_eq!(floor(&*store).await, None);
    put_plan(&*store).await;
    commit(&*store, sealed_start(3)).await.unwrap();
    Held::new(&*store).await;
    drop(store);
    let store = SqliteStore::open(file).await.unwrap();
    assert_eq!(floor(&store).await, Some(3));
    let answer = commit(&store, sealed_start(2)).await;
    assert!(matches!(answer, Err(CommitError::RolledBack { sequence: 2, least: 3 })), "{answer:?}");
}

#[tokio::test]
async fn a_file_that_was_brought_up_is_like_a_new_one() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (old, new) = (of_v1(&old), new.path().join("kneo.db"));
    for file in [&old, &new] {
        drop(SqliteStore::open(file.clone()).await.unwrap());
    }
    assert_eq!(schema(&old), schema(&new));
}

/// Several processes may find the file at once: one brings it up, and all of them use it.
#[test]
fn a_file_is_brought_up_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = of_v1(&folder);
    let open = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = SqliteStore::open(file.clone()).await.unwrap();
            assert_eq!(floor(&store).await, None);
        });
    };
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(open))));
    let versions = "select count(*) from kneo_migrations";
    let versions: u32 = Connection::open(&file).unwrap().query_row(versions, [], |row| row.get(0)).unwrap();
    assert_eq!(versions, 2);
}
