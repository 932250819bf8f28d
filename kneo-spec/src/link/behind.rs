//! What runs behind agents and tools.

use std::collections::HashMap;

use kneo_core::name::Name;

use super::names::{By, Kind, Names, Offered};
use super::step::Target;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{
    Agent, Asked, Component, Document, Flow, Home, Ix, Linked, OnError, Raw, RawRef, Server, Step, StepKind, Tool,
    ToolBacking, Workflow,
};
use crate::source::{Span, Spanned};

/// What agents and tools refer to, resolved.
pub(super) struct Behind {
    /// For each agent.
    pub(super) agents: Vec<OfAgent>,
    /// For each tool; `None` of one behind which nothing else stands, or one that was reported.
    pub(super) tools: Vec<Option<OfTool>>,
}

/// What a tool refers to.
pub(super) enum OfTool {
    Agent(Asked),
    Server(Ix<Server<Linked>>),
}

/// What an agent refers to.
#[derive(Default)]
pub(super) struct OfAgent {
    /// The workflow that plays it.
    pub(super) played_by: Option<Ix<Workflow<Linked>>>,
    pub(super) tools: Vec<Ix<Tool<Linked>>>,
    pub(super) servers: Vec<Ix<Server<Linked>>>,
}

impl Behind {
    /// Resolves what agents and tools refer to.
    ///
    /// An agent that a tool asks gets a workflow of one step, unless a workflow plays it.
    pub(super) fn of(
        raw: &mut Document<Raw>,
        targets: &mut Vec<Vec<Target>>,
        names: &Names,
        sink: &mut Diagnostics,
    ) -> Self {
        let agents: Vec<OfAgent> = raw.agents.iter().map(|agent| of_agent(&agent.body, names, sink)).collect();
        let mut alone: Vec<Option<usize>> = vec![None; raw.agents.len()];
        let mut tools = Vec::with_capacity(raw.tools.len());
        for tool in &raw.tools {
            let name = match &tool.body.backing {
                ToolBacking::Agent(name) => name,
                ToolBacking::Mcp { server: RawRef::Named(name), .. } => {
                    tools.push(names.server(name, sink).map(OfTool::Server));
                    continue;
                }
                ToolBacking::Mcp { server: RawRef::Inline(_), .. } | ToolBacking::Own(_) => {
                    tools.push(None);
                    continue;
                }
            };
            let asked = names.component(Kind::Agent, By::Field, name, sink).and_then(|at| {
                let workflow = match agents.get(at)?.played_by {
                    Some(workflow) => workflow,
                    None => {
                        let agent = raw.agents.get(at)?;
                        let slot = alone.get_mut(at)?;
                        let workflow = *slot.get_or_insert_with(|| {
                            targets.push(vec![Target::Agent(Ix::new(at))]);
                            raw.workflows.push(of_one_step(agent, name));
                            raw.workflows.len() - 1
                        });
                        Ix::new(workflow)
                    }
                };
                Some(Asked { agent: Ix::new(at), workflow, span: name.span })
            });
            tools.push(asked.map(OfTool::Agent));
        }
        Self { agents, tools }
    }

    /// The workflows that run when an agent does: the one that plays it, or those behind its tools.
    pub(super) fn workflows(&self, agent: usize) -> Vec<usize> {
        let Some(of) = self.agents.get(agent) else {
            return Vec::new();
        };
        if let Some(workflow) = of.played_by {
            return vec![workflow.get()];
        }
        let behind = of.tools.iter().filter_map(|tool| match self.tools.get(tool.get())?.as_ref()? {
            OfTool::Agent(asked) => Some(asked.workflow.get()),
            OfTool::Server(_) => None,
        });
        behind.collect()
    }
}

fn of_agent(agent: &Agent<Raw>, names: &Names, sink: &mut Diagnostics) -> OfAgent {
    let played_by = match &agent.as_agent {
        Some(RawRef::Named(name)) => names.component(Kind::Workflow, By::Field, name, sink).map(Ix::new),
        Some(RawRef::Inline(_)) | None => None,
    };
    let mut of = OfAgent { played_by, ..OfAgent::default() };
    let mut places: HashMap<&Name, Span> = HashMap::new();
    for tool in &agent.tools {
        let RawRef::Named(name) = tool else { continue };
        if let Some(first) = places.insert(&name.value, name.span) {
            let message = format!("the agent has {} already", tick(name.value.as_str()));
            sink.push(
                Diagnostic::new(Code::TwoSpellings, name.span, message)
                    .label(first, "here")
                    .help("name each tool and each server once"),
            );
            continue;
        }
        match names.tool(name, sink) {
            Some(Offered::Tool(tool)) => of.tools.push(tool),
            Some(Offered::Server(server)) => of.servers.push(server),
            None => {}
        }
    }
    of
}

fn of_one_step(agent: &Component<Agent<Raw>>, asked: &Spanned<Name>) -> Component<Workflow<Raw>> {
    let name = agent.body.name.as_ref().unwrap_or(&agent.name);
    let step = Step {
        id: Spanned::new(name.value.clone(), asked.span),
        // What it does stands among the targets.
        ..Step::plain(name.clone(), StepKind::Broken)
    };
    let workflow =
        Workflow { name: Some(name.clone()), steps: vec![step], flow: Flow::Sequential, whole: true, span: asked.span };
    Component { home: Home::Inline, name: name.clone(), body: workflow }
}

impl Step<Raw> {
    /// A step that only runs something.
    pub(super) fn plain(id: Spanned<Name>, kind: StepKind<Raw>) -> Self {
        let span = id.span;
        Self {
            id,
            nameless: false,
            kind,
            when: None,
            input: None,
            on_error: OnError::Fail,
            fallback_only: None,
            fan_out: None,
            idempotency_key: None,
            output: None,
            retry: None,
            timeout_ms: None,
            span,
        }
    }
}
