//! Tools that servers offer: found out once and journaled, checked, called.

use std::sync::Arc;
use std::time::Duration;

use kneo_core::call::CallError;
use kneo_core::message::Part;
use kneo_core::plan::{
    Approval, CompiledPlan, Effect, OnUncertain, Plan, ServerIx, Strategy, ToolBackingDef, ToolDef, ToolIx,
};
use kneo_core::provider::{ModelRequest, ToolOffer};
use kneo_core::task::{Decision, TaskCause};
use kneo_core::tool_server::offer_digest;
use kneo_core::{FailureKind, Payload, Value};
use kneo_runtime::testkit::{ScriptedModel, ScriptedServer, ScriptedServers, answer, asks_for};
use kneo_runtime::{RuntimeBuilder, RuntimeError, Start};

use super::support::*;

fn schema(text: &str) -> Value {
    Value::from_json_text(text).unwrap()
}

fn offer(name: &str) -> ToolOffer {
    let wants_path = r#"{"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}"#;
    ToolOffer::new(name, format!("Does {name}."), schema(wants_path))
}

/// A server with the tools `read` and `docs/list`, which give what they are asked with.
fn files() -> ScriptedServer {
    let says = |what: &'static str| move |arguments: Value, _| async move { Ok(map([(what, arguments)])) };
    ScriptedServer::new().tool(offer("read"), says("read")).tool(offer("docs/list"), says("list"))
}

/// An agent with the whole server `files`.
fn with_server(change: impl FnOnce(&mut Plan)) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let server = plan.server("files");
    let agent = plan.agent("clerk", "model", vec![]);
    plan.edit(|plan| {
        plan.agents[0].strategy = Strategy::React { max_iterations: 5.try_into().unwrap() };
        plan.agents[0].servers = vec![server];
        change(plan);
    });
    let root = plan.scope("main", |scope| {
        scope.agent("ask", agent);
    });
    plan.build(root).unwrap()
}

/// Calls a tool once with `{path: "a"}`, then says what it got.
fn calls(tool: &'static str) -> ScriptedModel {
    ScriptedModel::new(move |request: &ModelRequest| match request.messages.last().map(|last| last.parts.as_slice()) {
        Some([Part::ToolResult(result)]) => {
            Ok(answer(&format!("{}: {}", if result.is_error { "error" } else { "ok" }, result.content.to_text())))
        }
        _ => Ok(asks_for([(tool, map([("path", Value::from("a"))]))])),
    })
}

fn host(builder: RuntimeBuilder, server: &Arc<ScriptedServer>, model: ScriptedModel) -> RuntimeBuilder {
    let servers = ScriptedServers::new().server(name("files"), Arc::clone(server));
    builder.mcp(Arc::new(servers)).provider("model", Arc::new(model))
}

#[tokio::test(start_paused = true)]
async fn an_agent_uses_the_tools_of_a_server() {
    let harness = harness();
    let server = Arc::new(files());
    let runtime = build(host(harness.builder(), &server, calls("docs_list")));
    let run = runtime.start(&with_server(|_| ()), Start::new("go")).await.unwrap();
    assert_eq!(completed(&run).await, Value::from(r#"ok: {"list":{"path":"a"}}"#));
    assert_eq!(server.asked(), 1);
    let kinds = kinds(&harness.journal(run.id()).await.unwrap());
    let effects = kinds.iter().filter(|kind| **kind == "effect_intended").count();
    // The question to the server, two turns and one call.
    assert_eq!(effects, 4);
}

#[tokio::test(start_paused = true)]
async fn a_model_sees_what_include_exclude_and_prefix_leave() {
    let see = |change: fn(&mut Plan)| async move {
        let harness = harness();
        let model = ScriptedModel::new(|request: &ModelRequest| {
            let names: Vec<&str> = request.tools.iter().map(|tool| &*tool.name).collect();
            Ok(answer(&names.join(" ")))
        });
        let runtime = build(host(harness.builder(), &Arc::new(files()), model));
        let run = runtime.start(&with_server(change), Start::new("go")).await.unwrap();
        completed(&run).await.to_text().to_string()
    };
    assert_eq!(see(|_| ()).await, "read docs_list");
    assert_eq!(see(|plan| plan.servers[0].tools.prefix = Some("fs_".into())).await, "fs_read fs_docs_list");
    assert_eq!(see(|plan| plan.servers[0].tools.include = Some(vec!["docs/list".into()])).await, "docs_list");
    assert_eq!(see(|plan| plan.servers[0].tools.exclude = vec!["docs/list".into()]).await, "read");
}

/// What the spec says of a declared tool goes before what the server says; what it leaves out is the server's.
#[tokio::test(start_paused = true)]
async fn a_declared_tool_has_the_servers_words_where_the_spec_has_none() {
    let mut plan = plan();
    let server = plan.server("files");
    let (own, theirs) = (plan.served_tool("peek", server, "read"), plan.served_tool("list", server, "docs/list"));
    plan.edit(|plan| plan.tools[0].description = Some("Looks.".into()));
    let agent = plan.agent("clerk", "model", vec![own, theirs]);
    let root = plan.scope("main", |scope| {
        scope.agent("ask", agent);
    });
    let plan = plan.build(root).unwrap();
    let model =
        ScriptedModel::new(|request: &ModelRequest| match request.messages.last().map(|last| last.parts.as_slice()) {
            Some([Part::ToolResult(first), Part::ToolResult(second)]) => {
                Ok(answer(&format!("{} {}", first.content.to_text(), second.content.to_text())))
            }
            _ => {
                let said: Vec<&str> = request.tools.iter().map(|tool| &*tool.description).collect();
                assert_eq!(said, ["Looks.", "Does docs/list."]);
                assert!(request.tools.iter().all(|tool| tool.parameters.get("required").is_some()));
                Ok(asks_for([("peek", map([("path", Value::from("a"))])), ("list", map([]))]))
            }
        });
    let harness = harness();
    let runtime = build(host(harness.builder(), &Arc::new(files()), model));
    let run = runtime.start(&plan, Start::new("go")).await.unwrap();
    let output = completed(&run).await.to_text();
    assert!(output.starts_with(r#"{"read":{"path":"a"}} the arguments do not fit"#), "{output}");
}

/// A resumed run goes on with the offer that was journaled, whatever the server says by now.
#[tokio::test(start_paused = true)]
async fn a_resume_asks_no_server_again() {
    let harness = harness();
    let server = Arc::new(files());
    let plan = with_server(|plan| plan.servers[0].tools.approval = Approval::Always);
    let first = build(host(harness.builder(), &server, calls("read")));
    let run = first.start(&plan, Start::new("go")).await.unwrap();
    let task = blocked(&run).await.remove(0);
    assert_eq!(task.request.cause, TaskCause::Approval { of: name("read") });
    let id = run.id();
    drop((run, first));
    server.change(|offers| offers.iter_mut().for_each(|offer| offer.description = "Deletes.".into()));
    let model = ScriptedModel::new(|request: &ModelRequest| {
        assert_eq!(&*request.tools[0].description, "Does read.");
        Ok(answer("done"))
    });
    let second = build(host(harness.builder(), &server, model));
    second.decide(task.task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&second.run(id)).await, Value::from("done"));
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_spec_does_not_expect_fails_and_says_what_to_do() {
    let fails = |change: fn(&mut Plan), code: &'static str, says: &'static str| async move {
        let harness = harness();
        let runtime = build(host(harness.builder(), &Arc::new(files()), calls("read")));
        let run = runtime.start(&with_server(change), Start::new("go")).await.unwrap();
        let failure = failed(&run).await;
        assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::Tool, Some(code)), "{failure}");
        assert!(failure.message.contains(says), "{failure}");
    };
    fails(
        |plan| plan.servers[0].tools.expect_digest = Some(kneo_core::Digest::of(b"")),
        "mcp_tools_changed",
        "write the new digest into the spec",
    )
    .await;
    let missing = |plan: &mut Plan| plan.servers[0].tools.include = Some(vec!["write".into()]);
    fails(missing, "mcp_tool_missing", "it has `read`, `docs/list`").await;
    // Else what is meant to be kept from the model is offered to it.
    let slip = |plan: &mut Plan| plan.servers[0].tools.exclude = vec!["read".into(), "docs/lst".into()];
    let says = "`exclude` of server `files` names `docs/lst`, which it does not offer: it has `docs/list`, `read`";
    fails(slip, "mcp_tool_missing", says).await;
    fails(|plan| plan.servers[0].tools.prefix = Some("a.b".into()), "mcp_tool_name", "`exclude`").await;
    let twice = |plan: &mut Plan| {
        plan.servers.push(plan.servers[0].clone());
        plan.agents[0].servers.push(ServerIx::new(1));
    };
    fails(twice, "tool_name_of_two", "`prefix`").await;
}

#[tokio::test(start_paused = true)]
async fn the_expected_digest_is_that_of_the_tools_that_are_left() {
    let digest = offer_digest(&[offer("read")]).unwrap();
    let plan = with_server(|plan| {
        plan.servers[0].tools.exclude = vec!["docs/list".into()];
        plan.servers[0].tools.expect_digest = Some(digest);
    });
    let harness = harness();
    let runtime = build(host(harness.builder(), &Arc::new(files()), calls("read")));
    let run = runtime.start(&plan, Start::new("go")).await.unwrap();
    assert_eq!(completed(&run).await, Value::from(r#"ok: {"read":{"path":"a"}}"#));
}

/// The server gets the better form of a person, which has to fit the schema that the server gave.
#[tokio::test(start_paused = true)]
async fn a_call_of_a_server_runs_in_a_better_form() {
    let harness = harness();
    let runtime = build(host(harness.builder(), &Arc::new(files()), calls("read")));
    let plan = with_server(|plan| plan.servers[0].tools.approval = Approval::Always);
    let run = runtime.start(&plan, Start::new("go")).await.unwrap();
    let task = blocked(&run).await.remove(0);
    let edit = |key, value: Value| Decision::Edit { content: Payload::new(map([(key, value)])).unwrap() };
    for unfit in [edit("file", Value::from("b")), edit("path", int(7))] {
        let error = runtime.decide(task.task, unfit, ana()).await.unwrap_err();
        assert!(error.to_string().contains("do not fit the tool's schema"), "{error}");
    }
    runtime.decide(task.task, edit("path", Value::from("b")), ana()).await.unwrap();
    let heard = completed(&run).await;
    assert!(heard.as_str().unwrap().contains(r#"{"read":{"path":"b"}}"#), "{heard:?}");
}

/// A tool that the plan declares is pinned too, whatever is chosen for those that have the whole.
#[tokio::test(start_paused = true)]
async fn the_expected_digest_is_also_that_of_declared_tools() {
    let declared = |expected: &[&str], whole: bool| {
        let offers: Vec<ToolOffer> = expected.iter().map(|name| offer(name)).collect();
        let digest = offer_digest(&offers).unwrap();
        with_server(move |plan| {
            let (name, tool) = (name("peek"), "read".into());
            plan.tools.push(ToolDef {
                name,
                description: None,
                parameters: None,
                backing: ToolBackingDef::Mcp { server: ServerIx::new(0), tool },
                effect: Effect::Read,
                on_uncertain: OnUncertain::Ask,
                approval: Approval::Never,
            });
            plan.agents[0].tools.push(ToolIx::new(0));
            if !whole {
                plan.agents[0].servers.clear();
            }
            plan.servers[0].tools.exclude = vec!["read".into()];
            plan.servers[0].tools.expect_digest = Some(digest);
        })
    };
    for (expected, whole, fits) in [
        (&["read"][..], false, true),
        (&[], false, false),
        (&["read", "docs/list"], true, true),
        (&["docs/list"], true, false),
    ] {
        let harness = harness();
        let runtime = build(host(harness.builder(), &Arc::new(files()), calls("peek")));
        let plan = declared(expected, whole);
        let run = runtime.start(&plan, Start::new("go")).await.unwrap();
        match fits {
            true => assert_eq!(completed(&run).await, Value::from(r#"ok: {"read":{"path":"a"}}"#)),
            false => assert_eq!(failed(&run).await.code.as_deref(), Some("mcp_tools_changed"), "{expected:?}"),
        }
        let probes = runtime.probe(&plan, Duration::from_secs(1)).await.unwrap();
        let offered = probes.iter().find_map(|probe| probe.offered.as_ref()).unwrap();
        assert_eq!(offered.tools.len(), if whole { 2 } else { 1 });
        assert_eq!(probes.iter().all(|probe| probe.result.is_ok()), fits);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_server_is_a_result_for_the_model() {
    let server = ScriptedServer::new()
        .tool(offer("read"), |_, _| async { Err(CallError::fatal("mcp_tool_error", "there is no file `a`")) });
    let harness = harness();
    let runtime = build(host(harness.builder(), &Arc::new(server), calls("read")));
    let run = runtime.start(&with_server(|_| ()), Start::new("go")).await.unwrap();
    assert_eq!(completed(&run).await, Value::from("error: there is no file `a`"));
}

/// Without a connector, or with a server that the connector refuses, a plan does not bind.
#[tokio::test(start_paused = true)]
async fn a_plan_with_servers_needs_a_connector() {
    let harness = harness();
    let runtime = build(harness.builder().provider("model", Arc::new(calls("read"))));
    let error = runtime.start(&with_server(|_| ()), Start::new("go")).await.unwrap_err();
    assert!(matches!(&error, RuntimeError::RequirementsMissing(_)), "{error}");
    assert!(error.to_string().contains("the MCP connector"), "{error}");
    let none = ScriptedServers::new();
    let runtime = build(harness.builder().provider("model", Arc::new(calls("read"))).mcp(Arc::new(none)));
    let error = runtime.start(&with_server(|_| ()), Start::new("go")).await.unwrap_err().to_string();
    assert!(error.contains("`files`") && error.contains("there is no server"), "{error}");
}

/// A write in flight at a crash is asked about, whoever declared it.
#[tokio::test(start_paused = true)]
async fn a_lost_write_of_a_server_is_for_a_person_to_judge() {
    let plan = with_server(|plan| plan.servers[0].tools.effect = Effect::Write);
    let harness = harness();
    let slow = |_, _| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok(Value::Null)
    };
    let first =
        build(host(harness.builder(), &Arc::new(ScriptedServer::new().tool(offer("read"), slow)), calls("read")));
    let run = first.start(&plan, Start::new("go")).await.unwrap().id();
    tokio::time::sleep(Duration::from_secs(30)).await;
    drop(first);
    let second = build(host(harness.builder(), &Arc::new(files()), calls("read")));
    let handle = second.run(run);
    let task = blocked(&handle).await.remove(0);
    assert_eq!(task.request.cause, TaskCause::Uncertain { of: name("read") });
    assert_eq!(task.request.subject, map([("path", Value::from("a"))]));
    second.decide(task.task, Decision::Retry, ana()).await.unwrap();
    assert_eq!(completed(&handle).await, Value::from(r#"ok: {"read":{"path":"a"}}"#));
}
