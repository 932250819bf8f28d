//! Somebody answers a question in the moment in which its time is over.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use kneo_core::event::{AfterExpiry, Event};
use kneo_core::store::CommitError;
use kneo_core::task::{Decision, TaskState};
use kneo_core::{RunOutcome, RunStatus};
use kneo_tests::schedule::{Schedule, pause};
use kneo_tests::seed::{self, Rng};

use super::history::{History, check};
use super::outsider::{Told, decide_task};
use super::worker::{work, work_ahead};
use super::world::{World, person};

/// Beside the question something runs, so that for some seeds a worker is there when the time is over.
fn spec(on_timeout: &str) -> String {
    format!(
        "
version: v1
workflow:
  type: concurrent
  combine: map
  participants:
    - {{id: ask, kind: human, ref: {{request_type: approval, timeout_seconds: 60, on_timeout: {on_timeout}}}}}
    - {{id: beside, kind: function, ref: {{implementation: beside}}}}
"
    )
}

type Ends = BTreeMap<&'static str, u32>;

fn race_all(on_timeout: &str, judge: impl Fn(&History, Told) -> &'static str) {
    let mut ends = Ends::new();
    seed::each(1_000, |seed| {
        let world = World::new(&spec(on_timeout), seed);
        let told = race(&world, seed);
        *ends.entry(judge(&check(&world), told)).or_default() += 1;
    });
    assert!(seed::is_alone() || ends.values().all(|ends| *ends > 100) && ends.len() == 2, "{ends:?}");
}

fn race(world: &World, seed: u64) -> Told {
    let ana: RefCell<Option<Told>> = RefCell::default();
    let mut schedule = Schedule::new(seed);
    // Clocks differ: one worker in three takes the time to be over before the store does.
    match seed % 3 {
        0 => schedule.actor(work_ahead(world, 1, Duration::from_secs(2))),
        1 => schedule.actor(work(world, 1)),
        _ => {
            schedule.actor(work(world, 1));
            schedule.actor(work(world, 2));
        }
    }
    schedule.actor(async {
        let Some(task) = world.until(|| world.tasks().pop()).await else { return };
        world.dawdle(20).await;
        *ana.borrow_mut() = Some(decide_task(world, &task, person("ana"), Decision::approve()).await);
    });
    schedule.actor(async {
        let Some(task) = world.until(|| world.tasks().pop()).await else { return };
        let left = task.deadline.expect("it has one").since(world.now());
        let almost = left - Duration::from_micros(1 + world.draw(|rng: &mut Rng| rng.below(3_000_000)));
        world.advance(almost);
        pause().await;
        world.dawdle(12).await;
        world.advance(left - almost);
    });
    world.run(schedule);
    ana.into_inner().expect("ana saw the question")
}

fn expired(history: &History) -> Option<&AfterExpiry> {
    history.journal.iter().find_map(|stored| match stored.record.event() {
        Event::TaskExpired { then, .. } => Some(then),
        _ => None,
    })
}

#[test]
fn a_question_that_fails_in_time_is_decided_or_expired_and_never_both() {
    race_all("fail", |history, told| match told {
        Ok(_) => {
            assert_eq!((history.decision().is_some(), expired(history)), (true, None));
            assert!(matches!(history.outcome, RunOutcome::Completed(_)), "{:?}", history.outcome);
            "decided"
        }
        Err(
            CommitError::TaskClosed { state: TaskState::Expired }
            | CommitError::Terminal { status: RunStatus::Expired },
        ) => {
            assert_eq!((history.decision(), expired(history)), (None, Some(&AfterExpiry::Fail)));
            assert!(matches!(history.outcome, RunOutcome::Expired(_)), "{:?}", history.outcome);
            "expired"
        }
        Err(other) => panic!("ana was told {other:?}"),
    });
}

#[test]
fn a_question_that_goes_on_without_an_answer_takes_hers_or_none() {
    race_all("continue", |history, told| {
        assert!(matches!(history.outcome, RunOutcome::Completed(_)), "{:?}", history.outcome);
        match told {
            Ok(_) => {
                assert_eq!((history.decision().is_some(), expired(history)), (true, None));
                "decided"
            }
            Err(
                CommitError::TaskClosed { state: TaskState::Expired }
                | CommitError::Terminal { status: RunStatus::Completed },
            ) => {
                assert!(matches!(expired(history), Some(AfterExpiry::Continue(_))));
                assert_eq!(history.decision(), None);
                "expired"
            }
            Err(other) => panic!("ana was told {other:?}"),
        }
    });
}

#[test]
fn a_question_that_is_escalated_stays_open_for_her() {
    race_all("escalate", |history, told| {
        told.expect("nobody else may decide, and it never closes");
        assert!(matches!(history.outcome, RunOutcome::Completed(_)), "{:?}", history.outcome);
        assert_eq!(expired(history), None);
        match history.find(|event| matches!(event, Event::TaskEscalated { .. })) {
            Some(_) => "decided after the escalation",
            None => "decided in time",
        }
    });
}
