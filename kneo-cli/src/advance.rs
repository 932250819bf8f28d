//! Follows a run in this process until it ends or waits for people.

mod answers;
mod flight;
mod watch;

pub(crate) use answers::Answers;

use std::sync::Arc;

use kneo::plan::CompiledPlan;
use kneo::task::TaskRow;
use kneo::{Actor, Cursor, Decision, DecisionKind, RunHandle, RunKey, RunStatus, Runtime, RuntimeError};

use crate::ask::ask;
use crate::exit::Exit;
use crate::output::Output;
use crate::places::Places;
use crate::problem::Stop;
use crate::refusal::runtime_problem;
use crate::report::{Report, exit_of};
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

impl Advance<'_> {
    /// Follows the run, and writes how it stands then.
    pub(crate) async fn finish(self) -> Result<Exit, Stop> {
        let mut watch = Watch::new(&self);
        loop {
            let stopped = watch.follow(&self).await?;
            let Stopped::ForPeople(tasks) = stopped else { break };
            watch.progress.pause();
            if let Answers::Terminal(_) = self.answers {
                tasks.iter().for_each(|task| watch.progress.asked(&task.path));
            }
            watch.interrupts.leave_at_once(true);
            if !self.answer(tasks).await? {
                break;
            }
            watch.interrupts.leave_at_once(false);
            watch.progress.go_on();
        }
        let (progress, interrupted) = watch.leave();
        // What this process still has in hand is given back, and the report says so.
        self.runtime.shutdown().await;
        let mut report = Report::of(self.runtime, &self.key()).await?;
        report.told = report.view.error.as_ref().is_some_and(|error| progress.has_told(error));
        report.write(&Places::of_plan(self.run.id(), self.plan), &self.store_again, self.output)?;
        let status = report.view.status;
        Ok(if interrupted && status == RunStatus::Cancelled { Exit::Interrupted } else { exit_of(status) })
    }

    fn key(&self) -> RunKey {
        RunKey::new(self.runtime.namespace().clone(), self.run.id())
    }

    /// Answers the questions; whether one was answered.
    async fn answer(&self, tasks: Vec<TaskRow>) -> Result<bool, Stop> {
        let places = Places::of_plan(self.run.id(), self.plan);
        let mut answered = false;
        for task in tasks {
            let (id, seen) = (task.task, task.digest);
            let (decision, by) = match &self.answers {
                Answers::Nobody => (None, &self.by),
                Answers::Terminal(by) => (ask(task.clone(), places.of(self.run.id(), &task.path)).await, by),
                Answers::Approve(by) => {
                    let can = task.request.actions.contains(&DecisionKind::Approve);
                    (can.then(Decision::approve), by)
                }
            };
            let Some(decision) = decision else { continue };
            match self.runtime.decide_seen(id, seen, decision, by.clone()).await {
                Ok(_) => answered = true,
                // Somebody else was faster, or the question is gone: that is an answer too.
                Err(RuntimeError::AlreadyDecided { .. } | RuntimeError::TaskClosed { .. }) => answered = true,
                Err(error) => return Err(runtime_problem(error).into()),
            }
        }
        Ok(answered)
    }
}
