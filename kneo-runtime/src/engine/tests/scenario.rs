use kneo_core::event::{AfterLoss, EffectKind, Event};
use kneo_core::task::Decision;
use kneo_core::{Failure, FailureKind, RunOutcome, RunStatus, Value};

use super::grammar::{Work, applied, plan};
use super::sim::Sim;
use crate::engine::EffectResult;

fn sim(work: &[Work]) -> Sim {
    Sim::start(&plan(work), Value::from("x"), 1)
}

fn finish_all(sim: &mut Sim) {
    while let Some((path, attempt)) = sim.in_hand.first().cloned() {
        sim.finish(path, attempt);
    }
}

fn output(sim: &Sim) -> &Value {
    match sim.state.outcome() {
        Some(RunOutcome::Completed(output)) => output.value(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_chain_costs_one_turn_and_three_records_a_step() {
    let mut sim = sim(&[Work::Call(1), Work::Call(2), Work::Call(3)]);
    let before = sim.journal.len();
    let (path, attempt) = sim.in_hand.first().cloned().unwrap();
    sim.finish(path, attempt);
    let kinds: Vec<_> = sim.journal[before..].iter().map(|(entry, _)| entry.event.kind()).collect();
    assert_eq!(kinds, ["effect_succeeded", "step_entered", "effect_intended"]);
}

#[test]
fn pure_steps_need_no_turn_of_their_own() {
    let mut sim = sim(&[Work::Set, Work::Set, Work::Call(1)]);
    assert_eq!(sim.in_hand.len(), 1, "the flow went straight to the first effect");
    finish_all(&mut sim);
    assert_eq!(output(&sim), &applied(1, &Value::map([("v", Value::from(r#"{"v":"x"}"#))]).unwrap()));
}

#[test]
fn a_run_that_waits_for_a_person_is_blocked_and_holds_nothing() {
    let mut sim = sim(&[Work::Approve]);
    assert_eq!(sim.state.status(), RunStatus::Blocked);
    assert_eq!(sim.state.next_timer_while_blocked(), None);
    let task = sim.state.open_tasks().next().unwrap().0;
    sim.answer(task, Decision::approve());
    sim.claim();
    assert_eq!(output(&sim), &Value::from("x"));
}

#[test]
fn a_rejection_that_nothing_can_read_fails_the_step() {
    let mut sim = sim(&[Work::Approve]);
    let task = sim.state.open_tasks().next().unwrap().0;
    sim.answer(task, Decision::reject_because("too long"));
    sim.claim();
    let Some(RunOutcome::Failed(failure)) = sim.state.outcome() else { panic!("{:?}", sim.state.outcome()) };
    assert_eq!(failure.kind, FailureKind::Rejected);
    assert_eq!(&*failure.message, "Rejected by human reviewer (ana): too long");
}

#[test]
fn a_lost_write_asks_and_a_lost_read_runs_again() {
    for (work, then) in [(Work::Write(1), AfterLoss::Ask), (Work::Call(1), AfterLoss::Rerun)] {
        let mut sim = sim(&[work]);
        sim.claim();
        let lost = sim.journal.iter().find_map(|(entry, _)| match &entry.event {
            Event::EffectLost { then, .. } => Some(*then),
            _ => None,
        });
        assert_eq!(lost, Some(then));
        let intents = sim.count(EffectKind::Function);
        assert_eq!(intents, if then == AfterLoss::Ask { 1 } else { 2 });
        assert_eq!(sim.state.open_tasks().count(), usize::from(then == AfterLoss::Ask));
    }
}

#[test]
fn a_failing_branch_stops_its_siblings_and_names_itself() {
    let branch = Work::Nested(vec![Work::Call(2), Work::Approve]);
    let mut sim = sim(&[Work::Parallel(vec![branch, Work::Call(1)])]);
    let (path, attempt) = sim.in_hand.last().cloned().unwrap();
    let failure = Failure::new(FailureKind::Function, "no").with_retryable(false);
    sim.outcome(path, attempt, EffectResult::failed(failure));
    assert!(!sim.is_over(), "the sibling is still on its way out");
    let (path, attempt) = sim.in_hand.first().cloned().unwrap();
    sim.outcome(path, attempt, EffectResult::Cancelled);
    let Some(RunOutcome::Failed(failure)) = sim.state.outcome() else { panic!("{:?}", sim.state.outcome()) };
    assert_eq!(&*failure.message, "branch `b1`: no");
}

#[test]
fn siblings_go_on_while_one_branch_waits_for_a_person() {
    let mut sim = sim(&[Work::Parallel(vec![Work::Approve, Work::Cycle(1, 3), Work::Approve])]);
    assert_eq!(sim.state.open_tasks().count(), 2);
    finish_all(&mut sim);
    assert_eq!(sim.count(EffectKind::Function), 3);
    assert_eq!(sim.state.status(), RunStatus::Blocked);
    let tasks: Vec<_> = sim.state.open_tasks().map(|(id, _)| id).collect();
    for task in tasks {
        sim.answer(task, Decision::approve());
        sim.claim();
    }
    assert!(matches!(sim.state.outcome(), Some(RunOutcome::Completed(_))));
}

#[test]
fn a_value_that_arrives_after_a_cancel_is_recorded_and_changes_nothing() {
    let mut sim = sim(&[Work::Call(1), Work::Call(2)]);
    let (path, attempt) = sim.in_hand.first().cloned().unwrap();
    sim.cancel();
    assert!(sim.state.open_effect(&path).unwrap().cancelling);
    sim.outcome(path, attempt, EffectResult::Value(Value::from("done all the same")));
    assert_eq!(sim.state.outcome(), Some(&RunOutcome::Cancelled));
    assert!(sim.journal.iter().any(|(entry, _)| matches!(entry.event, Event::EffectSucceeded { .. })));
    assert_eq!(sim.count(EffectKind::Function), 1);
}

#[test]
fn a_run_that_gets_nowhere_is_given_up() {
    let mut sim = sim(&[Work::Call(1)]);
    let worker = kneo_core::WorkerId::from_bytes([9; 16]);
    sim.decide(crate::engine::InputKind::Claimed { worker, fence: kneo_core::Fence::new(22), fruitless: 21 });
    let Some(RunOutcome::Failed(failure)) = sim.state.outcome() else { panic!("{:?}", sim.state.outcome()) };
    assert_eq!(failure.kind, FailureKind::DeadLetter);
}
