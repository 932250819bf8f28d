//! What each word of a field with a fixed set of them means.
//!
//! Beside the tables and not in them: a word often belongs to several fields.

use super::Shape;

/// Words and what they mean, of a field of some constructs.
struct Meanings {
    shapes: &'static [&'static str],
    fields: &'static [&'static str],
    words: &'static [(&'static str, &'static str)],
}

const MEANINGS: &[Meanings] = &[
    Meanings {
        shapes: &["a spec"],
        fields: &["version"],
        words: &[("v1", "the published v1 and what Kneo adds to it")],
    },
    Meanings {
        shapes: &["a strategy"],
        fields: &["type"],
        words: &[
            ("simple", "one answer, without tools"),
            ("react", "turns in which the model calls tools, until it answers"),
            ("plan-act", "a plan first, then turns that follow it"),
        ],
    },
    Meanings {
        shapes: &["`runtime_preferences`"],
        fields: &["preferred_mode", "allowed_modes", "fallback_mode"],
        words: &[
            ("bridge", "Kneo runs the agent's turns itself, which it always does"),
            ("native", "a mode of the published v1 that has no effect here"),
            ("adapter", "a mode of the published v1 that has no effect here"),
        ],
    },
    Meanings {
        shapes: &["a human"],
        fields: &["on_timeout"],
        words: &[
            ("fail", "the step fails with kind `expired`"),
            ("continue", "the default option stands, or else approval; the record says that nobody answered"),
            ("escalate", "the question stays open and is marked as escalated"),
        ],
    },
    Meanings {
        shapes: &["a human"],
        fields: &["request_type"],
        words: &[
            ("approval", "yes or no"),
            ("review", "yes, no, or the text in a better form"),
            ("correction", "the text in a better form, or yes"),
            ("selection", "one of the `options`"),
            ("freeform", "any text or value"),
        ],
    },
    Meanings {
        shapes: &["a human"],
        fields: &["response_role"],
        words: &[
            ("user", "as if the user had said it"),
            ("assistant", "as if the model had said it"),
            ("system", "as an instruction to the model"),
        ],
    },
    Meanings {
        shapes: &["a step"],
        fields: &["kind"],
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
        shapes: &["a step"],
        fields: &["on_error"],
        words: &[
            ("fail", "the workflow fails"),
            ("retry", "the step is tried again, as `max_retries` or `retry` says; then the workflow fails"),
            ("continue", "the flow goes on with the step's input, and the step's status is `failed`"),
            ("fallback", "the step named by `fallback_ref` runs in its place"),
        ],
    },
    Meanings {
        shapes: &["`retry`"],
        fields: &["on"],
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
        ],
    },
    Meanings {
        shapes: &["a tool", "a function"],
        fields: &["effect"],
        words: &[
            ("read", "it changes nothing"),
            ("idempotent", "it does the same once or twice"),
            ("write", "twice is worse than once: after a crash it is never run again on its own"),
        ],
    },
    Meanings {
        shapes: &["a tool", "a function"],
        fields: &["on_uncertain"],
        words: &[
            ("ask", "a person decides: run it again, supply the result, or fail"),
            ("retry", "it runs again, under the same idempotency key"),
            ("fail", "it fails with kind `uncertain`"),
        ],
    },
    Meanings {
        shapes: &["a tool", "a function"],
        fields: &["approval"],
        words: &[("never", "nobody is asked"), ("always", "somebody is asked before each call")],
    },
    Meanings { shapes: &["a command"], fields: &["stdin"], words: &[("json", "the input as JSON")] },
    Meanings {
        shapes: &["a workflow"],
        fields: &["type"],
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
        shapes: &["a workflow"],
        fields: &["join"],
        words: &[("all", "when every branch has completed"), ("any", "when one branch has completed")],
    },
    Meanings {
        shapes: &["a workflow"],
        fields: &["rest"],
        words: &[
            ("cancel", "they are cancelled, and what they ask people is withdrawn"),
            ("drain", "they finish, and the workflow waits for them"),
        ],
    },
    Meanings {
        shapes: &["a workflow"],
        fields: &["on_branch_error"],
        words: &[
            ("fail_fast", "the others are cancelled at once and the workflow fails"),
            ("drain", "the others finish, then the workflow fails"),
        ],
    },
    Meanings {
        shapes: &["a workflow"],
        fields: &["combine"],
        words: &[
            ("text", "one text: a paragraph `name: output` for each branch, in the author's order"),
            ("map", "a mapping from a branch's name to its output"),
        ],
    },
    Meanings {
        shapes: &["a workflow"],
        fields: &["on_max"],
        words: &[
            ("fail", "the workflow fails with kind `limit`"),
            ("continue", "the workflow ends with its last output"),
        ],
    },
    Meanings {
        shapes: &["an edge"],
        fields: &["on_max"],
        words: &[
            ("fail", "the workflow fails with kind `limit`"),
            ("continue", "the edge is passed over for the next one that holds"),
        ],
    },
    Meanings {
        shapes: &["a condition"],
        fields: &["type"],
        words: &[
            ("output_contains", "the output, as text, contains the `value`"),
            ("status_is", "the status is the `value`: `completed`, `failed` or `skipped`"),
        ],
    },
];

impl Shape {
    /// What a word of one of the construct's fields means.
    pub(crate) fn meaning(&self, field: &str, word: &str) -> Option<&'static str> {
        let meanings = MEANINGS.iter().find(|of| of.shapes.contains(&self.name) && of.fields.contains(&field))?;
        meanings.words.iter().find(|(text, _)| *text == word).map(|(_, doc)| *doc)
    }
}

#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let of = |of: &'static Meanings| {
        of.shapes.iter().flat_map(move |shape| {
            of.fields.iter().flat_map(move |field| of.words.iter().map(move |(word, _)| (*shape, *field, *word)))
        })
    };
    MEANINGS.iter().flat_map(of)
}
