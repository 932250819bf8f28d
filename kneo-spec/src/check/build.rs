//! Rules about workflows in workflows.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Document, Linked, StepKind};
use crate::link::Layout;
use crate::source::Span;

/// How deep workflows nest when `limits.max_depth` does not say.
const MAX_DEPTH: u64 = 16;

/// Where a walk stands in one workflow: its place, and the next step to look at.
struct At {
    workflow: usize,
    step: usize,
}

/// Whether a workflow was walked.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    No,
    /// It is being walked: to meet it again is a cycle.
    Open,
    /// It was walked; the levels below and including it.
    Done(u64),
}

/// No workflow contains itself, and they nest no deeper than allowed.
pub(super) fn nesting(document: &Document<Linked>, layout: &Layout, sink: &mut Diagnostics) {
    let mut seen = vec![Seen::No; document.workflows.len()];
    for workflow in 0..document.workflows.len() {
        walk(document, workflow, &mut seen, sink);
    }
    let Some(root) = layout.root() else {
        return;
    };
    let limit = document.limits.max_depth;
    let most = limit.map_or(MAX_DEPTH, |limit| limit.value);
    if let Some(Seen::Done(depth)) = seen.get(root)
        && *depth > most
    {
        let span = limit.map_or(document.span, |limit| limit.span);
        sink.push(
            Diagnostic::new(Code::NestedTooDeep, span, format!("workflows nest {depth} deep, and {most} is the limit"))
                .help(format!("write `limits: {{max_depth: {depth}}}`, or flatten the workflows")),
        );
    }
}

fn walk(document: &Document<Linked>, from: usize, seen: &mut [Seen], sink: &mut Diagnostics) {
    if seen.get(from) != Some(&Seen::No) {
        return;
    }
    set(seen, from, Seen::Open);
    let mut path = vec![At { workflow: from, step: 0 }];
    let mut depths = vec![0u64];
    while let Some(at) = path.last_mut() {
        let step = document.workflows.get(at.workflow).and_then(|workflow| workflow.body.steps.get(at.step));
        let Some(step) = step else {
            let done = at.workflow;
            let depth = depths.pop().unwrap_or(0) + 1;
            set(seen, done, Seen::Done(depth));
            path.pop();
            deepen(&mut depths, depth);
            continue;
        };
        at.step += 1;
        let StepKind::Workflow(inner) = step.kind else {
            continue;
        };
        match seen.get(inner.get()).copied() {
            Some(Seen::No) => {
                set(seen, inner.get(), Seen::Open);
                path.push(At { workflow: inner.get(), step: 0 });
                depths.push(0);
            }
            Some(Seen::Done(depth)) => deepen(&mut depths, depth),
            Some(Seen::Open) if !sink.is_full_then_count() => {
                sink.push(cycle(document, &path, inner.get(), step.id.span));
            }
            Some(Seen::Open) | None => {}
        }
    }
}

fn set(seen: &mut [Seen], at: usize, value: Seen) {
    if let Some(slot) = seen.get_mut(at) {
        *slot = value;
    }
}

fn deepen(depths: &mut [u64], depth: u64) {
    if let Some(deepest) = depths.last_mut() {
        *deepest = depth.max(*deepest);
    }
}

fn cycle(document: &Document<Linked>, path: &[At], inner: usize, span: Span) -> Diagnostic {
    /// A longer way is cut in its middle.
    const SHOWN: usize = 8;

    let name = |at: usize| document.workflows.get(at).map_or("?", |workflow| workflow.name.value.as_str());
    let length = path.iter().rev().take_while(|at| at.workflow != inner).count() + 1;
    let mut way: Vec<&str> = path.iter().rev().take(length).rev().map(|at| name(at.workflow)).collect();
    if way.len() > SHOWN {
        way.truncate(SHOWN);
        way.push("…");
    }
    way.push(name(inner));
    let mut diagnostic =
        Diagnostic::new(Code::BuildCycle, span, format!("the workflow {} contains itself", tick(name(inner))))
            .help("use a graph with a bounded cycle to repeat steps");
    if way.len() > 2 {
        diagnostic = diagnostic.primary(format!("by way of {}", way.join(" → ")));
    }
    diagnostic
}
