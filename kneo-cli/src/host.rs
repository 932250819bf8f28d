//! What this program brings to a run: providers, commands, secrets.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kneo::Name;
use kneo::mcp::McpConnector;
use kneo::plan::{CompiledPlan, Plan, Requirement};
use kneo::provider::{DummyProvider, ScriptError, ScriptedProvider};
use kneo::seal::{PlanVerifier, SealVerifier};
use kneo::store::{RunRow, Store};
use kneo::tool::command::CommandTools;
use kneo::{BindError, PreflightProblem, Runtime, RuntimeBuilder};

use crate::input::file_problem;
use crate::models;
use crate::problem::Problem;
use crate::project::{Config, McpConfig, Project, ProviderConfig};
use crate::refusal::runtime_problem;
use crate::remedy;
use crate::secrets::Variables;
use crate::servers;
use crate::store_place::cannot_open;
use crate::trust::TrustArgs;

/// The options that say what a run finds on this machine.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct HostArgs {
    /// Replies for the provider `scripted`
    #[arg(long, value_name = "FILE")]
    models: Option<PathBuf>,

    /// The folder in which commands run [default: the spec's]
    #[arg(long, value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    workdir: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// What a run finds on this machine. A run carries it as labels, so that whoever resumes it need not know.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    workdir: PathBuf,
    models: Option<PathBuf>,
    providers: Vec<(String, ProviderConfig)>,
    variables: Variables,
    mcp: McpConfig,
    verifier: Option<Arc<SealVerifier>>,
}

const WORKDIR: &str = "kneo.workdir";
const MODELS: &str = "kneo.models";

impl Host {
    /// For a run of a spec in a file.
    pub(crate) fn of_spec(args: &HostArgs, spec: &Path) -> Result<Host, Problem> {
        let beside = spec.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Host::at(args, beside, None)
    }

    /// For a run that exists.
    pub(crate) fn of_run(args: &HostArgs, row: &RunRow) -> Result<Host, Problem> {
        let label =
            |wanted: &str| row.labels.iter().find(|(name, _)| *name == wanted).map(|(_, value)| Path::new(&**value));
        Host::at(args, label(WORKDIR).unwrap_or(Path::new(".")), label(MODELS))
    }

    fn at(args: &HostArgs, workdir: &Path, models: Option<&Path>) -> Result<Host, Problem> {
        let workdir = args.workdir.as_deref().unwrap_or(workdir);
        let models = args.models.as_deref().or(models);
        let workdir = workdir.canonicalize().map_err(|error| {
            Problem::new("workdir_invalid", format!("commands cannot run in `{}`: {error}", workdir.display()))
        })?;
        let models = models.map(|path| path.canonicalize().map_err(|error| file_problem("the replies", path, &error)));
        let Config { providers, secrets, mcp } = Project::of(&workdir).config()?;
        let (providers, variables) = (providers.into_iter().collect(), Variables::new(secrets));
        Ok(Host { workdir, models: models.transpose()?, providers, variables, mcp, verifier: None })
    }

    /// The same place, where only those plans run that somebody vouches for.
    pub(crate) fn verifying(self, verifier: Option<SealVerifier>) -> Host {
        Host { verifier: verifier.map(Arc::new), ..self }
    }

    /// The labels by which [`Host::of_run`] finds the same place again.
    pub(crate) fn labels(&self) -> Vec<(&'static str, String)> {
        let models = self.models.iter().map(|path| (MODELS, path.display().to_string()));
        [(WORKDIR, self.workdir.display().to_string())].into_iter().chain(models).collect()
    }

    /// A runtime with all of it, which advances only the runs that it is asked for.
    pub(crate) fn runtime(&self, store: Arc<dyn Store>) -> Result<Hosted, Problem> {
        let servers = servers::connector(&self.workdir, &self.mcp)?;
        let runtime = build(self.builder(store, servers.clone())?.on_request())?;
        Ok(Hosted { runtime, servers: Some(servers) })
    }

    /// A runtime that starts runs for others, and needs nothing of it.
    pub(crate) fn starter(&self, store: Arc<dyn Store>) -> Result<Hosted, Problem> {
        let runtime = build(self.verified(Runtime::builder().store(store)).client_only())?;
        Ok(Hosted { runtime, servers: None })
    }

    /// A runtime with all of it, which advances nothing.
    pub(crate) fn client(&self, store: Arc<dyn Store>) -> Result<Hosted, Problem> {
        let servers = servers::connector(&self.workdir, &self.mcp)?;
        let runtime = build(self.builder(store, servers.clone())?.client_only())?;
        Ok(Hosted { runtime, servers: Some(servers) })
    }

    /// Checks what a plan needs: everything that is missing is said at once, and before anything is written.
    pub(crate) fn check(&self, runtime: &Runtime, plan: &Arc<CompiledPlan>) -> Result<(), Problem> {
        Host::bind(runtime, plan)?;
        self.has_secrets(plan)
    }

    /// Checks what must be registered or installed.
    pub(crate) fn bind(runtime: &Runtime, plan: &Arc<CompiledPlan>) -> Result<(), Problem> {
        runtime.bind(plan).map_err(|error| lacking(&error))
    }

    /// Checks that every secret is there.
    pub(crate) fn has_secrets(&self, plan: &Arc<CompiledPlan>) -> Result<(), Problem> {
        self.variables.check(self.secrets(plan.plan()))
    }

    fn verified(&self, builder: RuntimeBuilder) -> RuntimeBuilder {
        match &self.verifier {
            Some(verifier) => builder.plan_verifier(Arc::clone(verifier) as Arc<dyn PlanVerifier>),
            None => builder,
        }
    }

    /// What it lacks to run a plan.
    pub(crate) fn lacks(&self, store: Arc<dyn Store>, plan: &Arc<CompiledPlan>) -> Vec<String> {
        let bound = match self.client(store) {
            Ok(hosted) => hosted.runtime.bind(plan),
            Err(problem) => return vec![format!("what it runs with: {}", problem.message)],
        };
        let mut lacks = Vec::new();
        if let Err(error) = bound {
            lacks.extend(error.missing.iter().map(ToString::to_string));
            let refused = error.refused.iter();
            lacks.extend(
                refused.map(|(name, error)| format!("`{name}`: {}", remedy::worded(&error.code, &error.to_string()))),
            );
            lacks.extend(error.schema.iter().map(|(_, error)| format!("a schema that can be used: {error}")));
        }
        lacks.extend(
            self.variables.missing(self.secrets(plan.plan())).into_iter().map(|name| format!("secret `{name}`")),
        );
        lacks
    }

    /// The secrets that runs of a plan need: those that it refers to, and the keys of the models that it uses.
    fn secrets(&self, plan: &Plan) -> BTreeSet<Name> {
        let own = plan.agents.iter().filter_map(|agent| {
            let configured = self.providers.iter().find(|(name, _)| *name == *agent.model.provider.as_str());
            let key = match configured {
                Some((_, config)) => config.api_key_ref.as_deref()?,
                None if agent.model.provider == *models::OPENAI => models::OPENAI_KEY,
                None => return None,
            };
            // A spec that names another address or key does not use this one.
            let says = |field| agent.model.extra.as_ref().is_some_and(|extra| extra.get(field).is_some());
            if says("base_url") || says("api_key_ref") { None } else { Name::new(key).ok() }
        });
        plan.secrets().chain(own).collect()
    }

    fn builder(&self, store: Arc<dyn Store>, servers: McpConnector) -> Result<RuntimeBuilder, Problem> {
        let commands = CommandTools::builder(&self.workdir)
            .build()
            .map_err(|error| Problem::new("workdir_invalid", error.to_string()))?;
        let mut builder = Runtime::builder()
            .store(store)
            .secrets(self.variables.source())
            .provider("dummy", Arc::new(DummyProvider::new()))
            .commands(Arc::new(commands))
            .mcp(Arc::new(servers));
        if let Some(path) = &self.models {
            builder = builder.provider("scripted", Arc::new(scripted(path)?));
        }
        for (name, config) in &self.providers {
            builder = builder.provider(name.as_str(), Arc::new(models::configured(name, config)?));
        }
        if !self.providers.iter().any(|(name, _)| name == models::OPENAI) {
            builder = builder.provider(models::OPENAI, Arc::new(models::hosted()?));
        }
        Ok(self.verified(builder))
    }
}

/// A runtime, and the servers of tools that it starts.
pub(crate) struct Hosted {
    runtime: Runtime,
    servers: Option<McpConnector>,
}

impl Hosted {
    /// Does something with the runtime, and ends it all whatever comes of that: the runtime, then the servers, which get
    /// the time to end by themselves.
    pub(crate) async fn lend<T>(self, work: impl AsyncFnOnce(&Runtime) -> T) -> T {
        let done = work(&self.runtime).await;
        self.runtime.shutdown().await;
        if let Some(servers) = &self.servers {
            servers.close().await;
        }
        done
    }
}

/// What this program lacks to get a run on that has not ended.
pub(crate) fn lacks(args: &HostArgs, row: &RunRow, store: &Arc<dyn Store>, plan: &Arc<CompiledPlan>) -> Vec<String> {
    if row.status.is_terminal() {
        return Vec::new();
    }
    match Host::of_run(args, row) {
        Ok(host) => host.lacks(Arc::clone(store), plan),
        Err(problem) => vec![format!("what it runs with: {}", problem.message)],
    }
}

/// A runtime that looks, starts and decides, and runs nothing.
pub(crate) fn client(store: Arc<dyn Store>) -> Result<Runtime, Problem> {
    build(Runtime::builder().store(store).client_only())
}

/// Whether a runtime lets a plan start that somebody vouches for: a later one of its workflow may have run.
pub(crate) async fn may_start(runtime: &Runtime, plan: &Arc<CompiledPlan>) -> Result<(), Problem> {
    let Err(error) = runtime.preflight(plan).await else { return Ok(()) };
    let refused = error.problems.into_iter().find_map(|problem| match problem {
        PreflightProblem::Unverified(error) => Some(runtime_problem(error)),
        PreflightProblem::Store(error) => Some(cannot_open(&error)),
        // They are looked at by themselves.
        _ => None,
    });
    refused.map_or(Ok(()), Err)
}

/// The problem of a plan that needs more than there is.
pub(crate) fn lacking(error: &BindError) -> Problem {
    let message =
        error.refused.iter().fold(error.to_string(), |message, (_, refused)| remedy::worded(&refused.code, &message));
    let problem = Problem::new(error.code(), message);
    match (error.missing.as_slice(), error.refused.is_empty()) {
        ([], false) => {
            let refused = error.refused.first().map(|(_, refused)| refused);
            match refused.and_then(|refused| remedy::help(&refused.code, &refused.message)) {
                Some(help) => problem.with_help(help),
                None => problem,
            }
        }
        ([Requirement::Provider(name)], true) if *name == "scripted" => {
            problem.with_help("give the replies of its models with `--models FILE`")
        }
        _ => problem,
    }
}

fn build(builder: RuntimeBuilder) -> Result<Runtime, Problem> {
    builder.build().map_err(|error| Problem::new(error.code(), error.to_string()))
}

fn scripted(path: &Path) -> Result<ScriptedProvider, Problem> {
    ScriptedProvider::from_file(path).map_err(|error| {
        let text = error.to_string();
        match error {
            ScriptError::File { .. } => Problem::new("file_unreadable", text),
            _ => Problem::new("models_invalid", text).with_help("`kneo explain models_invalid` shows the format"),
        }
    })
}
