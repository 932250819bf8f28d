//! Takes a run into this process's hands, and follows it.

use std::sync::Arc;

use kneo::plan::CompiledPlan;
use kneo::store::{RunRow, Store};
use kneo::{Actor, Cursor, Resume};

use crate::advance::{Advance, Answers, runtime_problem};
use crate::exit::Exit;
use crate::host::{self, Host, HostArgs};
use crate::output::Output;
use crate::places;
use crate::problem::Stop;

/// A run that was left somewhere.
pub(crate) struct Resumption<'a> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) row: RunRow,
    pub(crate) host: &'a HostArgs,
    pub(crate) timers: bool,
    pub(crate) by: Actor,
    pub(crate) store_again: String,
    pub(crate) output: Output,
}

impl Resumption<'_> {
    /// Resumes the run; waits, and says so, for a worker that is really alive.
    pub(crate) async fn run(self) -> Result<Exit, Stop> {
        let run = self.row.key.run;
        let plan: Arc<CompiledPlan> = places::plan(&self.store, &self.row).await?;
        let runtime = Host::of_run(self.host, &self.row)?.runtime(self.store)?;
        if !self.row.status.is_terminal() && !self.row.cancel_requested {
            host::check(&runtime, &plan)?;
        }
        let output = self.output;
        let resume = Resume::new(run).on_wait(move |waiting| {
            output.note(&format!("{run} is held by {} until {}; waiting", waiting.holder, waiting.until));
        });
        let handle = runtime.resume(resume).await.map_err(runtime_problem)?;
        let advance = Advance {
            runtime: &runtime,
            plan: &plan,
            run: handle,
            from: Cursor::after(self.row.tail),
            timers: self.timers,
            answers: Answers::terminal(output, &self.by),
            by: self.by,
            store_again: self.store_again,
            output,
        };
        advance.finish().await
    }
}
