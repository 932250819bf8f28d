# Servers of the Model Context Protocol and its conformance suite, which others have written. `run` sources this file and
# calls `install_mcp`, before the tests.
#
# They are programs for Node, with a Node of their own that the suite needs, in exact versions below target/wire/mcp; each
# is found by the tests through a variable. Without npm it is said in the summary that they are left out.

readonly MCP=target/wire/mcp

readonly MCP_PACKAGES=(
    node@22.23.3
    @modelcontextprotocol/server-everything@2026.8.31
    @modelcontextprotocol/server-filesystem@2026.8.31
    @modelcontextprotocol/conformance@0.1.16
)
# The first version of the suite that knows version 2026-07-28 of the protocol.
readonly MCP_NEXT_PACKAGES=(
    @modelcontextprotocol/conformance@0.2.0-alpha.12
)

# mcp_npm FOLDER PACKAGE…: installs packages below a folder, unless it holds them already. What npm installs may name its
# own place, so a folder that was moved is filled anew.
mcp_npm() {
    local folder="$1" here
    shift
    here="$* in $PWD"
    if [[ "$(cat "$folder/installed" 2>/dev/null)" == "$here" ]]; then
        echo "$folder holds $*"
        return
    fi
    rm -rf "$folder" && mkdir -p "$folder" &&
        npm install --prefix "$folder" --no-audit --no-fund --no-update-notifier --loglevel error --save-exact "$@" &&
        echo "$here" >"$folder/installed"
}

mcp_install() {
    mcp_npm "$MCP/now" "${MCP_PACKAGES[@]}" && mcp_npm "$MCP/next" "${MCP_NEXT_PACKAGES[@]}" || return 1
    local now="$PWD/$MCP/now/node_modules" next="$PWD/$MCP/next/node_modules"
    "$now/node/bin/node" --version || return 1
    export KNEO_TEST_NODE="$now/node/bin/node"
    export KNEO_TEST_MCP_EVERYTHING="$now/.bin/mcp-server-everything"
    export KNEO_TEST_MCP_FILESYSTEM="$now/.bin/mcp-server-filesystem"
    export KNEO_TEST_MCP_CONFORMANCE="$now/.bin/conformance"
    export KNEO_TEST_MCP_CONFORMANCE_NEXT="$next/.bin/conformance"
}

install_mcp() {
    if npm --version >/dev/null 2>&1; then
        step mcp mcp_install
    else
        skip mcp 'there is no npm here, so NO TEST SPEAKS TO MCP servers of others, nor to the conformance suite'
    fi
}
