//! Places and files that the SQLite store cannot use: each a clear error with a remedy, and nothing written.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kneo_core::store::{Store, StoreError};
use kneo_store::SqliteStore;
use rusqlite::Connection;

use super::kit::{Held, put_plan};

async fn refusal(path: impl AsRef<Path>) -> StoreError {
    SqliteStore::open(path.as_ref().to_owned()).await.expect_err("it was opened")
}

/// Asserts an error's code, and that its text names the file and a remedy.
fn assert_refusal(error: &StoreError, code: &str, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.code(), code, "{text}");
    for word in words {
        assert!(text.contains(word), "`{text}` does not say `{word}`");
    }
}

#[tokio::test]
async fn a_place_under_a_file_is_unusable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "text").unwrap();
    let error = refusal(file.join("kneo.db")).await;
    assert_refusal(&error, "store_unusable", &["kneo.db", "name a place where this user may write"]);
    assert_eq!(fs::read_to_string(file).unwrap(), "text");
}

#[tokio::test]
async fn a_folder_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    assert_refusal(&refusal(folder.path()).await, "store_unusable", &["cannot be opened", "name a file"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_place_that_takes_no_files_is_unusable() {
    let error = refusal("/proc/kneo/kneo.db").await;
    assert_refusal(&error, "store_unusable", &["/proc/kneo/kneo.db", "this user may write"]);
    assert_refusal(&refusal("/proc/kneo.db").await, "store_unusable", &["/proc/kneo.db", "this user may write"]);
}

#[tokio::test]
async fn names_that_are_no_files_are_refused() {
    for path in [":memory:", "", ":x"] {
        assert_refusal(&refusal(path).await, "store_unusable", &["does not name a file", "memory store"]);
    }
}

#[tokio::test]
async fn a_text_file_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    let text = "name: a workflow\n".repeat(1_000);
    fs::write(&file, &text).unwrap();
    assert_refusal(&refusal(&file).await, "store_unusable", &["kneo.db", "not a database", "move this one away"]);
    assert_eq!(fs::read_to_string(file).unwrap(), text);
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    Connection::open(&file).unwrap().execute_batch("create table theirs (x); insert into theirs values (1)").unwrap();
    assert_refusal(&refusal(&file).await, "store_unusable", &["kneo.db", "another program"]);
    let connection = Connection::open(&file).unwrap();
    let tables: i64 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

/// A store with one run, closed again.
async fn made(file: &Path) -> Held {
    let store = SqliteStore::open(file.to_owned()).await.unwrap();
    put_plan(&store).await;
    Held::new(&store).await
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    let held = made(&file).await;
    let connection = Connection::open(&file).unwrap();
    connection.execute("insert into kneo_migrations values (9, x'00', 0)", []).unwrap();
    let error = refusal(&file).await;
    assert_refusal(&error, "store_too_new", &["schema version 9", "upgrade"]);
    connection.execute("delete from kneo_migrations where version = 9", []).unwrap();
    let store = SqliteStore::open(file).await.unwrap();
    assert!(store.run(&held.run).await.unwrap().is_some());
}

#[tokio::test]
async fn a_schema_that_this_build_did_not_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    made(&file).await;
    let connection = Connection::open(&file).unwrap();
    connection.execute("update kneo_migrations set checksum = x'0000'", []).unwrap();
    let error = refusal(&file).await;
    assert_refusal(&error, "store_damaged", &["kneo.db", "migration 1", "restore a backup"]);
}

/// Damaged records are a typed error, whatever the damage, and never a panic.
#[tokio::test]
async fn damaged_records_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    let held = made(&file).await;
    let store = SqliteStore::open(file.clone()).await.unwrap();
    let connection = Connection::open(&file).unwrap();
    let body: Vec<u8> = connection.query_row("select body from frames", [], |row| row.get(0)).unwrap();
    for at in 0..body.len() {
        let mut damaged = body.clone();
        damaged[at] ^= 0x20;
        connection.execute("update frames set body = ?1", [&damaged]).unwrap();
        // Some flips give another valid text; all others must be told as damage.
        match store.records(&held.run, None, 10).await {
            Ok(records) => assert_eq!(records.len(), 1),
            Err(error) => assert!(matches!(error.code(), "store_damaged" | "store_too_new"), "{error}"),
        }
    }
    connection.execute("update frames set body = ?1, v = 9", [&body]).unwrap();
    assert_eq!(store.records(&held.run, None, 10).await.unwrap_err().code(), "store_too_new");
    connection.execute("update frames set v = 1, body = x''", []).unwrap();
    assert_eq!(store.records(&held.run, None, 10).await.unwrap_err().code(), "store_damaged");
    connection.execute("update runs set status = 'dancing'", []).unwrap();
    assert_eq!(store.run(&held.run).await.unwrap_err().code(), "store_damaged");
}

/// A chain that misses a frame, ends early or leads into another run is told, and never read as a shorter journal.
#[tokio::test]
async fn broken_chains_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(file.clone()).await.unwrap());
    put_plan(&*store).await;
    let (mut held, other) = (Held::new(&*store).await, Held::new(&*store).await);
    for text in ["one", "two", "three"] {
        held.append(&store, text).await;
    }
    assert_eq!(store.records(&held.run, None, 10).await.unwrap().len(), 4);
    let connection = Connection::open(&file).unwrap();
    connection.execute_batch("create temp table whole as select * from frames").unwrap();
    let damage = [
        "update frames set prev = null where first = 3",
        "update frames set prev = (select min(id) from frames) where first = 3",
        "update frames set prev = id where first = 3",
        "update frames set prev = 77 where first = 3",
        "update frames set prev = (select max(id) from frames where first = 1) where first = 2",
        "update frames set first = 5 where first = 4",
        "delete from frames where first = 2",
    ];
    for sql in damage {
        assert_eq!(connection.execute(sql, []).unwrap(), 1, "{sql}");
        let error = store.records(&held.run, None, 10).await.expect_err(sql);
        assert_eq!(error.code(), "store_damaged", "{sql}: {error}");
        assert_eq!(store.records(&other.run, None, 10).await.unwrap().len(), 1, "{sql}");
        connection.execute_batch("delete from frames; insert into frames select * from whole").unwrap();
    }
    assert_eq!(store.records(&held.run, None, 10).await.unwrap().len(), 4);
}

#[tokio::test]
async fn folders_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a/b/kneo.db");
    let held = made(&file).await;
    assert!(SqliteStore::open(file).await.unwrap().run(&held.run).await.unwrap().is_some());
}
