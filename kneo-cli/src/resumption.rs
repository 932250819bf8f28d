//! Takes a run into this process's hands, and follows it.

use std::sync::Arc;
use std::time::Duration;

use kneo::plan::CompiledPlan;
use kneo::store::{RunRow, Store};
use kneo::{Actor, Cursor, Resume, Runtime, RuntimeError};

use crate::advance::{Advance, Answers};
use crate::exit::Exit;
use crate::host::{Host, HostArgs};
use crate::output::Output;
use crate::places::{self, Places};
use crate::problem::Stop;
use crate::refusal::runtime_problem;
use crate::report::Report;

/// A run that was left somewhere.
pub(crate) struct Resumption<'a> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) row: RunRow,
    pub(crate) host: &'a HostArgs,
    pub(crate) timers: bool,
    /// What to do about another worker that is really alive.
    pub(crate) held: Held,
    pub(crate) by: Actor,
    pub(crate) store_again: String,
    pub(crate) output: Output,
}

/// What to do about a run that another worker holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Wait for it, and say so.
    Wait,
    /// Leave it there: it is in good hands.
    Leave,
}

impl Resumption<'_> {
    /// Resumes the run, and follows it.
    pub(crate) async fn run(self) -> Result<Exit, Stop> {
        let run = self.row.key.run;
        let plan: Arc<CompiledPlan> = places::plan(&self.store, &self.row).await?;
        // What only ends needs nothing, and nobody to vouch for it.
        let goes_on = !self.row.status.is_terminal() && !self.row.cancel_requested;
        let verifier = match goes_on {
            true => self.host.trust.find()?.of_run(&self.store, &self.row).await?,
            false => None,
        };
        let host = Host::of_run(self.host, &self.row)?.verifying(verifier);
        let hosted = host.runtime(self.store)?;
        let work = async |runtime: &Runtime| {
            if goes_on {
                host.check(runtime, &plan)?;
            }
            let output = self.output;
            let resume = match self.held {
                Held::Leave => Resume::new(run).patience(Duration::ZERO),
                // Whoever waits for no timer waits for no other worker either.
                Held::Wait if !self.timers => Resume::new(run).patience(Duration::ZERO),
                Held::Wait => Resume::new(run).on_wait(move |waiting| {
                    output.note(&format!("{run} is held by {} until {}; waiting", waiting.holder, waiting.until));
                }),
            };
            let handle = match runtime.resume(resume).await {
                Err(RuntimeError::Held { holder, .. }) if self.held == Held::Leave => {
                    output.note(&format!("{run} goes on in {holder}"));
                    let report = Report::of(runtime, &self.row.key).await?;
                    report.write(&Places::of_plan(run, &plan), &self.store_again, output)?;
                    return Ok(Exit::Done);
                }
                resumed => resumed.map_err(runtime_problem)?,
            };
            let advance = Advance {
                runtime,
                plan: &plan,
                run: handle,
                from: Cursor::after(self.row.tail),
                timers: self.timers,
                answers: Answers::new(output, &self.by, None),
                by: self.by,
                store_again: self.store_again,
                output,
            };
            advance.finish().await
        };
        hosted.lend(work).await
    }
}
