//! What is written is read again, whatever it is.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use kneo_core::Digest;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::Event;
use kneo_core::record::{DecodeError, RECORD_VERSION, Record, decode_frame, encode_frame};
use kneo_core::{CommitId, Seq};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{arbitrary, golden_frames, samples};

/// The blobs that a store keeps beside the records: those that a commit of them names.
fn blobs(records: &[Record]) -> HashMap<Digest, Bytes> {
    let holder = Author::Holder { worker: samples::worker(), fence: Default::default(), expected: Seq::FIRST };
    let mut blobs = HashMap::new();
    for record in records {
        let author = match record.event() {
            Event::RunStarted(_) => Author::Creator,
            event if event.is_external() => Author::External,
            _ => holder,
        };
        let id = CommitId::from_bytes([0; 16]);
        let commit = Commit::new(id, samples::run(), author, LeaseChange::Keep, vec![record.clone()]).unwrap();
        let kept = commit.changes().blobs.iter().map(|change| (change.blob.digest(), change.blob.bytes().clone()));
        blobs.extend(kept);
    }
    blobs
}

fn read(frame: &[u8], blobs: &HashMap<Digest, Bytes>) -> Result<Vec<Record>, DecodeError> {
    decode_frame(RECORD_VERSION, frame, &|digest| blobs.get(&digest).cloned())
}

#[test]
fn every_kind_of_record_comes_back() {
    let seen = RefCell::new(BTreeSet::new());
    for events in arbitrary::events() {
        let mut runner = TestRunner::new(ProptestConfig { cases: 64, ..arbitrary::config() });
        let result = runner.run(&arbitrary::record_of(events), |record| {
            seen.borrow_mut().insert(record.event().kind());
            let records = vec![record];
            let frame = encode_frame(&records)?;
            prop_assert_eq!(read(&frame, &blobs(&records))?, records);
            Ok(())
        });
        assert!(result.is_ok(), "{}", result.unwrap_err());
    }
    assert_eq!(seen.into_inner(), golden_frames::kinds());
}

proptest! {
    #![proptest_config(arbitrary::config())]

    #[test]
    fn frames_of_many_records_come_back(records in arbitrary::records()) {
        let frame = encode_frame(&records)?;
        prop_assert_eq!(read(&frame, &blobs(&records))?, records);
    }
}
