//! A server really ends, and a call that is not wanted any more is called off.

use std::time::{Duration, Instant};

use kneo_core::plan::McpServerDef;
use kneo_core::tool_server::Connector;
use kneo_core::{Cancel, Value};

use super::fake::{fake, scripted};
use super::support::{
    Host, Process, SOON, context, failed, gone, is_alive, lines, no_arguments, pids, until, with_cancel, with_secrets,
    with_stdio,
};

/// A server that has a grandchild, writes both pids, and does this to signals and the end of its input.
fn family(host: &Host, stubborn: &str) -> McpServerDef {
    let file = host.path("pids");
    scripted(&format!(
        "{stubborn}\nsleep 1000 & echo $$ >> '{0}'; echo $! >> '{0}'\nserve\n[ -n '{stubborn}' ] && while :; do sleep 1000; done; exit 0",
        file.display()
    ))
}

/// Two graces of the host, and a moment.
const PROMPT: Duration = Duration::from_secs(2);

const STUBBORN: &str = "trap \"\" TERM HUP INT";

/// Item 91, and the wrapper of item 89.
#[tokio::test]
async fn a_closed_server_is_gone_with_all_that_it_started() {
    for stubborn in ["", STUBBORN] {
        let host = Host::new();
        let server = host.server(&family(&host, stubborn));
        server.tools(&context()).await.unwrap();
        let started = pids(host.path("pids"), 2).await;
        assert!(started.iter().all(|pid| is_alive(*pid)));
        let at = Instant::now();
        host.connector.close().await;
        // What it started is killed, and dies as soon as the kernel gets to it.
        gone(&started).await;
        assert!(at.elapsed() < PROMPT, "{stubborn}");
        assert_eq!(failed(server.tools(&context()).await).0, "mcp_closed");
        assert_eq!(failed(host.connector.server(&fake(""))).0, "mcp_closed");
    }
}

#[tokio::test]
async fn a_wrapper_does_not_hide_its_server() {
    let host = Host::new();
    let file = host.path("pids");
    let inner = format!("echo $$ >> {0}; trap \\\"\\\" TERM; while :; do sleep 1000; done", file.display());
    // A shell that starts the real server as its child, as `npx` and its like do.
    let script = format!("sh -c \"{inner}\" & echo $$ >> '{}'\nserve", file.display());
    let server = host.server(&scripted(&script));
    server.tools(&context()).await.unwrap();
    let started = pids(file, 2).await;
    drop(server);
    gone(&started).await;
}

#[tokio::test]
async fn dropping_the_last_server_ends_it_and_leaves_no_zombie() {
    let host = Host::new();
    let definition = family(&host, STUBBORN);
    let (one, two) = (host.server(&definition), host.server(&definition));
    one.tools(&context()).await.unwrap();
    let started = pids(host.path("pids"), 2).await;
    drop(one);
    two.tools(&context()).await.unwrap();
    assert!(started.iter().all(|pid| is_alive(*pid)));
    drop(two);
    gone(&started).await;
    let group = started[0];
    until("the server to be reaped", || Process::of(group).is_none().then_some(())).await;
}

#[tokio::test]
async fn a_panic_and_a_dropped_connect_leave_nothing() {
    let host = Host::new();
    let server = host.server(&family(&host, STUBBORN));
    let file = host.path("pids");
    let task = tokio::spawn(async move {
        server.tools(&context()).await.unwrap();
        panic!("on purpose");
    });
    assert!(task.await.unwrap_err().is_panic());
    gone(&pids(file, 2).await).await;

    let silent = Host::new();
    let file = silent.path("pids");
    let server = silent.server(&scripted(&format!("echo $$ >> '{}'; sleep 1000", file.display())));
    let context = context();
    let started = tokio::select! {
        tools = server.tools(&context) => panic!("{tools:?}"),
        started = pids(file, 1) => started,
    };
    gone(&started).await;
}

/// Item 89: an error in the handshake, by an answer and by time.
#[tokio::test]
async fn a_handshake_that_fails_leaves_nothing() {
    let host = Host::with(|builder| builder.connect_timeout(Duration::from_secs(2)));
    let refuses = format!("{STUBBORN}; on_initialize() {{ fail -32602 no; }}");
    let hangs = format!("{STUBBORN}; on_initialize() {{ :; }}");
    for (number, (script, code)) in [(refuses, "mcp_protocol_error"), (hangs, "mcp_timeout")].into_iter().enumerate() {
        let file = host.path(&number.to_string());
        let script =
            format!("{script}\nsleep 1000 & echo $$ >> '{0}'; echo $! >> '{0}'\nserve; sleep 1000", file.display());
        let server = host.server(&scripted(&script));
        assert_eq!(failed(server.tools(&context()).await).0, code);
        gone(&pids(file, 2).await).await;
    }
}

#[test]
fn dropping_the_async_runtime_ends_servers_at_once() {
    let host = Host::new();
    let server = host.server(&family(&host, STUBBORN));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let started = runtime.block_on(async {
        server.tools(&context()).await.unwrap();
        pids(host.path("pids"), 2).await
    });
    drop(runtime);
    tokio::runtime::Runtime::new().unwrap().block_on(gone(&started));
    drop(server);
}

#[tokio::test]
async fn a_server_is_started_once_and_shared() {
    let host = Host::new();
    let file = host.path("pids");
    let definition = fake(&format!("echo $$ >> '{}'", file.display()));
    let renamed = McpServerDef { name: super::support::name("other"), ..definition.clone() };
    let servers: Vec<_> = [&definition, &renamed, &definition].map(|definition| host.server(definition)).into();
    assert!(!file.exists(), "binding starts nothing");
    let context = context();
    let calls = servers.iter().map(|server| server.call("echo", no_arguments(), &context));
    for said in futures_util::future::join_all(calls).await {
        assert_eq!(said.unwrap(), Value::from("hello"));
    }
    assert_eq!(pids(file.clone(), 1).await.len(), 1);
    let longer = McpServerDef { timeout_ms: Some(5_000), ..definition };
    host.server(&longer).tools(&context).await.unwrap();
    assert_eq!(pids(file, 2).await.len(), 2);
}

#[tokio::test]
async fn a_server_that_ended_is_started_again_for_the_next_call() {
    let host = Host::new();
    let file = host.path("pids");
    let definition = fake(&format!(
        "echo $$ >> '{}'\non_call() {{ case \"$line\" in *crash*) exit 7 ;; *) text hello ;; esac; }}",
        file.display()
    ));
    let server = host.server(&definition);
    let lost = server.call("crash", no_arguments(), &context()).await.unwrap_err();
    assert_eq!((&*lost.code, lost.retryable), ("mcp_connection_lost", true));
    assert!(lost.message.contains("with exit code 7"), "{}", lost.message);
    assert_eq!(server.call("echo", no_arguments(), &context()).await.unwrap(), Value::from("hello"));
    // One for the question which version it speaks is not needed: the crash came later.
    assert_eq!(pids(file.clone(), 2).await.len(), 2);
    // It also ends while nobody asks.
    let second = pids(file.clone(), 2).await[1];
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(second as i32).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    gone(&[second]).await;
    until("the end to be seen", || {
        let asked = Process::of(second).is_none();
        asked.then_some(())
    })
    .await;
    let start = Instant::now();
    while server.call("echo", no_arguments(), &context()).await.is_err() {
        assert!(start.elapsed() < SOON);
    }
    assert_eq!(pids(file, 3).await.len(), 3);
}

#[tokio::test]
async fn other_secrets_need_another_session() {
    let host = Host::new();
    let file = host.path("tokens");
    let script = format!("say \"$TOKEN\" >> '{}'", file.display());
    let definition = with_stdio(fake(&script), |stdio| {
        stdio.env.push((super::support::name("TOKEN"), super::support::secret("api")))
    });
    let server = host.server(&definition);
    for token in ["first-token", "first-token", "second-token"] {
        server.tools(&with_secrets(&[("api", token)])).await.unwrap();
    }
    assert_eq!(lines(&file), ["first-token", "second-token"]);
}

/// A server that reads on while a call takes long, and writes down what it is told.
fn listening(host: &Host) -> McpServerDef {
    fake(&format!(
        "on_call() {{ say \"call $id\" >> '{0}'; }}\non_other() {{ say \"$line\" >> '{0}'; }}",
        host.path("heard").display()
    ))
}

async fn told(host: &Host) -> serde_json::Value {
    let line = until("the server to be told", || {
        lines(&host.path("heard")).into_iter().find(|line| line.contains("notifications/cancelled"))
    })
    .await;
    serde_json::from_str(&line).unwrap()
}

fn called(host: &Host) -> Option<String> {
    lines(&host.path("heard")).into_iter().find_map(|line| line.strip_prefix("call ").map(str::to_owned))
}

#[tokio::test]
async fn a_cancelled_call_ends_soon_and_the_server_is_told() {
    let host = Host::new();
    let server = host.server(&listening(&host));
    let cancel = Cancel::new();
    let context = with_cancel(cancel.clone());
    let start = Instant::now();
    let (result, request) = tokio::join!(server.call("echo", no_arguments(), &context), async {
        let request = until("the call", || called(&host)).await;
        cancel.cancel();
        request
    });
    assert!(start.elapsed() < SOON);
    let error = result.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("mcp_cancelled", false));
    let told = told(&host).await;
    assert_eq!(told["params"]["requestId"].to_string(), request);
    assert_eq!(told["params"]["reason"], "the call was cancelled");
    // The session goes on.
    server.tools(&super::support::context()).await.unwrap();
    let again = server.call("echo", no_arguments(), &context).await.unwrap_err();
    assert_eq!(&*again.code, "mcp_cancelled");
}

#[tokio::test]
async fn a_dropped_call_is_called_off() {
    let host = Host::new();
    let server = host.server(&listening(&host));
    let context = context();
    let request = tokio::select! {
        result = server.call("echo", no_arguments(), &context) => panic!("{result:?}"),
        request = until("the call", || called(&host)) => request,
    };
    let told = told(&host).await;
    assert_eq!(told["params"]["requestId"].to_string(), request);
}

#[tokio::test]
async fn a_call_that_is_overdue_is_called_off() {
    let host = Host::new();
    let definition = McpServerDef { timeout_ms: Some(300), ..listening(&host) };
    assert_eq!(failed(host.call(&definition).await).0, "mcp_timeout");
    // The server of the call is dropped with it: what is told then is told while it ends, or not at all.
    let server = host.server(&definition);
    assert_eq!(failed(server.call("echo", no_arguments(), &context()).await).0, "mcp_timeout");
    assert_eq!(told(&host).await["params"]["reason"], "the answer did not come in time");
}

#[tokio::test]
async fn a_cancel_while_connecting_ends_soon() {
    let host = Host::new();
    let file = host.path("pids");
    let server = host.server(&scripted(&format!("echo $$ >> '{}'; sleep 1000", file.display())));
    let cancel = Cancel::new();
    let context = with_cancel(cancel.clone());
    let (result, started) = tokio::join!(server.tools(&context), async {
        let started = pids(file, 1).await;
        cancel.cancel();
        started
    });
    assert_eq!(failed(result).0, "mcp_cancelled");
    gone(&started).await;
}

/// Two calls at once share a session, and one that is slow does not hold the other up.
#[tokio::test]
async fn calls_run_at_the_same_time() {
    let host = Host::new();
    let script = "on_call() { case \"$line\" in *slow*) slow=$id ;; *) text quick; id=$slow; text slow ;; esac; }";
    let server = host.server(&fake(script));
    server.tools(&context()).await.unwrap();
    let context = context();
    let slow = server.call("slow", no_arguments(), &context);
    let quick = server.call("echo", no_arguments(), &context);
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!((slow.unwrap(), quick.unwrap()), (Value::from("slow"), Value::from("quick")));
}
