//! What others are told, and who did what.

use kneo_core::commit::{AuditAction, OutboxTopic};
use kneo_core::event::{AfterExpiry, Event};
use kneo_core::store::{OutboxEntry, OutboxId};
use kneo_core::task::Decision;
use kneo_core::{Actor, Namespace};

use super::kit::{Kit, computed, ended, name, namespace};

async fn outbox(kit: &Kit) -> Vec<OutboxEntry> {
    kit.store.outbox(&Namespace::default(), 100).await.unwrap()
}

/// The end of a run, and a task that opens or escalates, stand in the outbox, oldest first, with their record.
pub async fn the_outbox_names_what_others_wait_for(kit: Kit) {
    let (mut held, task) = (kit.held().await, kit.task_id());
    held.append(&kit, vec![computed("x"), kit.question(task, &[], None)]).await;
    held.append(&kit, vec![Event::TaskEscalated { task }]).await;
    held.append(&kit, vec![Event::TaskWithdrawn { task }, ended()]).await;
    let entries = outbox(&kit).await;
    let found: Vec<_> = entries.iter().map(|entry| (entry.topic, entry.seq.as_u64())).collect();
    let topics = [(OutboxTopic::TaskOpened, 3), (OutboxTopic::TaskEscalated, 4), (OutboxTopic::RunEnded, 6)];
    assert_eq!(found, topics);
    assert!(entries.iter().all(|entry| entry.run == held.run));
    assert_eq!(kit.store.outbox(&Namespace::default(), 2).await.unwrap(), entries[..2]);
}

/// A row that is done is gone; doing it again, or one that never was, changes nothing.
pub async fn a_row_that_is_done_is_gone(kit: Kit) {
    for _ in 0..3 {
        kit.held().await.end(&kit).await;
    }
    let entries = outbox(&kit).await;
    let ns = Namespace::default();
    kit.store.outbox_done(&ns, &[entries[1].id]).await.unwrap();
    kit.store.outbox_done(&ns, &[entries[1].id, OutboxId(1 << 40)]).await.unwrap();
    kit.store.outbox_done(&ns, &[]).await.unwrap();
    assert_eq!(outbox(&kit).await, vec![entries[0].clone(), entries[2].clone()]);
    kit.store.outbox_done(&ns, &[entries[0].id, entries[2].id]).await.unwrap();
    assert!(outbox(&kit).await.is_empty());
    // A number is never given again: what was done before cannot hit what comes now.
    kit.held().await.end(&kit).await;
    kit.store.outbox_done(&ns, &entries.iter().map(|entry| entry.id).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(outbox(&kit).await.len(), 1);
}

/// The outbox of a namespace is its own.
pub async fn an_outbox_belongs_to_its_namespace(kit: Kit) {
    kit.hold(kit.start().in_namespace("other")).await.end(&kit).await;
    assert!(outbox(&kit).await.is_empty());
    let entries = kit.store.outbox(&namespace("other"), 10).await.unwrap();
    assert_eq!(entries.len(), 1);
    kit.store.outbox_done(&Namespace::default(), &[entries[0].id]).await.unwrap();
    assert_eq!(kit.store.outbox(&namespace("other"), 10).await.unwrap(), entries);
}

/// What people do to a run stands in its audit rows, in order, with its author, time, task and record.
pub async fn the_audit_names_who_did_what(kit: Kit) {
    let mut start = kit.start();
    start.actor = Actor::trusted(name("ana"));
    let (mut held, task, unanswered) = (kit.hold(start).await, kit.task_id(), kit.task_id());
    let started = kit.now();
    held.append(&kit, vec![kit.question(task, &[], None), kit.question(unanswered, &[], None)]).await;
    kit.clock.advance(super::MINUTE);
    let reassign = kit.reassign(&held.run, task, &["bo"]);
    kit.commit(reassign).await.unwrap();
    kit.commit(kit.decide(&held.run, task, "bo", Decision::approve())).await.unwrap();
    held.tail = kit.commit(kit.cancel(&held.run)).await.unwrap().tail;
    let then = AfterExpiry::Continue(Decision::approve());
    held.append(&kit, vec![computed("x"), Event::TaskExpired { task: unanswered, then }]).await;
    let rows = kit.store.audit(&held.run).await.unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row.action, row.actor.clone(), row.task, row.seq.as_u64())).collect();
    let (ana, bo) = (Actor::trusted(name("ana")), Actor::trusted(name("bo")));
    assert_eq!(
        found,
        vec![
            (AuditAction::RunStarted, ana, None, 1),
            (AuditAction::TaskReassigned, Actor::Host, Some(task), 4),
            (AuditAction::TaskDecided, bo, Some(task), 5),
            (AuditAction::CancelRequested, Actor::Host, None, 6),
            (AuditAction::TaskContinued, Actor::Host, Some(unanswered), 8),
        ]
    );
    assert_eq!(rows[0].at, started);
    assert!(rows[1..].iter().all(|row| row.at == kit.now()));
    assert!(kit.store.audit(&kit.run_key()).await.unwrap().is_empty());
}
