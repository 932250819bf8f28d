//! `kneo doctor`.

mod check;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kneo::Runtime;
use kneo::plan::CompiledPlan;
use kneo::store::{MemoryStore, Store};

use crate::blocking::block_on;
use crate::exit::Exit;
use crate::given_file::Given;
use crate::host::{self, Host, HostArgs};
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::project::Project;
use crate::store_place::StoreArgs;
use crate::trust::{Trusted, WantedArgs};
use crate::{models, servers};
use check::{Check, Report};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The specs or bundles; without any only the project and its store are looked at
    specs: Vec<PathBuf>,

    /// Ask no model server and no server of tools
    #[arg(long)]
    offline: bool,

    /// How long each of them may take to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    patience: u64,

    #[command(flatten)]
    host: HostArgs,

    #[command(flatten)]
    store: StoreArgs,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        block_on(self.look(output))
    }

    async fn look(self, output: Output) -> Result<Exit, Stop> {
        let mut report = Report::new(output);
        let project = Project::here()?;
        report.add(Check::of("settings", settings(&project)));
        let (store, opened) = self.store().await;
        report.add(opened);
        let trusted = match self.host.trust.find() {
            Ok(trusted) => trusted,
            Err(problem) => {
                // What nobody can verify is not looked at any further.
                report.add(Check::of("keys of bundles", Err(problem)));
                return report.finish();
            }
        };
        if trusted.is_asked_for() {
            report.add(Check::of("keys of bundles", Ok(trusted.to_string())));
        }
        for spec in &self.specs {
            self.spec(spec, &trusted, &store, &mut report, output).await;
        }
        report.finish()
    }

    /// The store if there is one; looking makes none.
    async fn store(&self) -> (Arc<dyn Store>, Check) {
        let nowhere = || Arc::new(MemoryStore::default());
        let path = match self.store.path() {
            Ok(path) => path,
            Err(problem) => return (nowhere(), Check::of("store", Err(problem))),
        };
        if !path.exists() {
            let found = format!("none yet: a run makes `{}`", path.display());
            return (nowhere(), Check::of("store", Ok(found)));
        }
        match self.store.open().await {
            Ok(store) => (store, Check::of("store", Ok(path.display().to_string()))),
            Err(problem) => (nowhere(), Check::of("store", Err(problem))),
        }
    }

    async fn spec(&self, path: &Path, trusted: &Trusted, store: &Arc<dyn Store>, report: &mut Report, output: Output) {
        let name = path.display().to_string();
        let given = Given::read(path, trusted, &WantedArgs::default()).and_then(|given| given.plan(output));
        let plan = given.and_then(|plan| Ok((trusted.for_start(path, &plan)?, plan)));
        let (verifier, plan) = match plan {
            Ok(plan) => plan,
            Err(problem) => return report.add(Check::of(&name, Err(problem))),
        };
        let found = match plan.seal().map(|seal| seal.claim()) {
            Some(claim) => {
                format!("verified: `{}` of sequence {}, signed with `{}`", claim.workflow, claim.sequence, claim.key)
            }
            None => format!("compiles: `{}`", plan.plan().name),
        };
        report.add(Check::of(&name, Ok(found)));
        let lacks = match Host::of_spec(&self.host, path).map(|host| host.verifying(verifier)) {
            Ok(host) => self.needs(&name, &host, &plan, store, report).await,
            Err(problem) => Err(problem),
        };
        // What the settings say wrong keeps every spec from being looked at, and is said once.
        if let Err(problem) = lacks
            && !report.has_said(&problem)
        {
            report.add(Check::of(&name, Err(problem)));
        }
    }

    /// What the plan needs of this machine, and whether what it names answers.
    async fn needs(
        &self,
        spec: &str,
        host: &Host,
        plan: &Arc<CompiledPlan>,
        store: &Arc<dyn Store>,
        report: &mut Report,
    ) -> Result<(), Problem> {
        let hosted = host.client(Arc::clone(store))?;
        let work = async |runtime: &Runtime| {
            let (bound, secrets) = (Host::bind(runtime, plan), host.has_secrets(plan));
            let ready = bound.is_ok() && secrets.is_ok() && !self.offline;
            let found = |found: Result<(), Problem>| found.map(|()| "all are there".to_owned());
            report.add(Check::of(&format!("{spec}: what it calls"), found(bound)));
            report.add(Check::of(&format!("{spec}: secrets"), found(secrets)));
            if plan.seal().is_some() {
                let may = host::may_start(runtime, plan).await.map(|()| "no later one has run here".to_owned());
                report.add(Check::of(&format!("{spec}: whether it may start"), may));
            }
            if !ready {
                return Ok(());
            }
            let probes = runtime.probe(plan, Duration::from_secs(self.patience)).await;
            for probe in probes.map_err(|error| host::lacking(&error))? {
                report.add(Check::of_probe(spec, probe));
            }
            Ok(())
        };
        hosted.lend(work).await
    }
}

/// Whether a project's settings mean something.
fn settings(project: &Project) -> Result<String, Problem> {
    let config = project.config()?;
    for (name, provider) in &config.providers {
        models::configured(name, provider)?;
    }
    servers::connector(Path::new("."), &config.mcp)?;
    Ok(match project.config_file() {
        file if file.exists() => file.display().to_string(),
        _ => "none, which is fine".to_owned(),
    })
}
