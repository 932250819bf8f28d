//! Whatever a server sends, memory is bounded: measured in processes that do nothing else.

use kneo_core::plan::McpServerDef;

use super::fake::fake;
use super::life::helper;
use super::support::{Host, context, failed, no_arguments};

/// More than any bound here allows, and much less than the servers send.
pub(super) const MOST: u64 = 60 << 20;

/// The most memory that this process ever had, in bytes.
pub(super) fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

pub(super) fn succeeds(test: &str) {
    let host = Host::new();
    let status = helper(&format!("suite::{test}"), host.directory.path()).wait().unwrap();
    assert!(status.success() && host.path("done").exists());
}

pub(super) fn done() {
    std::fs::write(super::life::directory().unwrap().join("done"), "").unwrap();
}

/// Item 95: a line that never ends does not fill the memory.
#[test]
fn a_line_without_an_end_is_an_error_at_the_cap() {
    succeeds("memory::endless_line");
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `a_line_without_an_end_is_an_error_at_the_cap`"]
async fn endless_line() {
    if super::life::directory().is_none() {
        return;
    }
    let host = Host::with(|builder| builder.max_response_bytes(1 << 20));
    let server = host.server(&fake("on_call() { head -c 100000000 /dev/zero | tr '\\0' x; }"));
    server.tools(&context()).await.unwrap();
    let before = peak_memory();
    let (code, message) = failed(server.call("echo", no_arguments(), &context()).await);
    assert_eq!(code, "mcp_answer_too_large");
    assert!(message.contains("more than 1048576 bytes"), "{message}");
    // The session is over, and another is made for the next.
    server.tools(&context()).await.unwrap();
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < MOST, "{grown} bytes more");
    done();
}

/// A server that asks without end is not listened to for ever, whether it reads the answers or not.
#[test]
fn requests_without_end_are_an_error() {
    succeeds("memory::endless_requests");
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `requests_without_end_are_an_error`"]
async fn endless_requests() {
    if super::life::directory().is_none() {
        return;
    }
    let host = Host::new();
    let before = peak_memory();
    let ask = r#"{"jsonrpc":"2.0","id":"%s","method":"roots/list"}"#;
    let script = format!("on_call() {{ seq 1 1000000 | xargs printf '{ask}\\n'; }}");
    let (code, message) = failed(host.call(&fake(&script)).await);
    assert_eq!(code, "mcp_protocol_error");
    assert!(message.contains("it asks for more than anybody could answer"), "{message}");
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < MOST, "{grown} bytes more");
    done();
}

/// News without end are taken in one by one.
#[test]
fn notifications_without_end_fill_no_memory() {
    succeeds("memory::endless_notifications");
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `notifications_without_end_fill_no_memory`"]
async fn endless_notifications() {
    if super::life::directory().is_none() {
        return;
    }
    let host = Host::new();
    let before = peak_memory();
    let news = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let definition = McpServerDef { timeout_ms: Some(2_000), ..fake(&format!("on_call() {{ yes '{news}'; }}")) };
    assert_eq!(failed(host.call(&definition).await).0, "mcp_timeout");
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < MOST, "{grown} bytes more");
    done();
}
