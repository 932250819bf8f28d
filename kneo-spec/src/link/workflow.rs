//! Steps, edges and bounds of one workflow.

use std::collections::HashMap;

use kneo_core::name::Name;

use super::Linker;
use super::expression::{Reader, StepVocabulary, View};
use super::step::Target;
use crate::diagnostic::{Code, Diagnostic, tick, tick_list};
use crate::document::{
    Bound, Condition, Edge, FanOut, Flow, Graph, Linked, OnError, OnMax, Raw, Step, StepIx, StepKind, Workflow,
};
use crate::source::{Span, Spanned};

/// The steps of a workflow by id.
struct Ids {
    places: HashMap<Name, (StepIx, Span)>,
    order: Vec<Name>,
    /// Whether no step was left out because it was reported.
    whole: bool,
}

impl Linker<'_> {
    pub(super) fn workflow(&mut self, raw: Workflow<Raw>, targets: Vec<Target>, view: View<'_>) -> Workflow<Linked> {
        // A step without a name keeps its place.
        let names: Vec<Option<Spanned<Name>>> =
            raw.steps.iter().map(|step| (!step.nameless).then(|| step.id.clone())).collect();
        // How many names come before each step.
        let named: Vec<usize> = names
            .iter()
            .scan(0, |before, name| {
                let own = *before;
                *before += usize::from(name.is_some());
                Some(own)
            })
            .collect();
        let ids = self.ids(&names, raw.whole);
        let vocabulary = StepVocabulary::new(names.iter().map(Option::as_ref), raw.whole, view);
        let steps: Vec<Step<Linked>> = raw
            .steps
            .into_iter()
            .zip(targets)
            .enumerate()
            .map(|(at, (step, target))| {
                let before = match raw.flow {
                    Flow::Sequential => Some(named.get(at).copied().unwrap_or(0)),
                    // Branches run side by side.
                    Flow::Concurrent(_) => Some(0),
                    Flow::Graph(_) | Flow::Open => None,
                };
                self.step(step, target, &ids, &Reader { all: &vocabulary, before })
            })
            .collect();
        let flow = match raw.flow {
            Flow::Sequential => Flow::Sequential,
            Flow::Open => Flow::Open,
            Flow::Concurrent(joining) => Flow::Concurrent(joining),
            Flow::Graph(graph) => {
                let mut graph = self.graph(graph, &ids, &vocabulary);
                // Without the place where they meet, where branches lead would be guesses.
                graph.whole &= !steps.iter().any(|step| step.fan_out.as_ref().is_some_and(|fan| fan.join_at.is_none()));
                Flow::Graph(graph)
            }
        };
        Workflow { name: raw.name, steps, flow, whole: raw.whole, span: raw.span }
    }

    fn ids(&mut self, names: &[Option<Spanned<Name>>], whole: bool) -> Ids {
        let mut places: HashMap<Name, (StepIx, Span)> = HashMap::new();
        let mut order = Vec::new();
        for (at, id) in names.iter().enumerate() {
            let Some(id) = id else { continue };
            order.push(id.value.clone());
            let Some((_, first)) = places.get(&id.value) else {
                places.insert(id.value.clone(), (StepIx(at), id.span));
                continue;
            };
            self.sink.push(
                Diagnostic::new(
                    Code::DuplicateId,
                    id.span,
                    format!("the id {} is already taken in this workflow", tick(id.value.as_str())),
                )
                .primary("again here")
                .label(*first, "first here")
                .help("give each step an id of its own"),
            );
        }
        Ids { places, order, whole }
    }

    /// Finds a step of the same workflow.
    fn find(&mut self, name: &Spanned<Name>, ids: &Ids) -> Option<StepIx> {
        if let Some((at, _)) = ids.places.get(&name.value) {
            return Some(*at);
        }
        let known = || ids.order.iter().map(Name::as_str);
        let help = match self.sink.nearest(name.value.as_str(), known()) {
            Some(near) => format!("did you mean `{near}`?"),
            // It may be a step that was reported.
            None if !ids.whole => return None,
            None => format!("write {}", tick_list(known().take(8))),
        };
        self.sink.push(
            Diagnostic::new(
                Code::StepRef,
                name.span,
                format!("this workflow has no step {}", tick(name.value.as_str())),
            )
            .help(help),
        );
        None
    }

    fn step(&mut self, raw: Step<Raw>, target: Target, ids: &Ids, vocabulary: &Reader<'_>) -> Step<Linked> {
        let kind = match target {
            Target::Agent(at) => StepKind::Agent(at),
            Target::Function(at) => StepKind::Function(at),
            Target::Human(at) => StepKind::Human(at),
            Target::Workflow(at) => StepKind::Workflow(at),
            Target::Broken => StepKind::Broken,
            Target::Set(values) => StepKind::Set(
                values.into_iter().filter_map(|(name, node)| Some((name, self.value(node, vocabulary)?))).collect(),
            ),
        };
        let on_error = match raw.on_error {
            OnError::Fail => OnError::Fail,
            OnError::Continue => OnError::Continue,
            OnError::Fallback(name, span) => {
                self.find(&name, ids).map_or(OnError::Broken, |at| OnError::Fallback(at, span))
            }
            OnError::Broken => OnError::Broken,
        };
        Step {
            id: raw.id,
            nameless: raw.nameless,
            kind,
            when: raw.when.and_then(|when| self.expr(when, vocabulary)),
            input: raw.input.and_then(|input| self.value(input, vocabulary)),
            on_error,
            fallback_only: raw.fallback_only,
            fan_out: raw.fan_out.map(|fan_out| FanOut {
                join_at: fan_out.join_at.and_then(|at| self.find(&at, ids)),
                joining: fan_out.joining,
                span: fan_out.span,
            }),
            idempotency_key: raw.idempotency_key.and_then(|key| {
                let text = self.text(&key.value, vocabulary)?;
                Some(Spanned::new(text, key.span))
            }),
            output: raw.output,
            retry: raw.retry,
            timeout_ms: raw.timeout_ms,
            span: raw.span,
        }
    }

    fn graph(&mut self, raw: Graph<Raw>, ids: &Ids, vocabulary: &StepVocabulary<'_>) -> Graph<Linked> {
        let written = raw.edges.len();
        let edges: Vec<Edge<Linked>> =
            raw.edges.into_iter().filter_map(|edge| self.edge(edge, ids, vocabulary)).collect();
        let max_steps = raw.max_steps.map(|bound| self.bound(bound, ids));
        // A bound that was reported may lead anywhere.
        let broken = |bound: &Bound<Linked>| matches!(bound.on_max, OnMax::Broken);
        let bounds = edges.iter().filter_map(|edge| edge.max_visits.as_ref()).chain(&max_steps);
        let whole = raw.whole && edges.len() == written && !bounds.into_iter().any(broken);
        Graph { start: raw.start.and_then(|start| self.find(&start, ids)), whole, edges, max_steps }
    }

    fn edge(&mut self, raw: Edge<Raw>, ids: &Ids, vocabulary: &StepVocabulary<'_>) -> Option<Edge<Linked>> {
        let from = self.find(&raw.from, ids);
        let to = self.find(&raw.to, ids);
        let when = match raw.when {
            None => None,
            // A condition that does not compile must not become an edge that always holds.
            Some(Condition::Expr(when)) => Some(self.expr(when, vocabulary).map_or(Condition::Broken, Condition::Expr)),
            Some(Condition::Broken) => Some(Condition::Broken),
            Some(Condition::OutputContains(text)) => Some(Condition::OutputContains(text)),
            Some(Condition::StatusIs(status)) => Some(Condition::StatusIs(status)),
        };
        let max_visits = raw.max_visits.map(|bound| self.bound(bound, ids));
        Some(Edge { from: from?, to: to?, when, max_visits, span: raw.span })
    }

    fn bound(&mut self, raw: Bound<Raw>, ids: &Ids) -> Bound<Linked> {
        let on_max = match raw.on_max {
            OnMax::Fail => OnMax::Fail,
            OnMax::Continue => OnMax::Continue,
            OnMax::Broken => OnMax::Broken,
            OnMax::To { node, mark } => self.find(&node, ids).map_or(OnMax::Broken, |node| OnMax::To { node, mark }),
        };
        Bound { max: raw.max, on_max }
    }
}
