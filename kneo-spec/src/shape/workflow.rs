//! Workflows, edges and bounds.

use super::FieldKind::{Any, Either, Expr, Integer, List, Map, Name, Plain, Shape as Is, Words};
use super::join::{BRANCH_ERRORS, COMBINES, JOINS, RESTS};
use super::step::STEP;
use super::{Field, Shape, Word};

const GRAPH: &[&str] = &["graph"];
const CONCURRENT: &[&str] = &["concurrent"];

/// A bound that nobody waits for.
const MOST: u64 = 1_000_000_000;

pub(crate) static WORKFLOW: Shape = Shape {
    name: "a workflow",
    doc: "steps and how they follow each other",
    example: "{type: sequential, steps: […]}",
    fields: &[
        Field::new(
            "type",
            Words(&[
                Word::now("sequential"),
                Word::now("graph"),
                Word::now("concurrent"),
                Word::not_yet("handoff"),
                Word::not_yet("group-chat"),
                Word::not_yet("group_chat"),
            ]),
            "how the steps follow each other",
        )
        .required(),
        Field::new("name", Name, "the workflow's name; without it the key it stands under"),
        Field::new("description", Plain, "what the workflow is for, for people").kneo(),
        Field::new("steps", List(&Is(&STEP)), "steps in order; each takes the output of the one before")
            .only(&["sequential"])
            .required_there()
            .filled(),
        Field::new("start", Name, "the node that the workflow starts at").only(GRAPH).required_there(),
        Field::new("nodes", Map(&Is(&STEP)), "nodes by id").only(GRAPH).required_there().filled(),
        Field::new("edges", List(&Is(&EDGE)), "edges; a node takes the first of its edges that holds").only(GRAPH),
        Field::new("max_steps", Integer { min: 1, max: MOST }, "how many steps one run of the workflow may enter")
            .only(GRAPH),
        Field::new("on_max", Either(&[Words(ON_MAX_WORDS), Is(&ON_MAX)]), "what happens at `max_steps`")
            .kneo()
            .only(GRAPH)
            .needs("max_steps")
            .default("fail"),
        Field::new("participants", List(&Is(&STEP)), "steps that run side by side on one input")
            .only(&["concurrent", "handoff", "group-chat"])
            .required_there()
            .filled(),
        Field::new("join", JOINS, "how many participants must complete: `all`, `any`, or `{at_least: …}`")
            .kneo()
            .only(CONCURRENT)
            .default("all"),
        Field::new(
            "rest",
            RESTS,
            "what becomes of those that still run then: `cancel` ends them, `drain` waits for them",
        )
        .kneo()
        .only(CONCURRENT)
        .default("cancel"),
        Field::new(
            "on_branch_error",
            BRANCH_ERRORS,
            "what becomes of the others when so many have failed that too few are left",
        )
        .kneo()
        .only(CONCURRENT)
        .default("fail_fast"),
        Field::new("combine", COMBINES, "how the outputs of the participants become one")
            .kneo()
            .only(CONCURRENT)
            .default("text"),
        Field::new("selector", Any, "who speaks next").only(&["handoff", "group-chat", "group_chat"]).not_yet(),
        Field::new("rounds", Integer { min: 1, max: MOST }, "how often everybody speaks")
            .only(&["group-chat", "group_chat"])
            .not_yet(),
        Field::new("middleware", List(&Any), "middleware of the published v1").not_yet(),
        Field::new("max_turns", Integer { min: 1, max: MOST }, "the most turns").kneo().only(&["handoff"]).not_yet(),
        Field::new("until", Expr, "when the conversation is over").kneo().only(&["group-chat", "group_chat"]).not_yet(),
    ],
};

pub(crate) static EDGE: Shape = Shape {
    name: "an edge",
    doc: "a link from a node to the next; without a condition it always holds",
    example: "{from: write, to: review}",
    fields: &[
        Field::new("from", Name, "the node that it leaves").required(),
        Field::new("to", Name, "the node that it leads to").required(),
        Field::new("condition", Is(&CONDITION), "a condition of the published v1"),
        Field::new("when", Expr, "the edge holds when it is true").kneo(),
        Field::new("max_visits", Integer { min: 1, max: MOST }, "how often one run of the workflow may take it").kneo(),
        Field::new("on_max", Either(&[Words(ON_MAX_WORDS), Is(&ON_MAX)]), "what happens at `max_visits`")
            .kneo()
            .needs("max_visits")
            .default("fail"),
    ],
};

pub(crate) static CONDITION: Shape = Shape {
    name: "a condition",
    doc: "a condition of the published v1, judged on the node that the edge leaves",
    example: "{type: output_contains, value: APPROVED}",
    fields: &[
        Field::new("type", Words(&[Word::now("output_contains"), Word::now("status_is")]), "what is looked at")
            .required(),
        Field::new("value", Plain, "the text that the output contains, or the status").required(),
    ],
};

/// The words of `status_is`.
pub(crate) const STATUSES: &[Word] = &[Word::now("completed"), Word::now("failed"), Word::now("skipped")];

const ON_MAX_WORDS: &[Word] = &[Word::now("fail"), Word::now("continue")];

pub(crate) static ON_MAX: Shape = Shape {
    name: "`on_max`",
    doc: "where the flow goes on at a bound",
    example: "{to: node}",
    fields: &[
        Field::new("to", Name, "the node that it goes on at").kneo().required(),
        Field::new("mark", Plain, "a word that the run carries from then on").kneo(),
    ],
};
