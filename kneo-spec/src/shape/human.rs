//! People who are asked.

use super::FieldKind::{Any, Bool, List, Map, Name, Plain, Schema, Seconds, Text, Value, Words};
use super::{Field, Shape, Word};

pub(crate) static HUMAN: Shape = Shape {
    name: "a human",
    doc: "a person who is asked; the answer is the step's output and its `decision`",
    example: "{description: Publish this?}",
    fields: &[
        Field::new("description", Text, "what is asked; holes see the step's input and the run"),
        Field::new("assignee", Name, "who may answer; without it anybody whom the host lets"),
        Field::new("timeout_seconds", Seconds, "how long the question stays open"),
        Field::new(
            "on_timeout",
            Words(&[Word::now("fail"), Word::now("continue"), Word::now("escalate")]),
            "what happens then: `continue` takes the default option or else approves, `escalate` marks the question and keeps it open",
        )
        .default("fail"),
        Field::new(
            "request_type",
            Words(&[
                Word::now("approval"),
                Word::now("review"),
                Word::now("correction"),
                Word::now("selection"),
                Word::now("freeform"),
            ]),
            "what kind of answer is wanted",
        )
        .default("approval"),
        Field::new("options", List(&Plain), "what a `selection` chooses from").filled(),
        Field::new("default_option", Plain, "the option that stands when nobody answers and `on_timeout` is `continue`"),
        Field::new(
            "context",
            Map(&Value),
            "what the person sees beside the question; holes see the step's input and the run",
        ),
        Field::new(
            "response_role",
            Words(&[Word::now("user"), Word::now("assistant"), Word::now("system")]),
            "the role of the answer in the conversation of an agent that follows",
        ),
        Field::new("assignees", List(&Name), "several who may answer").kneo().not_yet(),
        Field::new("quorum", Any, "how many must agree").kneo().not_yet(),
        Field::new("schema", Schema, "the form that is filled in").kneo().not_yet(),
        Field::new("actions", List(&Plain), "the decisions that are allowed").kneo().not_yet(),
        Field::new("escalate_to", Name, "who is asked when nobody answers").kneo().not_yet(),
        Field::new("reminder_seconds", Seconds, "when the person is reminded").kneo().not_yet(),
        Field::new("separation_of_duties", Bool, "whether the starter of the run may not answer").kneo().not_yet(),
    ],
};
