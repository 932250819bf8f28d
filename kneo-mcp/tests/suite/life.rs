//! What survives the death of the parent, and what many sessions leave behind: nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kneo_core::tool_server::{Connector, ToolServer};
use kneo_mcp::McpConnector;

use super::fake::{fake, scripted};
use super::support::{Host, Process, context, gone, http, is_alive, no_arguments, pids, until};
use super::web::{Answer, Web, well};

/// Tells a helper, which is a test of this binary run as a process of its own, where to work.
pub(super) const DIRECTORY: &str = "KNEO_MCP_TEST_DIRECTORY";

/// Runs another test of this binary as a process of its own.
pub(super) fn helper(test: &str, directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

pub(super) fn directory() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `a_killed_parent_takes_its_servers_with_it`"]
async fn parent() {
    let Some(directory) = directory() else { return };
    let _servers = stubborn(&directory).await;
    fs::write(directory.join("ready"), "").unwrap();
    std::future::pending::<()>().await;
}

/// Three servers that have written down who they and their children are.
async fn stubborn(directory: &Path) -> Vec<Arc<dyn ToolServer>> {
    let connector = McpConnector::builder(directory).build().unwrap();
    let mut servers = Vec::new();
    for number in 0..3 {
        // Each ignores every polite signal, has a child, and goes on after the end of its input.
        let script = format!(
            "n={number}; trap '' TERM HUP INT QUIT; sleep 1000 & printf '%s\\n%s\\n' $$ $! >> pids\nserve; sleep 1000"
        );
        let server = connector.server(&scripted(&script)).unwrap();
        server.tools(&context()).await.unwrap();
        servers.push(server);
    }
    servers
}

/// Item 89: `SIGKILL` of the parent.
#[tokio::test]
async fn a_killed_parent_takes_its_servers_with_it() {
    let host = Host::new();
    let mut parent = helper("suite::life::parent", host.directory.path());
    until("the parent", || host.path("ready").exists().then_some(())).await;
    let started = pids(host.path("pids"), 6).await;
    let mut all = started.clone();
    all.extend(started.iter().map(|pid| Process::of(*pid).unwrap().group));
    assert!(all.iter().all(|pid| is_alive(*pid)), "{all:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    gone(&all).await;
}

/// How a process with servers ends that does not close them: each is a test, run as a process of its own.
async fn dies(how: &str, signal: Option<i32>) {
    use std::os::unix::process::ExitStatusExt;
    let host = Host::new();
    let mut parent = helper(&format!("suite::life::{how}"), host.directory.path());
    until("the parent to die", || parent.try_wait().unwrap()).await;
    let status = parent.wait().unwrap();
    assert!(!status.success() && status.signal() == signal, "{how}: {status}");
    // Three servers, each with a child.
    let started = pids(host.path("pids"), 6).await;
    gone(&started).await;
}

/// Item 89: a panic, whether it unwinds or not, and an exit.
#[tokio::test]
async fn a_parent_that_panics_or_exits_takes_its_servers_with_it() {
    dies("panics", None).await;
    dies("aborts", Some(6)).await;
    dies("exits", None).await;
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `a_parent_that_panics_or_exits_takes_its_servers_with_it`"]
async fn panics() {
    let Some(directory) = directory() else { return };
    let _servers = stubborn(&directory).await;
    panic!("on purpose");
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `a_parent_that_panics_or_exits_takes_its_servers_with_it`"]
#[expect(clippy::disallowed_methods, reason = "the end of this process is what is tested")]
async fn aborts() {
    let Some(directory) = directory() else { return };
    let _servers = stubborn(&directory).await;
    std::panic::set_hook(Box::new(|_| std::process::abort()));
    panic!("on purpose");
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `a_parent_that_panics_or_exits_takes_its_servers_with_it`"]
async fn exits() {
    let Some(directory) = directory() else { return };
    let _servers = stubborn(&directory).await;
    std::process::exit(7);
}

/// How a session ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Close,
    Drop,
    DropWhileConnecting,
    Panic,
    Crash,
}

const ENDS: [End; 5] = [End::Close, End::Drop, End::DropWhileConnecting, End::Panic, End::Crash];

const CYCLES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as a process of its own, for `many_sessions_leave_nothing_behind`"]
async fn busy_parent() {
    let Some(directory) = directory() else { return };
    std::panic::set_hook(Box::new(|_| {}));
    let connector = || McpConnector::builder(&directory).grace(Duration::from_millis(50)).build().unwrap();
    let cycle = async |round: usize| {
        let connector = connector();
        let bare = fake("on_call() { case \"$line\" in *crash*) kill -9 $$ ;; *) text hello ;; esac; }");
        // Every other round a shell stands before the server and has another child, as `npx` and its like do.
        let wrapped = ["-c", "sleep 1000 & sh -c \"$0\"; exit", &script_of(&bare)];
        let definition = if round.is_multiple_of(2) { bare } else { super::support::stdio("sh", &wrapped) };
        let server = connector.server(&definition).unwrap();
        match ENDS[round / 2 % ENDS.len()] {
            End::Close => {
                server.call("echo", no_arguments(), &context()).await.unwrap();
                connector.close().await;
            }
            End::Drop => {
                server.tools(&context()).await.unwrap();
            }
            End::DropWhileConnecting => {
                let brief = Duration::from_micros(u64::try_from(round).unwrap() * 37);
                let _ = tokio::time::timeout(brief, server.tools(&context())).await;
            }
            End::Panic => {
                let task = tokio::spawn(async move {
                    server.tools(&context()).await.unwrap();
                    panic!("on purpose");
                });
                assert!(task.await.unwrap_err().is_panic());
            }
            End::Crash => {
                server.call("crash", no_arguments(), &context()).await.unwrap_err();
            }
        }
    };
    for round in 0..ENDS.len() * 2 {
        cycle(round).await;
    }
    settled().await;
    let baseline = descriptors();
    for round in 0..CYCLES {
        cycle(round).await;
    }
    settled().await;
    assert_eq!(descriptors(), baseline);
    fs::write(directory.join("clean"), "").unwrap();
}

/// The same for servers at an address: connections and what they hold are given back.
#[tokio::test]
async fn many_sessions_at_an_address_leave_no_descriptor() {
    let web = Web::start(|request| match request.what() {
        "GET" => Answer::open(": hello\n\n"),
        "tools/call" if request.body["params"]["name"] == "slow" => Answer::open(": working\n\n"),
        _ => well(request),
    })
    .await;
    let cycle = async |round: usize| {
        let host = Host::new();
        let server = host.server(&http(&web.url()));
        match round % 4 {
            0 => {
                server.call("echo", no_arguments(), &context()).await.unwrap();
                host.connector.close().await;
            }
            1 => {
                server.tools(&context()).await.unwrap();
            }
            2 => {
                let brief = Duration::from_micros(u64::try_from(round).unwrap() * 37);
                let _ = tokio::time::timeout(brief, server.tools(&context())).await;
            }
            _ => {
                let brief = Duration::from_millis(20);
                let called = tokio::time::timeout(brief, server.call("slow", no_arguments(), &context())).await;
                assert!(called.is_err());
            }
        }
        host.connector.close().await;
    };
    for round in 0..4 {
        cycle(round).await;
    }
    // This test may run beside others in one process: only sockets to this server are counted.
    let open = || connections(web.port());
    until("every connection to be closed", || (open() == 0).then_some(())).await;
    for round in 0..CYCLES {
        cycle(round).await;
    }
    until("every connection to be closed", || (open() == 0).then_some(())).await;
}

/// The connections to a port of this machine that are established, as `/proc` shows them.
fn connections(port: u16) -> usize {
    let (port, established) = (format!(":{port:04X}"), "01");
    let of = |file: &str| {
        let table = fs::read_to_string(file).unwrap_or_default();
        let is_one = |line: &&str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields.get(2).is_some_and(|remote| remote.ends_with(&port)) && fields.get(3) == Some(&established)
        };
        table.lines().filter(is_one).count()
    };
    of("/proc/self/net/tcp") + of("/proc/self/net/tcp6")
}

fn script_of(definition: &kneo_core::plan::McpServerDef) -> String {
    let kneo_core::plan::Transport::Stdio(stdio) = &definition.transport else { panic!("no stdio") };
    stdio.args.last().unwrap().to_string()
}

/// Waits until this process has no child, alive or dead, and no descendant.
async fn settled() {
    let me = std::process::id();
    until("every child to be reaped", || Process::all().iter().all(|process| process.parent != me).then_some(())).await;
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Item 90: no orphan, no zombie, no descriptor.
#[tokio::test]
async fn many_sessions_leave_nothing_behind() {
    let host = Host::new();
    let mut busy = helper("suite::life::busy_parent", host.directory.path());
    let mine = busy.id();
    assert!(busy.wait().unwrap().success());
    assert!(host.path("clean").exists());
    // The host's folder is the working directory of everything that was started.
    let folder = host.directory.path().canonicalize().unwrap();
    let left = || {
        let within = |process: &Process| {
            process.pid != mine && fs::read_link(format!("/proc/{}/cwd", process.pid)).is_ok_and(|cwd| cwd == folder)
        };
        Process::all().into_iter().filter(|process| process.is_alive() && within(process)).collect::<Vec<_>>()
    };
    until("every server to be gone", || left().is_empty().then_some(())).await;
}
