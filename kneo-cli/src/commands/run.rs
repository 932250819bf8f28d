//! `kneo run`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgAction;
use kneo::{Admission, Cursor, Resume, RunHandle, RunKey, Runtime, RuntimeError, Start};

use crate::advance::{Advance, Answers};
use crate::blocking::block_on;
use crate::exit::Exit;
use crate::given_file::Given;
use crate::host::{Host, HostArgs};
use crate::input::InputArgs;
use crate::output::Output;
use crate::person::{ByArgs, named};
use crate::places::{self, Places};
use crate::problem::Stop;
use crate::refusal::runtime_problem;
use crate::report::Report;
use crate::store_place::StoreArgs;
use crate::trust::WantedArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The spec, or a bundle that somebody signed
    #[arg(value_name = "SPEC|BUNDLE")]
    spec: PathBuf,

    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    by: ByArgs,

    /// A label by which the run can be found
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label, action = ArgAction::Append)]
    labels: Vec<(String, String)>,

    /// Start once: the same start under the same key gives the run of the first
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,

    /// Approve, in this name, whatever the run asks that can be approved
    #[arg(long, value_name = "NAME", conflicts_with_all = ["detach"])]
    approve_as: Option<String>,

    /// Wait for nothing but calls in flight: no timer, no other worker
    #[arg(long, conflicts_with = "detach")]
    no_wait: bool,

    /// Only start the run, and leave it to others
    #[arg(long)]
    detach: bool,

    #[command(flatten)]
    host: HostArgs,

    #[command(flatten)]
    wanted: WantedArgs,

    #[command(flatten)]
    store: StoreArgs,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let again = self.store.again();
        block_on(self.start(output)).map_err(|stop| stop.in_store(&again))
    }

    async fn start(self, output: Output) -> Result<Exit, Stop> {
        let trusted = self.host.trust.find()?;
        let plan = Given::read(&self.spec, &trusted, &self.wanted)?.plan(output)?;
        let verifier = trusted.for_start(&self.spec, &plan)?;
        let host = Host::of_spec(&self.host, &self.spec)?.verifying(verifier);
        let input = self.input.read(plan.plan())?;
        let by = self.by.actor()?;
        let approve_as = self.approve_as.as_deref().map(named).transpose()?;
        let answers = Answers::new(output, &by, approve_as);

        let store = self.store.open_or_make().await?;
        let hosted = if self.detach { host.starter(store)? } else { host.runtime(store)? };
        let mut start = Start::new(input);
        if let Some(name) = by.name() {
            start = start.by(name.as_str());
        }
        for (name, value) in host.labels() {
            start = start.label(name, value);
        }
        for (name, value) in &self.labels {
            start = start.label(name, value.as_str());
        }
        if let Some(key) = &self.idempotency_key {
            start = start.idempotency_key(key);
        }
        let work = async |runtime: &Runtime| {
            if !self.detach {
                host.check(runtime, &plan)?;
            }
            let started = runtime.start(&plan, start).await;
            let run = started.map_err(|error| self.input.or_missing(plan.plan(), runtime_problem(error)))?;
            let key = RunKey::new(runtime.namespace().clone(), run.id());
            let from = match run.admission() {
                // What was told then is not told again.
                Admission::StartedBefore => {
                    let row = places::row(runtime.store(), &key).await?;
                    output.note(&format!("{} {} was started before, at {}", run.id(), row.workflow, row.started_at));
                    Cursor::after(row.tail)
                }
                _ => {
                    output.note(&format!("{} {}", run.id(), plan.plan().name));
                    Cursor::START
                }
            };
            if self.detach {
                let lacks = host.lacks(Arc::clone(runtime.store()), &plan);
                let report = Report::of(runtime, &key).await?.lacking(lacks);
                report.write(&Places::of_plan(run.id(), &plan), &self.store.again(), output)?;
                return Ok(Exit::Done);
            }
            let run = taken(runtime, run, !self.no_wait).await?;
            let advance = Advance {
                runtime,
                plan: &plan,
                run,
                from,
                timers: !self.no_wait,
                answers,
                by,
                store_again: self.store.again(),
                output,
            };
            advance.finish().await
        };
        hosted.lend(work).await
    }
}

/// Takes a run in hand that an earlier start under the same key made; any other is in hand already.
async fn taken(runtime: &Runtime, run: RunHandle, wait: bool) -> Result<RunHandle, Stop> {
    if run.admission() == Admission::Claimed {
        return Ok(run);
    }
    let resume = Resume::new(run.id());
    match runtime.resume(if wait { resume } else { resume.patience(Duration::ZERO) }).await {
        Ok(run) => Ok(run),
        // It is over: there is nothing to do but to report it.
        Err(RuntimeError::InvalidState { .. }) => Ok(run),
        Err(error) => Err(runtime_problem(error).into()),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as `NAME=VALUE`".to_owned()),
    }
}
