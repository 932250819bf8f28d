//! A command really ends: when it is cancelled, overdue, dropped or done.

use std::time::{Duration, Instant};

use kneo_core::{Cancel, Value};

use super::support::{Host, Process, SOON, context, gone, is_alive, pids, sh, until};

/// A script that starts a grandchild, writes both pids, and waits; `traps` comes first.
fn family(host: &Host, traps: &str) -> String {
    let file = host.path("pids");
    format!("{traps}\nsleep 1000 & echo $$ >> {0}; echo $! >> {0}; wait; wait", file.display())
}

#[tokio::test]
async fn a_cancel_ends_the_whole_group() {
    let host = Host::new();
    let cancel = Cancel::new();
    let function = host.bind(&sh(&family(&host, ""))).unwrap();
    let context = context(cancel.clone());
    let (result, started) = tokio::join!(function.call(Value::Null, &context), async {
        let started = pids(host.path("pids"), 2).await;
        assert!(started.iter().all(|pid| is_alive(*pid)));
        cancel.cancel();
        started
    });
    let error = result.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("tool_cancelled", false));
    gone(&started).await;
}

#[tokio::test]
async fn a_cancelled_call_starts_nothing() {
    let host = Host::new();
    let cancel = Cancel::new();
    cancel.cancel();
    let file = host.path("ran");
    let function = host.bind(&sh(&format!("touch {}", file.display()))).unwrap();
    let error = function.call(Value::Null, &context(cancel)).await.unwrap_err();
    assert_eq!(&*error.code, "tool_cancelled");
    assert!(!file.exists());
}

/// The runtime cancels a call whose time is over, and says so: a command that ended itself then would hide why.
#[tokio::test]
async fn time_that_is_over_is_the_runtimes_to_tell() {
    let host = Host::new();
    let function = host.bind(&sh("sleep 0.05; echo late")).unwrap();
    let context = context(Cancel::new()).with_timeout(Some(Duration::from_millis(1)));
    assert_eq!(function.call(Value::Null, &context).await.unwrap(), Value::from("late"));
}

#[tokio::test]
async fn a_command_may_tidy_up_before_it_ends() {
    let host = Host::with(|builder| builder.grace(SOON));
    let cancel = Cancel::new();
    let tidied = host.path("tidied");
    let traps = format!("trap 'head -c 200000 /dev/zero; echo x > {}; exit 0' TERM", tidied.display());
    let function = host.bind(&sh(&family(&host, &traps))).unwrap();
    let context = context(cancel.clone());
    let start = Instant::now();
    let (result, started) = tokio::join!(function.call(Value::Null, &context), async {
        let started = pids(host.path("pids"), 2).await;
        cancel.cancel();
        started
    });
    assert_eq!(&*result.unwrap_err().code, "tool_cancelled");
    assert!(tidied.exists() && start.elapsed() < SOON);
    gone(&started).await;
}

#[tokio::test]
async fn a_command_that_ignores_sigterm_is_killed_after_the_grace() {
    let grace = Duration::from_millis(200);
    let host = Host::with(|builder| builder.grace(grace));
    let cancel = Cancel::new();
    let function = host.bind(&sh(&family(&host, "trap '' TERM INT HUP"))).unwrap();
    let context = context(cancel.clone());
    let (result, (started, at)) = tokio::join!(function.call(Value::Null, &context), async {
        let started = pids(host.path("pids"), 2).await;
        cancel.cancel();
        (started, Instant::now())
    });
    assert_eq!(&*result.unwrap_err().code, "tool_cancelled");
    assert!(at.elapsed() >= grace && at.elapsed() < SOON);
    gone(&started).await;
}

#[tokio::test]
async fn dropping_the_future_kills_the_group_and_leaves_no_zombie() {
    let host = Host::new();
    let function = host.bind(&sh(&family(&host, "trap '' TERM"))).unwrap();
    let context = context(Cancel::new());
    let started = tokio::select! {
        result = function.call(Value::Null, &context) => panic!("ended by itself: {result:?}"),
        started = pids(host.path("pids"), 2) => started,
    };
    gone(&started).await;
    // The guard and the command are children of this process, which has to reap them.
    let leader = started[0];
    until("the command and its guard to be reaped", || {
        let mine = Process::all().into_iter().filter(|process| process.parent == std::process::id());
        let left = mine.filter(|process| process.pid == leader || !process.is_alive());
        (left.count() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_command_leaves_behind_is_killed_when_it_exits() {
    let host = Host::new();
    let left = host.sh("sleep 1000 </dev/null >/dev/null 2>&1 & echo $!").await.unwrap();
    gone(&[left.as_str().unwrap().parse().unwrap()]).await;
}

#[tokio::test]
async fn a_finished_command_counts_even_if_it_is_cancelled_in_the_same_moment() {
    let host = Host::new();
    let cancel = Cancel::new();
    let context = context(cancel.clone());
    let function = host.bind(&sh(&format!("echo $$ >> {}; echo done", host.path("pids").display()))).unwrap();
    let mut call = function.call(Value::Null, &context);
    // Lets the command start and end without giving the call a chance to notice either.
    let started = tokio::select! {
        biased;
        started = pids(host.path("pids"), 1) => started,
        result = &mut call => return assert_eq!(result.unwrap(), Value::from("done")),
    };
    until("the command to end", || (!is_alive(started[0])).then_some(())).await;
    cancel.cancel();
    assert_eq!(call.await.unwrap(), Value::from("done"));
}
