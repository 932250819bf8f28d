//! No older plan starts after a later one.

use std::collections::HashMap;

use kneo_core::seal::MAX_SEQUENCE;
use kneo_core::store::{CommitError, Durability, Page, Retention, RunQuery, Watermark};
use kneo_core::{Digest, Namespace, Timestamp};

use super::kit::{Kit, assert_answer, large};

/// A start under a seal that was verified raises the floor of its workflow and environment.
pub async fn a_start_raises_the_floor(kit: Kit) {
    assert_eq!(kit.floor().await, None);
    kit.make(kit.start().sealed(0)).await;
    assert_eq!(kit.floor().await, Some(0));
    kit.hold(kit.start().sealed(7)).await;
    assert_eq!(kit.floor().await, Some(7));
    kit.make(kit.start().sealed(MAX_SEQUENCE)).await;
    assert_eq!(kit.floor().await, Some(MAX_SEQUENCE));
}

/// A start below the floor is told of it, and changes nothing: no run, key, slot, number or floor.
pub async fn a_start_below_the_floor_is_refused(kit: Kit) {
    kit.make(kit.start().sealed(7)).await;
    let before = kit.store.feed(&Namespace::default(), Watermark::default(), 10).await.unwrap();
    let worker = kit.worker();
    for leased in [false, true] {
        let start = kit.start().sealed(6).key("k", "c").holding(&[("pool", "a", 0)]).input(large("in "));
        let run = start.run.clone();
        let commit = if leased { start.leased(&kit, worker) } else { start.commit(&kit) };
        // Again and again.
        for _ in 0..2 {
            let answer = kit.commit(commit.clone()).await;
            assert_answer!(answer, Err(CommitError::RolledBack { sequence: 6, least: 7 }));
        }
        assert_eq!(kit.store.run(&run).await.unwrap(), None);
        assert!(kit.records(&run).await.is_empty() && kit.store.audit(&run).await.unwrap().is_empty());
    }
    assert_eq!(kit.floor().await, Some(7));
    assert_eq!(kit.store.feed(&Namespace::default(), Watermark::default(), 10).await.unwrap(), before);
    assert_eq!(kit.store.runs(&RunQuery::default(), Page::default()).await.unwrap().len(), 1);
    kit.make(kit.start().sealed(7).key("k", "other").holding(&[("pool", "a", 0)])).await;
}

/// The same plan starts as often as it is wanted, and each later one raises the floor.
pub async fn equal_and_higher_starts_are_accepted(kit: Kit) {
    for sequence in [7, 7, 9, 9] {
        kit.make(kit.start().sealed(sequence)).await;
        assert_eq!(kit.floor().await, Some(sequence));
    }
    let answer = kit.commit(kit.start().sealed(8).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::RolledBack { sequence: 8, least: 9 }));
}

/// Another workflow has another floor.
pub async fn floors_belong_to_their_workflow(kit: Kit) {
    kit.make(kit.start().sealed(7)).await;
    assert_eq!(kit.floor_of("default", "letter", Some("production")).await, None);
    kit.make(kit.start().workflow("letter").sealed(2)).await;
    assert_eq!(kit.floor_of("default", "letter", Some("production")).await, Some(2));
    assert_eq!(kit.floor().await, Some(7));
    let answer = kit.commit(kit.start().workflow("letter").sealed(1).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::RolledBack { sequence: 1, least: 2 }));
}

/// Another environment has another floor, and that of seals for any is one of its own.
pub async fn floors_belong_to_their_environment(kit: Kit) {
    let environments = [Some("production"), Some("staging"), None];
    for (environment, sequence) in environments.into_iter().zip([7, MAX_SEQUENCE, 3]) {
        assert_eq!(kit.floor_of("default", "report", environment).await, None);
        kit.make(kit.start().sealed_for(environment, sequence)).await;
        assert_eq!(kit.floor_of("default", "report", environment).await, Some(sequence));
    }
    for (environment, floor) in environments.into_iter().zip([7, MAX_SEQUENCE, 3]) {
        let answer = kit.commit(kit.start().sealed_for(environment, floor - 1).commit(&kit)).await;
        assert_answer!(answer, Err(CommitError::RolledBack { least, .. }) if least == floor);
        kit.make(kit.start().sealed_for(environment, floor)).await;
    }
}

/// Another namespace has other floors.
pub async fn floors_belong_to_their_namespace(kit: Kit) {
    kit.make(kit.start().in_namespace("other").sealed(7)).await;
    assert_eq!(kit.floor().await, None);
    kit.make(kit.start().sealed(2)).await;
    assert_eq!(kit.floor().await, Some(2));
    assert_eq!(kit.floor_of("other", "report", Some("production")).await, Some(7));
    let answer = kit.commit(kit.start().in_namespace("other").sealed(2).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::RolledBack { sequence: 2, least: 7 }));
}

/// A seal that nobody verified raises no floor and is held to none, and a start without a seal neither.
pub async fn what_nobody_verified_has_no_say(kit: Kit) {
    kit.make(kit.start().sealed(MAX_SEQUENCE).unverified()).await;
    assert_eq!(kit.floor().await, None);
    kit.make(kit.start().sealed(7)).await;
    kit.make(kit.start().sealed(MAX_SEQUENCE).unverified()).await;
    kit.make(kit.start().sealed(1).unverified()).await;
    kit.make(kit.start()).await;
    assert_eq!(kit.floor().await, Some(7));
    let answer = kit.commit(kit.start().sealed(6).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::RolledBack { sequence: 6, least: 7 }));
}

/// A start that is refused for another reason raises nothing.
pub async fn a_start_that_is_refused_raises_nothing(kit: Kit) {
    let run = kit.make(kit.start().sealed(7).key("k", "c").holding(&[("pool", "a", 0)])).await;
    let answer = kit.commit(kit.start().sealed(9).holding(&[("pool", "a", 0)]).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::Conflict { .. }));
    let answer = kit.commit(kit.start().sealed(9).plan(Digest::of(b"not there")).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::PlanMissing));
    let answer = kit.commit(kit.start().sealed(9).key("k", "other").commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::KeyConflict { .. }));
    let mut again = kit.start().sealed(9);
    again.run = run;
    assert_answer!(kit.commit(again.commit(&kit)).await, Err(CommitError::RunExists { .. }));
    assert_eq!(kit.floor().await, Some(7));
    kit.make(kit.start().sealed(8)).await;
}

/// A start that finds its run by its key makes nothing: it is answered as ever, above the floor and below.
pub async fn a_start_that_finds_its_run_is_not_refused(kit: Kit) {
    let run = kit.make(kit.start().sealed(5).key("k", "c")).await;
    kit.make(kit.start().sealed(7)).await;
    for sequence in [5, 7, 9] {
        let answer = kit.commit(kit.start().sealed(sequence).key("k", "c").commit(&kit)).await;
        assert_answer!(answer, Err(CommitError::Started { run: found }) if found == run.run);
        let answer = kit.commit(kit.start().sealed(sequence).key("k", "other").commit(&kit)).await;
        assert_answer!(answer, Err(CommitError::KeyConflict { run: found }) if found == run.run);
    }
    assert_eq!(kit.floor().await, Some(7));
    let answer = kit.commit(kit.start().sealed(5).key("another", "c").commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::RolledBack { sequence: 5, least: 7 }));
}

/// A commit that was made, submitted again after a later plan has started, answers as it did the first time.
pub async fn a_start_that_was_made_answers_alike_below_the_floor(kit: Kit) {
    let worker = kit.worker();
    let old = [kit.start().sealed(5).commit(&kit), kit.start().sealed(5).leased(&kit, worker)];
    let mut first = Vec::new();
    for commit in &old {
        first.push(kit.commit(commit.clone()).await.unwrap());
    }
    kit.make(kit.start().sealed(7)).await;
    for (commit, answer) in old.into_iter().zip(first) {
        assert_eq!(kit.commit(commit).await.unwrap(), answer);
    }
    assert_eq!(kit.floor().await, Some(7));
}

/// Starts of one call are held to what those before them have raised.
pub async fn starts_of_one_call_see_each_other(kit: Kit) {
    let starts = [8, 7, 9].map(|sequence| kit.start().sealed(sequence).commit(&kit));
    let answers = kit.store.commit(starts.into()).await;
    assert_answer!(&answers[..], [Ok(_), Err(CommitError::RolledBack { sequence: 7, least: 8 }), Ok(_)]);
    assert_eq!(kit.floor().await, Some(9));
}

/// A floor stays when the runs that raised it are deleted.
pub async fn a_floor_outlives_its_runs(kit: Kit) {
    for sequence in [6, 7] {
        kit.hold(kit.start().sealed(sequence)).await.end(&kit).await;
    }
    let retention = Retention { namespace: Namespace::default(), ended_before: Timestamp::MAX, max: 10 };
    // Twice, since what a first time kept a second one may lose.
    for expected in [2, 1] {
        assert_eq!(kit.store.prune(&retention).await.unwrap().runs, expected);
        assert_eq!(kit.floor().await, Some(7));
        kit.keep_plan(b"a plan").await;
        let answer = kit.commit(kit.start().sealed(6).commit(&kit)).await;
        assert_answer!(answer, Err(CommitError::RolledBack { sequence: 6, least: 7 }));
        kit.hold(kit.start()).await.end(&kit).await;
    }
}

/// A durable store knows its floors when it is opened again, with the runs that raised them and without.
pub async fn a_floor_is_there_again(kit: Kit) {
    kit.hold(kit.start().sealed(7)).await.end(&kit).await;
    kit.make(kit.start().sealed_for(None, 3)).await;
    let kit = kit.reopened().await;
    if !kit.traits().durable {
        assert_eq!(kit.store.durability(), Durability::Process);
        assert_eq!(kit.floor().await, None);
        return;
    }
    assert_eq!(kit.floor().await, Some(7));
    let retention = Retention { namespace: Namespace::default(), ended_before: Timestamp::MAX, max: 10 };
    assert_eq!(kit.store.prune(&retention).await.unwrap().runs, 1);
    let kit = kit.reopened().await;
    kit.keep_plan(b"a plan").await;
    let answer = kit.commit(kit.start().sealed(6).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::RolledBack { sequence: 6, least: 7 }));
    let answer = kit.commit(kit.start().sealed_for(None, 2).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::RolledBack { sequence: 2, least: 3 }));
}

/// Of starts at the same moment none passes a later one: in the order of the feed, sequences never sink.
pub async fn starts_at_once_never_go_back(kit: Kit) {
    let start = |sequence: u64| {
        let kit = kit.clone();
        tokio::spawn(async move {
            let start = kit.start().sealed(sequence);
            let run = start.run.run;
            (sequence, run, kit.commit(start.commit(&kit)).await)
        })
    };
    // Mixed, so that neither order of arrival is that of the sequences.
    let tasks: Vec<_> = (0..32).map(|nth| start(nth * 13 % 32)).collect();
    let mut made = HashMap::new();
    for joined in tasks {
        match joined.await.unwrap() {
            (sequence, run, Ok(_)) => drop(made.insert(run, sequence)),
            (sequence, _, Err(CommitError::RolledBack { sequence: told, least })) => {
                assert!(told == sequence && sequence < least && least < 32, "{sequence} {told} {least}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(kit.floor().await, Some(31));
    let feed = kit.store.feed(&Namespace::default(), Watermark::default(), 100).await.unwrap();
    let order: Vec<u64> = feed.iter().map(|item| made[&item.run.run]).collect();
    assert_eq!(order.len(), made.len());
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(order.last(), Some(&31));
}
