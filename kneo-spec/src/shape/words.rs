//! What each word of a field with a fixed set of them means.
//!
//! Beside the tables and not in them: a word often belongs to several fields.

use super::Shape;

/// Words and what they mean.
struct Meanings {
    /// The fields that have them, each with its construct.
    of: &'static [(&'static str, &'static str)],
    words: &'static [(&'static str, &'static str)],
}

const MEANINGS: &[Meanings] = &[
    Meanings {
        of: &[("a decision", "decision"), ("a test", "humans"), ("a test", "approvals")],
        words: &[
            ("approve", "yes, it may go on"),
            ("reject", "no, it may not"),
            ("edit", "yes, in the better form that `content` has"),
            ("select", "the `option`"),
            ("provide", "the answer that `content` has"),
            ("approve_for_run", "yes, to this call and to all others of the run"),
        ],
    },
    Meanings {
        of: &[("`expect`", "status")],
        words: &[
            ("completed", "it ends with an output"),
            ("failed", "it fails"),
            ("timed_out", "it reaches a bound on its time"),
            ("expired", "a question of it is not answered in time"),
            ("blocked", "it waits for a person who never answers"),
        ],
    },
    Meanings { of: &[("a spec", "version")], words: &[("v1", "the published v1 and what Kneo adds to it")] },
    Meanings {
        of: &[("a strategy", "type")],
        words: &[
            ("simple", "one answer, without tools"),
            ("react", "turns in which the model calls tools, until it answers"),
            ("plan-act", "a plan first, then turns that follow it"),
        ],
    },
    Meanings {
        of: &[
            ("`runtime_preferences`", "preferred_mode"),
            ("`runtime_preferences`", "allowed_modes"),
            ("`runtime_preferences`", "fallback_mode"),
        ],
        words: &[
            ("bridge", "Kneo runs the agent's turns itself, which it always does"),
            ("native", "a mode of the published v1 that has no effect here"),
            ("adapter", "a mode of the published v1 that has no effect here"),
        ],
    },
    Meanings {
        of: &[("a human", "on_timeout")],
        words: &[
            ("fail", "the step fails with kind `expired`"),
            ("continue", "the default option stands, or else approval; the record says that nobody answered"),
            ("escalate", "the question stays open and is marked as escalated"),
        ],
    },
    Meanings {
        of: &[("a human", "request_type")],
        words: &[
            ("approval", "yes or no"),
            ("review", "yes, no, or the text in a better form"),
            ("correction", "the text in a better form, or yes"),
            ("selection", "one of the `options`"),
            ("freeform", "any text or value"),
        ],
    },
    Meanings {
        of: &[("a human", "response_role")],
        words: &[
            ("user", "as if the user had said it"),
            ("assistant", "as if the model had said it"),
            ("system", "as an instruction to the model"),
        ],
    },
    Meanings {
        of: &[("a step", "kind")],
        words: &[
            ("agent", "asks a model, which may call tools"),
            ("function", "calls code of the host, or a program"),
            ("human", "asks a person and waits for the answer, for weeks if need be"),
            ("workflow", "runs another workflow inside this one"),
            ("set", "computes values with expressions"),
            ("tool", "calls one tool, without a model"),
            ("branch", "takes the first branch whose condition holds"),
            ("parallel", "runs branches side by side"),
            ("map", "runs steps for each item of a list"),
            ("loop", "repeats steps"),
            ("wait", "waits for a time"),
            ("signal", "waits for a signal from outside"),
            ("fail", "ends the run as failed"),
            ("end", "ends the run"),
        ],
    },
    Meanings {
        of: &[("a step", "route")],
        words: &[
            ("first", "the first edge that holds is followed"),
            ("all", "every edge that holds is followed, each as a branch of its own"),
        ],
    },
    Meanings {
        of: &[("an MCP server", "transport")],
        words: &[
            ("stdio", "a program that is started, spoken to on its standard input and output"),
            ("http", "an address, by streamable HTTP"),
            ("sse", "an address, by the protocol's older form of two streams"),
        ],
    },
    Meanings {
        of: &[("a step", "on_error")],
        words: &[
            ("fail", "the workflow fails"),
            ("retry", "the step is tried again, as `max_retries` or `retry` says; then the workflow fails"),
            ("continue", "the flow goes on with the step's input, and the step's status is `failed`"),
            ("fallback", "the step named by `fallback_ref` runs in its place"),
        ],
    },
    Meanings {
        of: &[("`retry`", "on"), ("an expected error", "kind")],
        words: &[
            ("timeout", "an attempt took longer than it may"),
            ("provider", "a model provider failed"),
            ("tool", "a tool failed where nothing could take its error as a result"),
            ("function", "a function failed"),
            ("limit", "a bound of the spec was reached"),
            ("invalid_input", "an input did not fit its schema"),
            ("invalid_output", "an output did not fit its schema"),
            ("rejected", "a person said no"),
            ("expired", "nobody answered in time"),
            ("expression", "an expression could not be computed"),
            ("uncertain", "whether a write happened is not known"),
            ("guardrail", "a guardrail blocked something"),
            ("budget", "a budget was used up"),
            ("loop_detected", "an agent repeated itself"),
            ("dead_letter", "the run was taken up again and again without getting anywhere"),
        ],
    },
    Meanings {
        of: &[("a tool", "effect"), ("a function", "effect"), ("a choice of tools", "effect")],
        words: &[
            ("read", "it changes nothing"),
            ("idempotent", "it does the same once or twice"),
            ("write", "twice is worse than once: after a crash it is never run again on its own"),
        ],
    },
    Meanings {
        of: &[("a tool", "on_uncertain"), ("a function", "on_uncertain"), ("a choice of tools", "on_uncertain")],
        words: &[
            ("ask", "a person decides: run it again, supply the result, or fail"),
            ("retry", "it runs again, under the same idempotency key"),
            ("fail", "it fails with kind `uncertain`"),
        ],
    },
    Meanings {
        of: &[("a tool", "approval"), ("a function", "approval"), ("a choice of tools", "approval")],
        words: &[("never", "nobody is asked"), ("always", "somebody is asked before each call")],
    },
    Meanings { of: &[("a command", "stdin")], words: &[("json", "the input as JSON")] },
    Meanings {
        of: &[("a workflow", "type")],
        words: &[
            ("sequential", "one step after the other"),
            ("graph", "nodes, and edges with conditions between them"),
            ("concurrent", "steps side by side on one input"),
            ("handoff", "agents that hand over to each other"),
            ("group-chat", "agents that share one conversation"),
            ("group_chat", "another spelling of `group-chat`"),
        ],
    },
    Meanings {
        of: &[("a workflow", "join"), ("a step", "join")],
        words: &[("all", "every branch must complete"), ("any", "one branch must complete")],
    },
    Meanings {
        of: &[("a workflow", "rest"), ("a step", "rest")],
        words: &[
            ("cancel", "they are cancelled, and what they ask people is withdrawn"),
            ("drain", "they finish, and are waited for"),
        ],
    },
    Meanings {
        of: &[("a workflow", "on_branch_error"), ("a step", "on_branch_error")],
        words: &[
            ("fail_fast", "the others are cancelled, and the fan-out fails at once"),
            ("drain", "the others finish, then the fan-out fails"),
        ],
    },
    Meanings {
        of: &[("a workflow", "combine"), ("a step", "combine")],
        words: &[
            ("text", "one text: a paragraph `name: output` for each branch, in the author's order"),
            ("map", "a mapping from a branch's name to its output"),
        ],
    },
    Meanings {
        of: &[("a workflow", "on_max")],
        words: &[
            ("fail", "the workflow fails with kind `limit`"),
            ("continue", "the workflow ends with its last output"),
        ],
    },
    Meanings {
        of: &[("an edge", "on_max")],
        words: &[
            ("fail", "the workflow fails with kind `limit`"),
            ("continue", "the edge is passed over for the next one that holds"),
        ],
    },
    Meanings {
        of: &[("a condition", "type")],
        words: &[
            ("output_contains", "the output, as text, contains the `value`"),
            ("status_is", "the status is the `value`: `completed`, `failed` or `skipped`"),
        ],
    },
];

impl Shape {
    /// What a word of one of the construct's fields means.
    pub(crate) fn meaning(&self, field: &str, word: &str) -> Option<&'static str> {
        let meanings = MEANINGS.iter().find(|meanings| meanings.of.contains(&(self.name, field)))?;
        meanings.words.iter().find(|(text, _)| *text == word).map(|(_, doc)| *doc)
    }
}

/// Every word with the fields, each with its construct, of which one or more have it.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (&'static [(&'static str, &'static str)], &'static str)> {
    MEANINGS.iter().flat_map(|meanings| meanings.words.iter().map(move |(word, _)| (meanings.of, *word)))
}
