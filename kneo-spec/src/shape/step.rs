//! Steps; a node of a graph and a participant of a fan-out are steps.

use super::FieldKind::{
    Any, Bool, Either, Expr, Integer, List, Map, Name, Number, Plain, Schema, Seconds, Shape as Is, Text, Value, Words,
};
use super::agent::AGENT;
use super::human::HUMAN;
use super::join::{BRANCH_ERRORS, COMBINES, JOINS, RESTS};
use super::tool::FUNCTION;
use super::workflow::WORKFLOW;
use super::{Field, Shape, Word};

/// The kinds that can be tried again. A nested workflow is not one: its committed steps never run twice, so that the
/// steps inside say what is tried again.
const TRIED: &[&str] = &["agent", "function"];
/// The kinds that refer to a component.
const REFERRING: &[&str] = &["agent", "function", "human", "workflow"];

pub(crate) static STEP: Shape = Shape {
    name: "a step",
    doc: "a unit of work; a node of a graph and a participant of a fan-out are steps",
    example: "{id: fetch, kind: function, ref: fetch}",
    fields: &[
        Field::new("id", Name, "the step's name, unique in its workflow").required(),
        Field::new(
            "kind",
            Words(&[
                Word::now("agent"),
                Word::now("function"),
                Word::now("human"),
                Word::now("workflow"),
                Word::now("set"),
                Word::not_yet("tool"),
                Word::not_yet("branch"),
                Word::not_yet("parallel"),
                Word::not_yet("map"),
                Word::not_yet("loop"),
                Word::not_yet("wait"),
                Word::not_yet("signal"),
                Word::not_yet("fail"),
                Word::not_yet("end"),
            ]),
            "what the step does",
        )
        .required(),
        Field::new(
            "ref",
            Either(&[Name, Is(&AGENT), Is(&FUNCTION), Is(&HUMAN), Is(&WORKFLOW)]),
            "the component that it refers to, or the component itself",
        )
        .only(REFERRING)
        .required_there(),
        Field::new("when", Expr, "whether the step runs; a skipped step passes its input on").kneo(),
        Field::new("input", Value, "the step's input; without it what the flow hands over").kneo().only(REFERRING),
        Field::new("set", Map(&Value), "values by name, computed by expressions").kneo().only(&["set"]).required_there().filled(),
        Field::new(
            "on_error",
            Words(&[Word::now("fail"), Word::now("retry"), Word::now("continue"), Word::now("fallback")]),
            "what happens when attempts are used up",
        )
        .default("fail"),
        Field::new("max_retries", Integer { min: 0, max: 1_000 }, "how often the step is tried again").only(TRIED),
        Field::new("retry", Is(&RETRY), "when the step is tried again, in full").kneo().only(TRIED),
        Field::new(
            "timeout_seconds",
            Seconds,
            "the longest time: of a function step of each attempt; of an agent step of each attempt of a model turn and of each tool call; of a workflow step of the whole step, which is not tried again; of a human step how long the question stays open",
        )
        .only(REFERRING),
        Field::new("fallback_ref", Name, "the step of the same workflow that runs in its place").needs("on_error"),
        Field::new(
            "route",
            Words(&[Word::now("first"), Word::now("all")]),
            "of a node of a graph: whether the flow follows the first of its edges that holds, or all of them, each as a branch of its own",
        )
        .kneo()
        .default("first"),
        Field::new("join_at", Name, "the node where the branches of a node with `route: all` meet").kneo().needs("route"),
        Field::new(
            "join",
            JOINS,
            "of a node with `route: all`: how many branches must complete: `all`, `any`, or `{at_least: …}`",
        )
        .kneo()
        .default("all"),
        Field::new(
            "rest",
            RESTS,
            "of a node with `route: all`: what becomes of branches that still run then: `cancel` ends them, `drain` waits for them",
        )
        .kneo()
        .default("cancel"),
        Field::new(
            "on_branch_error",
            BRANCH_ERRORS,
            "of a node with `route: all`: what becomes of the other branches when so many have failed that too few are left",
        )
        .kneo()
        .default("fail_fast"),
        Field::new(
            "combine",
            COMBINES,
            "of a node with `route: all`: how the outputs of the branches become one; a `map` has the id of the first node of each branch",
        )
        .kneo()
        .default("map"),
        Field::new("fallback_only", Bool, "whether the step runs only in place of another, and not at its own place")
            .kneo()
            .default("false"),
        Field::new("on_rejected", Any, "what happens when a person says no").kneo().not_yet(),
        Field::new(
            "idempotency_key",
            Text,
            "the key by which the function knows what it did before, the same for every attempt; without it one of the run and the place",
        )
        .kneo()
        .only(&["function"]),
        Field::new("output_schema", Schema, "the JSON Schema of the output; one that does not fit fails the step").kneo(),
        Field::new("tool", Name, "the tool that is called").kneo().only(&["tool"]).not_yet(),
        Field::new("arguments", Value, "the tool's arguments").kneo().only(&["tool"]).not_yet(),
        Field::new("cases", List(&Any), "branches, of which the first that holds is taken")
            .kneo()
            .only(&["branch"])
            .not_yet(),
        Field::new("else", List(&Any), "the branch when no case holds").kneo().only(&["branch"]).not_yet(),
        Field::new("branches", Any, "branches that run side by side").kneo().only(&["parallel"]).not_yet(),
        Field::new("max_parallel", Integer { min: 1, max: 1_000_000 }, "how many run side by side")
            .kneo()
            .only(&["parallel", "map"])
            .not_yet(),
        Field::new("over", Expr, "the list that is gone through").kneo().only(&["map"]).not_yet(),
        Field::new("as", Name, "what an item is called").kneo().only(&["map"]).not_yet(),
        Field::new("steps", List(&Any), "the steps inside").kneo().only(&["map", "loop"]).not_yet(),
        Field::new("on_item_error", Any, "what a failed item does").kneo().only(&["map"]).not_yet(),
        Field::new("until", Any, "when the loop or the wait is over").kneo().only(&["loop", "wait"]).not_yet(),
        Field::new("while", Expr, "while the loop goes on").kneo().only(&["loop"]).not_yet(),
        Field::new("max_iterations", Integer { min: 1, max: 1_000_000 }, "the most rounds")
            .kneo()
            .only(&["loop"])
            .not_yet(),
        Field::new("on_max", Any, "what happens at `max_iterations`").kneo().only(&["loop"]).not_yet(),
        Field::new("feedback", Value, "what a round hands to the next").kneo().only(&["loop"]).not_yet(),
        Field::new("seconds", Number { min: 0.0 }, "how long the step waits").kneo().only(&["wait"]).not_yet(),
        Field::new("signal", Name, "the signal that is waited for").kneo().only(&["signal"]).not_yet(),
        Field::new("schema", Schema, "the JSON Schema of the signal").kneo().only(&["signal"]).not_yet(),
        Field::new("on_timeout", Any, "what happens when no signal comes").kneo().only(&["signal"]).not_yet(),
        Field::new("outcome", Plain, "the word that the run ends with").kneo().only(&["fail", "end"]).not_yet(),
    ],
};

pub(crate) static RETRY: Shape = Shape {
    name: "`retry`",
    doc: "when a failed attempt is followed by another",
    example: "{max_attempts: 3}",
    fields: &[
        Field::new("max_attempts", Integer { min: 1, max: 1_000 }, "how many attempts there are at most")
            .kneo()
            .required(),
        Field::new("initial_seconds", Seconds, "the wait before the second attempt").kneo().default("1"),
        Field::new("factor", Number { min: 1.0 }, "by what the wait grows with each attempt").kneo().default("2"),
        Field::new("max_seconds", Seconds, "the longest wait; who asks for a longer one is not asked again").kneo().default("60"),
        Field::new("jitter", Bool, "whether the wait is drawn between zero and its full length").kneo().default("true"),
        Field::new(
            "on",
            List(&Words(&[
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
                Word::not_yet("guardrail"),
                Word::not_yet("budget"),
                Word::not_yet("loop_detected"),
            ])),
            "the kinds of failure that are tried again: of a function `function` and `timeout`, of an agent `provider` and `timeout`; without it both",
        )
        .kneo()
        .filled(),
    ],
};
