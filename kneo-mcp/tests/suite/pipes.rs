//! What servers do to their pipes: each is an answer, or an error within its time, in bounded memory.

use std::time::{Duration, Instant};

use kneo_core::Value;
use kneo_core::call::CallError;
use kneo_core::plan::McpServerDef;

use super::fake::{fake, scripted};
use super::support::{Host, SOON, context, failed, gone, no_arguments, pids, plain, secret, with_secrets, with_stdio};

#[tokio::test]
async fn a_server_is_asked_and_answers() {
    let host = Host::new();
    let server = host.server(&fake(""));
    let tools = server.tools(&context()).await.unwrap();
    assert_eq!(tools.len(), 1);
    assert_eq!((&*tools[0].name, &*tools[0].description), ("echo", "Says it again"));
    assert_eq!(tools[0].parameters.to_string(), r#"{"type":"object"}"#);
    let said = server.call("echo", no_arguments(), &context()).await.unwrap();
    assert_eq!(said, Value::from("hello"));
}

#[tokio::test]
async fn a_call_carries_its_arguments_its_trace_and_its_key() {
    let host = Host::new();
    let heard = host.path("heard");
    let server = host.server(&fake(&format!("on_call() {{ say \"$line\" > '{}'; text ok; }}", heard.display())));
    let arguments = Value::map([("q", Value::from("a \"b\""))]).unwrap();
    let context = context();
    server.call("echo", arguments, &context).await.unwrap();
    let heard: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(heard).unwrap()).unwrap();
    let params = &heard["params"];
    assert_eq!((&params["name"], &params["arguments"]), (&"echo".into(), &serde_json::json!({"q": "a \"b\""})));
    assert_eq!(params["_meta"]["traceparent"], context.trace().to_string());
    assert_eq!(params["_meta"]["io.github.kneo-project/idempotency-key"], context.key().as_str());
}

/// Item 92: a server may say much before it answers.
#[tokio::test]
async fn much_on_standard_error_blocks_nobody_and_its_end_is_kept() {
    let host = Host::with(|builder| builder.max_stderr_bytes(64));
    let noise = "head -c 262144 /dev/zero | tr '\\0' x >&2; say last-words >&2";
    let definition = fake(&format!("{noise}\non_call() {{ {noise}; exit 3; }}"));
    let (code, message) = failed(host.call(&definition).await);
    assert_eq!(code, "mcp_connection_lost");
    assert!(message.contains("exit code 3") && message.ends_with("xlast-words"), "{message}");
    assert!(message.len() < 300, "{message}");
}

/// Item 94: what is no message is skipped.
#[tokio::test]
async fn junk_on_standard_output_is_skipped_and_counted() {
    let host = Host::new();
    let junk = "say 'Server listening on stdio'; say ''; say '[1,2]'; say '{\"log\":1}'; printf '\\377\\376\\n'";
    let server = host.server(&fake(&format!("{junk}\non_call() {{ {junk}; text fine; }}\non_list() {{ exit 0; }}")));
    assert_eq!(server.call("echo", no_arguments(), &context()).await.unwrap(), Value::from("fine"));
    let (code, message) = failed(server.tools(&context()).await);
    assert_eq!(code, "mcp_connection_lost");
    assert!(message.contains("8 lines of its standard output were no messages"), "{message}");
}

#[tokio::test]
async fn a_spec_may_lower_the_cap_and_not_raise_it() {
    let host = Host::with(|builder| builder.max_response_bytes(10_000));
    let capped = |max| McpServerDef {
        max_response_bytes: Some(max),
        ..fake("on_call() { text \"$(head -c 6000 /dev/zero | tr '\\0' x)\"; }")
    };
    assert_eq!(failed(host.call(&capped(5_000)).await).0, "mcp_answer_too_large");
    assert!(host.call(&capped(1_000_000)).await.is_ok());
    let large = McpServerDef {
        max_response_bytes: Some(1_000_000),
        ..fake("on_call() { text \"$(head -c 20000 /dev/zero | tr '\\0' x)\"; }")
    };
    assert_eq!(failed(host.call(&large).await).0, "mcp_answer_too_large");
}

/// Item 93: a server that does not read is given up, and closing does not wait for it.
#[tokio::test]
async fn a_server_that_does_not_read_times_out_and_can_be_closed() {
    let host = Host::new();
    let file = host.path("pids");
    let script = format!("on_initialized() {{ echo $$ >> '{}'; sleep 1000; }}", file.display());
    let definition = McpServerDef { timeout_ms: Some(400), ..fake(&script) };
    let server = host.server(&definition);
    let arguments = Value::map([("text", Value::from("x".repeat(1 << 20)))]).unwrap();
    let started = Instant::now();
    let (code, message) = failed(server.call("echo", arguments, &context()).await);
    assert_eq!(code, "mcp_timeout");
    assert!(message.contains("does not read what it is sent"), "{message}");
    assert!(started.elapsed() < SOON);
    host.connector.close().await;
    assert!(started.elapsed() < SOON);
    gone(&pids(file, 1).await).await;
}

#[tokio::test]
async fn a_server_that_is_silent_times_out_and_goes_on_afterwards() {
    let host = Host::new();
    let definition = McpServerDef { timeout_ms: Some(300), ..fake("on_call() { :; }") };
    let server = host.server(&definition);
    let error = server.call("echo", no_arguments(), &context()).await.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("mcp_timeout", true));
    assert_eq!(
        &*error.message,
        "the MCP server `files` gave no answer within 0.3 s; see what it does, or raise `timeout_seconds`"
    );
    server.tools(&context()).await.unwrap();
}

/// Item 99: progress begins the idle time anew and not the whole.
#[tokio::test]
async fn progress_resets_the_idle_time_and_not_the_total() {
    let host = Host::with(|builder| builder.idle_timeout(Duration::from_millis(1_000)));
    let progress = "token=${line#*\\\"progressToken\\\":}; token=${token%%[,\\}]*}
      tell() { printf '{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s,\"progress\":1}}\\n' \"$token\"; }";
    let steady = format!("on_call() {{ {progress}\nfor i in 1 2 3 4 5 6; do sleep 0.3; tell; done; text done; }}");
    let started = Instant::now();
    assert_eq!(host.call(&fake(&steady)).await.unwrap(), Value::from("done"));
    assert!(started.elapsed() > Duration::from_millis(1_700));

    let (code, message) = failed(host.call(&fake("on_call() { sleep 1000; }")).await);
    assert_eq!(code, "mcp_timeout");
    assert!(message.contains("gave no sign of progress within 1 s"), "{message}");

    let endless = format!("on_call() {{ {progress}\nwhile :; do sleep 0.2; tell; done; }}");
    let definition = McpServerDef { timeout_ms: Some(1_800), ..fake(&endless) };
    let (code, message) = failed(host.call(&definition).await);
    assert_eq!(code, "mcp_timeout");
    assert!(message.contains("gave no answer within 1.8 s"), "{message}");
}

/// Item 96: nothing of this process's environment reaches a server.
#[tokio::test]
async fn the_environment_holds_what_is_declared() {
    // Set by cargo for every test, so this process has it.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let host = Host::with(|builder| {
        builder.search_path(["/usr/bin", "/bin"]).variable("HOME", "/nowhere").variable("REGION", "host")
    });
    let shown = host.path("environment");
    let definition = with_stdio(fake(&format!("env > '{}'", shown.display())), |stdio| {
        stdio.env.push((super::support::name("REGION"), plain("spec")));
        stdio.env.push((super::support::name("TOKEN"), secret("api")));
    });
    let context = with_secrets(&[("api", "s3cr3t-token"), ("other", "not-asked-for")]);
    host.server(&definition).tools(&context).await.unwrap();
    let mut lines = super::support::lines(&shown);
    // What the shell sets itself.
    lines.retain(|line| !["PWD=", "OLDPWD=", "SHLVL=", "_="].iter().any(|own| line.starts_with(own)));
    lines.sort_unstable();
    assert_eq!(lines, ["HOME=/nowhere", "LANG=C.UTF-8", "PATH=/usr/bin:/bin", "REGION=spec", "TOKEN=s3cr3t-token"]);
}

#[tokio::test]
async fn no_secret_comes_back() {
    let host = Host::new();
    let leaks = "say \"token $TOKEN\" >&2; say \"token $TOKEN\"";
    let script = format!(
        "{leaks}\non_list() {{ answer \"{{\\\"tools\\\":[{{\\\"name\\\":\\\"echo\\\",\\\"description\\\":\\\"uses $TOKEN\\\",\\\"inputSchema\\\":{{}}}}]}}\"; }}
        on_call() {{ case \"$line\" in *good*) text \"got $TOKEN\" ;; *bad*) fail -32000 \"bad $TOKEN\" ;; *) {leaks}; exit 1 ;; esac; }}"
    );
    let definition = with_stdio(fake(&script), |stdio| stdio.env.push((super::support::name("TOKEN"), secret("api"))));
    let context = with_secrets(&[("api", "s3cr3t-token")]);
    let server = host.server(&definition);
    assert_eq!(&*server.tools(&context).await.unwrap()[0].description, "uses [redacted]");
    let ask = async |how: &str| -> Result<Value, CallError> { server.call(how, no_arguments(), &context).await };
    assert_eq!(ask("good").await.unwrap(), Value::from("got [redacted]"));
    let bad = ask("bad").await.unwrap_err();
    assert_eq!(&*bad.message, "the MCP server `files` failed: bad [redacted] (JSON-RPC error -32000)");
    let lost = ask("exit").await.unwrap_err();
    assert!(lost.message.ends_with("token [redacted]\ntoken [redacted]"), "{}", lost.message);
    for shown in [format!("{bad:?}{lost:?}"), format!("{server:?}{:?}", host.connector)] {
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_starts_nothing() {
    let host = Host::new();
    let definition = with_stdio(fake(&format!("touch '{}'", host.path("ran").display())), |stdio| {
        stdio.env.push((super::support::name("TOKEN"), secret("api")));
    });
    let error = host.call(&definition).await.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("secret_missing", false));
    assert!(error.message.contains("there is no secret `api`"), "{}", error.message);
    assert!(!host.path("ran").exists());
}

/// Requests of servers are refused at once, so that none waits.
#[tokio::test]
async fn requests_of_a_server_get_errors_and_pings_answers() {
    let host = Host::new();
    let heard = host.path("heard");
    let ask = |method: &str, params: &str| {
        format!(
            "say '{{\"jsonrpc\":\"2.0\",\"id\":\"{method}\",\"method\":\"{method}\",\"params\":{params}}}'; IFS= read -r reply; say \"$reply\" >> '{}'",
            heard.display()
        )
    };
    let asks = [
        ask("sampling/createMessage", r#"{"messages":[],"maxTokens":5}"#),
        ask("roots/list", "{}"),
        ask("elicitation/create", r#"{"message":"who?","requestedSchema":{"type":"object","properties":{}}}"#),
        ask("something/else", "{}"),
        ask("ping", "{}"),
    ];
    let definition = fake(&format!("on_call() {{ call=$id; {}; id=$call; text done; }}", asks.join("; ")));
    assert_eq!(host.call(&definition).await.unwrap(), Value::from("done"));
    let replies: Vec<serde_json::Value> =
        super::support::lines(&heard).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(replies.len(), 5);
    for reply in &replies[..4] {
        assert_eq!(reply["error"]["code"], -32601, "{reply}");
    }
    assert_eq!(replies[4]["result"], serde_json::json!({}));
}

#[tokio::test]
async fn a_broken_answer_is_an_error_at_once() {
    let host = Host::new();
    for (answer, code) in [
        ("say \"{\\\"id\\\":$id,\\\"result\\\":{}}\"", "mcp_protocol_error"),
        ("answer '7'", "mcp_protocol_error"),
        ("answer '{\"tools\":[]}'", "mcp_protocol_error"),
        ("fail -32602 'no such tool'", "mcp_request_refused"),
        ("fail -32601 'no such method'", "mcp_request_refused"),
        ("fail -32603 'it broke'", "mcp_server_error"),
        ("fail -32000 'later'", "mcp_server_error"),
        ("answer '{\"content\":[{\"type\":\"text\",\"text\":\"no file\"}],\"isError\":true}'", "mcp_tool_error"),
        ("answer '{\"content\":[],\"structuredContent\":{\"n\":9007199254740993}}'", "mcp_answer_invalid"),
        (
            "answer '{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":{\"method\":\"roots/list\"}}}'",
            "mcp_input_required",
        ),
        ("exec >&-; sleep 1000", "mcp_connection_lost"),
        ("exec <&-; say '{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\"}'; sleep 1000", "mcp_connection_lost"),
        ("kill -9 $$", "mcp_connection_lost"),
    ] {
        let started = Instant::now();
        assert_eq!(failed(host.call(&fake(&format!("on_call() {{ {answer}; }}"))).await).0, code, "{answer}");
        assert!(started.elapsed() < SOON, "{answer}");
    }
}

#[tokio::test]
async fn arguments_are_a_map() {
    let host = Host::new();
    let server = host.server(&fake(""));
    let (code, message) = failed(server.call("echo", Value::from("x"), &context()).await);
    assert_eq!(code, "mcp_arguments_invalid");
    assert!(message.ends_with("takes a map of arguments, and was given string"), "{message}");
}

#[tokio::test]
async fn a_server_that_never_gets_ready_says_why() {
    let host = Host::with(|builder| builder.connect_timeout(Duration::from_secs(3)));
    for (script, code, says) in [
        ("say 'no config found' >&2; exit 2", "mcp_spawn_failed", "its standard error ends with: no config found"),
        ("exec >&-; sleep 1000", "mcp_spawn_failed", "it ended before it answered"),
        ("sleep 1000", "mcp_timeout", "did not get ready within 3 s"),
        (
            "on_initialize() { fail -32602 'version 1 only'; }; serve",
            "mcp_protocol_error",
            "it refuses the handshake: version 1 only",
        ),
        ("on_initialize() { answer '{}'; }; serve", "mcp_protocol_error", "its answer to the handshake is none"),
    ] {
        let (found, message) = failed(host.call(&scripted(script)).await);
        assert_eq!(found, code, "{script}: {message}");
        assert!(message.contains(says), "{message}");
    }
}

/// The author's time for one request is that for the first ones too, of which there are at most two.
#[tokio::test]
async fn a_server_that_does_not_get_ready_is_waited_for_as_long_as_its_author_says() {
    let host = Host::new();
    let within = |ms, script: &str| McpServerDef { timeout_ms: Some(ms), ..fake(script) };
    let file = host.path("pids");
    let silent = format!("echo $$ >> '{}'\non_discover() {{ :; }}\non_initialize() {{ :; }}", file.display());
    let started = Instant::now();
    let error = host.call(&within(1_000, &silent)).await.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("mcp_timeout", true));
    assert_eq!(
        &*error.message,
        "the MCP server `files` did not get ready within 1 s; see that it runs, or raise `timeout_seconds`, which also \
         counts for the first answer"
    );
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    gone(&pids(file, 2).await).await;
    // One of before 2026-07-28 that says nothing to what it does not know is asked the older question in time.
    let older = within(2_000, "on_discover() { :; }");
    assert_eq!(host.call(&older).await.unwrap(), Value::from("hello"));
    // The host's own time for it holds whatever a spec says.
    let host = Host::with(|builder| builder.connect_timeout(Duration::from_millis(500)));
    let (_, message) = failed(host.call(&within(60_000, &silent)).await);
    assert!(message.contains("within 0.5 s") && message.contains("`connect_timeout`"), "{message}");
}

/// The newest version that has a handshake is offered, and a server may choose an older one, of those that there are.
#[tokio::test]
async fn a_server_may_choose_a_version_that_there_is_and_no_other() {
    let host = Host::new();
    let choosing = |version: &str| {
        let answer = format!(
            r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"x","version":"1"}}}}"#
        );
        fake(&format!("echo $$ >> '{}'\non_initialize() {{ answer '{answer}'; }}", host.path("pids").display()))
    };
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        assert_eq!(host.call(&choosing(version)).await.unwrap(), Value::from("hello"), "{version}");
    }
    let long = "9".repeat(4_000);
    for version in ["1999-01-01", "2025-12-31", "2099-01-01", "", "latest", &long] {
        let error = host.call(&choosing(version)).await.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("mcp_protocol_error", false), "{version}");
        let shown = version.get(..40).unwrap_or(version);
        let says = format!(
            "it answers in version `{shown}`, and this host speaks 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28"
        );
        assert!(error.message.contains(&says) && error.message.len() < 400, "{error}");
    }
    host.connector.close().await;
    gone(&pids(host.path("pids"), 10).await).await;
}

/// Others answer it with nothing that is an answer, or not at all.
#[tokio::test]
async fn a_server_need_not_understand_the_first_question() {
    let host = Host::new();
    for (reaction, starts) in [("answer '{}'", 2), ("answer '7'", 2), (":", 1)] {
        let file = host.path(&format!("starts {}", reaction.len()));
        let definition = fake(&format!("echo x >> '{}'\non_discover() {{ {reaction}; }}", file.display()));
        assert_eq!(host.call(&definition).await.unwrap(), Value::from("hello"), "{reaction}");
        assert_eq!(super::support::lines(&file).len(), starts, "{reaction}");
    }
}

/// A server that is slow to start, as one that is downloaded first, is known for what it is all the same.
#[tokio::test]
async fn a_server_may_be_slow_to_start() {
    let modern = "on_discover() { answer '{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"ttlMs\":0,\"cacheScope\":\"private\"}'; }
      on_initialize() { fail -32601 'no such method'; }";
    let starts = async |behaves: &str| {
        let host = Host::new();
        let file = host.path("starts");
        let first = format!("[ -e '{0}' ] || slow=1; echo x >> '{0}'; [ -z \"$slow\" ] || sleep 11", file.display());
        let started = Instant::now();
        host.server(&fake(&format!("{first}\n{behaves}"))).tools(&context()).await.unwrap();
        assert!(started.elapsed() > Duration::from_secs(10));
        super::support::lines(&file).len()
    };
    let (older, newer) = tokio::join!(starts(""), starts(modern));
    assert_eq!((older, newer), (1, 2));
}

/// Some servers of before 2026-07-28 end at the first message that they do not know.
#[tokio::test]
async fn a_server_that_ends_at_the_first_question_is_started_again_for_the_older_one() {
    let host = Host::new();
    let file = host.path("starts");
    let definition = fake(&format!("echo x >> '{}'\non_discover() {{ exit 1; }}", file.display()));
    let server = host.server(&definition);
    server.tools(&context()).await.unwrap();
    assert_eq!(super::support::lines(&file).len(), 2);
    // It is known now, and not asked again.
    let crash = server.call("echo", no_arguments(), &context()).await;
    assert_eq!(crash.unwrap(), Value::from("hello"));
    host.connector.close().await;
    assert_eq!(super::support::lines(&file).len(), 2);
}
