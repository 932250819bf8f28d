//! What survives the death of the parent, and what many sessions leave behind: nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kneo_core::tool_server::Connector;
use kneo_mcp::McpConnector;

use super::fake::{fake, scripted};
use super::support::{Host, Process, context, gone, is_alive, no_arguments, pids, until};

/// Tells a helper, which is a test of this binary run as a process of its own, where to work.
pub(super) const DIRECTORY: &str = "KNEO_MCP_TEST_DIRECTORY";

/// Runs another test of this binary as a process of its own.
pub(super) fn helper(test: &str, directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
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
    let connector = McpConnector::builder(&directory).build().unwrap();
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
    fs::write(directory.join("ready"), "").unwrap();
    std::future::pending::<()>().await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as a process of its own, for `many_sessions_leave_nothing_behind`"]
async fn busy_parent() {
    let Some(directory) = directory() else { return };
    let connector = || McpConnector::builder(&directory).grace(Duration::from_millis(50)).build().unwrap();
    // Ended by a close, by a drop, by a drop of the connecting, and by a crash; half of them behind a wrapper.
    let cycle = async |round: usize| {
        let connector = connector();
        let well = fake("");
        let wrapped = super::support::stdio("sh", &["-c", "sleep 1000 & sh -c \"$0\"; exit", &script_of(&well)]);
        let definition = if round.is_multiple_of(2) { well } else { wrapped };
        let server = connector.server(&definition).unwrap();
        match round % 4 {
            0 => {
                server.call("echo", no_arguments(), &context()).await.unwrap();
                connector.close().await;
            }
            1 => {
                server.tools(&context()).await.unwrap();
            }
            2 => {
                let brief = Duration::from_micros(u64::try_from(round).unwrap() * 37);
                let _ = tokio::time::timeout(brief, server.tools(&context())).await;
            }
            _ => {
                let crash = connector.server(&fake("on_call() { kill -9 $$; }")).unwrap();
                crash.call("echo", no_arguments(), &context()).await.unwrap_err();
            }
        }
    };
    for round in 0..4 {
        cycle(round).await;
    }
    settled().await;
    let baseline = descriptors();
    for round in 0..200 {
        cycle(round).await;
    }
    settled().await;
    assert_eq!(descriptors(), baseline);
    fs::write(directory.join("clean"), "").unwrap();
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
