# Programs that others have written, for the tests that speak to them over a wire. `run` sources this file and calls
# `install_wire`, before the tests.
#
# Each program has a function that installs it below target/wire, in one exact version, unless that version is there, and
# sets the variable by which the tests find it. What a program needs and this machine lacks is said in the summary, and
# the tests in front of it are left out.

readonly WIRE=target/wire
# Set to nothing where a program is left out.
wire_is_whole=1

# wire NAME NEEDS COMMAND…: installs a program by the function `wire_NAME`, if the command finds what it needs.
wire() {
    local name="$1" needs="$2"
    shift 2
    if "$@" >/dev/null 2>&1; then
        step "$name" "wire_$name"
    else
        wire_is_whole=
        skip "$name" "there is no $needs here, so NO TEST SPEAKS TO $name"
    fi
}

has_node() {
    npm --version && node -e "process.exit(Number(process.versions.node.split('.')[0]) < $1 ? 1 : 0)"
}

has_venv() {
    python3 -c 'import ensurepip, sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))'
}

# wire_cached FOLDER VERSION COMMAND…: runs a command that fills a folder, unless it holds that version already. What is
# installed names its own place, so a folder that was moved is filled anew.
wire_cached() {
    local folder="$1" version="$2" here="$2 in $PWD"
    shift 2
    if [[ "$(cat "$folder/installed" 2>/dev/null)" == "$here" ]]; then
        echo "$folder holds $version"
        return
    fi
    rm -rf "$folder" && mkdir -p "$folder" && "$@" && echo "$here" >"$folder/installed"
}

wire_npm() {
    npm install --prefix "$1" --no-audit --no-fund --no-update-notifier --loglevel error --save-exact "$2"
}

# A mock of OpenAI's API.
wire_aimock() {
    local version=1.43.0
    wire_cached "$WIRE/aimock" "$version" wire_npm "$WIRE/aimock" "@copilotkit/aimock@$version" || return 1
    export KNEO_TEST_AIMOCK="$PWD/$WIRE/aimock/node_modules/.bin/llmock"
}

wire_venv() {
    python3 -m venv "$1" && "$1/bin/pip" install --quiet --no-compile --disable-pip-version-check "$2"
}

# A proxy in front of models.
wire_litellm() {
    local version=1.106.2
    wire_cached "$WIRE/litellm" "$version" wire_venv "$WIRE/litellm" "litellm[proxy]==$version" || return 1
    export KNEO_TEST_LITELLM="$PWD/$WIRE/litellm/bin/litellm"
}

# Graphviz, which reads the drawings that are written for it: by the system's packages, where this machine may install
# them.
wire_graphviz() {
    command -v dot >/dev/null || apt-get install --quiet --yes --no-install-recommends graphviz >/dev/null 2>&1 || true
    command -v dot >/dev/null && return
    wire_is_whole=
    skip graphviz 'not installed, and not to be had: NOBODY READS THE DRAWINGS that are written for it'
}

install_wire() {
    wire_graphviz
    wire aimock 'npm with Node 20 or later' has_node 20
    wire litellm 'Python 3.10 to 3.14 with pip' has_venv
    # From here on a test that lacks its program fails.
    if [[ -n "$wire_is_whole" ]]; then
        export KNEO_REQUIRE_WIRE=1
    fi
}
