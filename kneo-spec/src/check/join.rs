//! Rules about branches that meet.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Flow, Graph, Join, Joining, Linked, OnMax, Workflow};
use crate::region::{MOST_NESTED, Problem, Regions, Via, Way};
use crate::source::Span;

/// A join waits for no more branches than there are.
pub(super) fn counts(workflow: &Workflow<Linked>, sink: &mut Diagnostics) {
    match &workflow.flow {
        Flow::Concurrent(joining) if workflow.whole => {
            let branches = workflow.steps.iter().filter(|step| step.fallback_only.is_none()).count();
            count(joining, branches, "participants", sink);
        }
        Flow::Graph(graph) if graph.whole => {
            let mut edges = vec![0; workflow.steps.len()];
            for edge in &graph.edges {
                edges.get_mut(edge.from.0).into_iter().for_each(|count| *count += 1);
            }
            for (step, edges) in workflow.steps.iter().zip(edges) {
                if let Some(fan) = &step.fan_out {
                    count(&fan.joining, edges, "edges", sink);
                }
            }
        }
        Flow::Concurrent(_) | Flow::Graph(_) | Flow::Sequential | Flow::Open => {}
    }
}

fn count(joining: &Joining, branches: usize, what: &str, sink: &mut Diagnostics) {
    let Join::AtLeast(least) = joining.join else { return };
    if least.value.get() as usize > branches && branches > 0 {
        let (there, help) = match branches {
            1 => ("there is only one".to_owned(), "write `join: all`".to_owned()),
            _ => (format!("there are {branches} {what}"), format!("write a number up to {branches}, or `join: all`")),
        };
        sink.push(
            Diagnostic::new(
                Code::JoinUnsatisfiable,
                least.span,
                format!("{} branches can never complete: {there}", least.value),
            )
            .help(help),
        );
    }
}

/// Branches are entered where they begin, left to where they meet, and shared with nobody.
pub(super) fn structure(workflow: &Workflow<Linked>, graph: &Graph<Linked>, regions: &Regions, sink: &mut Diagnostics) {
    let say = Say { workflow, graph, regions };
    for problem in regions.problems() {
        if !sink.is_full_then_count() {
            sink.push(say.problem(problem));
        }
    }
    for (at, edge) in graph.edges.iter().enumerate() {
        let Some(bound) = &edge.max_visits else { continue };
        let what = match regions.way(at) {
            Way::Within => continue,
            Way::Begins => "starts",
            Way::Ends => "ends",
        };
        sink.push(
            Diagnostic::new(
                Code::FieldNotAllowed,
                bound.max.span,
                format!("`max_visits` has no effect on an edge that {what} a branch"),
            )
            .help("write it on an edge before or behind the branches, or inside one of them"),
        );
    }
    let fan = workflow.steps.iter().find_map(|step| step.fan_out.as_ref().map(|fan| (step, fan)));
    if let (Some(max_steps), Some((step, fan))) = (&graph.max_steps, fan)
        && matches!(max_steps.on_max, OnMax::To { .. })
    {
        sink.push(
            Diagnostic::new(
                Code::FanoutUnstructured,
                max_steps.max.span,
                "at `max_steps` the flow would leave its branch for another node",
            )
            .label(fan.span, format!("{} starts branches", tick(step.id.value.as_str())))
            .help("write `on_max: fail` or `on_max: continue`, or bound a cycle with `max_visits` on one of its edges"),
        );
    }
}

struct Say<'a> {
    workflow: &'a Workflow<Linked>,
    graph: &'a Graph<Linked>,
    regions: &'a Regions,
}

impl Say<'_> {
    fn problem(&self, problem: &Problem) -> Diagnostic {
        match *problem {
            Problem::Shared { step, regions: [first, second], ways: [known, way] } => {
                self.shared(step, self.regions.conflict(first, second), known, way)
            }
            Problem::Empty { edge } => Diagnostic::new(
                Code::FanoutUnstructured,
                self.edge(edge),
                "a branch without a node leads straight to where the branches meet",
            )
            .help("lead the edge to a node of its own, or remove it"),
            Problem::OnMaxToJoin { edge } => Diagnostic::new(
                Code::FanoutUnstructured,
                self.edge(edge),
                "a bound cannot lead to where the branches meet",
            )
            .primary("its `on_max` does")
            .help("write `on_max: continue`, and behind it an edge that leads there"),
            Problem::Ends { step, region } => {
                let (branch, join) = (self.branch(region), self.join(region));
                let id = self.id(step);
                Diagnostic::new(
                    Code::FanoutUnstructured,
                    self.place(step),
                    format!("{branch} ends at {}, and does not reach {}", tick(id), tick(join)),
                )
                .label(self.entry(region), "the branch begins here")
                .help(format!("add the edge `{{from: {id}, to: {join}}}`"))
            }
            Problem::NeverMeets { region } => Diagnostic::new(
                Code::FanoutUnstructured,
                self.entry(region),
                format!("no way leads from {} to {}", self.branch(region), tick(self.join(region))),
            )
            .help(format!("add an edge from a node of the branch to {}", tick(self.join(region)))),
            Problem::JoinsItself { step } => Diagnostic::new(
                Code::FanoutUnstructured,
                self.fan(step),
                format!("the branches of {} cannot meet where they begin", tick(self.id(step))),
            )
            .help("let them meet at another node, and lead an edge back from there"),
            Problem::NoEdges { step } => Diagnostic::new(
                Code::FanoutUnstructured,
                self.fan(step),
                format!("no edge leaves {}, so that it has no branches", tick(self.id(step))),
            )
            .help("add an edge to the first node of each branch, or remove `route: all`"),
            Problem::TooDeep { step } => {
                Diagnostic::new(Code::NestedTooDeep, self.fan(step), format!("branches nest deeper than {MOST_NESTED}"))
                    .help("write the inner branches as a workflow of their own")
            }
        }
    }

    fn shared(&self, step: usize, conflict: (usize, Option<usize>), known: Via, way: Via) -> Diagnostic {
        let id = tick(self.id(step));
        let (at, label) = (self.way(way), self.way(known));
        let join = self.join(conflict.0);
        let diagnostic = match conflict {
            (one, Some(other)) => Diagnostic::new(
                Code::FanoutUnstructured,
                at,
                format!("the node {id} is in two branches of {}", tick(self.fan_id(one))),
            )
            .help(format!(
                "give {} and {} nodes of their own, which meet at {}",
                self.branch(one),
                self.branch(other),
                tick(join)
            )),
            (one, None) => Diagnostic::new(
                Code::FanoutUnstructured,
                at,
                format!("the node {id} is both in {} and outside of it", self.branch(one)),
            )
            .help(format!(
                "a branch is entered from {} and left to {} alone: lead it there, or give it a node of its own",
                tick(self.fan_id(one)),
                tick(join)
            )),
        };
        if at == label { diagnostic } else { diagnostic.primary("by this way").label(label, "and by this one") }
    }

    fn way(&self, via: Via) -> Span {
        match via {
            Via::Start => self.workflow.span,
            Via::Edge(at) | Via::OnMax(at) => self.edge(at),
            Via::Join(step) => self.fan(step),
        }
    }

    fn edge(&self, at: usize) -> Span {
        self.graph.edges.get(at).map_or(self.workflow.span, |edge| edge.span)
    }

    fn entry(&self, region: usize) -> Span {
        self.regions.get(region).map_or(self.workflow.span, |region| self.edge(region.edge))
    }

    fn place(&self, step: usize) -> Span {
        self.workflow.steps.get(step).map_or(self.workflow.span, |step| step.id.span)
    }

    fn fan(&self, step: usize) -> Span {
        let fan = self.workflow.steps.get(step).and_then(|step| step.fan_out.as_ref());
        fan.map_or(self.workflow.span, |fan| fan.span)
    }

    fn id(&self, step: usize) -> &str {
        self.workflow.steps.get(step).map_or("?", |step| step.id.value.as_str())
    }

    fn fan_id(&self, region: usize) -> &str {
        self.regions.get(region).map_or("?", |region| self.id(region.fan))
    }

    fn join(&self, region: usize) -> &str {
        self.regions.get(region).map_or("?", |region| self.id(region.join))
    }

    /// A branch in words.
    fn branch(&self, region: usize) -> String {
        let first = self.regions.get(region).and_then(|region| self.graph.edges.get(region.edge));
        let first = first.map_or("?", |edge| self.id(edge.to.0));
        format!("the branch {} of {}", tick(first), tick(self.fan_id(region)))
    }
}
