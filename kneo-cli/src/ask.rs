//! Asks the person at the terminal to decide a task.

use std::time::Duration;

use kneo::task::{TaskRow, TaskState};
use kneo::{Decision, Runtime};

use crate::dialogue::{Dialogue, Reply};
use crate::interrupt::Interrupts;
use crate::lines::Lines;
use crate::output::prompt;
use crate::problem::Problem;
use crate::refusal::runtime_problem;

/// What came of a question.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The person decided.
    Decided(Decision),
    /// The person leaves it for later.
    Later,
    /// It was closed while the person thought about it.
    Elsewhere,
    /// Ctrl-C.
    Interrupted,
}

/// How often it is seen whether the question is still open.
const LOOK: Duration = Duration::from_secs(1);

/// Shows a task and reads the decision.
pub(crate) async fn ask(
    runtime: &Runtime,
    row: &TaskRow,
    place: &str,
    again: &str,
    lines: &mut Lines,
    interrupts: &mut Interrupts,
) -> Result<Asked, Problem> {
    let mut dialogue = Dialogue::new(row.clone());
    lines.forget();
    prompt(&dialogue.opening(place, again));
    loop {
        tokio::select! {
            line = lines.next() => match line.map(|line| dialogue.take(&line)) {
                Some(Reply::Ask(text)) => prompt(&text),
                Some(Reply::Decide(decision)) => return Ok(Asked::Decided(decision)),
                Some(Reply::Later) => return Ok(Asked::Later),
                None => {
                    prompt("\n");
                    return Ok(Asked::Later);
                }
            },
            () = interrupts.next() => {
                lines.forget();
                prompt("\nthe question stays open, and can be answered later\n");
                return Ok(Asked::Interrupted);
            }
            () = tokio::time::sleep(LOOK) => {
                let now = runtime.task(row.task).await.map_err(runtime_problem)?;
                if now.state != TaskState::Open {
                    lines.forget();
                    prompt(&format!("\nthe question is {} meanwhile\n", now.state.as_str()));
                    return Ok(Asked::Elsewhere);
                }
            }
        }
    }
}
