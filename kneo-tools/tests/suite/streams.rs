//! No pipe blocks another.

use std::time::Instant;

use kneo_core::{Cancel, Value};

use super::support::{Host, SOON, context, literal, map, pids, sh, until};

#[tokio::test]
async fn much_on_stderr_before_the_answer_blocks_nothing() {
    let host = Host::new();
    let command = sh("head -c 262144 /dev/zero >&2; cat; head -c 262144 /dev/zero >&2");
    let input = map(&[("text", &"é".repeat(200_000))]);
    assert_eq!(host.call(&command, input.clone()).await.unwrap(), input);
}

#[tokio::test]
async fn a_command_need_not_read_its_input() {
    let host = Host::new();
    let input = Value::from("x".repeat(1_000_000));
    let answer = host.call(&sh("exec <&-; echo done"), input.clone()).await.unwrap();
    assert_eq!(answer, Value::from("done"));
    assert_eq!(host.call(&literal(&["true"]), input).await.unwrap(), Value::from(""));
}

#[tokio::test]
async fn input_that_nobody_reads_keeps_nobody_from_ending_the_command() {
    let host = Host::new();
    let script = format!("echo $$ >> {}; exec sleep 1000", host.path("pids").display());
    let cancel = Cancel::new();
    let function = host.bind(&sh(&script)).unwrap();
    let context = context(cancel.clone());
    let call = function.call(Value::from("x".repeat(1_000_000)), &context);
    let (result, ()) = tokio::join!(call, async {
        pids(host.path("pids"), 1).await;
        cancel.cancel();
    });
    assert_eq!(&*result.unwrap_err().code, "tool_cancelled");
}

#[tokio::test]
async fn a_process_that_left_the_group_with_the_pipe_in_its_hand_does_not_hold_up_the_answer() {
    let host = Host::new();
    let start = Instant::now();
    let script = format!("setsid sleep 1000 & echo $! > {}; echo answer", host.path("pid").display());
    assert_eq!(host.sh(&script).await.unwrap(), Value::from("answer"));
    assert!(start.elapsed() < SOON);
    let pid = until("the pid", || std::fs::read_to_string(host.path("pid")).ok()?.trim().parse().ok()).await;
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_keep_their_answers_apart() {
    let host = Host::new();
    let function = host.bind(&literal(&["cat"])).unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for call in 0..50u32 {
        let function = std::sync::Arc::clone(&function);
        calls.spawn(async move {
            let input = Value::list([Value::from(call), Value::from("x".repeat(100_000))]).unwrap();
            assert_eq!(function.call(input.clone(), &context(Cancel::new())).await.unwrap(), input);
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
}
