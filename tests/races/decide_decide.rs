//! Two people answer the same question.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kneo_core::store::CommitError;
use kneo_core::task::Decision;
use kneo_core::{RunOutcome, Value};
use kneo_tests::schedule::Schedule;
use kneo_tests::seed;

use super::history::check;
use super::outsider::{Told, decide};
use super::worker::work;
use super::world::{World, applied, person};

const SPEC: &str = "
version: v1
workflow:
  type: sequential
  steps:
    - {id: ask, kind: human, ref: {request_type: review}}
    - {id: publish, kind: function, ref: {implementation: publish}}
";

#[test]
fn the_first_decision_stands_and_the_second_is_told_whose() {
    let mut wins: BTreeMap<&str, u32> = BTreeMap::new();
    seed::each(1_000, |seed| *wins.entry(race(seed)).or_default() += 1);
    assert!(seed::is_alone() || wins.values().all(|wins| *wins > 100) && wins.len() == 2, "{wins:?}");
}

fn race(seed: u64) -> &'static str {
    let world = World::new(SPEC, seed);
    let (ana, ben): (RefCell<Option<Told>>, RefCell<Option<Told>>) = Default::default();
    let mut schedule = Schedule::new(seed);
    for number in 1..=1 + (seed % 2) as u8 {
        schedule.actor(work(&world, number));
    }
    schedule.actor(async { *ana.borrow_mut() = decide(&world, person("ana"), Decision::approve()).await });
    schedule.actor(async { *ben.borrow_mut() = decide(&world, person("ben"), Decision::reject_because("no")).await });
    world.run(schedule);

    let history = check(&world);
    let (_, decision) = history.decision().expect("somebody decided");
    let told_who_was_first = |told: Option<Told>| match told {
        Some(Err(CommitError::AlreadyDecided { decision: told })) => assert_eq!(told, decision),
        // The question was gone before the other even saw it.
        None => {}
        Some(other) => panic!("the second was told {other:?}"),
    };
    match (ana.into_inner(), ben.into_inner()) {
        (Some(Ok(_)), second) => {
            assert_eq!(decision.by, person("ana"));
            told_who_was_first(second);
            let RunOutcome::Completed(output) = history.outcome else { panic!("{:?}", history.outcome) };
            assert_eq!(output.value(), &applied("publish", &Value::from("x")));
            "ana"
        }
        (second, Some(Ok(_))) => {
            assert_eq!(decision.by, person("ben"));
            told_who_was_first(second);
            assert!(matches!(history.outcome, RunOutcome::Failed(_)), "{:?}", history.outcome);
            assert!(world.calls().is_empty(), "published against ben's word");
            "ben"
        }
        neither => panic!("nobody won: {neither:?}"),
    }
}
