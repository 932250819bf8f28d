//! The top level.

use super::FieldKind::{
    Any, Bool, Either, Expr, Integer, List, Map, Name, Plain, Schema, Seconds, Shape as Is, Value, Words,
};
use super::agent::AGENT;
use super::human::HUMAN;
use super::server::SERVER;
use super::test::TEST;
use super::tool::{FUNCTION, TOOL};
use super::workflow::WORKFLOW;
use super::{Field, Shape, Word};

pub(crate) static ROOT: Shape = Shape {
    name: "a spec",
    doc: "a whole spec: one file, one document",
    example: "version: v1",
    fields: &[
        Field::new("version", Words(&[Word::now("v1")]), "the version of the language").required(),
        Field::new("name", Name, "the spec's name; without it the root workflow's or agent's").kneo(),
        Field::new("description", Plain, "what the spec is for, for people").kneo(),
        Field::new("templates", Bool, "whether `{{ }}` is a hole in prompts, and in what people are asked, which the published v1 has as plain text")
            .kneo()
            .default("false"),
        Field::new("inputs", Schema, "the JSON Schema of the run's input; without it any text or value").kneo(),
        Field::new(
            "outputs",
            Map(&Either(&[Is(&OUTPUT), Value])),
            "the run's outputs by name; without it the last step's output",
        )
        .kneo()
        .filled(),
        Field::new("agent", Is(&AGENT), "the root agent; without a `workflow` it is the whole spec").some_of(),
        Field::new("workflow", Is(&WORKFLOW), "the root workflow").some_of(),
        Field::new("components", Is(&COMPONENTS), "what steps refer to, by kind and name"),
        Field::new("models", Map(&Any), "model routes by name").kneo().not_yet(),
        Field::new("tools", Map(&Is(&TOOL)), "tools that agents call, by name"),
        Field::new("mcp_servers", Map(&Is(&SERVER)), "MCP servers, whose tools agents call, by name"),
        Field::new("skills", Map(&Any), "skills by name").not_yet(),
        Field::new("memories", Map(&Any), "memories by name").not_yet(),
        Field::new("guardrails", Map(&Any), "guardrails by name").kneo().not_yet(),
        Field::new("limits", Is(&LIMITS), "bounds on the whole run").kneo(),
        Field::new("budget", Any, "tokens and money that a run may spend").kneo().not_yet(),
        Field::new("concurrency", Any, "exclusive keys and pools of runs").kneo().not_yet(),
        Field::new("loop_detection", Any, "what happens when an agent repeats itself").kneo().not_yet(),
        Field::new("policy_defaults", Any, "tracing and checkpointing").not_yet(),
        Field::new("tests", List(&Is(&TEST)), "offline tests of this spec").kneo(),
    ],
};

pub(crate) static OUTPUT: Shape = Shape {
    name: "an output",
    doc: "one named output of the run, with what it must fit; a mapping with other keys is itself the value",
    example: "{value: …, schema: {type: string}}",
    fields: &[
        Field::new("value", Value, "the value, computed when the run completes").kneo().required(),
        Field::new("schema", Schema, "the JSON Schema that the value must fit").kneo(),
    ],
};

pub(crate) static COMPONENTS: Shape = Shape {
    name: "`components`",
    doc: "what steps refer to, by kind and name",
    example: "{functions: {fetch: {implementation: fetch}}}",
    fields: &[
        Field::new("agents", Map(&Is(&AGENT)), "agents by name"),
        Field::new("functions", Map(&Is(&FUNCTION)), "functions by name"),
        Field::new("humans", Map(&Is(&HUMAN)), "people who are asked, by name"),
        Field::new("workflows", Map(&Is(&WORKFLOW)), "nested workflows by name"),
    ],
};

/// Far beyond any use, and small enough for every reader.
const MOST: u64 = 1_000_000_000;

pub(crate) static LIMITS: Shape = Shape {
    name: "`limits`",
    doc: "bounds on the whole run",
    example: "{max_steps: 100}",
    fields: &[
        Field::new(
            "max_steps",
            Integer { min: 1, max: MOST },
            "the most steps; beyond it the run fails with kind `limit`",
        )
        .kneo(),
        Field::new("wall_seconds", Seconds, "the longest running time, pauses left out").kneo(),
        Field::new("deadline_seconds", Seconds, "the longest calendar time").kneo(),
        Field::new("max_depth", Integer { min: 1, max: 64 }, "how deep workflows may nest").kneo().default("16"),
    ],
};

/// `never`, `always`, or asked by an expression.
pub(crate) static APPROVAL: Shape = Shape {
    name: "`approval`",
    doc: "when a person must agree to a call",
    example: "{when: '…'}",
    fields: &[Field::new("when", Expr, "a person is asked when it is true; sees the validated arguments as `input`")
        .kneo()
        .required()],
};
