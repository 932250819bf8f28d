use kneo_core::event::Event;
use kneo_core::{RunOutcome, RunStatus, Value};
use proptest::prelude::*;

use super::grammar::{expected, plan, work};
use super::journal::{states, through_storage};
use super::sim::Sim;

const MOVES: usize = 4_000;

fn run_out(sim: &mut Sim, lose_leases: bool) {
    for moves in 0.. {
        if sim.is_over() {
            return;
        }
        assert!(moves < MOVES, "the run does not end: {:?}", sim.state);
        sim.step(lose_leases);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever the order of outcomes, decisions and timers, and however often the worker is lost: the run gives what
    /// its work gives by definition, and nothing whose result was recorded ran again (watched by the simulator).
    #[test]
    fn any_interleaving_gives_what_the_work_gives(work in work(), seed: u64, lose_leases: bool) {
        let plan = plan(&work);
        let mut sim = Sim::start(&plan, Value::from("x"), seed);
        run_out(&mut sim, lose_leases);
        let Some(RunOutcome::Completed(output)) = sim.state.outcome() else {
            return Err(TestCaseError::fail(format!("{:?}", sim.state.outcome())));
        };
        prop_assert_eq!(output.value(), &expected(&work, Value::from("x")));
    }

    /// The stored journal, read back, gives the state that the live engine had — at every prefix.
    #[test]
    fn replay_of_every_prefix_is_the_live_state(work in work(), seed: u64) {
        let plan = plan(&work);
        let mut sim = Sim::start(&plan, Value::from("x"), seed);
        let program = std::sync::Arc::clone(sim.state.program());
        let mut live = vec![(sim.journal.len(), sim.state.clone())];
        for _ in 0..MOVES {
            if sim.is_over() {
                break;
            }
            sim.step(true);
            live.push((sim.journal.len(), sim.state.clone()));
        }
        let stored = through_storage(&sim.journal);
        prop_assert_eq!(&stored, &sim.journal);
        let replayed: Vec<_> = states(&program, &sim.state, &stored).collect();
        for (len, state) in live {
            prop_assert_eq!(&replayed[len - 1], &state);
        }
    }

    /// A cancel at any moment ends the run cancelled: no effect starts after it, no task stays open, and what was in
    /// flight is waited for. A run that had ended keeps its end.
    #[test]
    fn a_cancel_at_any_moment_ends_the_run(work in work(), seed: u64, moves in 0usize..40) {
        let plan = plan(&work);
        let mut sim = Sim::start(&plan, Value::from("x"), seed);
        for _ in 0..moves {
            if sim.is_over() {
                return Ok(());
            }
            sim.step(true);
        }
        if sim.is_over() {
            return Ok(());
        }
        sim.cancel();
        if sim.state.status() == RunStatus::Blocked {
            sim.claim();
        }
        run_out(&mut sim, true);
        prop_assert_eq!(sim.state.outcome(), Some(&RunOutcome::Cancelled));
    }

    /// A deadline fires by itself, whatever the run is doing.
    #[test]
    fn a_deadline_at_any_moment_ends_the_run(work in work(), seed: u64, moves in 0usize..20) {
        let plan = plan(&work);
        let start = kneo_core::Timestamp::from_unix_millis(1_000_000);
        let deadline = start.after(std::time::Duration::from_secs(3_600));
        let mut sim = Sim::start_with(&plan, Value::from("x"), seed, Some(deadline));
        for _ in 0..moves {
            if sim.is_over() || sim.now >= deadline {
                break;
            }
            sim.step(false);
        }
        if sim.is_over() {
            return Ok(());
        }
        sim.now = sim.now.max(deadline);
        sim.claim();
        run_out(&mut sim, false);
        prop_assert!(matches!(sim.state.outcome(), Some(RunOutcome::TimedOut(_))), "{:?}", sim.state.outcome());
    }

    /// Deciding changes nothing and depends on nothing but its arguments.
    #[test]
    fn deciding_twice_decides_the_same(work in work(), seed: u64) {
        let run = || {
            let mut sim = Sim::start(&plan(&work), Value::from("x"), seed);
            for _ in 0..60 {
                if sim.is_over() {
                    break;
                }
                sim.step(true);
            }
            sim.journal
        };
        let (first, second) = (run(), run());
        prop_assert_eq!(first.len(), second.len());
        // Compared as text too: what is stored must be the same bytes.
        prop_assert_eq!(format!("{:?}", &first), format!("{:?}", &second));
        prop_assert_eq!(first.iter().filter(|(e, _)| matches!(e.event, Event::RunStarted(_))).count(), 1);
    }
}
