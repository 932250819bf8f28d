//! MCP servers, whose tools agents may call.

use super::FieldKind::{Any, Bool, Either, Integer, List, Map, Name, Plain, Seconds, Shape as Is, Words};
use super::root::APPROVAL;
use super::tool::{APPROVALS, EFFECTS, UNCERTAIN};
use super::{Field, Shape, Word};

const STDIO: &[&str] = &["stdio"];
const HTTP: &[&str] = &["http", "sse"];
const SSE: &[&str] = &["sse"];

pub(crate) static SERVER: Shape = Shape {
    name: "an MCP server",
    doc: "a server whose tools agents may call; it is connected to when an agent first needs it",
    example: "{transport: stdio, command: files}",
    fields: &[
        Field::new(
            "transport",
            Words(&[Word::now("stdio"), Word::now("http"), Word::not_yet("sse")]),
            "how it is reached: a program that is started, or an address",
        )
        .required(),
        Field::new("command", Plain, "the program, started without a shell").only(STDIO).required_there(),
        Field::new("args", List(&Plain), "the program's arguments").only(STDIO),
        Field::new(
            "env",
            Map(&Plain),
            "environment variables; otherwise the environment is empty but for a safe few. Under `NAME_ref` stands the name of a secret whose value `NAME` gets",
        )
        .only(STDIO),
        Field::new("cwd", Plain, "the program's working directory, relative to the host's").only(STDIO),
        Field::new("url", Plain, "the address, by streamable HTTP").only(&["http"]).required_there(),
        Field::new(
            "headers",
            Map(&Plain),
            "headers of every request, which go to this address's origin and to no other. Under `Name_ref` stands the name of a secret whose value the header `Name` gets",
        )
        .only(HTTP),
        Field::new("auth", Is(&AUTH), "how this side shows who it is").kneo().only(HTTP),
        Field::new("verify", Bool, "whether the server must show a certificate that is believed").default("true").only(HTTP),
        Field::new("ca_bundle", Plain, "a file of PEM certificates that are believed beside the system's").only(HTTP),
        Field::new("client_cert", Plain, "a file with this side's PEM certificate").only(HTTP).needs("client_key_ref"),
        Field::new("client_key_ref", Name, "the secret with the PEM key of `client_cert`").only(HTTP).needs("client_cert"),
        Field::new("timeout", Seconds, "the published v1's word for `timeout_seconds`").only(HTTP),
        Field::new("timeout_seconds", Seconds, "the longest time of one request, the first ones included; without it the host's").kneo(),
        Field::new(
            "max_response_bytes",
            Integer { min: 1, max: 1_073_741_824 },
            "the most bytes of one answer; without it the host's, which also is the most",
        ),
        Field::new(
            "tools",
            Is(&CHOICE),
            "which of its tools an agent gets that names the server, and what holds for them",
        )
        .kneo(),
        Field::new("sse_url", Plain, "the address of the stream").only(SSE).not_yet(),
        Field::new("message_url", Plain, "the address of messages").only(SSE).not_yet(),
        Field::new("sse_read_timeout", Seconds, "the longest pause of the stream").only(SSE).not_yet(),
        Field::new("roots", Any, "folders that the server is told of").kneo().not_yet(),
    ],
};

pub(crate) static AUTH: Shape = Shape {
    name: "`auth`",
    doc: "how this side shows a server who it is",
    example: "{bearer_ref: files-token}",
    fields: &[
        Field::new("bearer_ref", Name, "the secret that is sent as a bearer token").kneo().one_of(),
        Field::new("oauth", Any, "how a token is got").kneo().one_of().not_yet(),
    ],
};

pub(crate) static CHOICE: Shape = Shape {
    name: "a choice of tools",
    doc: "which tools of a server an agent gets that has it as a whole, and what holds for all of its tools",
    example: "{include: [read], effect: read}",
    fields: &[
        Field::new("include", List(&Plain), "these and no others, by the server's names; one that it lacks is a failure")
            .kneo()
            .filled(),
        Field::new("exclude", List(&Plain), "all but these, by the server's names").kneo(),
        Field::new("prefix", Plain, "what the names begin with for the model: letters, digits, `_` and `-`").kneo(),
        Field::new(
            "expect_digest",
            Plain,
            "the digest of all that the server says of these tools and of those declared under `tools`, 64 hexadecimal digits; anything else is a failure, which tells the digest",
        )
        .kneo(),
        Field::new("effect", Words(EFFECTS), "what running one of them twice would do").kneo().default("write"),
        Field::new("on_uncertain", Words(UNCERTAIN), "what happens when a write was in flight at a crash")
            .kneo()
            .default("ask"),
        Field::new("approval", Either(&[Words(APPROVALS), Is(&APPROVAL)]), "whether a person must agree to each call")
            .kneo()
            .default("never"),
    ],
};

/// A tool of a server, under a name of its own.
pub(crate) static SERVED: Shape = Shape {
    name: "a tool of a server",
    doc: "a tool that an MCP server runs; description and parameters are the server's where the tool has none",
    example: "{server: files, name: read}",
    fields: &[
        Field::new("server", Name, "the server, one of the top-level `mcp_servers`").required(),
        Field::new("name", Plain, "the server's name for it; without it that of the tool"),
    ],
};
