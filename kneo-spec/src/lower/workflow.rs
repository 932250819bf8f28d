//! Workflows, edges and bounds.

use kneo_core::plan::{Combine, StepStatus};

use super::fields::Choice;
use super::step::Seat;
use super::{At, Fields, Lower};
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{Bound, Condition, Edge, Flow, Graph, OnMax, Raw, Step, Workflow};
use crate::shape::workflow::{CONDITION, EDGE, ON_MAX, STATUSES, WORKFLOW};
use crate::source::Spanned;
use crate::syntax::{Kind, NodeId};

/// The steps of a workflow.
struct Steps {
    list: Vec<Step<Raw>>,
    /// Whether none was left out because it was reported.
    whole: bool,
}

impl Lower<'_> {
    pub(super) fn workflow(&mut self, node: NodeId, key: &str) -> Option<Workflow<Raw>> {
        let mut fields = self.fields_of(node, key, &WORKFLOW)?;
        let name = self.name(fields.get("name"));
        self.plain(fields.get("description"));
        let word = self.word_or_near(fields.get("type"));
        let renamed = word.and_then(|word| {
            let renamed = self.renamed(&mut fields, word);
            self.only(&mut fields, word, "type");
            renamed
        });
        // A type that was reported is guessed, so that the steps are looked at all the same.
        let (steps, flow) = match word.map_or_else(|| guessed(&fields), FlowType::of) {
            FlowType::Graph => self.graph(&fields, renamed.is_some()),
            FlowType::Concurrent => {
                let steps = renamed.or_else(|| self.container(&fields, "participants"));
                self.concurrent(&fields, steps.as_ref())
            }
            FlowType::Sequential => {
                let steps = renamed.or_else(|| self.container(&fields, "steps"));
                (self.steps(steps.as_ref()), Flow::Sequential)
            }
            FlowType::Conversation => (self.steps(fields.get("participants")), Flow::Open),
            FlowType::Unknown => (self.steps(None), Flow::Open),
        };
        Some(Workflow { name, steps: steps.list, flow, whole: steps.whole, span: fields.span })
    }

    /// Steps that stand under the name that another type has for them; they are read all the same.
    fn renamed(&mut self, fields: &mut Fields, word: &'static str) -> Option<At> {
        let own = match FlowType::of(word) {
            FlowType::Graph => "nodes",
            FlowType::Concurrent | FlowType::Conversation => "participants",
            FlowType::Sequential | FlowType::Unknown => "steps",
        };
        if fields.get(own).is_some() {
            return None;
        }
        let (other, of) = [("steps", "sequential"), ("participants", "concurrent"), ("nodes", "graph")]
            .into_iter()
            .find(|(other, _)| *other != own && fields.get(other).is_some())?;
        let at = fields.take(other)?;
        self.report(
            Diagnostic::new(Code::FieldNotAllowed, at.key.span, format!("`{other}` has no effect here"))
                .primary(format!("not a field of `type: {word}`"))
                .help(format!("write `{own}:`, or `type: {of}`")),
        );
        Some(at)
    }

    /// The field that holds the steps; reported when it is missing.
    fn container(&mut self, fields: &Fields, name: &str) -> Option<At> {
        let at = fields.get(name).cloned();
        if at.is_none() {
            self.missing(fields.span, &WORKFLOW, name);
        }
        at
    }

    fn steps(&mut self, at: Option<&At>) -> Steps {
        let Some(items) = at.and_then(|at| self.filled_list(Some(at))) else {
            return Steps { list: Vec::new(), whole: false };
        };
        let read = items.iter().enumerate().filter_map(|(place, item)| self.step(*item, &Seat::Item(place)));
        let list: Vec<Step<Raw>> = read.collect();
        Steps { whole: list.len() == items.len() && !list.iter().any(|step| step.nameless), list }
    }

    fn concurrent(&mut self, fields: &Fields, steps: Option<&At>) -> (Steps, Flow<Raw>) {
        let mut steps = self.steps(steps);
        let (joining, whole) = self.joining(fields, Combine::Text);
        steps.whole &= whole;
        (steps, Flow::Concurrent(joining))
    }

    fn graph(&mut self, fields: &Fields, renamed: bool) -> (Steps, Flow<Raw>) {
        for name in ["start", "nodes"] {
            // Of a type that is guessed nothing is missing.
            let spared = renamed || fields.get("type").is_none();
            if fields.get(name).is_none() && !spared {
                self.missing(fields.span, &WORKFLOW, name);
            }
        }
        let nodes = self.map(fields.get("nodes"));
        if let Some(at) = fields.get("nodes")
            && nodes.is_empty()
            && matches!(self.tree.node(at.node).kind, Kind::Map(_))
        {
            self.empty(at);
        }
        let list: Vec<Step<Raw>> =
            nodes.into_iter().filter_map(|(name, node)| self.step(node, &Seat::Key(name))).collect();
        let whole = fields.get("nodes").is_some_and(|at| match &self.tree.node(at.node).kind {
            Kind::Map(entries) => !list.is_empty() && list.len() == entries.len() && self.tree.is_whole(at.node),
            _ => false,
        });
        let items = self.list(fields.get("edges")).unwrap_or_default();
        let edges: Vec<Edge<Raw>> = items.iter().filter_map(|item| self.edge(*item)).collect();
        let graph = Graph {
            start: self.name(fields.get("start")),
            whole: edges.len() == items.len(),
            edges,
            max_steps: self.bound(fields, "max_steps"),
        };
        (Steps { list, whole }, Flow::Graph(graph))
    }

    fn edge(&mut self, node: NodeId) -> Option<Edge<Raw>> {
        let fields = self.fields(node, &EDGE)?;
        if let (Some(condition), Some(when)) = (fields.get("condition"), fields.get("when")) {
            self.report(
                Diagnostic::new(Code::TwoSpellings, when.key.span, "this edge has both `condition` and `when`")
                    .label(condition.key.span, "the first")
                    .help("keep one; `when` can say what `condition` says"),
            );
        }
        // A condition that cannot be read must not become an edge that always holds.
        let when = match (fields.get("condition"), fields.get("when")) {
            (Some(at), _) => Some(self.condition(at).unwrap_or(Condition::Broken)),
            (None, Some(at)) => Some(self.expr(Some(at)).map_or(Condition::Broken, Condition::Expr)),
            (None, None) => None,
        };
        let max_visits = self.bound(&fields, "max_visits");
        Some(Edge {
            from: self.name(fields.get("from"))?,
            to: self.name(fields.get("to"))?,
            when,
            max_visits,
            span: fields.span,
        })
    }

    fn condition(&mut self, at: &At) -> Option<Condition<Raw>> {
        let fields = self.fields_at(at, &CONDITION)?;
        let kind = self.word(fields.get("type"))?;
        let value = fields.get("value")?;
        if kind.value == "output_contains" {
            return self.plain(Some(value)).map(|text| Condition::OutputContains(text.value));
        }
        let status = match self.word_node(value.node, "status_is", Choice { words: STATUSES, or: None })?.value {
            "failed" => StepStatus::Failed,
            "skipped" => StepStatus::Skipped,
            _ => StepStatus::Completed,
        };
        Some(Condition::StatusIs(status))
    }

    /// Reads a bound and the `on_max` beside it.
    fn bound(&mut self, fields: &Fields, name: &str) -> Option<Bound<Raw>> {
        let on_max = fields.get("on_max");
        let Some(at) = fields.get(name) else {
            if let Some(on_max) = on_max {
                self.report(
                    Diagnostic::new(
                        Code::OnMaxUnused,
                        on_max.key.span,
                        format!("`on_max` has no effect without `{name}`"),
                    )
                    .help(format!("add `{name}:`, or remove `on_max`")),
                );
            }
            return None;
        };
        let max = self.small(Some(at));
        let on_max = match (max, on_max) {
            (None, _) => OnMax::Broken,
            (Some(_), Some(at)) => self.on_max(at).unwrap_or(OnMax::Broken),
            (Some(_), None) => OnMax::Fail,
        };
        Some(Bound { max: max.unwrap_or(Spanned::new(1, at.key.span)), on_max })
    }

    fn on_max(&mut self, at: &At) -> Option<OnMax<Raw>> {
        if matches!(self.tree.node(at.node).kind, Kind::Map(_)) {
            let fields = self.fields_at(at, &ON_MAX)?;
            let mark = self.plain(fields.get("mark")).map(|mark| mark.value);
            let node = self.name(fields.get("to"))?;
            return Some(OnMax::To { node, mark });
        }
        Some(match self.word(Some(at))?.value {
            "continue" => OnMax::Continue,
            _ => OnMax::Fail,
        })
    }
}

/// How the steps of a workflow are written.
#[derive(Clone, Copy)]
enum FlowType {
    Sequential,
    Graph,
    Concurrent,
    /// One that this version does not run.
    Conversation,
    Unknown,
}

impl FlowType {
    fn of(word: &'static str) -> Self {
        match word {
            "graph" => Self::Graph,
            "concurrent" => Self::Concurrent,
            _ => Self::Sequential,
        }
    }
}

/// The type that a workflow seems to have by its fields.
fn guessed(fields: &Fields) -> FlowType {
    let has = |name: &str| fields.get(name).is_some();
    if has("nodes") {
        FlowType::Graph
    } else if has("participants") {
        FlowType::Conversation
    } else if has("steps") {
        FlowType::Sequential
    } else {
        FlowType::Unknown
    }
}
