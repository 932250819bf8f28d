//! A look at the models and servers of a plan before a run needs them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kneo_core::Value;
use kneo_core::call::{CallContext, CallError};
use kneo_core::message::Message;
use kneo_core::plan::{CompiledPlan, Plan, ServerIx};
use kneo_core::provider::{ModelAnswer, ModelRequest, Provider, ToolOffer};
use kneo_runtime::testkit::{ScriptedServer, ScriptedServers};
use kneo_runtime::{Probe, ProbeSubject, Runtime};

use kneo_store::MemoryStore;

use super::support::*;

const PATIENCE: Duration = Duration::from_secs(5);

/// Knows some models, by what a check says of them; it must not be asked anything else.
#[derive(Debug)]
struct Models;

#[async_trait]
impl Provider for Models {
    async fn generate(&self, _: &ModelRequest, _: &CallContext) -> Result<ModelAnswer, CallError> {
        panic!("a probe asks no model anything");
    }

    async fn check(&self, request: &ModelRequest, context: &CallContext) -> Result<(), CallError> {
        assert!(request.messages == Vec::<Arc<Message>>::new() && context.timeout == Some(PATIENCE));
        match request.model.as_deref() {
            Some("small") => Ok(()),
            Some("slow") => std::future::pending().await,
            Some("broken") => panic!("no"),
            other => Err(CallError::fatal("provider_model_not_found", format!("there is no model {other:?}"))),
        }
    }
}

fn offer(name: &str) -> ToolOffer {
    ToolOffer::new(name, format!("Does {name}."), Value::from_json_text(r#"{"type": "object"}"#).unwrap())
}

fn files() -> ScriptedServer {
    let panics = |_, _| async { panic!("a probe runs no tool") };
    ScriptedServer::new().tool(offer("read"), panics).tool(offer("erase"), panics)
}

/// Agents with these models; the first has the server `files`.
fn with_models(models: &[&str], change: impl FnOnce(&mut Plan)) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let server = plan.server("files");
    let agents: Vec<_> = (0..models.len()).map(|at| plan.agent(&format!("clerk-{at}"), "model", vec![])).collect();
    plan.edit(|plan| {
        plan.agents[0].servers = vec![server];
        for (agent, model) in plan.agents.iter_mut().zip(models) {
            agent.model.name = Some(Arc::from(*model));
        }
        change(plan);
    });
    let root = plan.scope("main", |scope| {
        for (at, agent) in agents.into_iter().enumerate() {
            scope.agent(&format!("ask-{at}"), agent);
        }
    });
    plan.build(root).unwrap()
}

fn host() -> (Runtime, Arc<ScriptedServer>) {
    let server = Arc::new(files());
    let servers = ScriptedServers::new().server(name("files"), Arc::clone(&server));
    let builder = Runtime::builder()
        .store(Arc::new(MemoryStore::default()))
        .provider("model", Arc::new(Models))
        .mcp(Arc::new(servers));
    (builder.client_only().build().unwrap(), server)
}

fn code(probe: &Probe) -> Option<&str> {
    probe.result.as_ref().err().map(|failure| failure.code.as_deref().unwrap_or(failure.kind.as_str()))
}

#[tokio::test]
async fn models_and_servers_are_asked_once_each_and_nothing_runs() {
    let (runtime, server) = host();
    let plan = with_models(&["small", "huge", "small"], |plan| {
        plan.servers[0].tools.exclude = vec![Arc::from("erase")];
    });
    let probes = runtime.probe(&plan, PATIENCE).await.unwrap();
    let subjects: Vec<&ProbeSubject> = probes.iter().map(|probe| &probe.subject).collect();
    let model = |model: &str, agents: &[&str]| ProbeSubject::Model {
        provider: name("model"),
        model: Some(Arc::from(model)),
        agents: agents.iter().map(|agent| name(agent)).collect(),
    };
    let files = ProbeSubject::Server { server: name("files") };
    assert_eq!(subjects, [&model("small", &["clerk-0", "clerk-2"]), &model("huge", &["clerk-1"]), &files]);
    assert_eq!(probes[0].result, Ok(()));
    assert_eq!(code(&probes[1]), Some("provider_model_not_found"));
    let offered = probes[2].offered.as_ref().unwrap();
    assert_eq!((&probes[2].result, &offered.tools), (&Ok(()), &vec![offer("read")]));
    assert_eq!(offered.digest, kneo_core::tool_server::offer_digest(&[offer("read")]).unwrap());
    assert_eq!(probes[0].offered, None);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn what_a_server_says_is_held_against_the_plan() {
    let (runtime, server) = host();
    let expect = |plan: &mut Plan| {
        let all = [offer("read"), offer("erase")];
        plan.servers[0].tools.expect_digest = Some(kneo_core::tool_server::offer_digest(&all).unwrap());
    };
    let plan = with_models(&["small"], expect);
    let probes = runtime.probe(&plan, PATIENCE).await.unwrap();
    assert_eq!(code(&probes[1]), None, "{probes:?}");
    server.change(|offers| offers[0].description = "Does read, and tells everybody.".into());
    let probes = runtime.probe(&plan, PATIENCE).await.unwrap();
    assert_eq!(code(&probes[1]), Some("mcp_tools_changed"), "{probes:?}");
    // What it says now is there to be read.
    let offered = probes[1].offered.as_ref().unwrap();
    assert_eq!(&*offered.tools[0].description, "Does read, and tells everybody.");
    let message = &probes[1].result.as_ref().unwrap_err().message;
    assert!(message.contains(&offered.digest.to_string()), "{message}");
}

/// Each server alone could be used.
#[tokio::test]
async fn a_name_that_two_tools_of_an_agent_have_is_told_of_the_second() {
    let server = Arc::new(files());
    let servers = ScriptedServers::new().server(name("files"), Arc::clone(&server)).server(name("more"), server);
    let builder = Runtime::builder().store(Arc::new(MemoryStore::default())).provider("model", Arc::new(Models));
    let runtime = builder.mcp(Arc::new(servers)).client_only().build().unwrap();
    let more = |change: fn(&mut Plan)| {
        with_models(&["small", "small"], move |plan| {
            let mut more = plan.servers[0].clone();
            more.name = name("more");
            plan.servers.push(more);
            plan.agents[0].servers.push(ServerIx::new(1));
            change(plan);
        })
    };
    let codes = async |plan: Arc<CompiledPlan>| {
        let probes = runtime.probe(&plan, PATIENCE).await.unwrap();
        probes.iter().map(|probe| code(probe).unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(more(|_| {})).await, ["", "", "tool_name_of_two"]);
    // A prefix, other tools or another agent: no name is there twice.
    assert_eq!(codes(more(|plan| plan.servers[1].tools.prefix = Some("more_".into()))).await, ["", "", ""]);
    let apart = |plan: &mut Plan| {
        plan.servers[0].tools.include = Some(vec!["read".into()]);
        plan.servers[1].tools.exclude = vec!["read".into()];
    };
    assert_eq!(codes(more(apart)).await, ["", "", ""]);
    let other = |plan: &mut Plan| plan.agents[1].servers = plan.agents[0].servers.split_off(1);
    assert_eq!(codes(more(other)).await, ["", "", ""]);
}

#[tokio::test(start_paused = true)]
async fn models_that_hang_or_panic_are_told() {
    let (runtime, _) = host();
    let probes = runtime.probe(&with_models(&["slow", "broken"], |_| {}), PATIENCE).await.unwrap();
    assert_eq!([code(&probes[0]), code(&probes[1])], [Some("timeout"), Some("provider_panicked")], "{probes:?}");
}

#[tokio::test]
async fn nothing_is_asked_where_something_is_missing() {
    let runtime = Runtime::builder().store(Arc::new(MemoryStore::default())).client_only().build().unwrap();
    let error = runtime.probe(&with_models(&["small"], |_| {}), PATIENCE).await.unwrap_err();
    assert_eq!(error.missing.len(), 2, "{error}");
}
