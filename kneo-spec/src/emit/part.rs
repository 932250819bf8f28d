//! Agents, tools, functions and humans.

use std::num::NonZeroU32;

use kneo_core::plan::{
    AgentDef, AgentIx, Approval as PlanApproval, BackingDef, CommandDef, FunctionDef, FunctionIx, HumanDef, HumanIx,
    McpServerDef, ModelDef, ServerIx, ServerTools, Stdin, Strategy as PlanStrategy, ToolBackingDef, ToolDef, ToolIx,
};

use super::{Emitter, planned};
use crate::document::{
    Agent, Approval, Backing, Context, Function, Human, Ix, Linked, Server, Strategy, Terms, Tool, ToolBacking,
};
use crate::link::parameters_of_agents;

impl Emitter<'_> {
    pub(super) fn agent(&mut self, at: Ix<Agent<Linked>>) -> Option<AgentIx> {
        let agent = self.document.agents.get(at.get())?;
        let model = agent.body.model.as_ref()?;
        let (index, new) = self.agents.place(at.get(), None);
        if !new {
            return Some(AgentIx::new(index));
        }
        let output = agent.body.output.as_ref().map(|schema| self.schema(schema));
        let tools: Vec<ToolIx> = agent.body.tools.iter().filter_map(|tool| self.tool(*tool)).collect();
        let servers: Vec<ServerIx> = agent.body.servers.iter().filter_map(|server| self.server(*server)).collect();
        let name = planned(agent);
        self.plan.agents.push(AgentDef {
            name: name.clone(),
            system_prompt: agent.body.system_prompt.as_ref().map(|prompt| prompt.code.clone()),
            model: ModelDef {
                provider: model.provider.value.clone(),
                name: model.name.clone(),
                temperature: model.temperature,
                token_budget: model.token_budget,
                extra: model.extra.clone(),
            },
            strategy: match agent.body.strategy {
                Strategy::Simple => PlanStrategy::Simple,
                Strategy::React { max_iterations } => {
                    PlanStrategy::React { max_iterations: NonZeroU32::new(max_iterations).unwrap_or(NonZeroU32::MIN) }
                }
            },
            tools,
            servers,
            output,
        });
        Some(AgentIx::new(index))
    }

    fn tool(&mut self, at: Ix<Tool<Linked>>) -> Option<ToolIx> {
        let tool = self.document.tools.get(at.get())?;
        let mut description = tool.body.description.clone();
        let backing = match &tool.body.backing {
            ToolBacking::Own(own) => match backing(own)? {
                BackingDef::Implementation(name) => ToolBackingDef::Implementation(name),
                BackingDef::Command(command) => ToolBackingDef::Command(command),
            },
            ToolBacking::Agent(asked) => {
                let agent = self.document.agents.get(asked.agent.get())?;
                description = description.or_else(|| agent.body.description.clone());
                ToolBackingDef::Workflow(self.scope_of(asked.workflow)?)
            }
            ToolBacking::Mcp { server, tool: name } => ToolBackingDef::Mcp {
                server: self.server(*server)?,
                tool: name.clone().unwrap_or_else(|| tool.name.value.to_shared()),
            },
        };
        let (index, new) = self.tools.place(at.get(), None);
        if new {
            let parameters = match &tool.body.backing {
                ToolBacking::Own(_) | ToolBacking::Mcp { .. } => {
                    tool.body.parameters.as_ref().map(|schema| self.schema(schema))
                }
                ToolBacking::Agent(_) => Some(self.schema_of(&parameters_of_agents())),
            };
            let Terms { effect, on_uncertain, approval: agreed } = self.document.terms_of_tool(&tool.body);
            self.plan.tools.push(ToolDef {
                name: tool.name.value.clone(),
                description,
                parameters,
                backing,
                effect,
                on_uncertain,
                approval: approval(agreed),
            });
        }
        Some(ToolIx::new(index))
    }

    fn server(&mut self, at: Ix<Server<Linked>>) -> Option<ServerIx> {
        let server = self.document.servers.get(at.get())?;
        // INVARIANT: in a valid document it is known how each server is reached.
        let transport = server.body.transport.clone()?;
        let (index, new) = self.servers.place(at.get(), None);
        if new {
            let tools = &server.body.tools;
            let Terms { effect, on_uncertain, approval: agreed } = server.body.terms();
            self.plan.servers.push(McpServerDef {
                name: server.name.value.clone(),
                transport,
                timeout_ms: server.body.timeout_ms,
                max_response_bytes: server.body.max_response_bytes,
                tools: ServerTools {
                    include: tools.include.clone(),
                    exclude: tools.exclude.clone(),
                    prefix: tools.prefix.clone(),
                    expect_digest: tools.expect_digest,
                    effect,
                    on_uncertain,
                    approval: approval(agreed),
                },
            });
        }
        Some(ServerIx::new(index))
    }

    pub(super) fn function(&mut self, at: Ix<Function<Linked>>) -> Option<FunctionIx> {
        let function = self.document.functions.get(at.get())?;
        let backing = backing(&function.body.backing)?;
        let (index, new) = self.functions.place(at.get(), None);
        if new {
            let Terms { effect, on_uncertain, approval: agreed } = function.body.terms();
            self.plan.functions.push(FunctionDef {
                name: function.name.value.clone(),
                backing,
                effect,
                on_uncertain,
                approval: approval(agreed),
            });
        }
        Some(FunctionIx::new(index))
    }

    /// A human with the deadline of the step that asks, if the step has one.
    pub(super) fn human(&mut self, at: Ix<Human<Linked>>, on_step: Option<u64>) -> Option<HumanIx> {
        let human = self.document.humans.get(at.get())?;
        let (index, new) = self.humans.place(at.get(), on_step);
        if new {
            let body = &human.body;
            self.plan.humans.push(HumanDef {
                name: human.name.value.clone(),
                description: body.description.as_ref().map(|text| text.code.clone()),
                request: body.request(),
                assignees: body.assignee.iter().cloned().collect(),
                timeout_ms: on_step.or(body.timeout_ms.map(|timeout| timeout.value)),
                on_timeout: body.on_timeout.map(|word| word.value).unwrap_or_default(),
                options: body.options.as_ref().map(|options| options.value.clone()).unwrap_or_default(),
                default_option: body.default_option.as_ref().map(|option| option.value.clone()),
                context: body.context.as_ref().map(|context| match context {
                    Context::Template(value) => value.code.clone(),
                    Context::Plain(value) => value.clone(),
                }),
                response_role: body.response_role,
            });
        }
        Some(HumanIx::new(index))
    }
}

/// INVARIANT: in a valid document no backing is broken.
fn backing(backing: &Backing<Linked>) -> Option<BackingDef> {
    match backing {
        Backing::Implementation(name) => Some(BackingDef::Implementation(name.value.clone())),
        Backing::Command(command) => Some(BackingDef::Command(CommandDef {
            argv: command.argv.iter().map(|text| text.code.clone()).collect(),
            env: command.env.iter().map(|(name, text)| (name.value.clone(), text.code.clone())).collect(),
            cwd: command.cwd.clone(),
            stdin: Stdin::Json,
        })),
        Backing::Broken => None,
    }
}

fn approval(approval: &Approval<Linked>) -> PlanApproval {
    match approval {
        Approval::Never => PlanApproval::Never,
        Approval::Always => PlanApproval::Always,
        Approval::When(when) => PlanApproval::When(when.value.code.clone()),
    }
}
