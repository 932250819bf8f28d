//! The reference servers of the protocol, which are programs for Node.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kneo_core::plan::{McpServerDef, ServerTools};
use kneo_core::tool_server::{ToolServer, offer_digest};
use kneo_core::{Cancel, Value};
use kneo_runtime::Start;
use serde_json::json;

use super::super::runtime::{build, calls, completed, harness, plan};
use super::super::support::{
    Host, SOON, context, failed, gone, http, name, no_arguments, plain, secret, until, with_cancel, with_secrets,
    with_stdio,
};
use super::program::NodeProgram;

/// The version of Node that the servers need.
const NODE: u32 = 18;

fn everything() -> Option<NodeProgram> {
    NodeProgram::find("mcp-server-everything", "KNEO_TEST_MCP_EVERYTHING", NODE)
}

fn started(program: &NodeProgram, arguments: &[&str]) -> McpServerDef {
    let arguments: Vec<&str> = std::iter::once(program.script()).chain(arguments.iter().copied()).collect();
    super::super::support::stdio(program.node.to_str().unwrap(), &arguments)
}

fn map(json: serde_json::Value) -> Value {
    Value::from_json(&json).unwrap()
}

async fn says(server: &Arc<dyn ToolServer>, tool: &str, arguments: serde_json::Value) -> Value {
    server.call(tool, map(arguments), &context()).await.unwrap()
}

/// What every transport has to do.
async fn exercise(server: &Arc<dyn ToolServer>) {
    let tools = server.tools(&context()).await.unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
    for expected in ["echo", "get-sum", "get-structured-content", "get-tiny-image", "trigger-long-running-operation"] {
        assert!(names.contains(&expected), "{names:?}");
    }
    let sum = tools.iter().find(|tool| &*tool.name == "get-sum").unwrap();
    assert_eq!(sum.parameters.to_json()["required"], json!(["a", "b"]));
    assert_eq!(offer_digest(&tools).unwrap(), offer_digest(&server.tools(&context()).await.unwrap()).unwrap());

    assert_eq!(says(server, "echo", json!({"message": "grüße 🦀"})).await, Value::from("Echo: grüße 🦀"));
    let sum = says(server, "get-sum", json!({"a": 2, "b": 40})).await.to_text();
    assert!(sum.contains("42"), "{sum}");
    let structured = says(server, "get-structured-content", json!({"location": "Chicago"})).await;
    assert!(structured.get("temperature").is_some(), "{structured}");
    let image = says(server, "get-tiny-image", json!({})).await.to_json();
    let kinds: Vec<_> = image.as_array().unwrap().iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "image", "text"]);
    assert_eq!(image[1]["mime_type"], "image/png");
    let links = says(server, "get-resource-links", json!({"count": 2})).await.to_json();
    assert_eq!(links[1]["type"], "resource_link");
    let resource =
        says(server, "get-resource-reference", json!({"resourceType": "Blob", "resourceId": 1})).await.to_json();
    assert!(resource.as_array().unwrap().iter().any(|part| part["type"] == "resource" && part["data"].is_string()));

    for (tool, arguments, says) in
        [("get-sum", json!({"a": "two"}), "Invalid"), ("no-such-tool", json!({}), "no-such-tool")]
    {
        let error = server.call(tool, map(arguments), &context()).await.unwrap_err();
        assert!(matches!(&*error.code, "mcp_tool_error" | "mcp_request_refused"), "{error:?}");
        assert!(error.message.contains(says), "{error:?}");
    }

    // It tells of its progress, and goes on when nobody waits.
    let long = json!({"duration": 1, "steps": 5});
    let done = says(server, "trigger-long-running-operation", long).await.to_text();
    assert!(done.contains("completed"), "{done}");
    let cancel = Cancel::new();
    let context = with_cancel(cancel.clone());
    let started = Instant::now();
    let endless = server.call("trigger-long-running-operation", map(json!({"duration": 1_000, "steps": 1})), &context);
    let (result, ()) = tokio::join!(endless, async {
        // What is asked later is answered: the server is at work on the other.
        says(server, "echo", json!({"message": "hi"})).await;
        cancel.cancel();
    });
    assert_eq!(failed(result).0, "mcp_cancelled");
    assert!(started.elapsed() < SOON);
    let calls = (0..20).map(|number| says(server, "get-sum", json!({"a": number, "b": 1})));
    for (number, sum) in futures_util::future::join_all(calls).await.into_iter().enumerate() {
        assert!(sum.to_text().contains(&(number + 1).to_string()), "{sum}");
    }
}

#[tokio::test]
async fn everything_over_pipes() {
    let Some(program) = everything() else { return };
    let host = Host::with(|builder| builder.idle_timeout(Duration::from_secs(20)));
    let server = host.server(&started(&program, &["stdio"]));
    exercise(&server).await;
    host.connector.close().await;
}

/// A silent operation ends with the idle time; one that tells of its progress does not.
#[tokio::test]
async fn everything_is_held_to_its_times() {
    let Some(program) = everything() else { return };
    let host = Host::with(|builder| builder.idle_timeout(Duration::from_millis(1_500)));
    let server = host.server(&started(&program, &["stdio"]));
    let lasts = async |steps: u32| {
        let arguments = map(json!({"duration": 3, "steps": steps}));
        server.call("trigger-long-running-operation", arguments, &context()).await
    };
    assert!(lasts(10).await.is_ok());
    assert_eq!(failed(lasts(1).await).0, "mcp_timeout");
}

/// Item 96, as another program sees it.
#[tokio::test]
async fn everything_sees_no_more_of_the_environment_than_is_declared() {
    let Some(program) = everything() else { return };
    let host = Host::with(|builder| builder.variable("REGION", "north"));
    let definition = with_stdio(started(&program, &["stdio"]), |stdio| {
        stdio.env.push((name("PLAIN"), plain("said")));
        stdio.env.push((name("TOKEN"), secret("api")));
    });
    let server = host.server(&definition);
    let shown = server.call("get-env", no_arguments(), &with_secrets(&[("api", "s3cr3t-token")])).await.unwrap();
    let shown: serde_json::Value = serde_json::from_str(&shown.to_text()).unwrap();
    let expected = json!({
        "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "REGION": "north", "PLAIN": "said", "TOKEN": "[redacted]",
    });
    assert_eq!(shown, expected);
}

/// The wrapper that most specs have: a shell or `npx` that starts the server as its child.
#[tokio::test]
async fn everything_behind_a_wrapper_is_gone_with_it() {
    let Some(program) = everything() else { return };
    let host = Host::new();
    let file = host.path("pid");
    let script = format!("\"$0\" \"$1\" stdio & echo $! > '{}'; wait", file.display());
    // What a shell starts in the background has no standard input but what it is given.
    let script = format!("exec 3<&0; {}", script.replace("stdio &", "stdio <&3 &"));
    let words = ["-c", &script, program.node.to_str().unwrap(), program.script()];
    let server = host.server(&super::super::support::stdio("sh", &words));
    assert_eq!(says(&server, "echo", json!({"message": "hi"})).await, Value::from("Echo: hi"));
    let pids = super::super::support::pids(file, 1).await;
    drop(server);
    gone(&pids).await;
}

/// The server by streamable HTTP, on a port that was free a moment ago.
struct Listening {
    process: Child,
    port: u16,
}

impl Listening {
    async fn start(program: &NodeProgram, port: Option<u16>) -> Listening {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = port.unwrap_or_else(free);
        let process = Command::new(&program.node)
            .arg(&program.script)
            .arg("streamableHttp")
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let listening = Listening { process, port };
        until("the server to listen", || TcpStream::connect(("localhost", port)).is_ok().then_some(())).await;
        listening
    }

    fn url(&self) -> String {
        format!("http://localhost:{}/mcp", self.port)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn everything_over_http() {
    let Some(program) = everything() else { return };
    let listening = Listening::start(&program, None).await;
    let host = Host::with(|builder| builder.idle_timeout(Duration::from_secs(20)));
    let server = host.server(&http(&listening.url()));
    exercise(&server).await;
    host.connector.close().await;
}

/// A server that is killed while it is asked, and another one in its place that does not know the session.
#[tokio::test]
async fn everything_over_http_may_be_started_anew() {
    let Some(program) = everything() else { return };
    let listening = Listening::start(&program, None).await;
    let host = Host::new();
    let server = host.server(&http(&listening.url()));
    let long = json!({"duration": 1_000, "steps": 1_000});
    let (port, context) = (listening.port, context());
    let call = server.call("trigger-long-running-operation", map(long), &context);
    let (result, ()) = tokio::join!(call, async {
        says(&server, "echo", json!({"message": "hi"})).await;
        drop(listening);
    });
    let error = result.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("mcp_connection_lost", true), "{error:?}");
    let _listening = Listening::start(&program, Some(port)).await;
    let start = Instant::now();
    while let Err(error) = server.call("echo", map(json!({"message": "hi"})), &context).await {
        assert!(error.retryable && start.elapsed() < SOON, "{error:?}");
    }
}

fn filesystem() -> Option<NodeProgram> {
    NodeProgram::find("mcp-server-filesystem", "KNEO_TEST_MCP_FILESYSTEM", NODE)
}

#[tokio::test]
async fn files_within_a_folder_and_no_others() {
    let Some(program) = filesystem() else { return };
    let host = Host::new();
    let folder = host.path("allowed");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("note.txt"), "first\nsecond\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).unwrap();
    let server = host.server(&started(&program, &["allowed"]));
    let names = server.tools(&context()).await.unwrap();
    assert!(names.iter().any(|tool| &*tool.name == "read_text_file"), "{names:?}");

    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let read = says(&server, "read_text_file", json!({"path": at("note.txt")})).await;
    assert!(read.to_text().contains("second"), "{read}");
    says(&server, "write_file", json!({"path": at("new.txt"), "content": "written"})).await;
    assert_eq!(std::fs::read_to_string(folder.join("new.txt")).unwrap(), "written");
    for outside in ["/etc/passwd".to_owned(), at("../escape.txt"), at("link")] {
        let arguments = map(json!({"path": outside}));
        let (code, message) = failed(server.call("read_text_file", arguments, &context()).await);
        assert_eq!(code, "mcp_tool_error");
        assert!(message.contains("Access denied"), "{message}");
    }
    host.connector.close().await;
}

/// A whole run: the plan's agent gets what `include` leaves of the server, under the digest that is expected of it, and
/// what the tool says goes to the model.
#[tokio::test]
async fn an_agent_reads_a_file() {
    let Some(program) = filesystem() else { return };
    let host = Host::new();
    std::fs::write(host.path("note.txt"), "buy milk").unwrap();
    let mut definition = started(&program, &["."]);
    let offered = host.server(&definition).tools(&context()).await.unwrap();
    let wanted: Vec<_> = offered.into_iter().filter(|tool| &*tool.name == "read_text_file").collect();
    definition.tools = ServerTools {
        include: Some(vec!["read_text_file".into()]),
        prefix: Some("fs_".into()),
        expect_digest: Some(offer_digest(&wanted).unwrap()),
        ..ServerTools::default()
    };
    let harness = harness();
    for (arguments, wanted) in
        [(r#"{"path": "note.txt"}"#, "buy milk"), (r#"{"path": "/etc/passwd"}"#, "Access denied"), ("{}", "do not fit")]
    {
        let runtime = build(&harness, &host.connector, calls("fs_read_text_file", arguments));
        let run = runtime.start(&plan(vec![definition.clone()]), Start::new("go")).await.unwrap();
        let said = completed(&run).await;
        assert!(said.contains(wanted), "{said}");
    }
    host.connector.close().await;
}
