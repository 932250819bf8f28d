//! The top level.

use kneo_core::name::Name;

use super::{At, Fields, Lower, component};
use crate::diagnostic::{Code, Diagnostic, tick};
use crate::document::{Document, Home, Limits, Output, Raw, Root};
use crate::shape::root::{COMPONENTS, LIMITS, OUTPUT, ROOT};
use crate::source::{Span, Spanned};
use crate::syntax::{Kind, NodeId};

impl Lower<'_> {
    pub(super) fn root(&mut self) -> Option<Document<Raw>> {
        let Some(root) = self.tree.root() else {
            self.version_missing(Span::new(self.tree.file(), 0..0));
            return None;
        };
        if matches!(self.tree.node(root).kind, Kind::Null) {
            self.version_missing(self.span(root));
            return None;
        }
        self.version(root);
        let fields = self.fields(root, &ROOT)?;
        self.templates = self.bool(fields.get("templates")).is_some_and(|templates| templates.value);
        self.components(&fields);
        self.tools(&fields);
        self.servers(&fields);
        let agent = fields.get("agent").map(|at| self.root_agent(at));
        let workflow = fields.get("workflow").map(|at| self.root_workflow(at));
        let root = match (workflow, agent) {
            (Some(Some(())), _) => Root::Workflow,
            (None, Some(Some(()))) => Root::Agent,
            (Some(None), _) | (None, Some(None)) => Root::Broken,
            (None, None) => Root::Missing,
        };
        let name = self.name(fields.get("name"));
        self.plain(fields.get("description"));
        let inputs = self.schema(fields.get("inputs"));
        let outputs = fields.get("outputs").map(|at| self.outputs(at));
        let limits = self.limits(fields.get("limits"));
        let tests = self.tests(fields.get("tests"));
        Some(Document {
            root,
            name,
            inputs,
            outputs,
            limits,
            tests,
            agents: std::mem::take(&mut self.agents),
            functions: std::mem::take(&mut self.functions),
            humans: std::mem::take(&mut self.humans),
            workflows: std::mem::take(&mut self.workflows),
            tools: std::mem::take(&mut self.tools),
            servers: std::mem::take(&mut self.servers),
            broken: std::mem::take(&mut self.broken),
            span: fields.span,
        })
    }

    /// Looks at the version before anything else; the table only knows that it must be there.
    fn version(&mut self, root: NodeId) {
        let Kind::Map(entries) = &self.tree.node(root).kind else {
            return;
        };
        let Some(entry) = entries.iter().find(|entry| &*entry.key.text == "version") else {
            return;
        };
        let node = self.tree.node(entry.value);
        let written = self.tree.slice(node.span);
        if matches!(&node.kind, Kind::Text(text, _) if &**text == "v1") || matches!(node.kind, Kind::Error) {
            return;
        }
        self.sink.push(
            Diagnostic::new(
                Code::Version,
                if node.span.is_empty() { entry.key.span } else { node.span },
                format!("{} is not a version of the language that this build reads", tick(written)),
            )
            .help("write `version: v1`, and see what else has changed since older versions"),
        );
    }

    fn version_missing(&mut self, span: Span) {
        self.report(Diagnostic::new(Code::Version, span, "the spec is empty").help("begin with `version: v1`"));
    }

    fn components(&mut self, root: &Fields) {
        let Some(fields) = root.get("components").and_then(|at| self.fields_at(at, &COMPONENTS)) else {
            return;
        };
        for (name, node) in self.map(fields.get("agents")) {
            match self.agent(node, name.value.as_str()) {
                Some(body) => self.agents.push(component(Home::Map, name, body)),
                None => self.broken.agents.push(name.value),
            }
        }
        for (name, node) in self.map(fields.get("functions")) {
            match self.function(node, name.value.as_str()) {
                Some(body) => self.functions.push(component(Home::Map, name, body)),
                None => self.broken.functions.push(name.value),
            }
        }
        for (name, node) in self.map(fields.get("humans")) {
            match self.human(node, name.value.as_str()) {
                Some(body) => self.humans.push(component(Home::Map, name, body)),
                None => self.broken.humans.push(name.value),
            }
        }
        for (name, node) in self.map(fields.get("workflows")) {
            match self.workflow(node, name.value.as_str()) {
                Some(body) => self.workflows.push(component(Home::Map, name, body)),
                None => self.broken.workflows.push(name.value),
            }
        }
    }

    fn tools(&mut self, root: &Fields) {
        for (name, node) in self.map(root.get("tools")) {
            match self.tool(node, name.value.as_str()) {
                Some(body) => self.tools.push(component(Home::Map, name, body)),
                None => self.broken.tools.push(name.value),
            }
        }
    }

    fn servers(&mut self, root: &Fields) {
        for (name, node) in self.map(root.get("mcp_servers")) {
            match self.server(node, name.value.as_str()) {
                Some(body) => self.servers.push(component(Home::Map, name, body)),
                None => self.broken.servers.push(name.value),
            }
        }
    }

    /// `None` when the agent was reported.
    fn root_agent(&mut self, at: &At) -> Option<()> {
        let body = self.agent(at.node, at.field.name)?;
        let name = body.name.clone().or_else(|| self.name_for("agent", at));
        if body.name.is_none() {
            self.report(
                Diagnostic::new(Code::MissingField, at.key.span, "the root agent lacks `name`")
                    .help("add `name:`, by which steps and reports know the agent"),
            );
        }
        self.agents.push(component(Home::Root, name?, body));
        Some(())
    }

    /// `None` when the workflow was reported.
    fn root_workflow(&mut self, at: &At) -> Option<()> {
        let body = self.workflow(at.node, at.field.name)?;
        let name = body.name.clone().or_else(|| self.name_for("workflow", at));
        self.workflows.push(component(Home::Root, name?, body));
        Some(())
    }

    fn name_for(&self, word: &str, at: &At) -> Option<Spanned<Name>> {
        Name::new(word).ok().map(|name| Spanned::new(name, at.key.span))
    }

    fn outputs(&mut self, at: &At) -> Vec<Output<Raw>> {
        let entries = self.map(Some(at));
        if entries.is_empty() && matches!(self.tree.node(at.node).kind, Kind::Map(_)) {
            self.empty(at);
        }
        entries
            .into_iter()
            .map(|(name, node)| {
                if !self.is_full_output(node) {
                    return Output { name, value: node, schema: None };
                }
                let fields = self.fields(node, &OUTPUT);
                let value = fields.as_ref().and_then(|fields| fields.get("value"));
                Output {
                    name,
                    value: value.map_or(node, |at| at.node),
                    schema: fields.as_ref().and_then(|fields| self.schema(fields.get("schema"))),
                }
            })
            .collect()
    }

    /// A mapping of `value` and perhaps `schema` is the full form; every other value is itself the
    /// output.
    fn is_full_output(&self, node: NodeId) -> bool {
        let Kind::Map(entries) = &self.tree.node(node).kind else {
            return false;
        };
        let has_value = entries.iter().any(|entry| &*entry.key.text == "value");
        has_value && entries.iter().all(|entry| matches!(&*entry.key.text, "value" | "schema"))
    }

    fn limits(&mut self, at: Option<&At>) -> Limits {
        let Some(at) = at else {
            return Limits::default();
        };
        let Some(fields) = self.fields_at(at, &LIMITS) else {
            return Limits { max_steps_broken: true, ..Limits::default() };
        };
        let max_steps = self.integer(fields.get("max_steps")).map(|n| n.value);
        Limits {
            max_steps,
            max_steps_broken: max_steps.is_none() && fields.get("max_steps").is_some(),
            wall_ms: self.seconds(fields.get("wall_seconds")).map(|n| n.value),
            deadline_ms: self.seconds(fields.get("deadline_seconds")).map(|n| n.value),
            max_depth: self.integer(fields.get("max_depth")),
        }
    }
}
