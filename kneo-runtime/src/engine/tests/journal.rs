//! Replay: the stored journal gives the live state, at every prefix.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use kneo_core::event::Entry;
use kneo_core::record::{Record, decode_frame, encode_frame};
use kneo_core::{Actor, Digest};

use crate::engine::{Program, REVISION, State, evolve};

/// Stores and restores a journal.
pub(super) fn through_storage(journal: &[(Entry, Actor)]) -> Vec<(Entry, Actor)> {
    let records: Vec<Record> = journal
        .iter()
        .map(|(entry, actor)| Record { revision: REVISION, actor: actor.clone(), trace: None, entry: entry.clone() })
        .collect();
    let run = kneo_core::RunKey::new(kneo_core::Namespace::default(), kneo_core::RunId::from_bytes([1; 16]));
    let mut blobs: BTreeMap<Digest, Bytes> = BTreeMap::new();
    for part in records.chunks(7) {
        // Any author whose rules the records keep: only the blobs are wanted.
        let starts = matches!(part[0].event(), kneo_core::event::Event::RunStarted(_));
        let commit = kneo_core::commit::Commit::new(
            kneo_core::CommitId::from_bytes([2; 16]),
            run.clone(),
            if starts {
                kneo_core::commit::Author::Creator
            } else {
                kneo_core::commit::Author::Holder {
                    worker: kneo_core::WorkerId::from_bytes([3; 16]),
                    fence: kneo_core::Fence::new(1),
                    expected: kneo_core::Seq::FIRST,
                }
            },
            kneo_core::commit::LeaseChange::Keep,
            part.iter().filter(|record| !record.event().is_external()).cloned().collect::<Vec<_>>(),
        );
        for change in commit.iter().flat_map(|commit| &commit.changes().blobs) {
            blobs.insert(change.blob.digest(), change.blob.bytes().clone());
        }
    }
    let body = encode_frame(&records).unwrap();
    let read = decode_frame(1, &body, &|digest| blobs.get(&digest).cloned()).unwrap();
    read.into_iter().map(|record| (record.entry, record.actor)).collect()
}

/// Folds a journal, and gives the state after every entry.
pub(super) fn states<'a>(
    program: &Arc<Program>,
    live: &State,
    journal: &'a [(Entry, Actor)],
) -> impl Iterator<Item = State> + 'a {
    let mut state = State::new(Arc::clone(program), live.run());
    journal.iter().map(move |(entry, actor)| {
        evolve(&mut state, entry, actor).unwrap();
        state.clone()
    })
}
