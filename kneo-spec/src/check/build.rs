//! Rules about workflows in workflows, and agents that ask each other.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Document, Home, Linked, StepKind, ToolBacking};
use crate::link::Layout;
use crate::source::Span;

/// How deep workflows nest when `limits.max_depth` does not say.
const MAX_DEPTH: u64 = 16;

/// Something that runs others, by its place in the document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Workflow(usize),
    /// An agent runs the workflow that plays it, or those behind its tools.
    Agent(usize),
}

/// Where a walk stands in one part: the next of what it runs to look at.
struct At {
    part: Part,
    next: usize,
}

/// Whether a part was walked.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    No,
    /// It is being walked: to meet it again is a cycle.
    Open,
    /// It was walked; the levels of workflows below and including it.
    Done(u64),
}

struct Walk<'a> {
    document: &'a Document<Linked>,
    workflows: Vec<Seen>,
    agents: Vec<Seen>,
}

/// No workflow contains itself, no agent asks itself, and workflows nest no deeper than allowed.
pub(super) fn nesting(document: &Document<Linked>, layout: &Layout, sink: &mut Diagnostics) {
    let (workflows, agents) = (vec![Seen::No; document.workflows.len()], vec![Seen::No; document.agents.len()]);
    let mut walk = Walk { document, workflows, agents };
    for workflow in 0..document.workflows.len() {
        walk.from(Part::Workflow(workflow), sink);
    }
    for agent in 0..document.agents.len() {
        walk.from(Part::Agent(agent), sink);
    }
    let Some(root) = layout.root() else {
        return;
    };
    let limit = document.limits.max_depth;
    let most = limit.map_or(MAX_DEPTH, |limit| limit.value);
    if let Some(Seen::Done(depth)) = walk.workflows.get(root)
        && *depth > most
    {
        let span = limit.map_or(document.span, |limit| limit.span);
        sink.push(
            Diagnostic::new(Code::NestedTooDeep, span, format!("workflows nest {depth} deep, and {most} is the limit"))
                .help(format!("write `limits: {{max_depth: {depth}}}`, or flatten the workflows")),
        );
    }
}

impl Walk<'_> {
    fn seen(&mut self, part: Part) -> Option<&mut Seen> {
        match part {
            Part::Workflow(at) => self.workflows.get_mut(at),
            Part::Agent(at) => self.agents.get_mut(at),
        }
    }

    fn set(&mut self, part: Part, value: Seen) {
        if let Some(slot) = self.seen(part) {
            *slot = value;
        }
    }

    /// What a part runs at a place, and where it says so; `None` behind the last.
    fn runs(&self, part: Part, at: usize) -> Option<Option<(Part, Span)>> {
        match part {
            Part::Workflow(workflow) => {
                let step = self.document.workflows.get(workflow)?.body.steps.get(at)?;
                let inner = match step.kind {
                    StepKind::Workflow(inner) => Some(Part::Workflow(inner.get())),
                    StepKind::Agent(agent) => Some(Part::Agent(agent.get())),
                    StepKind::Function(_) | StepKind::Human(_) | StepKind::Set(_) | StepKind::Broken => None,
                };
                Some(inner.map(|inner| (inner, step.id.span)))
            }
            Part::Agent(agent) => {
                let agent = self.document.agents.get(agent)?;
                if let Some(played_by) = agent.body.as_agent {
                    return (at == 0).then(|| Some((Part::Workflow(played_by.get()), agent.name.span)));
                }
                let tool = self.document.tools.get(agent.body.tools.get(at)?.get());
                Some(tool.and_then(|tool| match &tool.body.backing {
                    ToolBacking::Agent(asked) => Some((Part::Workflow(asked.workflow.get()), asked.span)),
                    ToolBacking::Own(_) | ToolBacking::Mcp { .. } => None,
                }))
            }
        }
    }

    fn from(&mut self, from: Part, sink: &mut Diagnostics) {
        if self.seen(from).copied() != Some(Seen::No) {
            return;
        }
        self.set(from, Seen::Open);
        let mut path = vec![At { part: from, next: 0 }];
        let mut depths = vec![0u64];
        while let Some(at) = path.last_mut() {
            let (part, next) = (at.part, at.next);
            at.next += 1;
            let Some(inner) = self.runs(part, next) else {
                let own = u64::from(matches!(part, Part::Workflow(_)));
                let depth = depths.pop().unwrap_or(0) + own;
                self.set(part, Seen::Done(depth));
                path.pop();
                deepen(&mut depths, depth);
                continue;
            };
            let Some((inner, span)) = inner else {
                continue;
            };
            match self.seen(inner).copied() {
                Some(Seen::No) => {
                    self.set(inner, Seen::Open);
                    path.push(At { part: inner, next: 0 });
                    depths.push(0);
                }
                Some(Seen::Done(depth)) => deepen(&mut depths, depth),
                Some(Seen::Open) if !sink.is_full_then_count() => {
                    sink.push(self.cycle(&path, inner, span));
                }
                Some(Seen::Open) | None => {}
            }
        }
    }

    fn cycle(&self, path: &[At], inner: Part, span: Span) -> Diagnostic {
        /// A longer way is cut in its middle.
        const SHOWN: usize = 8;

        let length = path.iter().rev().take_while(|at| at.part != inner).count() + 1;
        let way = path.iter().rev().take(length).rev().map(|at| at.part);
        let mut way: Vec<&str> = way.filter_map(|part| self.shown(part)).collect();
        if way.len() > SHOWN {
            way.truncate(SHOWN);
            way.push("…");
        }
        way.extend(self.shown(inner).or_else(|| Some(self.name(inner))));
        let name = tick(self.name(inner));
        let diagnostic = match inner {
            Part::Workflow(at) if !self.is_alone(at) => {
                let message = format!("the workflow {name} contains itself");
                Diagnostic::new(Code::BuildCycle, span, message)
                    .help("use a graph with a bounded cycle to repeat steps")
            }
            Part::Workflow(_) | Part::Agent(_) => {
                let message = format!("the agent {name} asks itself");
                Diagnostic::new(Code::BuildCycle, span, message).help("remove the tool from one of the agents")
            }
        };
        if way.len() > 2 { diagnostic.primary(format!("by way of {}", way.join(" → "))) } else { diagnostic }
    }

    fn name(&self, part: Part) -> &str {
        match part {
            Part::Workflow(at) => self.document.workflows.get(at).map_or("?", |workflow| workflow.name.value.as_str()),
            Part::Agent(at) => self.document.agents.get(at).map_or("?", |agent| agent.name.value.as_str()),
        }
    }

    /// The name of a part on a way; of an agent and the workflow of its one step only one is told.
    fn shown(&self, part: Part) -> Option<&str> {
        match part {
            Part::Workflow(at) if self.is_alone(at) => None,
            Part::Workflow(_) | Part::Agent(_) => Some(self.name(part)),
        }
    }

    /// Whether a workflow is only there for its one agent to be asked.
    fn is_alone(&self, workflow: usize) -> bool {
        self.document.workflows.get(workflow).is_some_and(|workflow| {
            let first = workflow.body.steps.first();
            let agent = first.is_some_and(|step| matches!(step.kind, StepKind::Agent(_)));
            // The workflow is pointed at where its agent is named.
            workflow.home == Home::Inline && agent && first.is_some_and(|step| step.id.span == workflow.body.span)
        })
    }
}

fn deepen(depths: &mut [u64], depth: u64) {
    if let Some(deepest) = depths.last_mut() {
        *deepest = depth.max(*deepest);
    }
}
