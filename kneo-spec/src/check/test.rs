//! Rules about the tests of a spec.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use kneo_core::plan::RequestType;
use kneo_core::schema::Schema;
use kneo_core::task::DecisionKind;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick, tick_list};
use crate::document::{
    Agent, Approval, Choice, Component, Document, Home, Human, Linked, MentionKind, StepKind, Test, Tool, ToolBacking,
};
use crate::source::Spanned;

/// Tests name what is there, decide what can be decided, and begin with an input that is taken.
pub(super) fn tests(document: &Document<Linked>, sink: &mut Diagnostics) {
    if document.tests.is_empty() {
        return;
    }
    let known = Known::of(document);
    let inputs = document.inputs.as_ref().and_then(|inputs| Schema::compile(&inputs.value).ok());
    for test in &document.tests {
        if let Some(inputs) = &inputs {
            input(test, inputs, sink);
        }
        for mention in &test.mentions {
            if !sink.is_full() {
                known.mention(&mention.name, &mention.kind, sink);
            }
        }
    }
}

fn input(test: &Test, inputs: &Schema, sink: &mut Diagnostics) {
    let Err(violations) = inputs.check(&test.body.input) else {
        return;
    };
    let why: Vec<String> = violations.iter().take(3).map(ToString::to_string).collect();
    sink.push(
        Diagnostic::new(Code::TestInput, test.input, "no run begins with this input")
            .primary(why.join("; "))
            .help("write one that fits `inputs`, or correct `inputs`"),
    );
}

/// Something by name, in author order for messages.
struct Table<'a, T> {
    by_name: HashMap<&'a str, T>,
    order: Vec<&'a str>,
}

impl<'a, T> Table<'a, T> {
    /// Of equal names the first counts.
    fn of(entries: impl IntoIterator<Item = (&'a str, T)>) -> Self {
        let mut table = Self { by_name: HashMap::new(), order: Vec::new() };
        for (name, entry) in entries {
            if let Entry::Vacant(slot) = table.by_name.entry(name) {
                slot.insert(entry);
                table.order.push(name);
            }
        }
        table
    }

    fn get(&self, name: &str) -> Option<&T> {
        self.by_name.get(name)
    }

    /// Reports a name that is none of them.
    fn unknown(&self, what: &str, name: &Spanned<Arc<str>>, sink: &mut Diagnostics) {
        unknown(&format!("there is no {what}"), name, &self.order, sink);
    }
}

/// What tests may name.
struct Known<'a> {
    document: &'a Document<Linked>,
    agents: Table<'a, &'a Agent<Linked>>,
    functions: Table<'a, ()>,
    tools: Table<'a, &'a Tool<Linked>>,
    servers: Table<'a, ()>,
    /// The people who are asked in steps of an id.
    humans: Table<'a, Vec<&'a Human<Linked>>>,
    /// Tools and functions that run only if a person agrees, and whether it is a tool.
    approvals: Table<'a, bool>,
    steps: Table<'a, ()>,
    /// Whether some agent has all tools of a server, whose names only the server knows.
    open: bool,
}

impl<'a> Known<'a> {
    fn of(document: &'a Document<Linked>) -> Self {
        let steps = || document.workflows.iter().flat_map(|workflow| &workflow.body.steps);
        let ids = || steps().map(|step| step.id.value.as_str());
        let mut humans = Table::of(steps().filter_map(|step| match step.kind {
            StepKind::Human(_) => Some((step.id.value.as_str(), Vec::new())),
            _ => None,
        }));
        for step in steps() {
            if let (StepKind::Human(at), Some(asked)) = (&step.kind, humans.by_name.get_mut(step.id.value.as_str())) {
                asked.extend(document.humans.get(at.get()).map(|human| &human.body));
            }
        }
        let asks = |approval: &Approval<Linked>| !matches!(approval, Approval::Never);
        let tools = document.tools.iter().filter(|tool| asks(document.terms_of_tool(&tool.body).approval));
        let functions = document.functions.iter().filter(|function| asks(function.body.terms().approval));
        let functions = functions.map(|function| (function.name.value.as_str(), false));
        Self {
            document,
            agents: Table::of(document.agents.iter().flat_map(|agent| names_of(agent).map(|name| (name, &agent.body)))),
            functions: Table::of(document.functions.iter().map(|function| (function.name.value.as_str(), ()))),
            tools: Table::of(document.tools.iter().map(|tool| (tool.name.value.as_str(), &tool.body))),
            servers: Table::of(document.servers.iter().map(|server| (server.name.value.as_str(), ()))),
            humans,
            approvals: Table::of(functions.chain(tools.map(|tool| (tool.name.value.as_str(), true)))),
            steps: Table::of(ids().map(|id| (id, ()))),
            open: document.agents.iter().any(|agent| !agent.body.servers.is_empty()),
        }
    }

    fn mention(&self, name: &Spanned<Arc<str>>, kind: &MentionKind, sink: &mut Diagnostics) {
        let text: &str = &name.value;
        match kind {
            MentionKind::Agent => match self.agents.get(text) {
                Some(agent) if agent.as_agent.is_some() => {
                    refuse(name, "no model plays the agent", "remove it; the steps of its workflow are answered", sink);
                }
                Some(_) => {}
                None => self.agents.unknown("agent", name, sink),
            },
            MentionKind::Function if self.functions.get(text).is_none() => {
                self.functions.unknown("function", name, sink);
            }
            MentionKind::Tool => match self.tools.get(text) {
                Some(tool) if matches!(tool.backing, ToolBacking::Agent(_)) => {
                    let help = "remove it; write what the agent replies under `models`";
                    refuse(name, "an agent answers for the tool", help, sink);
                }
                Some(_) => {}
                None => self.tools.unknown("tool", name, sink),
            },
            MentionKind::Server if self.servers.get(text).is_none() => {
                self.servers.unknown("MCP server", name, sink);
            }
            MentionKind::Human(choices) => match self.humans.get(text) {
                Some(humans) => choices.iter().for_each(|choice| decision(choice, humans, sink)),
                None => self.humans.unknown("human step", name, sink),
            },
            MentionKind::Approval(choices) => match self.approvals.get(text) {
                Some(tool) => choices.iter().for_each(|choice| approval(choice, *tool, sink)),
                None if self.open => {}
                None if self.tools.get(text).is_some() || self.functions.get(text).is_some() => {
                    let help = "remove it, or give the tool or function an `approval`";
                    refuse(name, "nobody is asked about calls of", help, sink);
                }
                None => self.approvals.unknown("tool or function", name, sink),
            },
            MentionKind::ToolOf(agent) => self.tool_of(agent, name, sink),
            MentionKind::AnyTool if self.tools.get(text).is_none() && !self.open => {
                self.tools.unknown("tool", name, sink);
            }
            MentionKind::Path => {
                let nested = || text.split('/').all(|step| self.steps.get(step).is_some());
                if self.steps.get(text).is_none() && !nested() {
                    self.steps.unknown("step", name, sink);
                }
            }
            MentionKind::Asked => {
                let asked = self.humans.get(text).is_some() || self.approvals.get(text).is_some();
                if !asked && !self.open {
                    let known: Vec<&str> = self.humans.order.iter().chain(&self.approvals.order).copied().collect();
                    unknown("nobody is ever asked about", name, &known, sink);
                }
            }
            MentionKind::Function | MentionKind::Server | MentionKind::AnyTool => {}
        }
    }

    /// A tool that a model asks for is one that its agent has.
    fn tool_of(&self, agent: &str, name: &Spanned<Arc<str>>, sink: &mut Diagnostics) {
        let Some(agent) = self.agents.get(agent).filter(|agent| agent.as_agent.is_none() && agent.servers.is_empty())
        else {
            return;
        };
        let tools = agent.tools.iter().filter_map(|tool| self.document.tools.get(tool.get()));
        let known: Vec<&str> = tools.map(|tool| tool.name.value.as_str()).collect();
        if !known.contains(&&*name.value) {
            unknown("the agent has no tool", name, &known, sink);
        }
    }
}

/// The names by which tests may speak of an agent.
pub(crate) fn names_of(agent: &Component<Agent<Linked>>) -> impl Iterator<Item = &str> {
    let own = agent.body.name.as_ref().map(|name| name.value.as_str());
    let key = (agent.home != Home::Root || own.is_none()).then(|| agent.name.value.as_str());
    own.into_iter().chain(key)
}

fn unknown(message: &str, name: &Spanned<Arc<str>>, known: &[&str], sink: &mut Diagnostics) {
    let help = match sink.nearest(&name.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "remove it: there is none".to_owned(),
        None => format!("write {}", tick_list(known.iter().copied().take(8))),
    };
    sink.push(Diagnostic::new(Code::TestRef, name.span, format!("{message} {}", tick(&name.value))).help(help));
}

fn refuse(name: &Spanned<Arc<str>>, why: &str, help: &str, sink: &mut Diagnostics) {
    let message = format!("{why} {}", tick(&name.value));
    sink.push(Diagnostic::new(Code::TestRef, name.span, message).help(help));
}

/// A decision at a human step: one that the question has, of one of its options.
fn decision(choice: &Choice, humans: &[&Human<Linked>], sink: &mut Diagnostics) {
    let fits = |human: &&&Human<Linked>| of_request(human.request()).contains(&choice.kind);
    let Some(human) = humans.iter().find(fits) else {
        let words = humans.iter().flat_map(|human| of_request(human.request())).map(|kind| word(*kind));
        let mut words: Vec<&str> = words.collect();
        words.dedup();
        sink.push(
            Diagnostic::new(Code::TestDecision, choice.span, format!("nobody can decide `{}` here", word(choice.kind)))
                .help(format!("write {}", tick_list(words))),
        );
        return;
    };
    let options = human.options.as_ref().map(|options| options.value.as_slice()).unwrap_or_default();
    if let Some(option) = &choice.option
        && !options.contains(option)
    {
        sink.push(
            Diagnostic::new(Code::TestDecision, choice.span, format!("{} is not one of the options", tick(option)))
                .help(format!("write {}", tick_list(options.iter().map(|option| &**option).take(8)))),
        );
    }
}

fn approval(choice: &Choice, tool: bool, sink: &mut Diagnostics) {
    use DecisionKind::{Approve, ApproveForRun, Edit, Reject};
    let fit: &[DecisionKind] = if tool { &[Approve, Reject, Edit, ApproveForRun] } else { &[Approve, Reject] };
    if !fit.contains(&choice.kind) {
        sink.push(
            Diagnostic::new(Code::TestDecision, choice.span, format!("nobody can decide `{}` here", word(choice.kind)))
                .help(format!("write {}", tick_list(fit.iter().map(|kind| word(*kind))))),
        );
    }
}

/// The decisions that a question of a kind has.
fn of_request(request: RequestType) -> &'static [DecisionKind] {
    use DecisionKind::{Approve, Edit, Provide, Reject, Select};
    match request {
        RequestType::Approval => &[Approve, Reject],
        RequestType::Review => &[Approve, Reject, Edit],
        RequestType::Correction => &[Edit, Approve],
        RequestType::Selection => &[Select],
        RequestType::Freeform => &[Provide],
    }
}

/// The word for a decision in a test.
fn word(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Reject => "reject",
        DecisionKind::Edit => "edit",
        DecisionKind::Select => "select",
        DecisionKind::Provide => "provide",
        DecisionKind::ApproveForRun => "approve_for_run",
        _ => "approve",
    }
}
