//! Human tasks: asked once, decided once.

use std::time::Duration;

use kneo_core::event::{AfterExpiry, Event};
use kneo_core::plan::OnTimeout;
use kneo_core::store::{CommitError, Page, TaskQuery};
use kneo_core::task::{Decision, DecisionKind, TaskState};
use kneo_core::{Actor, Namespace, RunStatus, TaskId};

use super::MINUTE;
use super::kit::{Held, Kit, assert_answer, computed, name, request, step_path};

/// A run that asks one question, with its holder.
async fn asked(kit: &Kit, assignees: &[&str], deadline: Option<Duration>) -> (Held, TaskId) {
    let (mut held, task) = (kit.held().await, kit.task_id());
    let deadline = deadline.map(|after| kit.now().after(after));
    held.append(kit, vec![kit.question(task, assignees, deadline)]).await;
    (held, task)
}

/// A task is listed with everything that its record says.
pub async fn a_task_is_listed_whole(kit: Kit) {
    let (mut held, task) = (kit.held().await, kit.task_id());
    let deadline = kit.now().after(MINUTE);
    let mut record = kit.record(kit.question(task, &["ana", "bo"], Some(deadline)));
    record.entry.path = step_path(2, 5);
    let author = kneo_core::commit::Author::Holder { worker: held.worker, fence: held.fence, expected: held.tail };
    let lease = kneo_core::commit::LeaseChange::Keep;
    let commit = kneo_core::commit::Commit::new(kit.commit_id(), held.run.clone(), author, lease, vec![record]);
    held.tail = kit.commit(commit.unwrap()).await.unwrap().tail;
    let row = kit.task(task).await;
    assert_eq!((&row.run, row.task, &row.path), (&held.run, task, &step_path(2, 5)));
    assert_eq!((&*row.request, row.digest), (&request(), request().digest().unwrap()));
    assert_eq!(row.assignees, vec![name("ana"), name("bo")]);
    assert_eq!((row.opened_at, row.deadline, row.escalated_at), (kit.now(), Some(deadline), None));
    assert_eq!(row.state, TaskState::Open);
    assert_eq!(kit.open_tasks().await, vec![task]);
}

/// The first decision stands; whoever comes second is told who decided what, and when.
pub async fn the_first_decision_wins(kit: Kit) {
    let (held, task) = asked(&kit, &[], None).await;
    kit.clock.advance(Duration::from_secs(3));
    let at = kit.now();
    kit.commit(kit.decide(&held.run, task, "ana", Decision::approve())).await.unwrap();
    kit.clock.advance(Duration::from_secs(3));
    let second = kit.commit(kit.decide(&held.run, task, "bo", Decision::reject())).await;
    assert_answer!(second, Err(CommitError::AlreadyDecided { decision })
        if decision.by == Actor::trusted(name("ana")) && decision.at == at && decision.kind == DecisionKind::Approve);
    assert_eq!(kit.records(&held.run).await.len(), 3);
    let TaskState::Decided(view) = kit.task(task).await.state else { panic!("still open") };
    assert_eq!((view.by, view.at), (Actor::trusted(name("ana")), at));
    assert!(kit.open_tasks().await.is_empty());
}

/// Of fifty who decide at the same moment one wins, and all others are told of the same one.
pub async fn fifty_decide_and_one_wins(kit: Kit) {
    let (held, task) = asked(&kit, &[], None).await;
    let decide = |who: usize| {
        let (kit, run) = (kit.clone(), held.run.clone());
        tokio::spawn(async move {
            let decision = kit.decide(&run, task, &format!("person {who}"), Decision::approve());
            (who, kit.commit(decision).await)
        })
    };
    let tasks: Vec<_> = (0..50).map(decide).collect();
    let (mut winners, mut told) = (Vec::new(), Vec::new());
    for joined in tasks {
        match joined.await.unwrap() {
            (who, Ok(_)) => winners.push(Actor::trusted(name(&format!("person {who}")))),
            (_, Err(CommitError::AlreadyDecided { decision })) => told.push(decision.by),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((winners.len(), told.len()), (1, 49));
    assert!(told.iter().all(|by| *by == winners[0]));
    assert_eq!(kit.records(&held.run).await.len(), 3);
}

/// A decision puts the holder behind: it reads it before it goes on.
pub async fn a_decision_puts_the_holder_behind(kit: Kit) {
    let (mut held, task) = asked(&kit, &[], None).await;
    let tail = kit.commit(kit.decide(&held.run, task, "ana", Decision::approve())).await.unwrap().tail;
    let answer = kit.commit(held.commit(&kit, vec![computed("x")])).await;
    assert_answer!(answer, Err(CommitError::Behind { tail: told }) if told == tail);
    held.tail = tail;
    held.append(&kit, vec![computed("x")]).await;
}

/// A decision at or after the deadline is refused, although nothing has recorded the expiry.
pub async fn a_decision_after_the_deadline_is_refused(kit: Kit) {
    let (held, task) = asked(&kit, &[], Some(MINUTE)).await;
    kit.clock.advance(MINUTE);
    for _ in 0..2 {
        let answer = kit.commit(kit.decide(&held.run, task, "ana", Decision::approve())).await;
        assert_answer!(answer, Err(CommitError::TaskClosed { state: TaskState::Expired }));
        kit.clock.advance(MINUTE);
    }
    assert_eq!(kit.task(task).await.state, TaskState::Open);
    assert_eq!(kit.records(&held.run).await.len(), 2);
}

/// A decision just before the deadline stands.
pub async fn a_decision_before_the_deadline_stands(kit: Kit) {
    let (held, task) = asked(&kit, &[], Some(MINUTE)).await;
    kit.clock.advance(MINUTE - Duration::from_micros(1));
    kit.commit(kit.decide(&held.run, task, "ana", Decision::approve())).await.unwrap();
}

/// A task that escalates at its deadline never closes by itself, even before a worker has said that it escalated.
pub async fn a_task_that_escalates_is_open_past_its_deadline(kit: Kit) {
    let (mut held, task) = (kit.held().await, kit.task_id());
    let Event::TaskOpened(mut opened) = kit.question(task, &[], Some(kit.now().after(MINUTE))) else { unreachable!() };
    opened.on_timeout = OnTimeout::Escalate;
    held.append(&kit, vec![Event::TaskOpened(opened)]).await;
    kit.clock.advance(MINUTE * 2);
    kit.commit(kit.decide(&held.run, task, "ana", Decision::approve())).await.unwrap();
}

/// A run that was asked to stop waits for no answer, although nothing has withdrawn the question; who was first before
/// that is still told.
pub async fn a_decision_after_a_cancel_is_refused(kit: Kit) {
    let ((held, task), (decided, settled)) = (asked(&kit, &[], None).await, asked(&kit, &[], None).await);
    kit.commit(kit.decide(&decided.run, settled, "ana", Decision::approve())).await.unwrap();
    for run in [&held.run, &decided.run] {
        kit.commit(kit.cancel(run)).await.unwrap();
    }
    let answer = kit.commit(kit.decide(&held.run, task, "bo", Decision::approve())).await;
    assert_answer!(answer, Err(CommitError::TaskClosed { state: TaskState::Withdrawn }));
    let answer = kit.commit(kit.decide(&decided.run, settled, "bo", Decision::approve())).await;
    assert_answer!(answer, Err(CommitError::AlreadyDecided { decision }) if decision.by == Actor::trusted(name("ana")));
    assert_eq!(kit.records(&held.run).await.len(), 3);
}

/// A run whose own deadline has passed waits for no answer, although nothing has recorded that it is over; an answer
/// just before it stands.
pub async fn a_decision_after_the_runs_deadline_is_refused(kit: Kit) {
    let deadline = kit.now().after(MINUTE);
    let mut held = kit.claim_run(kit.worker(), &kit.make(kit.start().deadline(deadline)).await).await.unwrap();
    let (early, late) = (kit.task_id(), kit.task_id());
    held.append(&kit, vec![kit.question(early, &[], None), kit.question(late, &[], None)]).await;
    kit.clock.advance(MINUTE - Duration::from_micros(1));
    kit.commit(kit.decide(&held.run, early, "ana", Decision::approve())).await.unwrap();
    kit.clock.advance(Duration::from_micros(1));
    let answer = kit.commit(kit.decide(&held.run, late, "ana", Decision::approve())).await;
    assert_answer!(answer, Err(CommitError::TaskClosed { state: TaskState::Withdrawn }));
    assert_eq!(kit.task(late).await.state, TaskState::Open);
}

/// A task that does not exist, or not in this run, cannot be decided.
pub async fn a_task_is_decided_in_its_own_run_only(kit: Kit) {
    let ((held, task), other) = (asked(&kit, &[], None).await, kit.held().await);
    let answer = kit.commit(kit.decide(&held.run, kit.task_id(), "ana", Decision::approve())).await;
    assert_answer!(answer, Err(CommitError::TaskUnknown));
    let answer = kit.commit(kit.decide(&other.run, task, "ana", Decision::approve())).await;
    assert_answer!(answer, Err(CommitError::TaskUnknown));
    assert_eq!(kit.task(task).await.state, TaskState::Open);
}

/// A task that was withdrawn or has expired cannot be decided.
pub async fn a_closed_task_cannot_be_decided(kit: Kit) {
    let ((mut one, withdrawn), (mut other, expired)) = (asked(&kit, &[], None).await, asked(&kit, &[], None).await);
    one.append(&kit, vec![Event::TaskWithdrawn { task: withdrawn }]).await;
    other.append(&kit, vec![Event::TaskExpired { task: expired, then: AfterExpiry::Fail }]).await;
    let answer = kit.commit(kit.decide(&one.run, withdrawn, "ana", Decision::approve())).await;
    assert_answer!(answer, Err(CommitError::TaskClosed { state: TaskState::Withdrawn }));
    let answer = kit.commit(kit.decide(&other.run, expired, "ana", Decision::approve())).await;
    assert_answer!(answer, Err(CommitError::TaskClosed { state: TaskState::Expired }));
    assert!(kit.open_tasks().await.is_empty());
}

/// An open task of a run that has ended cannot be decided: the run is told.
pub async fn the_task_of_an_ended_run_cannot_be_decided(kit: Kit) {
    let (held, task) = asked(&kit, &[], None).await;
    let run = held.run.clone();
    held.end(&kit).await;
    let answer = kit.commit(kit.decide(&run, task, "ana", Decision::approve())).await;
    assert_answer!(answer, Err(CommitError::Terminal { status: RunStatus::Completed }));
}

/// Whoever decides second is told of the first even if the run has ended since.
pub async fn the_loser_is_told_of_the_winner_after_the_end(kit: Kit) {
    let (mut held, task) = asked(&kit, &[], None).await;
    let run = held.run.clone();
    held.tail = kit.commit(kit.decide(&run, task, "ana", Decision::approve())).await.unwrap().tail;
    held.end(&kit).await;
    let answer = kit.commit(kit.decide(&run, task, "bo", Decision::reject())).await;
    assert_answer!(answer, Err(CommitError::AlreadyDecided { decision }) if decision.kind == DecisionKind::Approve);
}

/// A task goes to others as long as it is open.
pub async fn a_task_can_be_given_to_others(kit: Kit) {
    let (held, task) = asked(&kit, &["ana"], Some(MINUTE)).await;
    kit.commit(kit.reassign(&held.run, task, &["bo", "cy"])).await.unwrap();
    assert_eq!(kit.task(task).await.assignees, vec![name("bo"), name("cy")]);
    kit.clock.advance(MINUTE);
    let answer = kit.commit(kit.reassign(&held.run, task, &["di"])).await;
    assert_answer!(answer, Err(CommitError::TaskClosed { state: TaskState::Expired }));
    let answer = kit.commit(kit.reassign(&held.run, kit.task_id(), &["di"])).await;
    assert_answer!(answer, Err(CommitError::TaskUnknown));
    assert_eq!(kit.task(task).await.assignees, vec![name("bo"), name("cy")]);
}

/// An escalated task stays open, has no deadline any more, and can be decided.
pub async fn an_escalated_task_stays_open(kit: Kit) {
    let (mut held, task) = asked(&kit, &[], Some(MINUTE)).await;
    kit.clock.advance(MINUTE * 2);
    held.append(&kit, vec![Event::TaskEscalated { task }]).await;
    let row = kit.task(task).await;
    assert_eq!((row.state, row.deadline, row.escalated_at), (TaskState::Open, None, Some(kit.now())));
    kit.commit(kit.decide(&held.run, task, "ana", Decision::approve())).await.unwrap();
}

/// What a holder does to a task that was decided meanwhile does not undo the decision.
pub async fn a_decision_is_never_undone(kit: Kit) {
    let (mut held, task) = asked(&kit, &[], None).await;
    held.tail = kit.commit(kit.decide(&held.run, task, "ana", Decision::approve())).await.unwrap().tail;
    let decided = kit.task(task).await;
    let then = AfterExpiry::Fail;
    held.append(&kit, vec![Event::TaskWithdrawn { task }, Event::TaskExpired { task, then }]).await;
    held.append(&kit, vec![Event::TaskEscalated { task }]).await;
    assert_eq!(kit.task(task).await, decided);
}

/// A holder changes the tasks of its own run only.
pub async fn a_holder_leaves_other_runs_tasks_alone(kit: Kit) {
    let ((_, task), mut other) = (asked(&kit, &[], Some(MINUTE)).await, kit.held().await);
    let before = kit.task(task).await;
    let then = AfterExpiry::Fail;
    other.append(&kit, vec![Event::TaskEscalated { task }, Event::TaskExpired { task, then }]).await;
    other.append(&kit, vec![Event::TaskWithdrawn { task }]).await;
    assert_eq!(kit.task(task).await, before);
}

/// A task id is opened once in a namespace.
pub async fn a_task_id_is_opened_once(kit: Kit) {
    let ((mut held, task), mut other) = (asked(&kit, &["ana"], None).await, kit.held().await);
    for holder in [&mut held, &mut other] {
        let answer = kit.commit(holder.commit(&kit, vec![kit.question(task, &[], None)])).await;
        assert_answer!(answer, Err(CommitError::TaskExists { task: told }) if told == task);
    }
    assert_eq!(kit.task(task).await.assignees, vec![name("ana")]);
}

/// Tasks are listed oldest first, in pages, and by run, assignee and state.
pub async fn tasks_are_listed_by_what_is_asked(kit: Kit) {
    let mut all = Vec::new();
    for assignees in [&["ana"][..], &[], &["bo"], &["ana", "bo"], &["an"]] {
        kit.clock.advance(Duration::from_millis(5));
        all.push(asked(&kit, assignees, None).await);
    }
    let ids = |at: &[usize]| at.iter().map(|at| all[*at].1).collect::<Vec<TaskId>>();
    let list = async |query: TaskQuery, page: Page| {
        let rows = kit.store.tasks(&query, page).await.unwrap();
        rows.into_iter().map(|row| row.task).collect::<Vec<TaskId>>()
    };
    let query = || TaskQuery::new(Namespace::default());
    assert_eq!(list(query(), Page::default()).await, ids(&[0, 1, 2, 3, 4]));
    assert_eq!(list(query(), Page { offset: 1, limit: 2 }).await, ids(&[1, 2]));
    assert_eq!(list(query(), Page { offset: 9, limit: 2 }).await, ids(&[]));
    let mut of_ana = query();
    of_ana.assignee = Some(name("ana"));
    assert_eq!(list(of_ana.clone(), Page::default()).await, ids(&[0, 1, 3]));
    assert_eq!(list(of_ana, Page { offset: 1, limit: 1 }).await, ids(&[1]));
    let mut of_run = query();
    of_run.run = Some(all[2].0.run.run);
    assert_eq!(list(of_run, Page::default()).await, ids(&[2]));
    kit.commit(kit.decide(&all[0].0.run, all[0].1, "ana", Decision::approve())).await.unwrap();
    assert_eq!(list(query(), Page::default()).await, ids(&[1, 2, 3, 4]));
    let mut with_closed = query();
    with_closed.include_closed = true;
    assert_eq!(list(with_closed, Page::default()).await, ids(&[0, 1, 2, 3, 4]));
    assert!(list(TaskQuery::new(super::kit::namespace("other")), Page::default()).await.is_empty());
    assert_eq!(kit.store.task(&super::kit::namespace("other"), all[1].1).await.unwrap(), None);
}

/// The value of a decision comes back with its record.
pub async fn a_decision_keeps_its_value(kit: Kit) {
    let (held, task) = asked(&kit, &[], None).await;
    let decision = Decision::Edit { content: super::kit::large("a better draft ") };
    kit.commit(kit.decide(&held.run, task, "ana", decision.clone())).await.unwrap();
    let records = kit.records(&held.run).await;
    let Event::TaskDecided(decided) = records[2].record.event() else { panic!("{records:?}") };
    assert_eq!(decided.decision, decision);
    assert_eq!(records[2].record.actor, Actor::trusted(name("ana")));
}
