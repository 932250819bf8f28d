//! Which records make a commit, and with which author and lease.

use std::sync::Arc;

use kneo_core::commit::{Author, Commit, InvalidCommit, LeaseChange};
use kneo_core::event::{Event, RunStarted, TaskDecided};
use kneo_core::record::Record;
use kneo_core::seal::{Claim, MAX_SEQUENCE, Seal};
use kneo_core::task::Decision;
use kneo_core::{CommitId, Fence, Seq};

use super::golden_frames;
use super::samples::{attempt, claim, digest, name, named, record, record_of, run, seal, seal_key, task, text, worker};

const ID: [u8; 16] = [9; 16];

const CREATOR: Author = Author::Creator;
const EXTERNAL: Author = Author::External;

fn holder() -> Author {
    Author::Holder { worker: worker(), fence: Fence::new(3), expected: Seq::FIRST }
}

fn take() -> LeaseChange {
    LeaseChange::Take { worker: worker() }
}

fn started() -> Record {
    golden_frames::records().remove(0).remove(0)
}

fn step() -> Record {
    record("1#1", Event::EffectCancelled { attempt: attempt(1) })
}

fn cancel() -> Record {
    record_of(named("ana"), "", Event::CancelRequested { reason: text("enough") })
}

fn decided() -> Record {
    let decided = TaskDecided { task: task(), decision: Decision::approve(), digest: digest(2) };
    record_of(named("ana"), "6#1", Event::TaskDecided(Box::new(decided)))
}

fn reassigned() -> Record {
    record_of(named("ana"), "6#1", Event::TaskReassigned { task: task(), to: vec![name("bo")] })
}

fn commit(author: Author, lease: LeaseChange, records: &[Record]) -> Result<Commit, InvalidCommit> {
    Commit::new(CommitId::from_bytes(ID), run(), author, lease, records)
}

#[test]
fn what_fits_makes_a_commit_that_says_what_it_was_given() {
    let keep = LeaseChange::Keep;
    for (author, lease, records) in [
        (CREATOR, keep, vec![started()]),
        (CREATOR, take(), vec![started(), step(), step()]),
        (holder(), keep, vec![step()]),
        (holder(), LeaseChange::Release, vec![step(), step()]),
        (EXTERNAL, keep, vec![cancel()]),
        (EXTERNAL, keep, vec![decided()]),
        (EXTERNAL, keep, vec![reassigned()]),
    ] {
        let made = commit(author, lease, &records).unwrap();
        assert_eq!((made.id(), made.run()), (CommitId::from_bytes(ID), &run()));
        assert_eq!((made.author(), made.lease()), (author, lease));
        assert_eq!(&**made.records(), &*records);
        assert_eq!(made.actor(), records.first().map(|record| &record.actor));
    }
}

#[test]
fn a_commit_holds_a_record() {
    for author in [CREATOR, holder(), EXTERNAL] {
        assert_eq!(commit(author, LeaseChange::Keep, &[]), Err(InvalidCommit::Empty));
    }
}

#[test]
fn a_creators_first_record_and_no_other_starts_the_run() {
    for (author, records) in [
        (CREATOR, vec![step()]),
        (CREATOR, vec![step(), started()]),
        (CREATOR, vec![started(), started()]),
        (CREATOR, vec![started(), step(), started()]),
        (CREATOR, vec![cancel()]),
        (holder(), vec![started()]),
        (holder(), vec![step(), started()]),
        (EXTERNAL, vec![started()]),
    ] {
        assert_eq!(commit(author, LeaseChange::Keep, &records), Err(InvalidCommit::Start), "{author:?}");
    }
}

#[test]
fn an_external_author_adds_one_record_from_outside_and_nobody_else_does() {
    for (author, records) in [
        (EXTERNAL, vec![step()]),
        (EXTERNAL, vec![cancel(), cancel()]),
        (EXTERNAL, vec![decided(), step()]),
        (EXTERNAL, vec![step(), decided()]),
        (CREATOR, vec![started(), cancel()]),
        (holder(), vec![cancel()]),
        (holder(), vec![step(), decided()]),
        (holder(), vec![reassigned(), step()]),
    ] {
        assert_eq!(commit(author, LeaseChange::Keep, &records), Err(InvalidCommit::External), "{author:?}");
    }
}

#[test]
fn only_three_kinds_of_event_come_from_outside() {
    let records = golden_frames::records().concat();
    let mut external: Vec<&str> =
        records.iter().filter(|record| record.event().is_external()).map(|record| record.event().kind()).collect();
    external.sort_unstable();
    external.dedup();
    assert_eq!(external, ["cancel_requested", "task_decided", "task_reassigned"]);
}

#[test]
fn only_a_creator_takes_a_lease_and_only_a_holder_releases_one() {
    for (author, lease, records) in [
        (CREATOR, LeaseChange::Release, vec![started()]),
        (holder(), take(), vec![step()]),
        (EXTERNAL, take(), vec![cancel()]),
        (EXTERNAL, LeaseChange::Release, vec![cancel()]),
    ] {
        assert_eq!(commit(author, lease, &records), Err(InvalidCommit::Lease), "{author:?}");
    }
}

/// A start with a seal of a claim, and of a plan.
fn sealed(claim: Claim) -> Commit {
    let record = started();
    let Event::RunStarted(start) = record.event() else { panic!("it starts") };
    let seal = Some(Arc::new(Seal::new(claim, &seal_key()).unwrap()));
    let event = Event::RunStarted(Box::new(RunStarted { seal, ..(**start).clone() }));
    commit(CREATOR, take(), &[record_of(named("ana"), "", event), step()]).unwrap()
}

#[test]
fn a_floor_is_that_of_the_seal_and_only_raised_by_who_says_so() {
    let claimed = claim(digest(1));
    let silent = sealed(claimed.clone());
    assert_eq!(silent.changes().floor, None);
    let raising = silent.clone().with_floor().unwrap();
    let floor = raising.changes().floor.as_ref().unwrap();
    assert_eq!(
        (&floor.workflow, &floor.environment, floor.sequence),
        (&claimed.workflow, &claimed.environment, claimed.sequence)
    );
    // Nothing else is another.
    let mut changes = raising.changes().clone();
    changes.floor = None;
    assert_eq!(&changes, silent.changes());
    let anywhere = sealed(Claim { environment: None, ..claimed }).with_floor().unwrap();
    assert_eq!(anywhere.changes().floor.as_ref().unwrap().environment, None);
}

#[test]
fn only_a_start_under_a_seal_of_its_own_has_a_floor() {
    let bare = {
        let record = started();
        let Event::RunStarted(start) = record.event() else { panic!("it starts") };
        let event = Event::RunStarted(Box::new(RunStarted { seal: None, ..(**start).clone() }));
        commit(CREATOR, LeaseChange::Keep, &[record_of(named("ana"), "", event)]).unwrap()
    };
    let too_great = {
        let mut stored = serde_json::to_value(seal(digest(1))).unwrap();
        stored["claim"]["sequence"] = (MAX_SEQUENCE + 1).into();
        let record = started();
        let Event::RunStarted(start) = record.event() else { panic!("it starts") };
        let seal = Some(Arc::new(serde_json::from_value(stored).unwrap()));
        let event = Event::RunStarted(Box::new(RunStarted { seal, ..(**start).clone() }));
        commit(CREATOR, LeaseChange::Keep, &[record_of(named("ana"), "", event)]).unwrap()
    };
    for made in [
        bare,
        too_great,
        sealed(claim(digest(2))),
        sealed(Claim { workflow: name("letter"), ..claim(digest(1)) }),
        commit(holder(), LeaseChange::Keep, &[step()]).unwrap(),
        commit(EXTERNAL, LeaseChange::Keep, &[cancel()]).unwrap(),
    ] {
        assert_eq!(made.clone().with_floor(), Err(InvalidCommit::Floor), "{made:?}");
    }
}

#[test]
fn a_copy_shares_its_records() {
    let made = commit(CREATOR, LeaseChange::Keep, &[started()]).unwrap();
    let copy = made.clone();
    assert!(std::ptr::eq(&**made.records(), &**copy.records()) && std::ptr::eq(made.changes(), copy.changes()));
    assert_eq!(made, copy);
}
