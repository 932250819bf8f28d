//! Runs the tests that stand in specs: offline, in virtual time, with everything that a run asks for taken from the test.

mod cast;
mod judge;
mod stage;
mod trail;

use std::sync::Arc;
use std::time::Duration;

use kneo::plan::CompiledPlan;
use kneo::spec::tests::{Status, Test};
use kneo::store::MemoryStore;
use kneo::testkit::Harness;
use kneo::{Cursor, Namespace, Outcome, RunHandle, RunKey, Runtime, Start};

use crate::problem::Problem;
use crate::refusal::runtime_problem;
use cast::Cast;
pub(crate) use judge::Difference;
use trail::Trail;

/// What came of a test.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// How the run ended; `None` of one that could not begin.
    pub(crate) status: Option<Status>,
    /// What is not as the test says.
    pub(crate) differences: Vec<Difference>,
}

impl Verdict {
    pub(crate) fn passes(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Runs one test.
///
/// # Errors
/// The test could not be run at all, which is no fault of the spec.
pub(crate) fn run(plan: &Arc<CompiledPlan>, test: &Test) -> Result<Verdict, Problem> {
    let threads = |error| Problem::new("threads_unavailable", format!("cannot begin to run: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.map_err(threads)?.block_on(play(plan, test))
}

async fn play(plan: &Arc<CompiledPlan>, test: &Test) -> Result<Verdict, Problem> {
    let plan = stage::offline(plan)?;
    let cast = Arc::new(Cast::of(test, plan.plan()));
    let harness = Harness::new(|clock| Arc::new(MemoryStore::new(clock)));
    let runtime = cast.host(harness.builder(), plan.plan()).build();
    let runtime = runtime.map_err(|error| Problem::new(error.code(), error.to_string()))?;
    let run = match runtime.start(&plan, Start::new(test.input.clone())).await {
        Ok(run) => run,
        Err(error) => {
            let problem = runtime_problem(error);
            let difference = Difference::new("start", "a run", format!("{}: {}", problem.code, problem.message));
            return Ok(Verdict { status: None, differences: vec![difference] });
        }
    };
    let outcome = finish(&harness, &runtime, &run, &cast).await?;
    let mut trail = Trail::default();
    let mut events = run.events_from(Cursor::START);
    let key = RunKey::new(Namespace::default(), run.id());
    let row = harness.store().run(&key).await.map_err(|error| Problem::new(error.code(), error.to_string()))?;
    while let Some(event) = events.next().await {
        let event = event.map_err(runtime_problem)?;
        trail.follow(plan.plan(), &event);
        if row.as_ref().is_none_or(|row| event.seq >= row.tail) {
            break;
        }
    }
    runtime.shutdown().await;
    let differences = judge::differences(&test.expect, &outcome, plan.plan(), &trail, &cast);
    Ok(Verdict { status: judge::status(&outcome), differences })
}

/// Answers for people until the run has ended, or nobody is left who answers and no time that passes changes anything.
async fn finish(harness: &Harness, runtime: &Runtime, run: &RunHandle, cast: &Cast) -> Result<Outcome, Problem> {
    let key = RunKey::new(Namespace::default(), run.id());
    loop {
        let outcome = run.wait().await.map_err(runtime_problem)?;
        let Outcome::Blocked(tasks) = &outcome else {
            return Ok(outcome);
        };
        let mut answered = false;
        for task in tasks {
            if let Some((decision, by)) = cast.decide(task) {
                answered = true;
                if let Err(error) = runtime.decide(task.task, decision, by).await {
                    let problem = runtime_problem(error);
                    cast.complain(format!("the decision is refused: {}", problem.message));
                }
            }
        }
        if answered {
            continue;
        }
        let row = harness.store().run(&key).await.map_err(|error| Problem::new(error.code(), error.to_string()))?;
        let now = kneo::clock::Clock::now(&**harness.clock());
        match row.and_then(|row| row.ready_at) {
            // Whoever works on runs looks for those whose time has come every second.
            Some(at) if at <= now => tokio::time::sleep(Duration::from_secs(1)).await,
            Some(at) => tokio::time::advance(at.since(now)).await,
            None => return Ok(outcome),
        }
    }
}
