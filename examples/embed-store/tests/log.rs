//! What only this store promises.

use std::fs;
use std::sync::Arc;

use embed_store::LogStore;
use kneo::store::Store;
use kneo::{Actor, Decision, Name, Outcome, Runtime, Start};
use kneo_store::SystemClock;

const SPEC: &str = "
version: v1
workflow:
  type: sequential
  steps:
    - {id: agree, kind: human, ref: {description: Well?, assignee: ana}}
    - {id: note, kind: set, set: {answer: \"prev\"}}
";

fn open(path: &std::path::Path) -> Result<Arc<dyn Store>, kneo::store::StoreError> {
    Ok(Arc::new(LogStore::open(path, Arc::new(SystemClock))?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_a_person_while_the_store_is_closed_and_its_last_line_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.log");
    let plan = kneo::spec::compile_str("agree.yaml", SPEC).unwrap();
    let runtime = Runtime::builder().store(open(&path).unwrap()).build().unwrap();
    let run = runtime.start(&plan, Start::new("tea")).await.unwrap();
    let Outcome::Blocked(tasks) = run.wait().await.unwrap() else { panic!("ana is asked") };
    // The file belongs to one store at a time.
    assert_eq!(open(&path).unwrap_err().code(), "store_unusable");
    let id = run.id();
    runtime.shutdown().await;
    drop((run, runtime));

    // A crash in the middle of a write: nobody saw that change.
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"0123456789abcdef {\"what\":\"rel"].concat()).unwrap();
    let runtime = Runtime::builder().store(open(&path).unwrap()).build().unwrap();
    runtime.decide(tasks[0].task, Decision::approve(), Actor::trusted(Name::new("ana").unwrap())).await.unwrap();
    let run = runtime.run(id);
    assert!(matches!(run.wait().await.unwrap(), Outcome::Completed(_)));
    runtime.shutdown().await;
    drop((run, runtime));

    // Damage before the end is no crash, and is told.
    let mut damaged = fs::read(&path).unwrap();
    damaged[40] ^= 1;
    fs::write(&path, damaged).unwrap();
    let error = open(&path).unwrap_err();
    assert!(error.to_string().contains("line 1 of"), "{error}");
}
