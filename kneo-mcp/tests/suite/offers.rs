//! What servers offer: whole or not at all, within bounds, and asked for again when it has changed.

use super::fake::fake;
use super::support::{Host, context, failed, lines, no_arguments};

/// One tool as a server writes it.
fn tool(name: &str) -> String {
    format!("{{\\\"name\\\":\\\"{name}\\\",\\\"inputSchema\\\":{{\\\"type\\\":\\\"object\\\"}}}}")
}

#[tokio::test]
async fn all_pages_are_read_in_order() {
    let host = Host::new();
    let script = format!(
        "on_list() {{ case \"$line\" in
           *'\"cursor\":\"two\"'*) answer \"{{\\\"tools\\\":[{}],\\\"nextCursor\\\":\\\"three\\\"}}\" ;;
           *'\"cursor\":\"three\"'*) answer \"{{\\\"tools\\\":[{}]}}\" ;;
           *) answer \"{{\\\"tools\\\":[{},{}],\\\"nextCursor\\\":\\\"two\\\"}}\" ;;
         esac; }}",
        tool("c"),
        tool("a"),
        tool("d"),
        tool("b"),
    );
    let tools = host.server(&fake(&script)).tools(&context()).await.unwrap();
    assert_eq!(tools.iter().map(|tool| &*tool.name).collect::<Vec<_>>(), ["d", "b", "c", "a"]);
}

/// Item 101: an offer without an end ends at a cap.
#[tokio::test]
async fn an_offer_is_bounded() {
    let host = Host::with(|builder| builder.max_tools(100).max_response_bytes(200_000));
    let many = "tools=''; n=0
      while [ $n -lt 10000 ]; do tools=\"$tools,{\\\"name\\\":\\\"t$n\\\",\\\"inputSchema\\\":{}}\"; n=$((n+1)); [ ${#tools} -gt 150000 ] && break; done
      answer \"{\\\"tools\\\":[${tools#,}]}\"";
    let long = format!(
        "{{\\\"name\\\":\\\"t$page\\\",\\\"description\\\":\\\"{}\\\",\\\"inputSchema\\\":{{}}}}",
        "x".repeat(30_000)
    );
    for (answer, code, says) in [
        (many.to_owned(), "mcp_offer_too_large", "more than 100 tools"),
        (
            "answer '{\"tools\":[],\"nextCursor\":\"again\"}'".to_owned(),
            "mcp_protocol_error",
            "its list of tools goes round in a circle",
        ),
        (
            "page=$((page+1)); answer \"{\\\"tools\\\":[],\\\"nextCursor\\\":\\\"$page\\\"}\"".to_owned(),
            "mcp_offer_too_large",
            "more than 100 pages",
        ),
        (
            format!("page=$((page+1)); answer \"{{\\\"tools\\\":[{long}],\\\"nextCursor\\\":\\\"$page\\\"}}\""),
            "mcp_offer_too_large",
            "more than 200000 bytes",
        ),
        (
            format!("answer \"{{\\\"tools\\\":[{},{}]}}\"", tool("twice"), tool("twice")),
            "mcp_protocol_error",
            "two tools with the name `twice`",
        ),
        (format!("answer \"{{\\\"tools\\\":[{}]}}\"", tool("")), "mcp_protocol_error", "a tool with the name ``"),
        (
            "answer '{\"tools\":[{\"name\":\"a\\u0007b\",\"inputSchema\":{}}]}'".to_owned(),
            "mcp_protocol_error",
            "a tool with the name `a\\u{7}b`",
        ),
        (
            "answer '{\"tools\":[{\"name\":\"a\",\"inputSchema\":{\"maximum\":9007199254740993}}]}'".to_owned(),
            "mcp_protocol_error",
            "the schema of its tool `a`",
        ),
        ("answer '{\"tools\":[{\"name\":\"a\"}]}'".to_owned(), "mcp_protocol_error", "is no list of tools"),
        ("answer '{\"content\":[]}'".to_owned(), "mcp_protocol_error", "is no list of tools"),
    ] {
        let server = host.server(&fake(&format!("page=0\non_list() {{ {answer}; }}")));
        let (found, message) = failed(server.tools(&context()).await);
        assert_eq!(found, code, "{answer}: {message}");
        assert!(message.contains(says), "{message}");
    }
}

/// Names that look alike are different names, and stay as they are: what they are worth is for the reader of a digest.
#[tokio::test]
async fn names_of_any_script_are_taken_as_they_are() {
    let host = Host::new();
    let script = format!("on_list() {{ answer \"{{\\\"tools\\\":[{},{}]}}\"; }}", tool("read"), tool("rеad"));
    let tools = host.server(&fake(&script)).tools(&context()).await.unwrap();
    assert_ne!(tools[0].name, tools[1].name);
    let digest = kneo_core::tool_server::offer_digest(&tools).unwrap();
    assert_ne!(digest, kneo_core::tool_server::offer_digest(&tools[..1]).unwrap());
}

#[tokio::test]
async fn an_offer_is_kept_until_the_server_tells_of_a_change() {
    let host = Host::new();
    let asked = host.path("asked");
    let script = format!(
        "on_list() {{ echo x >> '{}'; answer \"{{\\\"tools\\\":[{}]}}\"; }}
         on_call() {{ say '{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}}'; text ok; }}",
        asked.display(),
        tool("t$(wc -l < '$ASKED' 2>/dev/null)").replace("$ASKED", &asked.display().to_string()),
    );
    let server = host.server(&fake(&script));
    let first = server.tools(&context()).await.unwrap();
    assert_eq!(server.tools(&context()).await.unwrap(), first);
    assert_eq!(lines(&asked).len(), 1);
    server.call("echo", no_arguments(), &context()).await.unwrap();
    // The notification came before the answer, and is taken in on its own.
    let start = std::time::Instant::now();
    while server.tools(&context()).await.unwrap() == first {
        assert!(start.elapsed() < super::support::SOON);
    }
    assert_eq!(lines(&asked).len(), 2);
}

/// From version 2026-07-28 on a server says for how long its offer holds.
#[tokio::test]
async fn a_modern_offer_holds_for_the_time_that_it_says() {
    for (ttl, asked_for) in [("\"ttlMs\":600000,", 1), ("\"ttlMs\":0,", 3), ("", 3)] {
        let host = Host::new();
        let asked = host.path("asked");
        let script = format!(
            "on_discover() {{ answer '{{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{{\"tools\":{{}}}},\"ttlMs\":0,\"cacheScope\":\"private\"}}'; }}
             on_initialize() {{ exit 1; }}
             on_list() {{ echo x >> '{}'; answer '{{\"resultType\":\"complete\",{ttl}\"cacheScope\":\"private\",\"tools\":[]}}'; }}",
            asked.display()
        );
        let server = host.server(&fake(&script));
        for _ in 0..3 {
            assert!(server.tools(&context()).await.unwrap().is_empty());
        }
        assert_eq!(lines(&asked).len(), asked_for, "{ttl:?}");
    }
}

#[tokio::test]
async fn a_modern_server_is_called_without_a_handshake() {
    let host = Host::new();
    let heard = host.path("heard");
    let script = format!(
        "on_discover() {{ answer '{{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{{\"tools\":{{}}}},\"ttlMs\":0,\"cacheScope\":\"private\"}}'; }}
         on_initialize() {{ exit 1; }}
         round=0
         on_call() {{ round=$((round+1)); say \"$line\" >> '{0}'
           if [ $round = 1 ]; then answer '{{\"resultType\":\"input_required\",\"requestState\":\"later\"}}'
           else answer '{{\"resultType\":\"complete\",\"content\":[{{\"type\":\"text\",\"text\":\"now\"}}]}}'; fi; }}",
        heard.display()
    );
    let said = host.call(&fake(&script)).await.unwrap();
    assert_eq!(said, kneo_core::Value::from("now"));
    let heard: Vec<serde_json::Value> = lines(&heard).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0]["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(heard[1]["params"]["requestState"], "later");
    assert_ne!(heard[0]["id"], heard[1]["id"]);
}
