//! Tools of MCP servers that a spec names: the servers are started, and what they say reaches the model.

use std::os::unix::fs::PermissionsExt as _;

use super::support::*;

const SPEC: &str = "version: v1
mcp_servers:
  files:
    transport: stdio
    command: ./serve.sh
    args: [--root, docs]
    env: {MODE: fast, TOKEN_ref: files_token}
    timeout_seconds: 20
    tools: {prefix: fs_, effect: read}
tools:
  peek: {mcp: {server: files, name: docs/read}, effect: read}
agent: {name: clerk, model: {provider: scripted}, tools: [files, peek]}
";

const MODELS: &str = r#"{"agents": {"clerk": [{"turns": [
    {"tool_calls": [
        {"name": "fs_docs_read", "arguments": {"path": "a"}},
        {"name": "peek", "arguments": {"path": "b"}}
    ]},
    "done"
]}]}}"#;

#[test]
fn a_server_is_started_and_its_tools_run() {
    let project = Project::with(SPEC).file("models.json", MODELS).file("serve.sh", include_str!("serve.sh"));
    std::fs::set_permissions(project.path("serve.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["run", "flow.yaml", "--models", "models.json", "--input", "go", "--json"];
    let answer: Answer = project.command(&arguments).env("files_token", "sesame-sesame").output().unwrap().into();
    let report = answer.object();
    assert_eq!((answer.code, &report["output"]), (0, &"done".into()), "{answer:?}");
    let events = project.kneo(&["runs", "events", report["run_id"].as_str().unwrap(), "--json"]);
    // The arguments, the variable, the length of the secret and what the program was started with.
    for said in ["a fast 13 --root docs", "b fast 13 --root docs"] {
        assert!(events.stdout.contains(said), "{said}: {events:?}");
    }
    let (code, report) = project.json(&["run", "flow.yaml", "--models", "models.json", "--input", "go"]);
    assert_eq!((code, &report["error"]["code"]), (4, &"secret_missing".into()), "{report}");
}
