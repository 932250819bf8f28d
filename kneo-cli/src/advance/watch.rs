//! Follows a run to the next point at which this process has nothing to wait for.

use std::sync::Arc;

use kneo::event::{Event, Parked};
use kneo::task::TaskRow;
use kneo::{Admission, EventStream, Outcome, RunEvent, RunHandle, RunStatus, RuntimeError, Seq};

use super::Advance;
use crate::interrupt::Interrupts;
use crate::problem::Stop;
use crate::progress::Progress;
use crate::refusal::runtime_problem;

/// Why following stopped.
pub(super) enum Stopped {
    /// The run has ended, or waits for a timer that nobody here waits for.
    AtRest,
    /// It waits for people.
    ForPeople(Vec<TaskRow>),
}

/// What is seen of the run.
pub(super) struct Watch {
    events: EventStream,
    over: bool,
    pub(super) progress: Progress,
    told: Option<Seq>,
    pub(super) interrupts: Interrupts,
    pub(super) interrupted: bool,
}

impl Watch {
    pub(super) fn new(advance: &Advance<'_>) -> Watch {
        Watch {
            events: advance.run.events_from(advance.from),
            over: false,
            progress: Progress::new(Arc::clone(advance.plan.plan()), advance.output),
            told: advance.from.seq(),
            interrupts: Interrupts::listen(),
            interrupted: false,
        }
    }

    pub(super) async fn follow(&mut self, advance: &Advance<'_>) -> Result<Stopped, Stop> {
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
