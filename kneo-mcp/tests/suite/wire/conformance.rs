//! The conformance suite of the protocol, in front of this client.
//!
//! What this client does not do is listed in `tests/conformance`, one file for each version of the suite. A scenario that
//! fails and is not listed fails the test, and so does one that is listed and passes: the lists can only get shorter.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kneo_core::Value;
use kneo_core::tool_server::Connector;
use kneo_mcp::McpConnector;
use serde_json::json;

use super::super::support::{context, http};
use super::program::NodeProgram;

/// The version of Node that the suite needs.
const NODE: u32 = 22;

#[test]
fn the_suite_passes_but_for_what_is_listed() {
    let Some(suite) = NodeProgram::find("conformance", "KNEO_TEST_MCP_CONFORMANCE", NODE) else { return };
    holds(&suite, &["--suite", "all"], &[], "0.1.16.yaml", &["initialize", "tools_call", "sse-retry"]);
}

/// The scenarios that version 2026-07-28 of the protocol demands, in the suite's first version that knows it.
#[test]
fn the_next_suite_passes_but_for_what_is_listed() {
    let Some(suite) = NodeProgram::find("conformance-next", "KNEO_TEST_MCP_CONFORMANCE_NEXT", NODE) else { return };
    let passes =
        ["tools_call", "request-metadata", "http-standard-headers", "http-custom-headers", "json-schema-ref-no-deref"];
    let alone = ["--spec-version", "2026-07-28"];
    holds(&suite, &["--requirements", "2026-07-28"], &alone, "0.2.0-alpha.12.yaml", &passes);
}

/// Runs the suite and compares what failed to what is listed.
fn holds(suite: &NodeProgram, selection: &[&str], alone: &[&str], listed: &str, passes: &[&str]) {
    let (results, said) = run(suite, selection);
    let (passed, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(|(_, passed)| *passed);
    let names = |results: Vec<(String, bool)>| results.into_iter().map(|(scenario, _)| scenario).collect();
    let (mut passed, failed): (BTreeSet<String>, BTreeSet<String>) = (names(passed), names(failed));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(listed);
    let expected = listed_in(&fs::read_to_string(&file).unwrap());
    // The suite runs all scenarios at once, and some have little patience on a busy machine.
    let fails_alone = |scenario: &&String| {
        let selection: Vec<&str> = ["--scenario", scenario].into_iter().chain(alone.iter().copied()).collect();
        run(suite, &selection).0.iter().all(|(_, passed)| !passed)
    };
    let (new, late): (Vec<_>, Vec<_>) = failed.difference(&expected).partition(fails_alone);
    assert!(new.is_empty(), "these fail and are not in {}: {new:?}\n{said}", file.display());
    passed.extend(late.into_iter().cloned());
    assert!(passes.iter().all(|scenario| passed.contains(*scenario)), "of {passes:?} not all pass:\n{said}");
    let stale: Vec<&String> = expected.difference(&failed).collect();
    assert!(stale.is_empty(), "take these out of {}, for they do not fail any more: {stale:?}", file.display());
}

/// Runs scenarios, and gives what came of each, and what the suite said.
fn run(suite: &NodeProgram, selection: &[&str]) -> (Vec<(String, bool)>, String) {
    let folder = tempfile::TempDir::new().unwrap();
    // The suite gives it to a shell.
    let client = std::env::current_exe().unwrap();
    let client = format!("'{}' --exact suite::wire::conformance::client --ignored --nocapture", client.display());
    let output = Command::new(&suite.node)
        .arg(&suite.script)
        .args(["client", "--command", &client, "--timeout", "60000", "--output-dir"])
        .arg(folder.path())
        .args(selection)
        .env("RUST_BACKTRACE", "0")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (results(folder.path()), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Each scenario that has run, and whether it passed: something was checked, and nothing failed.
fn results(folder: &Path) -> Vec<(String, bool)> {
    let mut results = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(within) = folders.pop() {
        let Ok(checks) = fs::read_to_string(within.join("checks.json")) else {
            folders
                .extend(fs::read_dir(&within).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
            continue;
        };
        let checks: serde_json::Value = serde_json::from_str(&checks).unwrap();
        let count = |status: &str| checks.as_array().unwrap().iter().filter(|check| check["status"] == status).count();
        results.push((scenario(folder, &within), count("SUCCESS") > 0 && count("FAILURE") == 0));
    }
    results
}

/// The name of a scenario, which its folder has before the time.
fn scenario(folder: &Path, within: &Path) -> String {
    let name: PathBuf = within.strip_prefix(folder).unwrap().to_owned();
    let name = name.to_str().unwrap();
    let time = "-2026-07-28T00-00-00-000Z".len();
    name[..name.len() - time].to_owned()
}

/// The names in a list of the suite's own form: `client:` and a line `  - name` for each.
fn listed_in(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(|line| line.trim().strip_prefix("- ").map(str::to_owned)).collect()
}

/// Does what each scenario wants of a client: calls what the suite says in its context, or else each tool that is
/// offered. The suite appends the address of its server, which the test harness takes for the name of one more test.
#[tokio::test]
#[ignore = "runs as a process of its own, for the conformance suite"]
async fn client() {
    let Some(url) = std::env::args().next_back().filter(|url| url.starts_with("http")) else { return };
    let connector = McpConnector::builder(".").build().unwrap();
    let server = connector.server(&http(&url)).unwrap();
    let tools = server.tools(&context()).await.unwrap();
    let asked: serde_json::Value = std::env::var("MCP_CONFORMANCE_CONTEXT")
        .map_or(serde_json::Value::Null, |context| serde_json::from_str(&context).unwrap());
    let calls: Vec<(String, serde_json::Value)> = match asked["toolCalls"].as_array() {
        Some(calls) => {
            calls.iter().map(|call| (call["name"].as_str().unwrap().to_owned(), call["arguments"].clone())).collect()
        }
        None => {
            let schema =
                |name: &str| tools.iter().find(|tool| &*tool.name == name).map(|tool| tool.parameters.to_json());
            let echoed = schema("json_schema_2020_12_tool");
            let arguments = |tool: &str, parameters: &Value| match (&echoed, tool) {
                (Some(schema), "json_schema_echo") => json!({"schema": schema}),
                _ => arguments(&parameters.to_json()),
            };
            tools.iter().map(|tool| (tool.name.to_string(), arguments(&tool.name, &tool.parameters))).collect()
        }
    };
    for (tool, arguments) in calls {
        let result = server.call(&tool, Value::from_json(&arguments).unwrap(), &context()).await;
        eprintln!("{tool} {arguments}: {result:?}");
    }
    connector.close().await;
}

/// Arguments that fit a schema as the scenarios have them.
fn arguments(schema: &serde_json::Value) -> serde_json::Value {
    let value = |schema: &serde_json::Value| match schema["type"].as_str() {
        Some("number" | "integer") => json!(7),
        Some("boolean") => json!(true),
        Some("object") => json!({}),
        Some("array") => json!([]),
        _ => json!("text"),
    };
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.map(|(name, schema)| (name.clone(), value(schema))).collect::<serde_json::Map<_, _>>().into()
}
