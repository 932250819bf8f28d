//! The codes of servers of tools, in the words of this program.

use super::{Remedy, of};
use crate::exit::Exit::{Failed, Unavailable};

/// Every code of a server that has its own words here.
pub(super) const ALL: &[Remedy] = &[
    of("mcp_server", Unavailable, "The plan lacks a server that its journal names", "restore the store from a backup"),
    of(
        "mcp_tool_missing",
        Failed,
        "A server does not offer a tool that the spec names",
        "name a tool that it offers: the message lists them",
    ),
    of(
        "mcp_tools_changed",
        Failed,
        "A server says something else of its tools than `expect_digest` stands for",
        "`kneo doctor SPEC --json` shows what it says now, and `kneo runs events RUN --json` what it said to an earlier run; write the digest of the message into the spec if the change may be trusted",
    ),
    of(
        "mcp_tool_name",
        Failed,
        "Models cannot be given a tool by the name that its server gave it",
        "name the tool in `exclude`, or declare it in `tools` under a name of its own",
    ),
    of(
        "mcp_tool_schema",
        Failed,
        "The schema of a server's tool cannot be used",
        "name the tool in `exclude`, and tell whoever runs the server",
    ),
    of(
        "mcp_offer_unreadable",
        Failed,
        "What a server offers has no canonical form",
        "name the tools that the message speaks of in `exclude`, and tell whoever runs the server",
    ),
    of(
        "mcp_command_not_allowed",
        Failed,
        "This host does not let specs start the program of an MCP server",
        "use one that it allows, or let the host allow it: `mcp.commands` in `.kneo/config.yaml`",
    ),
    of(
        "mcp_host_not_allowed",
        Failed,
        "This host does not let specs connect to the address of an MCP server",
        "use `https` and an address that it allows, or let the host allow it in `.kneo/config.yaml`: `mcp.plain_http` for plain HTTP, `mcp.hosts` else",
    ),
    of(
        "mcp_spawn_failed",
        Unavailable,
        "The program of an MCP server cannot be started, or ends before it answers",
        "run it by hand to see what keeps it from serving; if it was not found, `mcp.search_path` in `.kneo/config.yaml` says where programs are looked for",
    ),
    of(
        "mcp_timeout",
        Failed,
        "Connecting to an MCP server, a request, or the silence about it took too long",
        "see what the server does, or raise its `timeout_seconds` in the spec, or the `…_seconds` of `mcp` in `.kneo/config.yaml`",
    ),
    of(
        "mcp_answer_too_large",
        Failed,
        "An answer of an MCP server is over the cap",
        "ask for less, or raise `max_response_bytes`: that of the spec, and that of `mcp` in `.kneo/config.yaml`",
    ),
    of(
        "mcp_offer_too_large",
        Failed,
        "An MCP server offers more tools, or more bytes of them, than are taken",
        "let it offer less, or raise `max_tools` or `max_response_bytes` of `mcp` in `.kneo/config.yaml`",
    ),
    of(
        "tool_name_of_two",
        Failed,
        "Two tools of an agent have one name",
        "give the tools of a server a `prefix`, or name one in `exclude`",
    ),
];
