//! Follows a run in this process until it ends or waits for people.

mod answers;
mod flight;
mod watch;

pub(crate) use answers::Answers;

use std::sync::Arc;
use std::time::Duration;

use kneo::plan::CompiledPlan;
use kneo::task::TaskRow;
use kneo::{Actor, Cursor, Decision, RunHandle, RunKey, RunStatus, Runtime, RuntimeError};

use crate::ask::{Asked, ask};
use crate::exit::Exit;
use crate::output::Output;
use crate::places::Places;
use crate::problem::Stop;
use crate::refusal::runtime_problem;
use crate::report::{Report, exit_of};
use crate::view;
use answers::{Desk, Way};
use watch::{Stopped, Watch};

/// A run that this process advances.
pub(crate) struct Advance<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) plan: &'a Arc<CompiledPlan>,
    pub(crate) run: RunHandle,
    /// What was told before.
    pub(crate) from: Cursor,
    /// Whether timers are waited for.
    pub(crate) timers: bool,
    pub(crate) answers: Answers,
    /// Who asks for the run's end with Ctrl-C.
    pub(crate) by: Actor,
    /// The options that lead another command to the same store.
    pub(crate) store_again: String,
    pub(crate) output: Output,
}

/// How long a worker may take to hear that a time is over.
const SOON: Duration = Duration::from_millis(200);

/// What came of the questions of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Talk {
    /// Something was answered, here or elsewhere: the run goes on.
    GoesOn,
    /// All that is open stays open.
    Open,
    /// Ctrl-C at a question.
    Interrupted,
}

impl Advance<'_> {
    /// Follows the run, and writes how it stands then.
    pub(crate) async fn finish(self) -> Result<Exit, Stop> {
        let (mut watch, mut desk, mut talk) = (Watch::new(&self), Desk::default(), Talk::GoesOn);
        while let Stopped::ForPeople(tasks) = watch.follow(&self).await? {
            watch.progress.pause();
            talk = self.answer(tasks, &mut watch, &mut desk).await?;
            if talk != Talk::GoesOn {
                break;
            }
            watch.progress.go_on();
        }
        let (progress, interrupted) = watch.leave();
        // What this process still has in hand is given back, and the report says so.
        self.runtime.shutdown().await;
        let mut report = Report::of(self.runtime, &self.key()).await?;
        report.told = report.view.error.as_ref().is_some_and(|error| progress.has_told(error));
        report.write(&Places::of_plan(self.run.id(), self.plan), &self.store_again, self.output)?;
        let status = report.view.status;
        let interrupted = talk == Talk::Interrupted || interrupted && status == RunStatus::Cancelled;
        let exit = if interrupted { Exit::Interrupted } else { exit_of(status) };
        if exit == Exit::Failed {
            report.complain(self.output);
        }
        Ok(exit)
    }

    fn key(&self) -> RunKey {
        RunKey::new(self.runtime.namespace().clone(), self.run.id())
    }

    /// Answers the questions.
    async fn answer(&self, mut tasks: Vec<TaskRow>, watch: &mut Watch, desk: &mut Desk) -> Result<Talk, Stop> {
        let places = Places::of_plan(self.run.id(), self.plan);
        let mut talk = Talk::Open;
        view::in_order(&mut tasks);
        for task in tasks {
            let (decision, by) = match self.answers.way(&task) {
                Way::Leave => continue,
                Way::Approve(by) => (Decision::approve(), by),
                Way::Ask(_) if desk.left.contains(&task.task) => continue,
                Way::Ask(by) => {
                    watch.progress.asked(&task.path);
                    let place = places.of(self.run.id(), &task.path);
                    let lines = desk.lines()?;
                    match ask(self.runtime, &task, &place, &self.store_again, lines, &mut watch.interrupts).await? {
                        Asked::Decided(decision) => (decision, by),
                        Asked::Interrupted => return Ok(Talk::Interrupted),
                        Asked::Elsewhere => {
                            talk = Talk::GoesOn;
                            continue;
                        }
                        Asked::Later => {
                            desk.left.insert(task.task);
                            continue;
                        }
                    }
                }
            };
            match self.runtime.decide_seen(task.task, task.digest, decision, by).await {
                // Somebody else was faster, or the question is another by now: that is an answer too.
                Ok(_) | Err(RuntimeError::AlreadyDecided { .. } | RuntimeError::RequestChanged { .. }) => {
                    talk = Talk::GoesOn;
                }
                // Its time is over, and a worker is about to say so.
                Err(RuntimeError::TaskClosed { .. }) => {
                    talk = Talk::GoesOn;
                    tokio::time::sleep(SOON).await;
                }
                Err(error) => return Err(runtime_problem(error).into()),
            }
        }
        Ok(talk)
    }
}
