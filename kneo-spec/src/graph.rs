//! Draws a spec as a Mermaid flowchart.
//!
//! Kinds by shape (agent: rounded, function: box, human: hexagon, workflow: double-sided box, set:
//! slanted), conditions on edges, links that go back thick and with their bound, fallbacks dotted, fan-outs
//! between two circles, nested workflows, and agents that others ask, in frames of their own.

use std::fmt::Write as _;

use kneo_core::plan::RequestType;

use crate::check::Valid;
use crate::compile::{CompileOptions, valid_document};
use crate::diagnostic::Diagnostics;
use crate::document::{
    Agent, Bound, Component, Condition, Document, Edge, Flow, Graph, Ix, Join, Joining, Linked, OnError, OnMax, Step,
    StepIx, StepKind, ToolBacking, Workflow,
};
use crate::link::Layout;
use crate::region::{Regions, Way};
use crate::source::{FileId, SourceMap, Span};

/// Draws a file of the source map as a Mermaid flowchart.
///
/// # Errors
///
/// All diagnostics of a spec that does not compile.
pub fn mermaid(sources: &SourceMap, file: FileId, options: &CompileOptions) -> Result<String, Diagnostics> {
    let spec = valid_document(sources, file, options)?;
    Ok(draw(&spec.document, &spec.layout, sources))
}

fn draw(document: &Valid<Document<Linked>>, layout: &Layout, sources: &SourceMap) -> String {
    let mut drawing =
        Drawing { document: document.get(), layout, sources, inside: false, out: String::from("flowchart TD\n") };
    for (scope, at) in layout.scopes().iter().enumerate() {
        if let Some(workflow) = drawing.document.workflows.get(*at) {
            drawing.scope(scope, workflow);
        }
    }
    drawing.out.push_str(CLASSES);
    drawing.out
}

/// Colours that read on light and dark pages; shapes alone tell the kinds apart too.
const CLASSES: &str = "  classDef agent fill:#dbeafe,stroke:#1d4ed8,color:#111827
  classDef function fill:#f3f4f6,stroke:#4b5563,color:#111827
  classDef human fill:#fef3c7,stroke:#b45309,stroke-width:3px,color:#111827
  classDef workflow fill:#ede9fe,stroke:#6d28d9,color:#111827
  classDef set fill:#ecfdf5,stroke:#047857,color:#111827
  classDef mark fill:#111827,stroke:#111827,color:#f9fafb
";

struct Drawing<'a> {
    document: &'a Document<Linked>,
    layout: &'a Layout,
    sources: &'a SourceMap,
    /// Whether lines stand in the frame of a workflow.
    inside: bool,
    out: String,
}

impl Drawing<'_> {
    fn line(&mut self, line: &str) {
        let depth = if self.inside { 2 } else { 1 };
        self.out.push_str(&"  ".repeat(depth));
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn scope(&mut self, scope: usize, workflow: &Component<Workflow<Linked>>) {
        let body = &workflow.body;
        let name = body.name.as_ref().unwrap_or(&workflow.name);
        self.line(&format!("subgraph w{scope}[\"{}\"]", escape(name.value.as_str())));
        self.inside = true;
        for (at, step) in body.steps.iter().enumerate() {
            self.step(scope, at, step);
        }
        match &body.flow {
            Flow::Sequential | Flow::Open => self.sequence(scope, body),
            Flow::Concurrent(joining) => self.fan_out(scope, body, joining),
            Flow::Graph(graph) => self.edges(scope, body, graph),
        }
        for (at, step) in body.steps.iter().enumerate() {
            if let OnError::Fallback(StepIx(to), _) = step.on_error {
                self.line(&format!("s{scope}_{at} -. \"if it fails\" .-> s{scope}_{to}"));
            }
        }
        self.inside = false;
        self.line("end");
        for (at, step) in body.steps.iter().enumerate() {
            match step.kind {
                StepKind::Workflow(inner) => self.behind(scope, at, inner, None),
                StepKind::Agent(agent) => {
                    let Some(agent) = self.document.agents.get(agent.get()) else { continue };
                    if let Some(inner) = agent.body.as_agent {
                        self.behind(scope, at, inner, None);
                    }
                    for tool in agent.body.tools.iter().filter_map(|tool| self.document.tools.get(tool.get())) {
                        if let ToolBacking::Agent(asked) = tool.body.backing {
                            self.behind(scope, at, asked.workflow, Some(tool.name.value.as_str()));
                        }
                    }
                }
                StepKind::Function(_) | StepKind::Human(_) | StepKind::Set(_) | StepKind::Broken => {}
            }
        }
    }

    /// An agent, and the servers whose tools it has.
    fn agent(&self, agent: &Component<Agent<Linked>>) -> String {
        let servers = agent.body.servers.iter().filter_map(|server| self.document.servers.get(server.get()));
        let servers: Vec<&str> = servers.map(|server| server.name.value.as_str()).collect();
        match servers.as_slice() {
            [] => format!("agent {}", agent.name.value),
            servers => format!("agent {} with {}", agent.name.value, servers.join(", ")),
        }
    }

    /// Leads from a step to what runs behind it, or behind a tool of it.
    fn behind(&mut self, scope: usize, step: usize, inner: Ix<Workflow<Linked>>, tool: Option<&str>) {
        let Some(place) = self.layout.place(inner.get()) else { return };
        let link = match tool {
            Some(tool) => format!("-. \"tool {}\" .->", escape(tool)),
            None => "-.-".to_owned(),
        };
        self.line(&format!("s{scope}_{step} {link} w{}", place.scope));
    }

    fn step(&mut self, scope: usize, at: usize, step: &Step<Linked>) {
        let (open, close, class, what) = match &step.kind {
            StepKind::Agent(agent) => {
                let agent = self.document.agents.get(agent.get());
                ("([", "])", "agent", agent.map(|agent| self.agent(agent)))
            }
            StepKind::Function(function) => {
                let function = self.document.functions.get(function.get());
                ("[", "]", "function", function.map(|function| format!("function {}", function.name.value)))
            }
            StepKind::Human(human) => {
                let human = self.document.humans.get(human.get());
                let what = human.map(|human| {
                    let who = human.body.assignee.as_ref().unwrap_or(&human.name.value);
                    format!("{} by {who}", request(human.body.request()))
                });
                ("{{", "}}", "human", what)
            }
            StepKind::Workflow(inner) => {
                let inner = self.document.workflows.get(inner.get());
                let name = inner.map(|inner| inner.body.name.as_ref().unwrap_or(&inner.name));
                ("[[", "]]", "workflow", name.map(|name| format!("workflow {}", name.value)))
            }
            StepKind::Set(values) => {
                let names: Vec<&str> = values.iter().map(|(name, _)| name.value.as_str()).collect();
                ("[/", "/]", "set", Some(format!("set {}", names.join(", "))))
            }
            StepKind::Broken => ("[", "]", "function", None),
        };
        let mut label = format!("<b>{}</b>", escape(step.id.value.as_str()));
        if let Some(what) = what {
            // Writing to a String cannot fail.
            let _ = write!(label, "<br/>{}", escape(&what));
        }
        if let Some(when) = &step.when {
            let _ = write!(label, "<br/><i>when {}</i>", escape(&self.written(when.span)));
        }
        if let Some(retry) = step.retry.as_ref().map(|retry| &retry.value).filter(|retry| retry.max_attempts.get() > 1)
        {
            let _ = write!(label, "<br/>up to {} attempts", retry.max_attempts);
        }
        self.line(&format!("s{scope}_{at}{open}\"{label}\"{close}:::{class}"));
    }

    fn sequence(&mut self, scope: usize, workflow: &Workflow<Linked>) {
        let mut before: Option<usize> = None;
        for at in in_place(workflow) {
            if let Some(before) = before.replace(at) {
                self.line(&format!("s{scope}_{before} --> s{scope}_{at}"));
            }
        }
    }

    fn fan_out(&mut self, scope: usize, workflow: &Workflow<Linked>, joining: &Joining) {
        self.line(&format!("fork{scope}((\"fork\")):::mark"));
        self.line(&format!("join{scope}((\"{}\")):::mark", join(joining.join)));
        for at in in_place(workflow) {
            self.line(&format!("fork{scope} --> s{scope}_{at}"));
            self.line(&format!("s{scope}_{at} --> join{scope}"));
        }
    }

    fn edges(&mut self, scope: usize, workflow: &Workflow<Linked>, graph: &Graph<Linked>) {
        if let Some(start) = graph.start {
            self.line(&format!("start{scope}((\"start\")):::mark"));
            self.line(&format!("start{scope} --> s{scope}_{}", start.0));
        }
        let regions = Regions::of(workflow, graph);
        // Where the branch that a step is in ends.
        let meets = |step: usize| regions.branch_of(step).map(|branch| format!("meet{scope}_{}", branch.fan));
        for (at, step) in workflow.steps.iter().enumerate() {
            let Some(fan) = &step.fan_out else { continue };
            let meets = if regions.ends_with(at) { meets(at) } else { None };
            let to = meets.or_else(|| Some(format!("s{scope}_{}", fan.join_at?.0)));
            self.line(&format!("all{scope}_{at}((\"all\")):::mark"));
            self.line(&format!("meet{scope}_{at}((\"{}\")):::mark", join(fan.joining.join)));
            self.line(&format!("s{scope}_{at} --> all{scope}_{at}"));
            if let Some(to) = to {
                self.line(&format!("meet{scope}_{at} --> {to}"));
            }
        }
        let back = back_edges(workflow, graph);
        for (at, (edge, back)) in graph.edges.iter().zip(back).enumerate() {
            let (from, to) = (format!("s{scope}_{}", edge.from.0), format!("s{scope}_{}", edge.to.0));
            let (from, to) = match regions.way(at) {
                Way::Within => (from, to),
                Way::Begins => (format!("all{scope}_{}", edge.from.0), to),
                Way::Ends => (from, meets(edge.from.0).unwrap_or(to)),
            };
            let link = format!("{from} {} {to}", self.arrow(edge, back));
            self.line(&link);
            if let Some(Bound { max, on_max: OnMax::To { node, mark } }) = &edge.max_visits {
                let mark = mark.as_ref().map(|mark| format!(": {mark}")).unwrap_or_default();
                let label = escape(&format!("after {} times{mark}", max.value));
                self.line(&format!("s{scope}_{} -. \"{label}\" .-> s{scope}_{}", edge.from.0, node.0));
            }
        }
    }

    fn arrow(&self, edge: &Edge<Linked>, back: bool) -> String {
        let mut parts = Vec::new();
        match &edge.when {
            None | Some(Condition::Broken) => {}
            Some(Condition::Expr(when)) => parts.push(self.written(when.span)),
            Some(Condition::OutputContains(text)) => parts.push(format!("output contains “{text}”")),
            Some(Condition::StatusIs(status)) => parts.push(format!("status is {}", status.as_str())),
        }
        if let Some(bound) = &edge.max_visits {
            parts.push(format!("at most {} times", bound.max.value));
        }
        let arrow = if back { "==>" } else { "-->" };
        if parts.is_empty() {
            return arrow.to_owned();
        }
        format!("{arrow}|\"{}\"|", escape(&parts.join(", ")))
    }

    /// What the author wrote there, without the quotes of YAML.
    fn written(&self, span: Span) -> String {
        let text = self.sources.file(span.file()).map_or("", |file| file.slice(span));
        // Both ends or neither: an expression may end in a quote of its own.
        let quoted = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        let text = quoted('"').or_else(|| quoted('\'')).unwrap_or(text);
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        }
    }
}

/// The steps that run at their own place.
fn in_place(workflow: &Workflow<Linked>) -> impl Iterator<Item = usize> {
    workflow.steps.iter().enumerate().filter(|(_, step)| step.fallback_only.is_none()).map(|(at, _)| at)
}

/// Longer conditions are cut: a drawing is for the shape of things.
const LONGEST: usize = 60;

/// For each edge whether it leads back to a node on the way from the start to it.
fn back_edges(workflow: &Workflow<Linked>, graph: &Graph<Linked>) -> Vec<bool> {
    let mut out: Vec<Vec<(usize, usize)>> = vec![Vec::new(); workflow.steps.len()];
    for (at, edge) in graph.edges.iter().enumerate() {
        if let Some(out) = out.get_mut(edge.from.0) {
            out.push((at, edge.to.0));
        }
    }
    let mut back = vec![false; graph.edges.len()];
    let mut seen = vec![false; workflow.steps.len()];
    let mut open = vec![false; workflow.steps.len()];
    let set =
        |list: &mut [bool], at: usize, value: bool| list.get_mut(at).is_some_and(|slot| std::mem::replace(slot, value));
    let mut path: Vec<(usize, usize)> = Vec::new();
    if let Some(start) = graph.start {
        set(&mut seen, start.0, true);
        set(&mut open, start.0, true);
        path.push((start.0, 0));
    }
    while let Some((node, next)) = path.pop() {
        let Some((edge, to)) = out.get(node).and_then(|out| out.get(next)).copied() else {
            set(&mut open, node, false);
            continue;
        };
        path.push((node, next + 1));
        if open.get(to) == Some(&true) {
            set(&mut back, edge, true);
        } else if !set(&mut seen, to, true) {
            set(&mut open, to, true);
            path.push((to, 0));
        }
    }
    back
}

/// How many branches must complete, in a word or two.
fn join(join: Join) -> String {
    match join {
        Join::All | Join::Broken => "join".to_owned(),
        Join::Any => "any".to_owned(),
        Join::AtLeast(count) => format!("at least {}", count.value),
    }
}

fn request(request: RequestType) -> &'static str {
    match request {
        RequestType::Review => "review",
        RequestType::Correction => "correction",
        RequestType::Selection => "selection",
        RequestType::Freeform => "answer",
        _ => "approval",
    }
}

/// Text inside a quoted Mermaid label: on one line, without what Mermaid reads.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '|' | '`' | '{' | '}' | ';' | '\\' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "#{};", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
