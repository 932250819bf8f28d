//! What is done twice is done once.

use kneo_core::event::Event;
use kneo_core::store::{CommitError, Committed, LEASE, Retention};
use kneo_core::task::Decision;
use kneo_core::{Namespace, Timestamp};

use super::kit::{Kit, assert_answer, computed, ended};

/// The same start finds the run that it made the first time, also after the run has ended.
pub async fn the_same_start_finds_its_run(kit: Kit) {
    let held = kit.hold(kit.start().key("order 7", "content")).await;
    let run = held.run.clone();
    let again = kit.commit(kit.start().key("order 7", "content").commit(&kit)).await;
    assert_answer!(again, Err(CommitError::Started { run: found }) if found == run.run);
    held.end(&kit).await;
    let again = kit.commit(kit.start().key("order 7", "content").commit(&kit)).await;
    assert_answer!(again, Err(CommitError::Started { run: found }) if found == run.run);
}

/// A retry after a deploy, with another plan, finds the run that the first try made.
pub async fn the_plan_is_no_part_of_the_key(kit: Kit) {
    let run = kit.make(kit.start().key("order 7", "content")).await;
    let other = kit.keep_plan(b"the plan after a deploy").await;
    let again = kit.commit(kit.start().key("order 7", "content").plan(other).commit(&kit)).await;
    assert_answer!(again, Err(CommitError::Started { run: found }) if found == run.run);
    let gone = kneo_core::Digest::of(b"no longer kept");
    let again = kit.commit(kit.start().key("order 7", "content").plan(gone).commit(&kit)).await;
    assert_answer!(again, Err(CommitError::Started { run: found }) if found == run.run);
}

/// A key that stands for another start is refused.
pub async fn a_key_stands_for_one_start(kit: Kit) {
    let run = kit.make(kit.start().key("order 7", "content")).await;
    let other = kit.start().key("order 7", "other content");
    let refused = other.run.clone();
    let answer = kit.commit(other.commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::KeyConflict { run: found }) if found == run.run);
    assert_eq!(kit.store.run(&refused).await.unwrap(), None);
}

/// Keys of different namespaces are different keys.
pub async fn keys_belong_to_their_namespace(kit: Kit) {
    kit.make(kit.start().key("order 7", "content")).await;
    kit.make(kit.start().in_namespace("other").key("order 7", "other content")).await;
    kit.make(kit.start().key("order 8", "content")).await;
}

/// Of fifty equal starts at the same moment one makes a run, and all find it.
pub async fn fifty_equal_starts_make_one_run(kit: Kit) {
    let start = |_| {
        let kit = kit.clone();
        tokio::spawn(async move {
            let start = kit.start().key("order 7", "content");
            let run = start.run.run;
            kit.commit(start.commit(&kit)).await.map(|_| run)
        })
    };
    let tasks: Vec<_> = (0..50).map(start).collect();
    let (mut made, mut found) = (Vec::new(), Vec::new());
    for joined in tasks {
        match joined.await.unwrap() {
            Ok(run) => made.push(run),
            Err(CommitError::Started { run }) => found.push(run),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((made.len(), found.len()), (1, 49));
    assert!(found.iter().all(|run| *run == made[0]));
    let runs = kit.store.runs(&Default::default(), Default::default()).await.unwrap();
    assert_eq!(runs.len(), 1);
}

/// A key is free again once its run has been deleted.
pub async fn a_key_lives_as_long_as_its_run(kit: Kit) {
    kit.hold(kit.start().key("order 7", "content")).await.end(&kit).await;
    let retention = Retention { namespace: Namespace::default(), ended_before: Timestamp::MAX, max: 10 };
    assert_eq!(kit.store.prune(&retention).await.unwrap().runs, 1);
    kit.make(kit.start().key("order 7", "other content")).await;
}

/// The commit of a creator, submitted again, answers as it did the first time.
pub async fn a_creators_commit_answers_twice_alike(kit: Kit) {
    let (start, worker) = (kit.start().key("k", "c").holding(&[("pool", "a", 0)]), kit.worker());
    let run = start.run.clone();
    let commit = start.leased(&kit, worker);
    let first = kit.commit(commit.clone()).await.unwrap();
    kit.clock.advance(LEASE * 2);
    let mut held = kit.claim_run(kit.worker(), &run).await.unwrap();
    held.append(&kit, vec![computed("x")]).await;
    assert_eq!(kit.commit(commit.clone()).await.unwrap(), first);
    held.end(&kit).await;
    assert_eq!(kit.commit(commit).await.unwrap(), first);
    assert_eq!(kit.records(&run).await.len(), 3);
}

/// The commit of a holder, submitted again, answers as it did the first time, even if others have gone on since.
pub async fn a_holders_commit_answers_twice_alike(kit: Kit) {
    let mut held = kit.held().await;
    let run = held.run.clone();
    let mut done: Vec<(kneo_core::commit::Commit, Committed)> = Vec::new();
    for step in 0..3 {
        let commit = held.commit(&kit, vec![computed(&step.to_string()), computed("more")]);
        let answer = kit.commit(commit.clone()).await.unwrap();
        held.tail = answer.tail;
        done.push((commit, answer));
        kit.clock.advance(std::time::Duration::from_millis(1));
    }
    let last = held.parting(&kit, vec![ended()]);
    let answer = kit.commit(last.clone()).await.unwrap();
    done.push((last, answer));
    let before = (kit.row(&run).await, kit.records(&run).await);
    for (commit, answer) in done {
        assert_eq!(kit.commit(commit).await.unwrap(), answer);
    }
    assert_eq!((kit.row(&run).await, kit.records(&run).await), before);
}

/// A commit from outside, submitted again, answers as it did the first time: a lost answer is no lost race.
pub async fn an_external_commit_answers_twice_alike(kit: Kit) {
    let (mut held, task) = (kit.held().await, kit.task_id());
    held.append(&kit, vec![kit.question(task, &[], None)]).await;
    let (decide, cancel) = (kit.decide(&held.run, task, "ana", Decision::approve()), kit.cancel(&held.run));
    let decided = kit.commit(decide.clone()).await.unwrap();
    let cancelled = kit.commit(cancel.clone()).await.unwrap();
    assert_eq!(kit.commit(decide.clone()).await.unwrap(), decided);
    held.tail = cancelled.tail;
    let run = held.run.clone();
    held.end(&kit).await;
    assert_eq!(kit.commit(decide).await.unwrap(), decided);
    assert_eq!(kit.commit(cancel).await.unwrap(), cancelled);
    assert_eq!(kit.records(&run).await.len(), 5);
}

/// The same commit submitted eight times at once is done once, and all get the same answer.
pub async fn the_same_commit_at_once_is_done_once(kit: Kit) {
    let held = kit.held().await;
    let (step, outside) = (held.commit(&kit, vec![computed("x")]), kit.cancel(&held.run));
    for commit in [step, outside] {
        let submit = |_| {
            let (kit, commit) = (kit.clone(), commit.clone());
            tokio::spawn(async move { kit.commit(commit).await.unwrap() })
        };
        let tasks: Vec<_> = (0..8).map(submit).collect();
        let mut answers = Vec::new();
        for joined in tasks {
            answers.push(joined.await.unwrap());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
    assert_eq!(kit.records(&held.run).await.len(), 3);
}

/// A commit that was refused can be submitted again once nothing stands in its way.
pub async fn a_refused_commit_may_succeed_later(kit: Kit) {
    let holder = kit.hold(kit.start().holding(&[("pool", "a", 0)])).await;
    let start = kit.start().holding(&[("pool", "a", 0)]);
    let run = start.run.clone();
    let commit = start.commit(&kit);
    assert_answer!(kit.commit(commit.clone()).await, Err(CommitError::Conflict { .. }));
    holder.end(&kit).await;
    kit.commit(commit).await.unwrap();
    assert_answer!(kit.records(&run).await[0].record.event(), Event::RunStarted(_));
}
