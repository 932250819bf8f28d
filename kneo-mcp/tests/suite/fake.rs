//! A raw MCP server in the language of `/bin/sh`, each of whose answers a test may replace.

use kneo_core::plan::McpServerDef;

use super::support::stdio;

/// Answers as a well-behaved server of version 2025-11-25 does. `$line` is what came, `$id` the number of the request.
const PRELUDE: &str = r#"
say() { printf '%s\n' "$1"; }
answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
fail() { printf '{"jsonrpc":"2.0","id":%s,"error":{"code":%s,"message":"%s"}}\n' "$id" "$1" "$2"; }
text() { answer "{\"content\":[{\"type\":\"text\",\"text\":\"$1\"}]}"; }
on_discover() { fail -32601 'no such method'; }
on_initialize() {
  answer '{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"fake","version":"1"}}'
}
on_initialized() { :; }
on_list() { answer '{"tools":[{"name":"echo","description":"Says it again","inputSchema":{"type":"object"}}]}'; }
on_call() { text hello; }
on_other() { :; }
serve() {
  while IFS= read -r line; do
    id=${line#*\"id\":}; id=${id%%[,\}]*}
    case "$line" in
      *'"method":"server/discover"'*) on_discover ;;
      *'"method":"initialize"'*) on_initialize ;;
      *'"method":"notifications/initialized"'*) on_initialized ;;
      *'"method":"tools/list"'*) on_list ;;
      *'"method":"tools/call"'*) on_call ;;
      *) on_other ;;
    esac
  done
}
"#;

/// A server that behaves but for what the script replaces; the script comes before the serving.
pub(crate) fn fake(script: &str) -> McpServerDef {
    raw(&format!("{PRELUDE}\n{script}\nserve"))
}

/// A server that is only the script, which may call `serve`.
pub(crate) fn scripted(script: &str) -> McpServerDef {
    raw(&format!("{PRELUDE}\n{script}"))
}

fn raw(script: &str) -> McpServerDef {
    stdio("sh", &["-c", script])
}
