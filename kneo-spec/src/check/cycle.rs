//! Every cycle is bounded.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Graph, Linked, OnMax, StepIx, Workflow};
use crate::source::Span;

/// A link that can be taken any number of times.
struct Unbounded {
    from: usize,
    to: usize,
    /// Where it is written.
    span: Span,
    /// What it is, if it is not an edge itself.
    as_what: &'static str,
}

/// Reports each cycle that nothing bounds: no `max_visits` on an edge of it, and no `max_steps` of
/// the workflow. Asked only where the run as a whole has no `limits.max_steps`.
///
/// `max_steps` with `on_max: {to: …}` goes on, so what can be reached from there counts again.
pub(super) fn unbounded(workflow: &Workflow<Linked>, graph: &Graph<Linked>, sink: &mut Diagnostics) {
    let links = links(workflow, graph);
    let mut successors = vec![Vec::new(); workflow.steps.len()];
    for (at, link) in links.iter().enumerate() {
        if let Some(successors) = successors.get_mut(link.from) {
            successors.push((link.to, at));
        }
    }
    let counted = match graph.max_steps.as_ref().map(|bound| &bound.on_max) {
        None => vec![true; workflow.steps.len()],
        Some(OnMax::Fail | OnMax::Continue | OnMax::Broken) => return,
        Some(OnMax::To { node, .. }) => reached(&successors, node.0),
    };
    let component = components(&successors);
    let mut reported = vec![false; workflow.steps.len()];
    for link in &links {
        let same = component.get(link.from) == component.get(link.to);
        let Some(reported) = component.get(link.from).and_then(|at| reported.get_mut(*at)) else {
            continue;
        };
        if !same || *reported || counted.get(link.from) != Some(&true) {
            continue;
        }
        *reported = true;
        if !sink.is_full_then_count() {
            sink.push(diagnostic(workflow, &links, &component, link));
        }
    }
}

fn links(workflow: &Workflow<Linked>, graph: &Graph<Linked>) -> Vec<Unbounded> {
    let mut links = Vec::new();
    for edge in &graph.edges {
        let link = |to, as_what| Unbounded { from: edge.from.0, to, span: edge.span, as_what };
        match edge.max_visits.as_ref().map(|bound| &bound.on_max) {
            None => links.push(link(edge.to.0, "")),
            Some(OnMax::To { node, .. }) => links.push(link(node.0, "its `on_max` leads back")),
            Some(OnMax::Fail | OnMax::Continue | OnMax::Broken) => {}
        }
    }
    // However its branches end, a step that starts some leads to where they meet.
    for (from, step) in workflow.steps.iter().enumerate() {
        if let Some(fan) = &step.fan_out
            && let Some(StepIx(to)) = fan.join_at
        {
            links.push(Unbounded { from, to, span: fan.span, as_what: "its branches lead there" });
        }
    }
    links
}

fn diagnostic(workflow: &Workflow<Linked>, links: &[Unbounded], component: &[usize], first: &Unbounded) -> Diagnostic {
    let id = |step: usize| workflow.steps.get(step).map_or("?", |step| step.id.value.as_str());
    let members = links.iter().filter(|link| {
        component.get(link.from) == component.get(first.from) && component.get(link.to) == component.get(first.from)
    });
    let mut diagnostic = Diagnostic::new(
        Code::UnboundedCycle,
        first.span,
        format!("nothing bounds the cycle through {}", tick(id(first.from))),
    )
    .help("add `max_visits:` to an edge of the cycle, or `max_steps:` to the workflow");
    if !first.as_what.is_empty() {
        diagnostic = diagnostic.primary(first.as_what);
    }
    for other in members.filter(|link| !std::ptr::eq(*link, first)).take(6) {
        let what = if other.as_what.is_empty() { "this edge is part of it" } else { other.as_what };
        diagnostic = diagnostic.label(other.span, what);
    }
    diagnostic
}

fn reached(successors: &[Vec<(usize, usize)>], from: usize) -> Vec<bool> {
    let mut reached = vec![false; successors.len()];
    let mut waiting = vec![from];
    while let Some(vertex) = waiting.pop() {
        let Some(seen) = reached.get_mut(vertex) else {
            continue;
        };
        if !std::mem::replace(seen, true) {
            waiting.extend(successors.get(vertex).into_iter().flatten().map(|(to, _)| *to));
        }
    }
    reached
}

/// For each vertex the number of its strongly connected component: Tarjan's algorithm with an
/// explicit stack. A vertex alone without a link to itself shares its number with nobody, and no
/// link lies within it.
fn components(successors: &[Vec<(usize, usize)>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let count = successors.len();
    let mut order = vec![UNSEEN; count];
    let mut low = vec![UNSEEN; count];
    let mut component = vec![UNSEEN; count];
    let mut open: Vec<usize> = Vec::new();
    let mut next_order = 0;
    let mut next_component = 0;
    let read = |list: &[usize], at: usize| list.get(at).copied().unwrap_or(UNSEEN);
    let write = |list: &mut [usize], at: usize, value: usize| {
        if let Some(slot) = list.get_mut(at) {
            *slot = value;
        }
    };
    for root in 0..count {
        if read(&order, root) != UNSEEN {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((vertex, child)) = path.pop() {
            if child == 0 {
                write(&mut order, vertex, next_order);
                write(&mut low, vertex, next_order);
                next_order += 1;
                open.push(vertex);
            }
            let next = successors.get(vertex).and_then(|list| list.get(child));
            if let Some((to, _)) = next {
                path.push((vertex, child + 1));
                if read(&order, *to) == UNSEEN {
                    path.push((*to, 0));
                } else if read(&component, *to) == UNSEEN {
                    let least = read(&low, vertex).min(read(&order, *to));
                    write(&mut low, vertex, least);
                }
                continue;
            }
            if read(&low, vertex) == read(&order, vertex) {
                while let Some(member) = open.pop() {
                    write(&mut component, member, next_component);
                    if member == vertex {
                        break;
                    }
                }
                next_component += 1;
            }
            if let Some((parent, _)) = path.last() {
                let least = read(&low, *parent).min(read(&low, vertex));
                write(&mut low, *parent, least);
            }
        }
    }
    component
}
