//! One branch fails in the instant in which its sibling goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kneo_core::RunOutcome;
use kneo_core::call::CallContext;
use kneo_core::event::Event;
use kneo_runtime::{Outcome, Runtime, Start, typed};
use kneo_store::{MemoryStore, SystemClock};
use kneo_tests::schedule::Schedule;
use kneo_tests::seed;
use tokio::sync::Barrier;

use super::history::check;
use super::worker::work;
use super::world::World;

const SPEC: &str = "
version: v1
components:
  workflows:
    goes_on:
      type: sequential
      steps:
        - {id: one, kind: function, ref: {implementation: meets}}
        - {id: two, kind: function, ref: {implementation: waits}}
workflow:
  type: concurrent
  combine: map
  participants:
    - {id: goes_on, kind: workflow, ref: goes_on}
    - {id: fails, kind: function, ref: {implementation: fails}}
";

#[test]
fn the_run_fails_and_waits_for_nothing_that_never_began() {
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    seed::each(1_000, |seed| {
        let world = World::new(SPEC, seed);
        let mut schedule = Schedule::new(seed);
        schedule.actor(work(&world, 1));
        world.run(schedule);
        let history = check(&world);
        assert!(matches!(history.outcome, RunOutcome::Failed(_)), "{:?}", history.outcome);
        let intents =
            history.journal.iter().filter(|stored| matches!(stored.record.event(), Event::EffectIntended { .. }));
        let end = match (intents.count(), world.calls().len()) {
            (2, 2) => "failed first",
            (3, 2) => "stopped before it began",
            (3, 3) => "stopped while it ran",
            other => panic!("{other:?}"),
        };
        *ends.entry(end).or_default() += 1;
    });
    assert!(seed::is_alone() || ends.values().all(|ends| *ends > 30) && ends.len() == 3, "{ends:?}");
}

#[tokio::test]
async fn a_driver_ends_what_it_never_began() {
    let mut never_began = 0;
    for _ in 0..50 {
        let both = Arc::new(Barrier::new(2));
        let meet = |both: &Arc<Barrier>, fails: bool| {
            let both = Arc::clone(both);
            typed::function(move |_: serde_json::Value| {
                let both = Arc::clone(&both);
                async move {
                    both.wait().await;
                    if fails { Err(std::io::Error::other("no")) } else { Ok("x") }
                }
            })
        };
        let began = Arc::new(AtomicBool::new(false));
        let waits = {
            let began = Arc::clone(&began);
            typed::function_with(move |_: serde_json::Value, context: CallContext| {
                began.store(true, Ordering::Relaxed);
                async move {
                    context.cancel.cancelled().await;
                    Err::<(), _>(std::io::Error::other("told to stop"))
                }
            })
        };
        let runtime = Runtime::builder()
            .store(Arc::new(MemoryStore::new(Arc::new(SystemClock))))
            .function("meets", meet(&both, false))
            .function("fails", meet(&both, true))
            .function("waits", waits)
            .build()
            .unwrap();
        let plan = kneo_spec::compile_str("race.yaml", SPEC).unwrap();
        let run = runtime.start(&plan, Start::new("x")).await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(30), run.wait()).await;
        let Ok(Ok(Outcome::Failed(_))) = ended else { panic!("{ended:?}") };
        never_began += u32::from(!began.load(Ordering::Relaxed));
        runtime.shutdown().await;
    }
    assert!(never_began > 0, "the two never ended in one turn");
}
