//! The codes of errors, with what to do about each.

/// What is known about a code of this crate, for whoever explains codes to people.
///
/// Codes are as stable as the API: a code keeps its meaning, and a new one may come. Those that a runtime gives when it
/// holds an offer against the spec, such as `mcp_tools_changed`, are the runtime's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ErrorCode {
    /// The stable code, as in [`CallError::code`](kneo_core::call::CallError::code).
    pub code: &'static str,
    /// Whether the same request can succeed later; `None` if that depends on what happened: see the single error.
    pub retryable: Option<bool>,
    /// When it is given: a sentence without its full stop.
    pub meaning: &'static str,
    /// What to do: a clause in the imperative.
    pub remedy: &'static str,
}

impl ErrorCode {
    /// Every code, in the order of the documentation.
    pub const ALL: &'static [ErrorCode] = ALL;

    /// What is known about a code; `None` if it is of another's making.
    #[must_use]
    pub fn of(code: &str) -> Option<&'static ErrorCode> {
        ErrorCode::ALL.iter().find(|known| known.code == code)
    }
}

const fn of(code: &'static str, retryable: Option<bool>, meaning: &'static str, remedy: &'static str) -> ErrorCode {
    ErrorCode { code, retryable, meaning, remedy }
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);
const EITHER: Option<bool> = None;

const ALL: &[ErrorCode] = &[
    of(
        "mcp_server_invalid",
        NO,
        "The definition of an MCP server means nothing, such as a header without a name",
        "correct it in `mcp_servers` as the message says",
    ),
    of(
        "mcp_command_not_allowed",
        NO,
        "The host does not allow the program of an MCP server",
        "use one that it allows, or let the host allow it with `allow_command`",
    ),
    of(
        "mcp_host_not_allowed",
        NO,
        "The host does not allow the address of an MCP server, or it is plain HTTP to another machine",
        "use one that it allows, or let the host allow it with `allow_host` or `allow_plain_http`",
    ),
    of(
        "mcp_unsupported",
        NO,
        "MCP servers cannot be started as programs on this system",
        "reach the server by its `url`, or install what the message names",
    ),
    of(
        "mcp_spawn_failed",
        EITHER,
        "An MCP server cannot be started, or ended before it answered",
        "see that it is installed and may be executed; the end of its standard error, in the message, says more",
    ),
    of(
        "mcp_unreachable",
        YES,
        "Nobody answers at the address of an MCP server",
        "see that it runs, and that its `url` is right",
    ),
    of(
        "mcp_tls_failed",
        NO,
        "The certificate of an MCP server is not believed, or this side's is refused",
        "name who signed it in `ca_bundle`, or show who you are with `client_cert` and `client_key_ref`",
    ),
    of(
        "mcp_unauthorized",
        NO,
        "An MCP server answers HTTP 401 or 403",
        "correct the secret of `bearer_ref`, or of `headers`",
    ),
    of(
        "mcp_redirect_refused",
        NO,
        "An MCP server answers with a redirect, which is not followed, so that no credential goes elsewhere",
        "write the address that the message names in `url`, if you believe it",
    ),
    of(
        "mcp_http_error",
        EITHER,
        "An MCP server answers with an HTTP status that is no success",
        "read what it says; 408, 425, 429 and 5xx pass",
    ),
    of(
        "mcp_timeout",
        YES,
        "Connecting to an MCP server, a request, or the silence about it took too long",
        "see what the server does, or raise `timeout_seconds` or the host's times",
    ),
    of(
        "mcp_answer_too_large",
        NO,
        "An answer of an MCP server is over the cap",
        "ask for less, or raise `max_response_bytes` and the host's cap",
    ),
    of(
        "mcp_offer_too_large",
        NO,
        "An MCP server offers more tools, or more bytes of them, than are taken",
        "let it offer less, or raise the host's caps",
    ),
    of(
        "mcp_protocol_error",
        NO,
        "What an MCP server says is not MCP",
        "see its documentation for a version that keeps to the protocol",
    ),
    of(
        "mcp_connection_lost",
        YES,
        "An MCP server ended, or the connection broke, and whether a call acted is unknown",
        "see what it did before the call is made again; its log, or the end of its standard error, says why it ended",
    ),
    of(
        "mcp_request_refused",
        NO,
        "An MCP server says that the request is wrong",
        "correct the tool's name and arguments",
    ),
    of("mcp_server_error", YES, "An MCP server failed at the request", "read what it says, and tell whoever runs it"),
    of("mcp_tool_error", YES, "A tool of an MCP server ran and says that it failed", "do as its message says"),
    of(
        "mcp_input_required",
        NO,
        "A tool of an MCP server asks for a person, a model or roots before it goes on",
        "use a tool that needs none, and ask people with a `human` step",
    ),
    of("mcp_arguments_invalid", NO, "A tool of an MCP server was given no map of arguments", "give it a map"),
    of(
        "mcp_answer_invalid",
        NO,
        "A tool of an MCP server gave what no value can hold, such as an integer beyond 2^53",
        "let it give less, or as text",
    ),
    of(
        "mcp_cancelled",
        NO,
        "A call was cancelled, and the MCP server was told",
        "start it again if it is still wanted",
    ),
    of(
        "mcp_closed",
        NO,
        "The host has closed its connector to MCP servers",
        "close it only after the runtimes that use it are shut down",
    ),
];
