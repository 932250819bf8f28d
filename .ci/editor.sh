# The language server behind editors, for the tests that look at specs as an editor shows them. `run` sources this file
# behind `wire.sh`, whose functions it uses, and calls `install_editor` before `install_wire`.

# The YAML language server.
wire_yaml_lsp() {
    local version=1.25.0 folder="$WIRE/yaml-language-server"
    wire_cached "$folder" "$version" wire_npm "$folder" "yaml-language-server@$version" || return 1
    export KNEO_TEST_YAML_LANGUAGE_SERVER="$PWD/$folder/node_modules/.bin/yaml-language-server"
}

install_editor() {
    wire yaml_lsp 'npm with Node 20 or later' has_node 20
}
