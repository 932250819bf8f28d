//! Somebody stops a run that is about to end by itself.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kneo_core::event::Event;
use kneo_core::store::CommitError;
use kneo_core::{RunOutcome, RunStatus, Value};
use kneo_tests::schedule::Schedule;
use kneo_tests::seed;

use super::history::check;
use super::outsider::{Told, cancel};
use super::worker::work;
use super::world::{World, applied, person};

const SPEC: &str = "
version: v1
components:
  workflows:
    both:
      type: concurrent
      combine: map
      participants:
        - {id: left, kind: function, ref: {implementation: left}}
        - {id: right, kind: function, ref: {implementation: right}}
workflow:
  type: sequential
  steps:
    - {id: both, kind: workflow, ref: both}
    - {id: last, kind: function, ref: {implementation: last}}
";

#[test]
fn a_cancel_that_is_acknowledged_holds_and_one_that_is_late_is_refused() {
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    let mut redecided = 0;
    seed::each(1_000, |seed| {
        let (end, behind) = race(seed);
        *ends.entry(end).or_default() += 1;
        redecided += behind;
    });
    assert!(seed::is_alone() || ends.values().all(|ends| *ends > 100) && ends.len() == 2, "{ends:?}");
    assert!(seed::is_alone() || redecided > 100, "the worker was hardly ever overtaken: {redecided}");
}

fn race(seed: u64) -> (&'static str, u32) {
    let world = World::new(SPEC, seed);
    let operator: RefCell<Option<Told>> = RefCell::default();
    let mut schedule = Schedule::new(seed);
    schedule.actor(work(&world, 1));
    schedule.actor(async {
        world.dawdle(60).await;
        *operator.borrow_mut() = Some(cancel(&world, person("operator")).await);
    });
    world.run(schedule);

    let history = check(&world);
    let end = match operator.into_inner().expect("the operator does not give up") {
        Ok(_) => {
            assert_eq!(history.outcome, RunOutcome::Cancelled);
            let cancelled = history.find(|event| matches!(event, Event::CancelRequested { .. }));
            let moved = |event: &Event| matches!(event, Event::StepEntered { .. } | Event::StepCompleted { .. });
            let after = history.journal.iter().skip(cancelled.unwrap_or_default());
            assert_eq!(after.filter(|stored| moved(stored.record.event())).count(), 0, "a step moved after the cancel");
            "cancelled"
        }
        Err(CommitError::Terminal { status: RunStatus::Completed }) => {
            let side = |name: &str| (name.to_owned(), applied(name, &Value::from("x")));
            let both = Value::map([side("left"), side("right")]).unwrap();
            let RunOutcome::Completed(output) = history.outcome else { panic!("{:?}", history.outcome) };
            assert_eq!(output.value(), &applied("last", &both));
            "completed"
        }
        Err(other) => panic!("the operator was told {other:?}"),
    };
    (end, world.behind.get())
}
