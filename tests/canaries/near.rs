//! An MCP server that is started, in the language of `/bin/sh`, which repeats the variables that it is given.

/// Its tools, each a way in which it answers.
pub(crate) const WAYS: [&str; 9] =
    ["text", "lines", "nested", "decoded", "environment", "log", "junk", "error", "exit"];

/// The server; it leaves what it was given in the file `near_was_given`.
pub(crate) const SCRIPT: &str = r#"#!/bin/sh
escaped() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' | awk '{printf "%s%s", sep, $0; sep="\\n"}'; }
all() { printf '%s\n%s\n%s\n%s\n' "$TOKEN" "$PEM" "$CREDENTIALS" "$ODD"; }
items() {
  sep=
  while IFS= read -r text; do
    printf '%s{"type":"text","text":"%s"}' "$sep" "$(printf '%s\n' "$text" | escaped)"
    sep=,
  done
}
# The key as it is once the credentials are read.
key() { printf '%b' "$(printf '%s\n' "$CREDENTIALS" | sed -n 's/.*"private_key": "\(.*\)".*/\1/p')"; }
say() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
says() { say "{\"content\":[$(items)]}"; }
note() {
  printf '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":"%s"}}\n' "$1"
}
all > near_was_given
all >&2
all
while IFS= read -r line; do
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  case "$line" in
    *'"method":"initialize"'*)
      say "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"instructions\":\"$(all | escaped)\",\"serverInfo\":{\"name\":\"near\",\"version\":\"1\"}}" ;;
    *'"method":"tools/list"'*)
      tools=
      for way in WAYS; do
        tools="$tools${tools:+,}{\"name\":\"$way\",\"description\":\"$(all | escaped)\",\"inputSchema\":{\"type\":\"object\"}}"
      done
      say "{\"tools\":[$tools]}" ;;
    *'"method":"tools/call"'*)
      case "$line" in
        *'"name":"text"'*) say "{\"content\":[{\"type\":\"text\",\"text\":\"$(all | escaped)\"}]}" ;;
        *'"name":"lines"'*) all | says ;;
        *'"name":"nested"'*) printf '{"said":"%s"}\n' "$(all | escaped)" | says ;;
        *'"name":"decoded"'*) key | says ;;
        *'"name":"environment"'*) env | says ;;
        *'"name":"log"'*)
          note "$(all | escaped)"
          all | while IFS= read -r text; do note "$(printf '%s\n' "$text" | escaped)"; done
          echo x | says ;;
        *'"name":"junk"'*) all; key; echo; printf '{"jsonrpc":"2.0","id":%s,"result":"%s"}\n' "$id" "$(all | escaped)" ;;
        *'"name":"error"'*)
          printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":"%s"}}\n' "$id" "$(all | escaped)" ;;
        *) all >&2; key >&2; printf 'ends with %s' "$TOKEN" >&2; exit 3 ;;
      esac ;;
    *'"id":'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"%s"}}\n' "$id" "$(all | escaped)" ;;
  esac
done
"#;

/// The script with its tools.
pub(crate) fn script() -> String {
    SCRIPT.replace("WAYS", &WAYS.join(" "))
}
