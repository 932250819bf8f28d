//! Somebody answers a question while somebody else stops the run.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kneo_core::event::Event;
use kneo_core::store::CommitError;
use kneo_core::task::{Decision, TaskState};
use kneo_core::{RunOutcome, RunStatus};
use kneo_tests::schedule::Schedule;
use kneo_tests::seed;

use super::history::check;
use super::outsider::{Told, cancel, decide};
use super::worker::work;
use super::world::{World, person};

const SPEC: &str = "
version: v1
workflow:
  type: sequential
  steps:
    - {id: ask, kind: human, ref: {request_type: approval}}
    - {id: publish, kind: function, ref: {implementation: publish}}
";

#[test]
fn a_decision_counts_only_before_a_cancel() {
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    seed::each(1_000, |seed| *ends.entry(race(seed)).or_default() += 1);
    assert!(seed::is_alone() || ends.values().all(|ends| *ends > 30) && ends.len() == 3, "{ends:?}");
}

fn race(seed: u64) -> &'static str {
    let world = World::new(SPEC, seed);
    let (ana, operator): (RefCell<Option<Told>>, RefCell<Option<Told>>) = Default::default();
    let mut schedule = Schedule::new(seed);
    schedule.actor(work(&world, 1));
    schedule.actor(async { *ana.borrow_mut() = decide(&world, person("ana"), Decision::approve()).await });
    schedule.actor(async {
        world.until(|| world.tasks().pop()).await;
        world.dawdle(12).await;
        *operator.borrow_mut() = Some(cancel(&world, person("operator")).await);
    });
    world.run(schedule);

    let history = check(&world);
    let cancelled = history.find(|event| matches!(event, Event::CancelRequested { .. }));
    let decided = history.decision().map(|(at, _)| at);
    match (ana.into_inner(), operator.into_inner().expect("the operator does not give up")) {
        (Some(Ok(_)), Ok(_)) => {
            assert!(decided < cancelled, "the decision came after the cancel");
            assert_eq!(history.outcome, RunOutcome::Cancelled);
            "cancelled after the decision"
        }
        (Some(Ok(_)), Err(CommitError::Terminal { status: RunStatus::Completed })) => {
            assert_eq!(cancelled, None);
            assert!(matches!(history.outcome, RunOutcome::Completed(_)), "{:?}", history.outcome);
            "completed"
        }
        (
            None
            | Some(Err(
                CommitError::TaskClosed { state: TaskState::Withdrawn }
                | CommitError::Terminal { status: RunStatus::Cancelled },
            )),
            Ok(_),
        ) => {
            assert_eq!(decided, None);
            assert!(world.calls().is_empty());
            "cancelled before the decision"
        }
        other => panic!("{other:?}"),
    }
}
