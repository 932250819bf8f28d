//! What survives the death of the parent, and what many calls leave behind: nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kneo_core::plan::CommandDef;
use kneo_core::tool::Backing;
use kneo_core::{Cancel, Value};
use kneo_tools::CommandTools;

use super::support::{Host, Process, context, env, gone, is_alive, literal, pids, sh, text, until};

/// Tells a helper, which is a test of this binary run as a process of its own, where to work.
const DIRECTORY: &str = "KNEO_TOOLS_TEST_DIRECTORY";

/// Runs another test of this binary as a process of its own.
fn helper(test: &str, directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("suite::life::{test}"), "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn directory() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// Starts calls that end only when they are made to.
async fn call_for_ever(tools: &CommandTools, command: &CommandDef, calls: usize) {
    let function = tools.bind(command).unwrap();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..calls {
        let function = Arc::clone(&function);
        running.spawn(async move { function.call(Value::Null, &context(Cancel::new())).await });
    }
    let ended = running.join_next().await;
    panic!("a call ended by itself: {ended:?}");
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `a_killed_parent_takes_its_commands_with_it`"]
async fn parent() {
    let Some(directory) = directory() else { return };
    let tools = CommandTools::builder(&directory).build().unwrap();
    let script = "trap '' TERM HUP INT QUIT; sleep 1000 & printf '%s\\n%s\\n' $$ $! >> pids; wait; sleep 1000";
    call_for_ever(&tools, &sh(script), 3).await;
}

#[tokio::test]
async fn a_killed_parent_takes_its_commands_with_it() {
    let host = Host::new();
    let mut parent = helper("parent", host.directory.path());
    let started = pids(host.path("pids"), 6).await;
    let mut all = started.clone();
    all.extend(started.iter().map(|pid| Process::of(*pid).unwrap().group));
    assert!(all.iter().all(|pid| is_alive(*pid)), "{all:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    gone(&all).await;
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `no_moment_of_death_leaves_a_command_behind`"]
async fn hasty_parent() {
    let Some(directory) = directory() else { return };
    let tools = CommandTools::builder(&directory).build().unwrap();
    let marked = env(literal(&["sleep", "1000"]), "MARK", text(directory.to_str().unwrap()));
    fs::write(directory.join("ready"), "").unwrap();
    call_for_ever(&tools, &marked, 40).await;
}

/// Kills the parent at moments spread over the starts of forty commands, so that some fall between the making of a
/// process and its first instruction.
#[tokio::test]
async fn no_moment_of_death_leaves_a_command_behind() {
    let mut seen = 0;
    for round in 0..30u64 {
        let host = Host::new();
        let mut parent = helper("hasty_parent", host.directory.path());
        until("the parent to start", || host.path("ready").exists().then_some(())).await;
        if round % 5 == 0 {
            seen += until("a command to start", || Some(marked(host.directory.path()).len()).filter(|n| *n > 0)).await;
        } else {
            tokio::time::sleep(Duration::from_micros(round * 7_919 % 40_000)).await;
        }
        parent.kill().unwrap();
        parent.wait().unwrap();
        until("every command to be gone", || marked(host.directory.path()).is_empty().then_some(())).await;
    }
    assert!(seen > 0);
}

/// The living processes whose environment names a directory.
fn marked(directory: &Path) -> Vec<u32> {
    let mark = format!("MARK={}", directory.display()).into_bytes();
    let has_mark = |process: &Process| {
        let environment = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark)
    };
    Process::all().into_iter().filter(|process| process.is_alive() && has_mark(process)).map(|p| p.pid).collect()
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `many_calls_leave_nothing_behind`"]
async fn busy_parent() {
    let Some(directory) = directory() else { return };
    let tools = CommandTools::builder(&directory).grace(Duration::from_secs(20)).build().unwrap();
    let quick = tools.bind(&literal(&["true"])).unwrap();
    let slow = tools.bind(&sh("sleep 1000 & echo x; wait")).unwrap();
    let one_of_each = async || {
        quick.call(Value::Null, &context(Cancel::new())).await.unwrap();
        let overdue = context(Cancel::new());
        let cancelled = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            overdue.cancel.cancel();
        };
        let (result, ()) = tokio::join!(slow.call(Value::Null, &overdue), cancelled);
        assert_eq!(&*result.unwrap_err().code, "tool_cancelled");
        let dropped = context(Cancel::new());
        let _ = tokio::time::timeout(Duration::from_millis(1), slow.call(Value::Null, &dropped)).await;
    };
    one_of_each().await;
    settled().await;
    let baseline = descriptors();
    for _ in 0..100 {
        one_of_each().await;
    }
    settled().await;
    assert_eq!(descriptors(), baseline);
    fs::write(directory.join("clean"), "").unwrap();
}

/// Waits until this process has no child, alive or dead.
async fn settled() {
    let me = std::process::id();
    until("every child to be reaped", || Process::all().iter().all(|process| process.parent != me).then_some(())).await;
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test]
async fn many_calls_leave_nothing_behind() {
    let host = Host::new();
    let mut busy = helper("busy_parent", host.directory.path());
    assert!(busy.wait().unwrap().success());
    assert!(host.path("clean").exists());
}
