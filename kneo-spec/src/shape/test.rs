//! Offline tests that stand in a spec.

use super::FieldKind::{Any, Bool, Either, List, Map, Name, Number, Plain, Seconds, Shape as Is, Words};
use super::{Field, FieldKind, Shape, Word};

/// What calls give: one outcome for all, or one after the other.
const OUTCOMES: FieldKind = Either(&[Is(&OUTCOME), List(&Is(&OUTCOME))]);

const DECIDED: FieldKind = Either(&[Words(DECISIONS), Is(&DECISION)]);

/// What is decided: once for all, or one after the other.
const DECIDED_IN_TURN: FieldKind = Either(&[Words(DECISIONS), Is(&DECISION), List(&DECIDED)]);

const DECISIONS: &[Word] = &[
    Word::now("approve"),
    Word::now("reject"),
    Word::now("edit"),
    Word::now("select"),
    Word::now("provide"),
    Word::now("approve_for_run"),
];

/// Every kind of failure that ends a run.
pub(super) const KINDS: &[Word] = &[
    Word::now("timeout"),
    Word::now("provider"),
    Word::now("tool"),
    Word::now("function"),
    Word::now("limit"),
    Word::now("invalid_input"),
    Word::now("invalid_output"),
    Word::now("rejected"),
    Word::now("expired"),
    Word::now("expression"),
    Word::now("uncertain"),
    Word::now("dead_letter"),
];

pub(crate) static TEST: Shape = Shape {
    name: "a test",
    doc: "a run, all that it is answered, and what must come of it; `kneo spec test` runs it without models, network and waiting",
    example: "{name: it works, expect: {output: …}}",
    fields: &[
        Field::new("name", Name, "what is tested; no two tests of a spec have the same name").kneo().required(),
        Field::new("input", Any, "the run's input, as it stands").kneo(),
        Field::new(
            "models",
            Map(&List(&Either(&[Plain, Is(&REPLY)]))),
            "by agent what its model replies, turn by turn",
        )
        .kneo(),
        Field::new(
            "functions",
            Map(&OUTCOMES),
            "by function what its calls give: the same each time, or a list, one after the other",
        )
        .kneo(),
        Field::new("tools", Map(&OUTCOMES), "by tool of the spec what its calls give").kneo(),
        Field::new(
            "mcp_servers",
            Map(&Map(&OUTCOMES)),
            "by MCP server the tools that it offers, by its own names, and what their calls give",
        )
        .kneo(),
        Field::new("humans", Map(&DECIDED_IN_TURN), "by human step what is decided; who is not answered here never is")
            .kneo(),
        Field::new(
            "approvals",
            Map(&DECIDED_IN_TURN),
            "by tool or function that waits for a person to agree what is decided",
        )
        .kneo(),
        Field::new("expect", Is(&EXPECT), "what must come of the run; without it that it completes").kneo(),
    ],
};

pub(crate) static REPLY: Shape = Shape {
    name: "a reply",
    doc: "what a model gives in one turn; each reply is given once, to the first request that it fits",
    example: "{text: …}",
    fields: &[
        Field::new("text", Plain, "what the model says").kneo().some_of(),
        Field::new("output", Any, "what the model says as JSON: what an agent with `output_schema` answers")
            .kneo()
            .some_of(),
        Field::new("tool_calls", List(&Is(&TOOL_CALL)), "the tools that it asks for").kneo().some_of().filled(),
        Field::new("error", Is(&FAULT), "the call of the model fails").kneo().some_of(),
        Field::new("when_input_contains", Plain, "the reply is for a request whose latest user message contains this")
            .kneo(),
        Field::new("delay_seconds", Seconds, "how long the reply takes").kneo(),
    ],
};

pub(crate) static TOOL_CALL: Shape = Shape {
    name: "a tool call",
    doc: "a tool that a model asks for",
    example: "{name: search, arguments: {q: …}}",
    fields: &[
        Field::new("name", Plain, "the tool, as the model sees its name").kneo().required(),
        Field::new("arguments", Any, "its arguments; without it none").kneo(),
    ],
};

pub(crate) static OUTCOME: Shape = Shape {
    name: "an outcome",
    doc: "what one call gives",
    example: "{output: …}",
    fields: &[
        Field::new("output", Any, "the result").kneo().one_of(),
        Field::new("error", Is(&FAULT), "the call fails").kneo().one_of(),
        Field::new("delay_seconds", Seconds, "how long the call takes").kneo(),
    ],
};

pub(crate) static FAULT: Shape = Shape {
    name: "`error`",
    doc: "why a call fails",
    example: "{code: not_found, message: …}",
    fields: &[
        Field::new("code", Plain, "a code in words; that of a model begins with `provider_`").kneo().required(),
        Field::new("message", Plain, "what went wrong; without it the code").kneo(),
        Field::new("retryable", Bool, "whether another try may help").kneo().default("false"),
    ],
};

pub(crate) static DECISION: Shape = Shape {
    name: "a decision",
    doc: "what a person decides",
    example: "{decision: reject, reason: …}",
    fields: &[
        Field::new("decision", Words(DECISIONS), "what is decided").kneo().required(),
        Field::new("reason", Plain, "why, of `reject`; a remark, of `approve` and `approve_for_run`").kneo(),
        Field::new("content", Any, "the better form, of `edit`; the answer, of `provide`").kneo(),
        Field::new("option", Plain, "the option, of `select`").kneo(),
        Field::new("by", Name, "who decides; without it the first who may").kneo(),
    ],
};

pub(crate) static EXPECT: Shape = Shape {
    name: "`expect`",
    doc: "what must come of a run",
    example: "{status: completed, output: …}",
    fields: &[
        Field::new(
            "status",
            Words(&[
                Word::now("completed"),
                Word::now("failed"),
                Word::now("timed_out"),
                Word::now("expired"),
                Word::now("blocked"),
            ]),
            "how the run ends, or that it waits for a person who never answers",
        )
        .kneo()
        .default("completed"),
        Field::new("output", Any, "the run's output, exactly").kneo(),
        Field::new("error", Is(&EXPECTED_ERROR), "what the run fails with").kneo(),
        Field::new(
            "path",
            List(&Plain),
            "the ids of the steps that the run enters, in order; one inside another is written `outer/inner`",
        )
        .kneo(),
        Field::new("tools_called", List(&Plain), "tools that run at least once, as models see their names").kneo(),
        Field::new("tools_not_called", List(&Plain), "tools that never run, as models see their names").kneo(),
        Field::new(
            "human_tasks",
            List(&Plain),
            "who is asked, in order: human steps, and tools and functions that wait for a person to agree",
        )
        .kneo(),
        Field::new("max_cost_usd", Number { min: 0.0 }, "what the run may cost").kneo().not_yet(),
    ],
};

pub(crate) static EXPECTED_ERROR: Shape = Shape {
    name: "an expected error",
    doc: "what a run fails with",
    example: "{kind: limit}",
    fields: &[
        Field::new("kind", Words(KINDS), "the kind of failure, as `steps.<id>.error.kind` has it").kneo(),
        Field::new("code", Plain, "its code").kneo(),
        Field::new("contains", Plain, "a text that its message contains").kneo(),
    ],
};
