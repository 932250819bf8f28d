//! Tools, functions, and what runs behind them.

use super::FieldKind::{Any, Bool, Either, Integer, List, Map, Name, Plain, Schema, Seconds, Shape as Is, Text, Words};
use super::root::APPROVAL;
use super::server::SERVED;
use super::{Field, Shape, Word};

pub(super) const EFFECTS: &[Word] = &[Word::now("read"), Word::now("idempotent"), Word::now("write")];
pub(super) const UNCERTAIN: &[Word] = &[Word::now("ask"), Word::now("retry"), Word::now("fail")];

pub(crate) static TOOL: Shape = Shape {
    name: "a tool",
    doc: "something that agents call",
    example: "{implementation: search}",
    fields: &[
        Field::new("description", Plain, "what it does, for the model"),
        Field::new("parameters", Schema, "the JSON Schema of the arguments, enforced before each call"),
        Field::new("implementation", Name, "code that the host registered under this name").one_of(),
        Field::new("command", Is(&COMMAND), "a program").kneo().one_of(),
        Field::new("mcp", Is(&SERVED), "a tool that an MCP server runs").one_of(),
        Field::new("agent", Name, "an agent that is asked: its input is the argument `input`, its answer the result")
            .one_of(),
        Field::new("http", Any, "an HTTP request").kneo().one_of().not_yet(),
        Field::new("builtin", Any, "a tool that Kneo brings").kneo().one_of().not_yet(),
        Field::new("effect", Words(EFFECTS), "what running it twice would do; of a server's tool as the server has it")
            .kneo()
            .default("write"),
        Field::new(
            "on_uncertain",
            Words(UNCERTAIN),
            "what happens when a write was in flight at a crash; of a server's tool as the server has it",
        )
        .kneo()
        .default("ask"),
        Field::new(
            "approval",
            Either(&[Words(APPROVALS), Is(&APPROVAL)]),
            "whether a person must agree to each call; of a server's tool as the server has it",
        )
        .kneo()
        .default("never"),
        Field::new("timeout_seconds", Seconds, "the longest time of one call").kneo().not_yet(),
        Field::new("retry", Any, "when a failed call is repeated").kneo().not_yet(),
        Field::new("max_output_bytes", Integer { min: 1, max: 16_777_216 }, "the largest result").kneo().not_yet(),
        Field::new("poll_safe", Bool, "whether repeated calls are no sign of a loop").kneo().not_yet(),
        Field::new("output_schema", Schema, "the JSON Schema of the result").kneo().not_yet(),
        Field::new("redact", Any, "what views hide of arguments and results").kneo().not_yet(),
        Field::new("concurrency", Any, "how many calls run side by side").kneo().not_yet(),
    ],
};

pub(crate) static FUNCTION: Shape = Shape {
    name: "a function",
    doc: "something that steps call",
    example: "{implementation: fetch}",
    fields: &[
        Field::new("description", Plain, "what it does, for people"),
        Field::new("implementation", Name, "code that the host registered under this name").one_of(),
        Field::new("command", Is(&COMMAND), "a program").kneo().one_of(),
        Field::new("http", Any, "an HTTP request").kneo().one_of().not_yet(),
        Field::new("effect", Words(EFFECTS), "what running it twice would do").kneo().default("idempotent"),
        Field::new("on_uncertain", Words(UNCERTAIN), "what happens when a write was in flight at a crash")
            .kneo()
            .default("ask"),
        Field::new("approval", Either(&[Words(APPROVALS), Is(&APPROVAL)]), "whether a person must agree to each call")
            .kneo()
            .default("never"),
        Field::new("timeout_seconds", Seconds, "the longest time of one call").kneo().not_yet(),
        Field::new("retry", Any, "when a failed call is repeated").kneo().not_yet(),
        Field::new("max_output_bytes", Integer { min: 1, max: 16_777_216 }, "the largest result").kneo().not_yet(),
        Field::new("output_schema", Schema, "the JSON Schema of the result").kneo().not_yet(),
        Field::new("redact", Any, "what views hide of input and result").kneo().not_yet(),
        Field::new("concurrency", Any, "how many calls run side by side").kneo().not_yet(),
    ],
};

pub(super) const APPROVALS: &[Word] = &[Word::now("never"), Word::now("always")];

pub(crate) static COMMAND: Shape = Shape {
    name: "a command",
    doc: "a program, started without a shell; gets its input as JSON on standard input and gives its output on standard output",
    example: "{argv: [echo, hello]}",
    fields: &[
        Field::new("argv", List(&Text), "the program and its arguments; one hole is one argument")
            .kneo()
            .required()
            .filled(),
        Field::new("env", Map(&Text), "environment variables; otherwise the environment is empty but for a safe few")
            .kneo(),
        Field::new("cwd", Plain, "the working directory, relative to the host's").kneo(),
        Field::new("stdin", Words(&[Word::now("json")]), "what the program reads").kneo().default("json"),
    ],
};
