//! A look at what stands behind a plan: models and servers are asked, and nothing runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use kneo_core::call::{CallContext, CallError};
use kneo_core::plan::{AgentDef, AgentIx, CompiledPlan, Plan, ServerIx, ToolBackingDef, ToolIx};
use kneo_core::provider::{ModelRequest, ToolOffer};
use kneo_core::tool_server::offer_digest;
use kneo_core::{Attempt, Cancel, Digest, Failure, FailureKind, Name, Path, RunId, RunKey};

use crate::bind::Bound;
use crate::driver::caught;
use crate::engine::{accept, model_name, name_of_two, usable};
use crate::error::BindError;
use crate::shared::Shared;

/// What was found out about one model or server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Probe {
    /// What was asked.
    pub subject: ProbeSubject,
    /// Whether runs can use it; a failure says what would keep them from getting on.
    pub result: Result<(), Failure>,
    /// What a server says of its tools, also if the plan cannot use them as they are; `None` of a model, and of a server
    /// that did not answer.
    pub offered: Option<OfferedTools>,
    /// How long the answer took.
    pub took: Duration,
}

/// What a probe asks.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ProbeSubject {
    /// The model of some agents.
    Model {
        /// The provider, by the name under which the host registered it.
        provider: Name,
        /// The model; `None` leaves the choice to the provider.
        model: Option<Arc<str>>,
        /// The agents that use it, in the plan's order.
        agents: Vec<Name>,
    },
    /// A server of tools.
    Server {
        /// The server's name in the plan.
        server: Name,
    },
}

/// What the agents of a plan may use of a server's tools: what `include` and `exclude` leave to those that have the
/// server as a whole, and the tools that the plan declares one by one.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct OfferedTools {
    /// The tools, as the server describes them.
    pub tools: Vec<ToolOffer>,
    /// The digest of that, as `expect_digest` takes it.
    pub digest: Digest,
}

pub(crate) async fn probe(
    shared: &Shared,
    compiled: &Arc<CompiledPlan>,
    patience: Duration,
) -> Result<Vec<Probe>, Arc<BindError>> {
    let bound = shared.plans.bind(compiled)?;
    let plan = compiled.plan();
    let cancel = Cancel::new();
    // A call belongs to a run; this one is of no run that there ever was or will be.
    let run = RunKey::new(shared.namespace.clone(), RunId::new(shared.clock.now(), shared.entropy.id_bytes()));
    let context = CallContext::new(run, Path::root(), Attempt::FIRST, cancel.clone())
        .with_plan(Arc::clone(compiled))
        .with_timeout(Some(patience))
        .with_secrets(bound.secrets().clone());
    let models = models(plan).into_iter().map(|asked| model(&bound, asked, &context, patience).boxed());
    let servers = (0u32..).zip(&plan.servers);
    let servers = servers.map(|(at, _)| server(&bound, plan, ServerIx::new(at), &context, patience).boxed());
    let probes = join_all(models.chain(servers)).await;
    // Whatever an answer left under way ends.
    cancel.cancel();
    let mut probes: Vec<Probe> = probes.into_iter().flatten().collect();
    for agent in &plan.agents {
        refuse_same_names(plan, agent, &mut probes);
    }
    Ok(probes)
}

/// Refuses every server of an agent that offers a tool under a name that another tool of the agent has by then: each of
/// them alone could be used.
fn refuse_same_names(plan: &Plan, agent: &AgentDef, probes: &mut [Probe]) {
    let tools = agent.tools.iter().filter_map(|at| plan.tool(*at));
    let mut names: BTreeSet<String> = tools.map(|tool| tool.name.to_string()).collect();
    for server in agent.servers.iter().filter_map(|at| plan.server(*at)) {
        let is_its =
            |subject: &ProbeSubject| matches!(subject, ProbeSubject::Server { server: of } if *of == server.name);
        let Some(probe) = probes.iter_mut().find(|probe| is_its(&probe.subject)) else { continue };
        let offered = probe.offered.iter().flat_map(|offered| &offered.tools);
        let whole = offered.filter(|tool| server.tools.has(&tool.name)).map(|tool| model_name(server, &tool.name));
        let taken: Vec<String> = whole.filter(|name| !names.insert(name.clone())).collect();
        if let (Some(name), Ok(())) = (taken.first(), &probe.result) {
            probe.result = Err(name_of_two(&agent.name, name));
        }
    }
}

/// The models of a plan, each with the agents that have it.
fn models(plan: &Plan) -> Vec<Asked<'_>> {
    let mut found: Vec<Asked<'_>> = Vec::new();
    for (at, agent) in (0u32..).zip(&plan.agents) {
        match found.iter_mut().find(|asked| asks_alike(asked.first, agent)) {
            Some(asked) => asked.agents.push(agent.name.clone()),
            None => found.push(Asked { at: AgentIx::new(at), first: agent, agents: vec![agent.name.clone()] }),
        }
    }
    found
}

/// A model, and the first of the agents that have it.
struct Asked<'a> {
    at: AgentIx,
    first: &'a AgentDef,
    agents: Vec<Name>,
}

fn asks_alike(one: &AgentDef, other: &AgentDef) -> bool {
    let of = |agent: &AgentDef| (agent.model.provider.clone(), agent.model.name.clone(), agent.model.extra.clone());
    of(one) == of(other)
}

async fn model(
    bound: &Bound,
    Asked { at, first, agents }: Asked<'_>,
    context: &CallContext,
    patience: Duration,
) -> Option<Probe> {
    let provider = bound.provider(at)?;
    let mut request = ModelRequest::new(first.name.to_shared(), 1, Vec::new());
    request.model.clone_from(&first.model.name);
    request.extra.clone_from(&first.model.extra);
    let begun = Instant::now();
    let result = within(patience, FailureKind::Provider, provider.check(&request, context)).await;
    let (provider, model) = (first.model.provider.clone(), first.model.name.clone());
    let subject = ProbeSubject::Model { provider, model, agents };
    Some(Probe { subject, result, offered: None, took: begun.elapsed() })
}

async fn server(bound: &Bound, plan: &Plan, at: ServerIx, context: &CallContext, patience: Duration) -> Option<Probe> {
    let (server, definition) = (bound.server(at)?, plan.server(at)?);
    let begun = Instant::now();
    let answer = within(patience, FailureKind::Tool, server.tools(context)).await;
    let judged = answer.and_then(|all| {
        let fits = uses(plan, at).try_for_each(|(tools, whole)| accept(plan, at, &tools, whole, &all).map(drop));
        let tools = usable(plan, at, &all);
        let digest = offer_digest(&tools).map_err(|error| error.to_failure(FailureKind::Tool))?;
        Ok((fits, OfferedTools { tools, digest }))
    });
    let (result, offered) = match judged {
        Ok((fits, offered)) => (fits, Some(offered)),
        Err(failure) => (Err(failure), None),
    };
    let subject = ProbeSubject::Server { server: definition.name.clone() };
    Some(Probe { subject, result, offered, took: begun.elapsed() })
}

/// The agents that use a server: their tools, and whether they have all of the server's.
fn uses(plan: &Plan, at: ServerIx) -> impl Iterator<Item = (Vec<ToolIx>, bool)> {
    plan.agents.iter().filter_map(move |agent| {
        let whole = agent.servers.contains(&at);
        let of_server = |tool: &ToolIx| {
            let backing = plan.tool(*tool).map(|tool| &tool.backing);
            matches!(backing, Some(ToolBackingDef::Mcp { server, .. }) if *server == at)
        };
        (whole || agent.tools.iter().any(of_server)).then(|| (agent.tools.clone(), whole))
    })
}

/// The answer of the host's code, whatever it does.
async fn within<T>(
    patience: Duration,
    kind: FailureKind,
    call: impl Future<Output = Result<T, CallError>> + Send,
) -> Result<T, Failure> {
    match tokio::time::timeout(patience, caught(kind, call)).await {
        Ok(answer) => answer.map_err(|(failure, _)| failure),
        Err(_) => Err(Failure::new(FailureKind::Timeout, format!("no answer within {patience:?}"))),
    }
}
