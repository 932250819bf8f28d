//! What expressions read has settled by then.

use std::collections::HashMap;

use kneo_core::expr::{Root, StepField};

use super::flowgraph::FlowGraph;
use super::settled::Settled;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Condition, Document, Flow, Linked, OnError, Step, StepKind, Workflow};
use crate::link::Layout;
use crate::region::Regions;
use crate::source::Span;
use crate::vocabulary::Read;

/// Checks every read of a step: settled on every path to the reader, joined, and there.
pub(super) fn reads(document: &Document<Linked>, layout: &Layout, sink: &mut Diagnostics) {
    for (at, workflow) in document.workflows.iter().enumerate() {
        if matches!(workflow.body.flow, Flow::Open) {
            continue;
        }
        let mut check = Check::new(&workflow.body, layout.first_step(at), sink);
        if check.is_unclear() {
            continue;
        }
        check.steps();
        check.edges();
        if layout.root() == Some(at) {
            for output in document.outputs.iter().flatten() {
                check.at_end(&output.value.reads);
            }
        }
    }
}

struct Check<'a> {
    workflow: &'a Workflow<Linked>,
    /// The plan index of the first step, by which reads name steps.
    first: u32,
    settled: Settled,
    regions: Option<Regions>,
    /// For each step those in whose place it runs.
    stands_in: HashMap<usize, Vec<usize>>,
    /// What was asked before: whether two steps run side by side.
    apart: HashMap<(usize, usize), bool>,
    sink: &'a mut Diagnostics,
}

/// When an expression is evaluated.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// Before the step at the vertex runs.
    Before,
    /// After it has settled.
    After,
}

impl<'a> Check<'a> {
    fn new(workflow: &'a Workflow<Linked>, first: u32, sink: &'a mut Diagnostics) -> Self {
        let regions = match &workflow.flow {
            Flow::Graph(graph) => Some(Regions::of(workflow, graph)),
            Flow::Sequential | Flow::Concurrent(_) | Flow::Open => None,
        };
        let flow = FlowGraph::of(workflow, regions.as_ref());
        let settled = Settled::of(&flow, workflow.steps.len());
        let mut stands_in: HashMap<usize, Vec<usize>> = HashMap::new();
        for (failed, fallback) in flow.fallbacks {
            stands_in.entry(fallback).or_default().push(failed);
        }
        Self { workflow, first, settled, regions, stands_in, apart: HashMap::new(), sink }
    }

    /// Whether branches are not whole, so that what follows what would be guesses.
    fn is_unclear(&self) -> bool {
        self.regions.as_ref().is_some_and(|regions| !regions.problems().is_empty())
    }

    /// Whether a step runs side by side with a reader, or with a step in whose place the reader runs.
    fn are_apart(&mut self, target: usize, reader: usize) -> bool {
        if let Flow::Concurrent(_) = self.workflow.flow {
            return target != reader;
        }
        let Some(regions) = &self.regions else { return false };
        *self.apart.entry((target, reader)).or_insert_with(|| {
            let places = self.stands_in.get(&reader).into_iter().flatten();
            std::iter::once(&reader).chain(places).any(|place| regions.are_apart(target, *place))
        })
    }

    /// Whether every participant has completed when the workflow has.
    fn is_joined(&self, target: usize) -> bool {
        let Flow::Concurrent(joining) = &self.workflow.flow else { return false };
        let in_place = |step: &&Step<Linked>| step.fallback_only.is_none();
        let branches = self.workflow.steps.iter().filter(in_place).count();
        joining.join.is_of_all(branches) && self.step(target).as_ref().is_some_and(in_place)
    }

    fn steps(&mut self) {
        for (at, step) in self.workflow.steps.iter().enumerate() {
            let when = step.when.iter().flat_map(|when| &when.value.reads);
            let input = step.input.iter().flat_map(|input| &input.reads);
            let set: &[_] = match &step.kind {
                StepKind::Set(values) => values,
                StepKind::Agent(_)
                | StepKind::Function(_)
                | StepKind::Human(_)
                | StepKind::Workflow(_)
                | StepKind::Broken => &[],
            };
            let set = set.iter().flat_map(|(_, value)| &value.reads);
            let key = step.idempotency_key.iter().flat_map(|key| &key.value.reads);
            for read in when.chain(input).chain(set).chain(key) {
                self.read(at, When::Before, read);
            }
        }
    }

    fn edges(&mut self) {
        let Flow::Graph(graph) = &self.workflow.flow else {
            return;
        };
        for edge in &graph.edges {
            if let Some(Condition::Expr(when)) = &edge.when {
                for read in &when.value.reads {
                    self.read(edge.from.0, When::After, read);
                }
            }
        }
    }

    /// Reads of the run's outputs, when the root workflow has ended.
    fn at_end(&mut self, reads: &[Read]) {
        for read in reads {
            let Some((target, field, guarded, span)) = self.target(read) else {
                continue;
            };
            let settled = match self.workflow.flow {
                Flow::Concurrent(_) => self.is_joined(target),
                Flow::Sequential | Flow::Graph(_) | Flow::Open => self.settled.at_end(target),
            };
            self.judge(target, field, guarded, settled, span);
        }
    }

    /// A read by the step at `reader`, or by an edge that leaves it.
    fn read(&mut self, reader: usize, when: When, read: &Read) {
        let Some((target, field, guarded, span)) = self.target(read) else {
            return;
        };
        if self.are_apart(target, reader) {
            let id = self.step(target).map_or("?", |step| step.id.value.as_str());
            let place = self.step(target).map_or(span, |step| step.id.span);
            let (message, after) = match self.workflow.flow {
                Flow::Graph(_) => (
                    format!("the step {} is in a branch that runs side by side with this one", tick(id)),
                    "where the branches meet",
                ),
                _ => {
                    (format!("the branch {} runs side by side with this one", tick(id)), "in a step after the workflow")
                }
            };
            self.sink.push(
                Diagnostic::new(Code::ReadAcrossBranches, span, message)
                    .label(place, "not joined here")
                    .help(format!("read it {after}, or run the two in order")),
            );
            return;
        }
        let settled = match when {
            When::After if target == reader => true,
            When::Before if target == reader => false,
            When::After | When::Before => self.settled.before(target, reader),
        };
        // A fallback runs before the step in whose place it does is over.
        let stands_in = |step: &Step<Linked>| matches!(step.on_error, OnError::Fallback(to, _) if to.0 == reader);
        if when == When::Before && !guarded && self.step(target).is_some_and(stands_in) {
            self.of_failed(target, field, span);
            return;
        }
        let never = !settled && matches!(self.workflow.flow, Flow::Sequential) && self.settled.never(target, reader);
        if never && !guarded && !self.lacks_decision(target, field) {
            self.never(target, reader, span);
            return;
        }
        self.judge(target, field, guarded, settled, span);
    }

    /// Reports a read, by a fallback, of the step in whose place it runs.
    fn of_failed(&mut self, target: usize, field: StepField, span: Span) {
        let Some(step) = self.step(target) else {
            return;
        };
        let id = step.id.value.as_str();
        let written = written(id, field);
        self.sink.push(
            Diagnostic::new(
                Code::ReadMaybeUnrun,
                span,
                format!("the step {} is not over when this one runs in its place", tick(id)),
            )
            .label(step.id.span, "it falls back to this one")
            .help(format!("read `prev`, which is what {} was given, or write `default({written}, …)`", tick(id))),
        );
    }

    /// Reports a read of what comes later, or of the step itself.
    fn never(&mut self, target: usize, reader: usize, span: Span) {
        let Some(step) = self.step(target) else {
            return;
        };
        let id = tick(step.id.value.as_str());
        let diagnostic = if target == reader {
            Diagnostic::new(
                Code::ReadMaybeUnrun,
                span,
                format!("the step {id} has not run when its own fields are read"),
            )
            .help("read `prev`, `input`, or a step before it")
        } else {
            Diagnostic::new(Code::ReadMaybeUnrun, span, format!("the step {id} runs only after this is read"))
                .label(step.id.span, "it comes later")
                .help("read a step that comes before, or move this one behind it")
        };
        self.sink.push(diagnostic);
    }

    fn lacks_decision(&self, target: usize, field: StepField) -> bool {
        let is_human = |step: &Step<Linked>| matches!(step.kind, StepKind::Human(_) | StepKind::Broken);
        field == StepField::Decision && !self.step(target).is_some_and(is_human)
    }

    fn target(&self, read: &Read) -> Option<(usize, StepField, bool, Span)> {
        match read {
            Read::Root { root, .. } => {
                // Roots are always there where the vocabulary lets them be named.
                let _: &Root = root;
                None
            }
            Read::Step { step, field, guarded, span } => {
                let target = step.checked_sub(self.first)? as usize;
                self.step(target)?;
                Some((target, *field, *guarded, *span))
            }
        }
    }

    fn step(&self, at: usize) -> Option<&'a Step<Linked>> {
        self.workflow.steps.get(at)
    }

    fn judge(&mut self, target: usize, field: StepField, guarded: bool, settled: bool, span: Span) {
        let Some(step) = self.step(target) else {
            return;
        };
        let id = step.id.value.as_str();
        if self.lacks_decision(target, field) {
            self.sink.push(
                Diagnostic::new(
                    Code::ReadNoDecision,
                    span,
                    format!("the step {} is no human step and has no decision", tick(id)),
                )
                .label(step.id.span, "this step")
                .help("read its `output`, or the decision of a step with `kind: human`"),
            );
            return;
        }
        if step.fallback_only.is_some() {
            self.sink.push(
                Diagnostic::new(
                    Code::ReadMaybeUnrun,
                    span,
                    format!("the step {} runs only in place of another, and leaves nothing of its own", tick(id)),
                )
                .label(step.id.span, "this step")
                .help("read the step in whose place it runs: its output is then that of this one"),
            );
            return;
        }
        if guarded {
            return;
        }
        let written = written(id, field);
        let guard = format!("write `default({written}, …)`, or ask `has({written})` first");
        if !settled {
            self.sink.push(
                Diagnostic::new(Code::ReadMaybeUnrun, span, format!("the step {} may not have run by then", tick(id)))
                    .label(step.id.span, "not on every way there")
                    .help(guard),
            );
            return;
        }
        if let Some(why) = maybe_empty(step, field) {
            self.sink.push(
                Diagnostic::new(
                    Code::ReadOptionalOutput,
                    span,
                    format!("the step {} may have no `{}`", tick(id), field.as_str()),
                )
                .label(step.id.span, why)
                .help(guard),
            );
        }
    }
}

/// How the field of a step is written in an expression.
pub(super) fn written(id: &str, field: StepField) -> String {
    let identifier =
        id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !id.starts_with(|c: char| c.is_ascii_digit());
    let field = field.as_str();
    if identifier { format!("steps.{id}.{field}") } else { format!("steps[\"{id}\"].{field}") }
}

/// Why a settled step may lack the field; `None` when it has it.
fn maybe_empty(step: &Step<Linked>, field: StepField) -> Option<&'static str> {
    let failing = match step.on_error {
        OnError::Fail | OnError::Broken => None,
        OnError::Continue => Some("it may fail and go on"),
        OnError::Fallback(..) => Some("it may fail and another runs in its place"),
    };
    match field {
        StepField::Status | StepField::Attempts => None,
        StepField::Error => Some(match failing {
            Some(_) => "it has one only when it failed",
            None => "a step that fails ends the workflow",
        }),
        StepField::Output | StepField::Decision => {
            let skipped = step.when.as_ref().map(|_| "its `when` may be false");
            skipped.or(failing)
        }
        _ => None,
    }
}
