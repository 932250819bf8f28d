//! From names to places: resolves every reference and compiles every expression.
//!
//! Never fails: what cannot be resolved is reported and left out. Three walks, because each needs
//! the one before whole: components that stand in place of a `ref` get a place of their own, the
//! plan's order of nodes is settled, and only then can expressions name nodes.

mod behind;
mod expression;
mod layout;
mod names;
mod shape;
mod step;
mod workflow;

pub(crate) use layout::{Layout, Place};

use kneo_core::value::Value;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{
    Agent, Approval, Backing, Command, Component, Context, Document, Flow, Function, Home, Human, Linked, Output, Raw,
    RawRef, Root, Running, Server, Step, StepKind, Tool, ToolBacking, ToolChoice, Workflow,
};
use crate::expr::Parser;
use crate::known::{Known, Schema};
use crate::syntax::{Limits, Tree};
use crate::vocabulary::ComponentVocabulary;
use behind::{Behind, OfAgent, OfTool};
use expression::{StepVocabulary, View};
use names::Names;
use step::Target;

/// Resolves a document.
pub(crate) fn link(
    mut raw: Document<Raw>,
    tree: &Tree,
    limits: Limits,
    sink: &mut Diagnostics,
) -> (Document<Linked>, Layout) {
    let names = Names::of(&raw);
    if raw.root == Root::Missing {
        sink.push(
            Diagnostic::new(Code::NoRoot, raw.span, "the spec has neither `workflow` nor `agent`")
                .help("add `workflow:`, or `agent:` for a spec of one agent"),
        );
    }
    let root = root_workflow(&mut raw);
    let mut targets: Vec<Vec<Target>> = Vec::new();
    while targets.len() < raw.workflows.len() {
        let at = targets.len();
        targets.push(step::targets(&mut raw, at, &names, sink));
    }
    let behind = Behind::of(&mut raw, &mut targets, &names, sink);
    let layout = Layout::new(&raw, &targets, &behind, root);
    let shapes = shape::shapes(&raw, &targets, &behind);
    let inputs = raw.inputs.clone();
    let input = inputs.as_ref().map_or(Known::Nothing, |inputs| Known::Fits(Schema::new(&inputs.value)));
    let asked = parameters_of_agents();
    let mut linker = Linker { tree, parser: Parser::new(limits.expressions), sink };
    let workflows = raw
        .workflows
        .into_iter()
        .zip(targets)
        .enumerate()
        .map(|(at, (workflow, targets))| {
            let view = View {
                tree,
                shapes: shapes.get(at).map(Vec::as_slice).unwrap_or_default(),
                first: layout.first_step(at),
                // What a nested workflow is given is up to the step that runs it.
                input: if root == Some(at) { input } else { Known::Nothing },
            };
            linked(workflow, |body| linker.workflow(body, targets, view))
        })
        .collect::<Vec<_>>();
    let outputs = raw.outputs.map(|outputs| {
        let shapes = root.and_then(|at| shapes.get(at)).map(Vec::as_slice).unwrap_or_default();
        let view = View { tree, shapes, first: layout.root_first_step(), input };
        linker.outputs(outputs, root.and_then(|at| workflows.get(at)), view)
    });
    let document = Document {
        root: raw.root,
        name: raw.name,
        inputs: raw.inputs,
        outputs,
        agents: raw
            .agents
            .into_iter()
            .zip(behind.agents)
            .map(|(agent, of)| {
                // The agent that is the whole spec gets the run's input.
                let whole = raw.root == Root::Agent && agent.home == Home::Root;
                let vocabulary = ComponentVocabulary { input: if whole { input } else { Known::Nothing } };
                linked(agent, |body| linker.agent(body, of, vocabulary))
            })
            .collect(),
        functions: raw.functions.into_iter().map(|function| linked(function, |body| linker.function(body))).collect(),
        humans: raw.humans.into_iter().map(|human| linked(human, |body| linker.human(body))).collect(),
        tools: raw
            .tools
            .into_iter()
            .zip(behind.tools)
            .map(|(tool, of)| linked(tool, |body| linker.tool(body, of, &asked)))
            .collect(),
        servers: raw.servers.into_iter().map(|server| linked(server, |body| linker.server(body))).collect(),
        workflows,
        broken: raw.broken,
        limits: raw.limits,
        tests: raw.tests,
        span: raw.span,
    };
    (document, layout)
}

/// What resolving a document carries along.
struct Linker<'a> {
    tree: &'a Tree,
    parser: Parser,
    sink: &'a mut Diagnostics,
}

/// What an agent takes that is asked as a tool.
pub(crate) fn parameters_of_agents() -> Value {
    let text = Value::map([("type", Value::from("string"))]);
    let properties = text.and_then(|text| Value::map([("input", text)]));
    let fields = properties.and_then(|properties| {
        Value::map([
            ("type", Value::from("object")),
            ("properties", properties),
            ("required", Value::list([Value::from("input")])?),
            ("additionalProperties", Value::Bool(false)),
        ])
    });
    // So small a value has a form.
    fields.unwrap_or_default()
}

/// The place of the root workflow; a root agent alone gets a workflow of one step.
fn root_workflow(raw: &mut Document<Raw>) -> Option<usize> {
    match raw.root {
        Root::Missing | Root::Broken => return None,
        Root::Workflow => {}
        Root::Agent => {
            let agent = raw.agents.iter().find(|agent| agent.home == Home::Root)?;
            let kind = StepKind::Agent(RawRef::Named(agent.name.clone()));
            let step = Step { span: agent.body.span, ..Step::plain(agent.name.clone(), kind) };
            let workflow = Workflow {
                name: Some(agent.name.clone()),
                steps: vec![step],
                flow: Flow::Sequential,
                whole: true,
                span: agent.body.span,
            };
            raw.workflows.push(Component { home: Home::Root, name: agent.name.clone(), body: workflow });
        }
    }
    raw.workflows.iter().position(|workflow| workflow.home == Home::Root)
}

fn linked<A, B>(component: Component<A>, link: impl FnOnce(A) -> B) -> Component<B> {
    Component { home: component.home, name: component.name, body: link(component.body) }
}

impl Linker<'_> {
    fn agent(&mut self, agent: Agent<Raw>, of: OfAgent, vocabulary: ComponentVocabulary<'_>) -> Agent<Linked> {
        Agent {
            name: agent.name,
            description: agent.description,
            as_agent: of.played_by,
            system_prompt: agent.system_prompt.and_then(|text| self.text(&text, &vocabulary)),
            model: agent.model,
            model_broken: agent.model_broken,
            output: agent.output,
            strategy: agent.strategy,
            tools: of.tools,
            servers: of.servers,
            span: agent.span,
        }
    }

    fn tool(&mut self, tool: Tool<Raw>, of: Option<OfTool>, asked: &Value) -> Tool<Linked> {
        // The arguments are checked before anything reads them.
        let parameters = match &tool.backing {
            ToolBacking::Agent(_) => Some(asked),
            ToolBacking::Own(_) | ToolBacking::Mcp { .. } => {
                tool.parameters.as_ref().map(|parameters| &parameters.value)
            }
        };
        let input = parameters.map_or(Known::Nothing, |parameters| Known::Fits(Schema::new(parameters)));
        let vocabulary = ComponentVocabulary { input };
        let backing = match (tool.backing, of) {
            (ToolBacking::Own(backing), _) => ToolBacking::Own(self.backing(backing, vocabulary)),
            (ToolBacking::Agent(_), Some(OfTool::Agent(asked))) => ToolBacking::Agent(asked),
            (ToolBacking::Mcp { tool, .. }, Some(OfTool::Server(server))) => ToolBacking::Mcp { server, tool },
            (ToolBacking::Agent(_) | ToolBacking::Mcp { .. }, _) => ToolBacking::Own(Backing::Broken),
        };
        let running = self.running(tool.running, vocabulary);
        Tool { description: tool.description, parameters: tool.parameters, backing, running }
    }

    fn server(&mut self, server: Server<Raw>) -> Server<Linked> {
        let ToolChoice { include, exclude, prefix, of_whole, expect_digest, running } = server.tools;
        // What its tools take, only the server says.
        let running = self.running(running, ComponentVocabulary::default());
        Server {
            transport: server.transport,
            timeout_ms: server.timeout_ms,
            max_response_bytes: server.max_response_bytes,
            tools: ToolChoice { include, exclude, prefix, of_whole, expect_digest, running },
        }
    }

    fn function(&mut self, function: Function<Raw>) -> Function<Linked> {
        let vocabulary = ComponentVocabulary::default();
        Function {
            backing: self.backing(function.backing, vocabulary),
            running: self.running(function.running, vocabulary),
        }
    }

    fn backing(&mut self, backing: Backing<Raw>, vocabulary: ComponentVocabulary<'_>) -> Backing<Linked> {
        match backing {
            Backing::Implementation(name) => Backing::Implementation(name),
            Backing::Command(command) => Backing::Command(self.command(command, vocabulary)),
            Backing::Broken => Backing::Broken,
        }
    }

    fn command(&mut self, command: Command<Raw>, vocabulary: ComponentVocabulary<'_>) -> Command<Linked> {
        Command {
            argv: command.argv.iter().filter_map(|text| self.text(text, &vocabulary)).collect(),
            env: command
                .env
                .into_iter()
                .filter_map(|(name, text)| Some((name, self.text(&text, &vocabulary)?)))
                .collect(),
            cwd: command.cwd,
        }
    }

    fn running(&mut self, running: Running<Raw>, vocabulary: ComponentVocabulary<'_>) -> Running<Linked> {
        Running {
            effect: running.effect,
            on_uncertain: running.on_uncertain,
            approval: running.approval.and_then(|approval| match approval {
                Approval::Never => Some(Approval::Never),
                Approval::Always => Some(Approval::Always),
                Approval::When(when) => self.expr(when, &vocabulary).map(Approval::When),
            }),
        }
    }

    fn human(&mut self, human: Human<Raw>) -> Human<Linked> {
        let vocabulary = ComponentVocabulary::default();
        Human {
            description: human.description.and_then(|text| self.text(&text, &vocabulary)),
            context: human.context.and_then(|context| match context {
                Context::Template(node) => self.value(node, &vocabulary).map(Context::Template),
                Context::Plain(value) => Some(Context::Plain(value)),
            }),
            assignee: human.assignee,
            timeout_ms: human.timeout_ms,
            on_timeout: human.on_timeout,
            request: human.request,
            options: human.options,
            default_option: human.default_option,
            response_role: human.response_role,
        }
    }

    fn outputs(
        &mut self,
        outputs: Vec<Output<Raw>>,
        root: Option<&Component<Workflow<Linked>>>,
        view: View<'_>,
    ) -> Vec<Output<Linked>> {
        let none: &[Step<Linked>] = &[];
        let steps = root.map_or(none, |root| &root.body.steps);
        let ids = steps.iter().map(|step| (!step.nameless).then_some(&step.id));
        let vocabulary = StepVocabulary::new(ids, root.is_some_and(|root| root.body.whole), view);
        outputs
            .into_iter()
            .filter_map(|output| {
                Some(Output { value: self.value(output.value, &vocabulary)?, name: output.name, schema: output.schema })
            })
            .collect()
    }
}
