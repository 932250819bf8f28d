#!/bin/sh
# An MCP server whose one tool says outside the store that a call began, works a moment, and answers with what it got.
look() {
  printf '%s\n' "$line" | sed 's/.*"traceparent":"\([^"]*\)".*/\1/' >> looks.log
  at=$(printf '%s' "$line" | sed 's/.*"at":"\([^"]*\)".*/\1/')
  sleep "0.0$(($$ % 3 + 2))"
  printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"%s!"}]}}\n' "$id" "$at"
}
while IFS= read -r line; do
  id=${line#*\"id\":}
  id=${id%%[,\}]*}
  case "$line" in
    *'"method":"initialize"'*)
      version=$(printf '%s' "$line" | sed 's/.*"protocolVersion":"\([^"]*\)".*/\1/')
      result='{"protocolVersion":"'$version'","capabilities":{"tools":{}},"serverInfo":{"name":"desk","version":"1"}}' ;;
    *'"method":"tools/list"'*)
      result='{"tools":[{"name":"look","description":"Looks.","inputSchema":{"type":"object","properties":{"at":{"type":"string"}},"required":["at"]}}]}' ;;
    *'"method":"tools/call"'*) look & continue ;;
    *'"id":'*)
      printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}\n' "$id"
      continue ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
