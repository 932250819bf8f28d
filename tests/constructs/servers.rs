//! Tools of MCP servers.

use std::sync::Arc;

use kneo::provider::ToolOffer;
use kneo::task::TaskCause;
use kneo::testkit::{ScriptedServer, ScriptedServers, answer, asks_for};
use kneo::{Decision, FailureKind, Outcome, RuntimeBuilder, Value, spec};

use super::support::*;

fn offer(name: &str, description: &str) -> ToolOffer {
    ToolOffer::new(name, description, json(r#"{"type": "object", "properties": {"path": {"type": "string"}}}"#))
}

/// A server with the tools `read` and `docs/list`, which say what they are and with what they were called.
fn files() -> ScriptedServer {
    let says =
        |what: &'static str| move |arguments: Value, _| async move { Ok(Value::map([(what, arguments)]).unwrap()) };
    ScriptedServer::new().tool(offer("read", "Reads."), says("read")).tool(offer("docs/list", "Lists."), says("list"))
}

fn host(harness: &kneo::testkit::Harness) -> RuntimeBuilder {
    let servers = ScriptedServers::new().server("files".parse().unwrap(), Arc::new(files()));
    harness.builder().mcp(Arc::new(servers))
}

fn spec_of(tools: &str, more: &str) -> String {
    format!(
        "version: v1
mcp_servers:
  files: {{transport: http, url: https://files.example.com/mcp{more}}}
tools:
  peek: {{mcp: {{server: files, name: read}}, description: Peeks., effect: read}}
  docs/list: {{mcp: {{server: files}}, effect: read}}
agent: {{name: clerk, model: {{provider: model}}, tools: [{tools}]}}
"
    )
}

/// Says which tools there are, with their descriptions.
fn lists() -> Arc<kneo::testkit::ScriptedModel> {
    scripted(|request| {
        let tools: Vec<String> =
            request.tools.iter().map(|tool| format!("{}: {}", tool.name, tool.description)).collect();
        Ok(answer(&tools.join(" ")))
    })
}

/// Calls a tool with `{path: a}`, then says what it gave.
fn calls(tool: &'static str) -> Arc<kneo::testkit::ScriptedModel> {
    scripted(move |request| match results(request) {
        Some(found) => Ok(answer(&found.join(""))),
        None => Ok(asks_for([(tool, json(r#"{"path": "a"}"#))])),
    })
}

async fn seen(tools: &str, more: &str) -> String {
    let harness = harness();
    let builder = host(&harness).provider("model", lists());
    // What nothing uses is warned of, and no part of the plan.
    output(builder, &spec_of(tools, more), "1").await.to_text().to_string()
}

#[tokio::test(start_paused = true)]
async fn an_agent_sees_what_the_spec_leaves_of_a_server() {
    assert_eq!(seen("files", "").await, "read: Reads. docs_list: Lists.");
    assert_eq!(seen("files", ", tools: {include: [docs/list], prefix: fs_}").await, "fs_docs_list: Lists.");
    assert_eq!(seen("files", ", tools: {exclude: [docs/list]}").await, "read: Reads.");
    assert_eq!(seen("peek, docs/list", "").await, "peek: Peeks. docs/list: Lists.");
    assert_eq!(seen("peek, files", ", tools: {exclude: [read]}").await, "peek: Peeks. docs_list: Lists.");
}

#[tokio::test(start_paused = true)]
async fn tools_of_a_server_run_as_the_spec_says() {
    for (tools, tool, expected) in
        [("files", "read", r#"{"read":{"path":"a"}}"#), ("peek", "peek", r#"{"read":{"path":"a"}}"#)]
    {
        let builder = host(&harness()).provider("model", calls(tool));
        assert_eq!(output(builder, &spec_of(tools, ""), "1").await, Value::from(expected));
    }
    let asks = spec_of("files", ", tools: {approval: {when: \"input.path == 'a'\"}}");
    let harness = harness();
    let (runtime, run) = start(host(&harness).provider("model", calls("read")), &asks, "1").await;
    let Outcome::Blocked(tasks) = run.wait().await.unwrap() else { panic!("nobody is asked") };
    assert!(matches!(&tasks[0].request.cause, TaskCause::Approval { of } if *of == "read"), "{tasks:?}");
    runtime.decide(tasks[0].task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&run).await, Value::from(r#"{"read":{"path":"a"}}"#));
}

/// What a server's `tools` say holds for a tool that is declared, where that says nothing else.
#[tokio::test(start_paused = true)]
async fn declared_tools_keep_the_terms_of_their_server() {
    let spec = |tool: &str| {
        format!(
            "version: v1
mcp_servers:
  files:
    transport: http
    url: https://files.example.com/mcp
    tools: {{approval: always, effect: write, on_uncertain: fail}}
tools:
  peek: {{mcp: {{server: files, name: read}}{tool}}}
agent: {{name: clerk, model: {{provider: model}}, tools: [peek]}}
"
        )
    };
    for (tool, asks) in [("", true), (", approval: always", true), (", approval: never", false)] {
        let harness = harness();
        let (runtime, run) = start(host(&harness).provider("model", calls("peek")), &spec(tool), "1").await;
        if asks {
            let Outcome::Blocked(tasks) = run.wait().await.unwrap() else { panic!("nobody is asked: {tool}") };
            assert!(matches!(&tasks[0].request.cause, TaskCause::Approval { of } if *of == "peek"), "{tasks:?}");
            runtime.decide(tasks[0].task, Decision::approve(), ana()).await.unwrap();
        }
        assert_eq!(completed(&run).await, Value::from(r#"{"read":{"path":"a"}}"#));
    }
    let terms = |tool: &str| {
        let plan = spec::compile_str("spec.yaml", &spec(tool)).unwrap();
        let tool = &plan.plan().tools[0];
        (tool.effect, tool.on_uncertain)
    };
    use kneo::plan::{Effect, OnUncertain};
    assert_eq!(terms(""), (Effect::Write, OnUncertain::Fail));
    assert_eq!(terms(", on_uncertain: retry"), (Effect::Write, OnUncertain::Retry));
    // What may run again is never in doubt.
    assert_eq!(terms(", effect: read"), (Effect::Read, OnUncertain::Ask));
}

/// The failure tells the digest to write, and with that one the same spec runs.
#[tokio::test(start_paused = true)]
async fn a_digest_pins_what_a_server_says() {
    let digest = "00".repeat(32);
    let builder = host(&harness()).provider("model", lists());
    let found = failure(builder, &spec_of("files", &format!(", tools: {{expect_digest: '{digest}'}}")), "1").await;
    assert_eq!((found.kind, found.code.as_deref()), (FailureKind::Tool, Some("mcp_tools_changed")));
    let told = found.message.split(|c: char| !c.is_ascii_hexdigit()).find(|word| word.len() == 64);
    let told = told.unwrap_or_else(|| panic!("{found}"));
    assert_eq!(seen("files", &format!(", tools: {{expect_digest: '{told}'}}")).await, "read: Reads. docs_list: Lists.");
}

/// Servers and the secrets that connecting takes are told before a run starts.
#[test]
fn a_plan_says_what_its_servers_need() {
    let text = spec_of("files", ", auth: {bearer_ref: token}, headers: {X-Key_ref: key, X-Plain: text}");
    let plan = spec::compile_str("spec.yaml", &text).unwrap();
    let needs: Vec<String> = plan.plan().requirements().iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["provider `model`", "the MCP connector", "secret `key`", "secret `token`"]);
}
