//! Follows a run in this process until it ends or waits for people.

use std::sync::Arc;

use kneo::event::{Event, Parked};
use kneo::plan::CompiledPlan;
use kneo::task::TaskRow;
use kneo::{
    Actor, Admission, Cursor, Decision, DecisionKind, EventStream, Outcome, RunHandle, RunStatus, RunView, Runtime,
};
use kneo::{RunEvent, RuntimeError, Seq};

use crate::ask::ask;
use crate::exit::Exit;
use crate::host::lacking;
use crate::interrupt::Interrupts;
use crate::output::{Output, is_attended};
use crate::places::Places;
use crate::problem::{Problem, Stop};
use crate::progress::Progress;
use crate::view;

/// Who answers the questions of a run.
#[derive(Clone, Debug)]
pub(crate) enum Answers {
    /// Nobody here: the questions stay open.
    Nobody,
    /// The person at the terminal.
    Terminal(Actor),
    /// Whatever can be approved is approved in this name.
    Approve(Actor),
}

impl Answers {
    /// The person at the terminal, if there is one and the output is for people.
    pub(crate) fn terminal(output: Output, by: &Actor) -> Answers {
        match is_attended() && !output.json && !output.quiet {
            true => Answers::Terminal(by.clone()),
            false => Answers::Nobody,
        }
    }
}

/// A run that this process advances.
pub(crate) struct Advance<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) plan: &'a CompiledPlan,
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
            watch.interrupts.leave_at_once(true);
            if !self.answer(tasks).await? {
                break;
            }
            watch.interrupts.leave_at_once(false);
            watch.progress.go_on();
        }
        let interrupted = watch.interrupted;
        drop(watch);
        let view = self.run.view().await.map_err(runtime_problem)?;
        self.report(&view)?;
        self.runtime.shutdown().await;
        Ok(if interrupted && view.status == RunStatus::Cancelled { Exit::Interrupted } else { exit_of(view.status) })
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

    fn report(&self, view: &RunView) -> Result<(), Stop> {
        let places = Places::of_plan(view.run, self.plan);
        report(view, &places, &self.store_again, self.output)
    }
}

/// Writes how a run stands: its output, what went wrong, or what it waits for.
pub(crate) fn report(view: &RunView, places: &Places, store_again: &str, output: Output) -> Result<(), Stop> {
    if output.json {
        output.object(&view::run(view, places))?;
        return Ok(());
    }
    if let Some(value) = &view.output {
        output.text(&view::readable(value))?;
    }
    match &view.error {
        Some(failure) => output.note(&format!("{} {}: {failure}", view.run, view.status)),
        None => output.note(&format!("{} {}", view.run, view.status)),
    }
    for task in &view.pending {
        output.note(&view::waiting(task, places, store_again));
    }
    Ok(())
}

/// Why following stopped.
enum Stopped {
    /// The run has ended, or waits for a timer that nobody here waits for.
    AtRest,
    /// It waits for people.
    ForPeople(Vec<TaskRow>),
}

/// What is seen of the run.
struct Watch {
    events: EventStream,
    over: bool,
    progress: Progress,
    told: Option<Seq>,
    interrupts: Interrupts,
    interrupted: bool,
}

impl Watch {
    fn new(advance: &Advance<'_>) -> Watch {
        Watch {
            events: advance.run.events_from(advance.from),
            over: false,
            progress: Progress::new(Arc::clone(advance.plan.plan()), advance.output),
            told: advance.from.seq(),
            interrupts: Interrupts::listen(),
            interrupted: false,
        }
    }

    async fn follow(&mut self, advance: &Advance<'_>) -> Result<Stopped, Stop> {
        if !advance.timers && waits_for_a_timer(&advance.run).await? {
            return Ok(Stopped::AtRest);
        }
        let outcome = {
            let mut waiting = std::pin::pin!(advance.run.wait());
            loop {
                tokio::select! {
                    outcome = &mut waiting => break outcome.map_err(runtime_problem)?,
                    event = self.events.next(), if !self.over => {
                        if self.tell(event)? && !advance.timers {
                            return Ok(Stopped::AtRest);
                        }
                    }
                    () = self.interrupts.next() => self.interrupt(advance).await?,
                }
            }
        };
        // What was committed before the outcome is told before it.
        let tail = advance.run.view().await.map_err(runtime_problem)?.tail;
        while !self.over && self.told.is_none_or(|told| told < tail) {
            let event = self.events.next().await;
            self.tell(event)?;
        }
        match outcome {
            Outcome::Blocked(tasks) => Ok(Stopped::ForPeople(tasks)),
            _ => Ok(Stopped::AtRest),
        }
    }

    /// Tells an event; whether the run now waits for a timer.
    fn tell(&mut self, event: Option<Result<RunEvent, RuntimeError>>) -> Result<bool, Stop> {
        let Some(event) = event.transpose().map_err(runtime_problem)? else {
            self.over = true;
            return Ok(false);
        };
        self.told = Some(event.seq);
        self.progress.tell(&event);
        Ok(matches!(event.event(), Event::RunParked { status: Parked::Blocked, ready_at: Some(_) }))
    }

    /// Asks the run to stop.
    async fn interrupt(&mut self, advance: &Advance<'_>) -> Result<(), Stop> {
        self.interrupted = true;
        match advance.runtime.cancel(advance.run.id(), "interrupted at the terminal", advance.by.clone()).await {
            // It ended by itself meanwhile.
            Ok(_) | Err(RuntimeError::InvalidState { .. }) => {}
            Err(error) => return Err(runtime_problem(error).into()),
        }
        // From here on the request is durable.
        self.progress.note("stopping; Ctrl-C again leaves at once, and whoever resumes the run ends it");
        Ok(())
    }
}

/// Whether nothing can be done for a run before its next timer.
async fn waits_for_a_timer(run: &RunHandle) -> Result<bool, Stop> {
    if run.admission() == Admission::Claimed {
        return Ok(false);
    }
    let view = run.view().await.map_err(runtime_problem)?;
    Ok(view.status == RunStatus::Blocked && view.pending.is_empty())
}

/// How the program ends with a run of this status.
pub(crate) fn exit_of(status: RunStatus) -> Exit {
    match status {
        RunStatus::Completed => Exit::Done,
        RunStatus::Failed | RunStatus::Cancelled | RunStatus::TimedOut | RunStatus::Expired => Exit::Failed,
        RunStatus::Queued | RunStatus::Running | RunStatus::Blocked => Exit::Blocked,
    }
}

/// The problem of what the runtime refused.
pub(crate) fn runtime_problem(error: RuntimeError) -> Problem {
    let problem = Problem::new(error.code(), error.to_string());
    match error {
        RuntimeError::NotAuthorised { assignees, .. } => match assignees.first() {
            Some(name) => problem.with_help(format!("decide in the name of an assignee: `--by {name}`")),
            None => problem,
        },
        RuntimeError::RequirementsMissing(error) => lacking(&error),
        RuntimeError::InputInvalid { .. } => {
            problem.with_help("give what the spec's `inputs` ask for, with `--input`, `--input-json` or `--input-file`")
        }
        RuntimeError::DecisionInvalid { task, .. } => {
            problem.with_help(format!("see what is asked with `kneo human get {task}`"))
        }
        RuntimeError::InvalidState { run, .. } => problem.with_help(format!("see it with `kneo runs get {run}`")),
        RuntimeError::AlreadyDecided { task, .. } => problem.with_help(format!("see it with `kneo human get {task}`")),
        RuntimeError::Held { run, .. } => {
            problem.with_help(format!("see how it gets on: `kneo runs events {run} --follow`"))
        }
        _ => problem,
    }
}
