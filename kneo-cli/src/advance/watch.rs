//! Follows a run to the next point at which this process has nothing to wait for.

use std::sync::Arc;

use kneo::task::TaskRow;
use kneo::{Cursor, EventStream, Outcome, RunEvent, RuntimeError, Seq};

use super::Advance;
use super::flight::Flight;
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
    flight: Flight,
    seen: Option<Seq>,
    pub(super) interrupts: Interrupts,
    pub(super) interrupted: bool,
}

impl Watch {
    pub(super) fn new(advance: &Advance<'_>) -> Watch {
        Watch {
            // What was told before says what is in flight, and how things are called.
            events: advance.run.events_from(Cursor::START),
            over: false,
            progress: Progress::new(Arc::clone(advance.plan.plan()), advance.output),
            flight: Flight::default(),
            seen: None,
            interrupts: Interrupts::listen(),
            interrupted: false,
        }
    }

    pub(super) async fn follow(&mut self, advance: &Advance<'_>) -> Result<Stopped, Stop> {
        let outcome = {
            let mut waiting = std::pin::pin!(advance.run.wait());
            loop {
                tokio::select! {
                    outcome = &mut waiting => break outcome.map_err(runtime_problem)?,
                    event = self.events.next(), if !self.over => {
                        self.take(advance, event)?;
                        if !advance.timers && self.flight.is_at_rest()
                            && let Some(stopped) = self.at_rest(advance).await?
                        {
                            return Ok(stopped);
                        }
                    }
                    () = self.interrupts.next() => self.interrupt(advance).await?,
                }
            }
        };
        // What was committed before the outcome is told before it.
        let tail = advance.run.view().await.map_err(runtime_problem)?.tail;
        while !self.over && self.seen.is_none_or(|seen| seen < tail) {
            let event = self.events.next().await;
            self.take(advance, event)?;
        }
        match outcome {
            Outcome::Blocked(tasks) => Ok(Stopped::ForPeople(tasks)),
            Outcome::Completed(_)
            | Outcome::Failed(_)
            | Outcome::Cancelled
            | Outcome::TimedOut(_)
            | Outcome::Expired(_) => Ok(Stopped::AtRest),
        }
    }

    /// Where following stops if the last event that was seen is the run's last.
    async fn at_rest(&self, advance: &Advance<'_>) -> Result<Option<Stopped>, Stop> {
        let view = advance.run.view().await.map_err(runtime_problem)?;
        Ok(match view.pending.is_empty() {
            _ if self.seen != Some(view.tail) => None,
            true => Some(Stopped::AtRest),
            false => Some(Stopped::ForPeople(view.pending)),
        })
    }

    /// Takes an event in, and tells it unless it was told before.
    fn take(&mut self, advance: &Advance<'_>, event: Option<Result<RunEvent, RuntimeError>>) -> Result<(), Stop> {
        let Some(event) = event.transpose().map_err(runtime_problem)? else {
            self.over = true;
            return Ok(());
        };
        self.seen = Some(event.seq);
        self.flight.take(&event);
        match advance.from.seq().is_some_and(|told| event.seq <= told) {
            true => self.progress.learn(&event),
            false => self.progress.tell(&event),
        }
        Ok(())
    }

    /// Leaves the terminal; what was told, and whether somebody pressed Ctrl-C.
    pub(super) fn leave(mut self) -> (Progress, bool) {
        self.progress.pause();
        (self.progress, self.interrupted)
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
