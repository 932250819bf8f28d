//! Journals that runs have left behind, in `tests/histories`: they replay for ever.
//!
//! A folder holds the plan's canonical bytes, the stored frames as they stand in a store, and what the run came to.
//! A history is never rewritten: what an engine once recorded, every later engine folds.

use std::path::Path as File;
use std::sync::Arc;

use kneo_core::plan::CompiledPlan;
use kneo_core::record::{Record, decode_frame};
use kneo_core::value::Value;
use kneo_core::{Digest, RunId, RunOutcome, Timestamp};
use serde_json::{Value as Json, json};

use crate::engine::{Program, State, evolve};

fn folder() -> std::path::PathBuf {
    File::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories")
}

fn records(history: &File) -> Vec<Record> {
    let frames = std::fs::read_to_string(history.join("frames.jsonl")).unwrap();
    let mut records = Vec::new();
    for line in frames.lines() {
        let frame: Json = serde_json::from_str(line).unwrap();
        let version = frame["v"].as_u64().unwrap() as u16;
        assert_eq!(frame["first"].as_u64().unwrap(), records.len() as u64 + 1, "sequence numbers are dense");
        let mut read = decode_frame(version, frame["body"].to_string().as_bytes(), &|_| None).unwrap();
        // Of what came from outside the time is the store's.
        if let Some(at) = frame["at"].as_i64() {
            read.iter_mut().for_each(|record| record.entry.at = Timestamp::from_unix_micros(at));
        }
        records.extend(read);
    }
    records
}

fn came_to(state: &State) -> Json {
    let mut found = json!({ "status": state.status().as_str() });
    match state.outcome().unwrap() {
        RunOutcome::Completed(output) => found["output"] = Value::to_json(output.value()),
        RunOutcome::Failed(failure) | RunOutcome::TimedOut(failure) | RunOutcome::Expired(failure) => {
            found["error"] = json!({ "kind": failure.kind.as_str(), "message": &*failure.message });
        }
        RunOutcome::Cancelled => {}
    }
    found["usage"] = json!([state.usage().input, state.usage().output]);
    found
}

#[test]
fn every_history_replays_to_what_its_run_came_to() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let history = entry.unwrap().path();
        let bytes = std::fs::read(history.join("plan.json")).unwrap();
        let plan = CompiledPlan::decode(Digest::of(&bytes), bytes.into()).unwrap();
        let program = Arc::new(Program::unbound(Arc::new(plan)).unwrap());
        let records = records(&history);
        let mut state = State::new(program, RunId::from_bytes([1; 16]));
        for record in &records {
            assert!(state.outcome().is_none(), "{}: something follows the end", history.display());
            if let Err(mismatch) = evolve(&mut state, &record.entry, &record.actor) {
                panic!("{}: {mismatch}", history.display());
            }
        }
        let expected: Json = serde_json::from_slice(&std::fs::read(history.join("expect.json")).unwrap()).unwrap();
        assert_eq!(came_to(&state), expected, "{}", history.display());
        seen += 1;
    }
    assert!(seen >= 5, "histories are never taken away");
}

#[test]
fn a_journal_is_not_folded_under_another_plan() {
    let folder = folder();
    let bytes = std::fs::read(folder.join("crash_twice/plan.json")).unwrap();
    let plan = CompiledPlan::decode(Digest::of(&bytes), bytes.into()).unwrap();
    let mut state = State::new(Arc::new(Program::unbound(Arc::new(plan)).unwrap()), RunId::from_bytes([1; 16]));
    let folded = records(&folder.join("report_approved"))
        .iter()
        .try_for_each(|record| evolve(&mut state, &record.entry, &record.actor));
    let mismatch = folded.unwrap_err();
    assert_eq!(mismatch.to_string(), "`run_started` of the run does not fit: the run was started under another plan");
}
