#!/bin/sh
# An MCP server with one tool, which says with what it was called and what the server was started with.
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\("[^"]*"\|[0-9]*\).*/\1/p')
  test -n "$id" || continue
  version=$(printf '%s' "$line" | sed -n 's/.*"protocolVersion":"\([^"]*\)".*/\1/p')
  path=$(printf '%s' "$line" | sed -n 's/.*"path":"\([^"]*\)".*/\1/p')
  case "$line" in
    *'"method":"initialize"'*)
      result='{"protocolVersion":"'$version'","capabilities":{"tools":{}},"serverInfo":{"name":"serve","version":"1"}}' ;;
    *'"method":"tools/list"'*)
      result='{"tools":[{"name":"docs/read","description":"Reads.","inputSchema":{"type":"object"}}]}' ;;
    *'"method":"tools/call"'*)
      result='{"content":[{"type":"text","text":"'"$path $MODE ${#TOKEN} $*"'"}]}' ;;
    *)
      printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}\n' "$id"
      continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
