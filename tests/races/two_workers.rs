//! Two workers on one run, of which one has slept through its lease.

use std::cell::Cell;
use std::time::Duration;

use kneo_core::event::{AfterLoss, Event};
use kneo_core::store::LEASE;
use kneo_core::task::{Decision, TaskCause, TaskState};
use kneo_core::{Path, Payload, RunOutcome, Segment, Value};
use kneo_tests::schedule::{Schedule, pause};
use kneo_tests::seed;

use super::history::check;
use super::outsider::decide_task;
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
    - {id: publish, kind: function, ref: {implementation: publish, effect: write}}
    - {id: last, kind: function, ref: {implementation: last}}
";

#[test]
fn only_one_of_two_workers_gets_the_run_on() {
    let (mut fenced, mut lost, mut parked) = (0, 0, 0);
    seed::each(1_000, |seed| {
        let counts = race(seed);
        fenced += counts.fenced;
        lost += counts.lost;
        parked += counts.parked;
    });
    assert!(seed::is_alone() || fenced > 100 && lost > 100 && parked > 30, "{fenced} {lost} {parked}");
}

struct Counts {
    /// Commits of the worker that had slept.
    fenced: u32,
    /// Effects that were in flight when the other took over.
    lost: usize,
    /// Writes that were left to the operator.
    parked: u32,
}

fn race(seed: u64) -> Counts {
    let world = World::new(SPEC, seed);
    let (parked, retried) = (Cell::new(0), Cell::new(0));
    let mut schedule = Schedule::new(seed);
    schedule.actor(work(&world, 1));
    schedule.actor(work(&world, 2));
    schedule.actor(async {
        for _ in 0..world.draw(|rng| rng.below(4)) {
            pause().await;
            world.dawdle(40).await;
            world.advance(LEASE + Duration::from_secs(1));
        }
    });
    schedule.actor(async {
        let open = || world.tasks().into_iter().find(|task| task.state == TaskState::Open);
        while let Some(task) = world.until(open).await {
            assert!(matches!(task.request.cause, TaskCause::Uncertain { .. }), "{:?}", task.request.cause);
            parked.set(parked.get() + 1);
            let decision = match world.draw(|rng| rng.one_in(2)) {
                true => Decision::Retry,
                false => {
                    Decision::Provide { content: Payload::new(applied("publish", &task.request.subject)).unwrap() }
                }
            };
            retried.set(retried.get() + u32::from(decision == Decision::Retry));
            decide_task(&world, &task, person("operator"), decision).await.unwrap();
        }
    });
    world.run(schedule);

    let history = check(&world);
    let side = |name: &str| (name.to_owned(), applied(name, &Value::from("x")));
    let both = Value::map([side("left"), side("right")]).unwrap();
    let RunOutcome::Completed(output) = &history.outcome else { panic!("{:?}", history.outcome) };
    assert_eq!(output.value(), &applied("last", &applied("publish", &both)));

    let publish = |path: &Path| match path.last() {
        Some(Segment::Node { node, .. }) => world.plan.plan().node(node).unwrap().id.as_str() == "publish",
        _ => false,
    };
    let published = world.calls().iter().filter(|(path, _)| publish(path)).count();
    assert_eq!(published, 1 + retried.get() as usize, "a write ran again that nobody had asked for");

    let lost = |event: &Event| matches!(event, Event::EffectLost { then, .. } if *then != AfterLoss::Nothing);
    let lost = history.journal.iter().filter(|stored| lost(stored.record.event())).count();
    Counts { fenced: world.fenced.get(), lost, parked: parked.get() }
}
