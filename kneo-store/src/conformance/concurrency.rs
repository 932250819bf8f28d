//! Many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kneo_core::store::{CommitError, Watermark};
use kneo_core::task::Decision;

use super::kit::{Kit, assert_answer, computed, ended};

/// The commits of one call stand alone: some fail, the others succeed, and the answers are in order.
pub async fn commits_of_one_call_stand_alone(kit: Kit) {
    let (one, stale, other) = (kit.held().await, kit.held().await, kit.held().await);
    kit.commit(kit.cancel(&stale.run)).await.unwrap();
    kit.make(kit.start().holding(&[("pool", "a", 0)])).await;
    let (refused, made) = (kit.start().holding(&[("pool", "a", 0)]), kit.start().holding(&[("pool", "b", 0)]));
    let (refused_run, made_run) = (refused.run.clone(), made.run.clone());
    let slice = vec![
        one.commit(&kit, vec![computed("1")]),
        stale.commit(&kit, vec![computed("2")]),
        refused.commit(&kit),
        kit.cancel(&kit.run_key()),
        made.commit(&kit),
        other.parting(&kit, vec![ended()]),
    ];
    let answers = kit.store.commit(slice).await;
    assert_eq!(answers.len(), 6);
    assert!(answers[0].is_ok() && answers[4].is_ok() && answers[5].is_ok(), "{answers:?}");
    assert_answer!(&answers[1], Err(CommitError::Behind { .. }));
    assert_answer!(&answers[2], Err(CommitError::Conflict { .. }));
    assert_answer!(&answers[3], Err(CommitError::RunNotFound { .. }));
    assert_eq!((kit.records(&one.run).await.len(), kit.records(&stale.run).await.len()), (2, 2));
    assert_eq!(kit.store.run(&refused_run).await.unwrap(), None);
    kit.row(&made_run).await;
    assert!(kit.row(&other.run).await.status.is_terminal());
    assert!(kit.store.commit(Vec::new()).await.is_empty());
}

/// Two starts of one call that want the same slot: the first gets it.
pub async fn commits_of_one_call_see_each_other(kit: Kit) {
    let starts: Vec<_> = (0..3).map(|_| kit.start().holding(&[("pool", "a", 0)])).collect();
    let first = starts[0].run.run;
    let slice = starts.into_iter().map(|start| start.commit(&kit)).collect();
    let answers = kit.store.commit(slice).await;
    assert!(answers[0].is_ok());
    for answer in &answers[1..] {
        assert_answer!(answer, Err(CommitError::Conflict { holder, .. }) if *holder == first);
    }
}

/// Eight writers at one run, its holder among them: places stay dense, nothing is lost, nothing is doubled.
pub async fn eight_writers_at_one_run(kit: Kit) {
    let mut held = kit.held().await;
    let outside = |_| {
        let (kit, run) = (kit.clone(), held.run.clone());
        tokio::spawn(async move {
            let mut places = Vec::new();
            for _ in 0..25 {
                places.push(kit.commit(kit.cancel(&run)).await.unwrap().first);
            }
            places
        })
    };
    let writers: Vec<_> = (0..7).map(outside).collect();
    let mut places = Vec::new();
    while places.len() < 25 {
        match kit.commit(held.commit(&kit, vec![computed("x")])).await {
            Ok(answer) => {
                places.push(answer.first);
                held.tail = answer.tail;
            }
            Err(CommitError::Behind { tail }) => {
                assert!(tail > held.tail);
                held.tail = tail;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    for writer in writers {
        let theirs = writer.await.unwrap();
        assert!(theirs.windows(2).all(|pair| pair[0] < pair[1]));
        places.extend(theirs);
    }
    places.sort();
    let expected: Vec<u64> = (2..=201).collect();
    assert_eq!(places.iter().map(|seq| seq.as_u64()).collect::<Vec<_>>(), expected);
    let stored: Vec<u64> = kit.records(&held.run).await.iter().map(|stored| stored.seq.as_u64()).collect();
    assert_eq!(stored, (1..=201).collect::<Vec<_>>());
}

/// Eight holders at eight runs do not hinder each other.
pub async fn eight_writers_at_eight_runs(kit: Kit) {
    let work = |_| {
        let kit = kit.clone();
        tokio::spawn(async move {
            let mut held = kit.held().await;
            for step in 0..40 {
                held.append(&kit, vec![computed(&step.to_string())]).await;
            }
            let records = kit.records(&held.run).await;
            assert_eq!(records.len(), 41);
            for (step, stored) in records.iter().skip(1).enumerate() {
                assert_eq!(stored.record.event(), &computed(&step.to_string()));
            }
        })
    };
    let workers: Vec<_> = (0..8).map(work).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let feed = kit.store.feed(&Default::default(), Watermark::default(), 1_000).await.unwrap();
    assert_eq!(feed.len(), 8 * 41);
}

/// Whoever reads while others write sees a prefix that only grows, without gaps.
pub async fn a_reader_sees_a_growing_prefix(kit: Kit) {
    let mut held = kit.held().await;
    let over = Arc::new(AtomicBool::new(false));
    let reader = {
        let (kit, run, over) = (kit.clone(), held.run.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let mut seen = 0;
            while !over.load(Ordering::SeqCst) {
                let row = kit.row(&run).await;
                let records = kit.records(&run).await;
                assert!(records.len() as u64 >= row.tail.as_u64() && records.len() >= seen);
                for (at, stored) in (1u64..).zip(&records) {
                    assert_eq!(stored.seq.as_u64(), at);
                }
                seen = records.len();
                tokio::task::yield_now().await;
            }
            seen
        })
    };
    for step in 0..150 {
        held.append(&kit, vec![computed(&step.to_string()), computed("more")]).await;
    }
    over.store(true, Ordering::SeqCst);
    assert!(reader.await.unwrap() <= 301);
}

/// A decision and the end of its run at the same moment: one comes first, and the other is told.
pub async fn a_decision_races_the_end(kit: Kit) {
    for _ in 0..30 {
        let (mut held, task) = (kit.held().await, kit.task_id());
        held.append(&kit, vec![kit.question(task, &[], None)]).await;
        let decide = kit.decide(&held.run, task, "ana", Decision::approve());
        let end = held.parting(&kit, vec![ended()]);
        let spawn = |commit| {
            let kit = kit.clone();
            tokio::spawn(async move { kit.commit(commit).await })
        };
        let (decide, end) = (spawn(decide), spawn(end));
        let (decided, over) = (decide.await.unwrap(), end.await.unwrap());
        match (&decided, &over) {
            (Ok(_), Err(CommitError::Behind { .. })) | (Err(CommitError::Terminal { .. }), Ok(_)) => {}
            both => panic!("{both:?}"),
        }
        assert_eq!(kit.records(&held.run).await.len(), 3);
    }
}

/// Two workers that both think they hold a run: exactly one of them appends.
pub async fn two_holders_and_one_appends(kit: Kit) {
    for _ in 0..20 {
        let old = kit.held().await;
        kit.clock.advance(kneo_core::store::LEASE);
        let (old_commit, key) = (old.commit(&kit, vec![computed("old")]), old.run.clone());
        let claim = {
            let kit = kit.clone();
            tokio::spawn(async move {
                let Some(new) = kit.claim_run(kit.worker(), &key).await else { return 0 };
                u64::from(kit.commit(new.commit(&kit, vec![computed("new")])).await.is_ok())
            })
        };
        let late = u64::from(kit.commit(old_commit).await.is_ok());
        let new = claim.await.unwrap();
        let appended = kit.records(&old.run).await.len() as u64 - 1;
        assert_eq!(appended, late + new);
        assert!(appended == 1 || (late, new) == (1, 1), "{late} {new}");
        assert!(kit.commit(old.commit(&kit, vec![computed("again")])).await.is_err());
    }
}
