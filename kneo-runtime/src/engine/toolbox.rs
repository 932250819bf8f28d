//! The tools of an agent: those that the plan declares, and those that its servers offer.

use std::sync::Arc;

use kneo_core::plan::{
    AgentDef, Approval, Effect, McpServerDef, OnUncertain, ScopeIx, ServerIx, ToolBackingDef, ToolDef, ToolIx,
};
use kneo_core::provider::ToolOffer;
use kneo_core::{Name, Value};

use super::offer::{Offer, ServedTool};
use super::program::{Program, describe};
use super::state::{AgentRun, Called, ServerPhase, ServerRun};

/// The tools of an agent, as far as they are known.
#[derive(Clone, Copy)]
pub(super) struct Toolbox<'a> {
    program: &'a Program,
    def: &'a AgentDef,
    servers: &'a [ServerRun],
}

/// What holds for a tool.
pub(super) struct Terms<'a> {
    /// As its model sees it.
    pub(super) name: Name,
    pub(super) effect: Effect,
    pub(super) on_uncertain: OnUncertain,
    pub(super) approval: &'a Approval,
}

/// What runs a call.
pub(super) enum Runs {
    /// The host's code or a program.
    Tool(ToolIx),
    /// A server, by its name for the tool.
    Server(ServerIx, Arc<str>),
    /// A workflow of the plan.
    Workflow(ScopeIx),
}

impl<'a> Toolbox<'a> {
    pub(super) fn new(program: &'a Program, def: &'a AgentDef, run: &'a AgentRun) -> Toolbox<'a> {
        Toolbox { program, def, servers: &run.servers }
    }

    /// The tool of a name, as a model calls it.
    pub(super) fn find(self, name: &str) -> Option<Called> {
        let declared = self.declared().find(|(_, tool)| tool.name.as_str() == name).map(|(at, _)| Called::Declared(at));
        let served = || {
            let found = self.served().find(|(_, _, seen, _)| seen == name);
            found.map(|(at, _, _, tool)| Called::Served(at, Arc::clone(&tool.offer.name)))
        };
        declared.or_else(served)
    }

    /// Every tool as the model sees it.
    pub(super) fn offers(self) -> Vec<ToolOffer> {
        let declared = self.declared().filter_map(|(at, tool)| {
            let mut offer = self.program.offer(at)?.clone();
            if let Some(served) = self.behind(tool) {
                if tool.description.is_none() {
                    offer.description = Arc::clone(&served.offer.description);
                }
                if tool.parameters.is_none() {
                    offer.parameters = served.offer.parameters.clone();
                }
            }
            Some(offer)
        });
        let served = self.served().map(|(_, _, name, tool)| {
            ToolOffer::new(name, Arc::clone(&tool.offer.description), tool.offer.parameters.clone())
        });
        declared.chain(served).collect()
    }

    /// The first name that two tools have.
    pub(super) fn name_of_two(self) -> Option<String> {
        let mut names: Vec<String> = self.names().collect();
        names.sort_unstable();
        names.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some(a.clone()),
            _ => None,
        })
    }

    /// The names of all tools, as the model sees them.
    pub(super) fn names(self) -> impl Iterator<Item = String> {
        let declared = self.declared().map(|(_, tool)| tool.name.to_string());
        declared.chain(self.served().map(|(_, _, name, _)| name))
    }

    pub(super) fn terms(self, called: &Called) -> Option<Terms<'a>> {
        match called {
            Called::Declared(at) => {
                let tool = self.program.plan().tool(*at)?;
                let (name, effect, on_uncertain) = (tool.name.clone(), tool.effect, tool.on_uncertain);
                Some(Terms { name, effect, on_uncertain, approval: &tool.approval })
            }
            Called::Served(at, own) => {
                let (_, server, name, _) =
                    self.served().find(|(of, _, _, tool)| of == at && tool.offer.name == *own)?;
                let tools = &server.tools;
                let (effect, on_uncertain, approval) = (tools.effect, tools.on_uncertain, &tools.approval);
                Some(Terms { name: Name::new(name).ok()?, effect, on_uncertain, approval })
            }
        }
    }

    pub(super) fn runs(self, called: &Called) -> Option<Runs> {
        Some(match called {
            Called::Served(server, own) => Runs::Server(*server, Arc::clone(own)),
            Called::Declared(at) => match &self.program.plan().tool(*at)?.backing {
                ToolBackingDef::Implementation(_) | ToolBackingDef::Command(_) => Runs::Tool(*at),
                ToolBackingDef::Mcp { server, tool } => Runs::Server(*server, Arc::clone(tool)),
                ToolBackingDef::Workflow(scope) => Runs::Workflow(*scope),
            },
        })
    }

    /// Checks the arguments of a call against every schema that there is for them.
    ///
    /// # Errors
    /// What does not fit, in words for the model.
    pub(super) fn check(self, called: &Called, arguments: &Value) -> Result<(), String> {
        let served = match called {
            Called::Declared(at) => {
                let behind = self.program.plan().tool(*at).and_then(|tool| self.behind(tool));
                self.program.check_arguments(*at, arguments, behind.is_some())?;
                behind
            }
            Called::Served(at, own) => self.known(*at).and_then(|offer| offer.tool(own)),
        };
        match served.map(|tool| &tool.schema) {
            Some(Ok(schema)) => describe(schema.check(arguments)),
            Some(Err(error)) => Err(format!("the schema cannot be used: {error}")),
            None => Ok(()),
        }
    }

    fn declared(self) -> impl Iterator<Item = (ToolIx, &'a ToolDef)> {
        let plan = self.program.plan();
        self.def.tools.iter().filter_map(|at| Some((*at, plan.tool(*at)?)))
    }

    /// The tools that come with whole servers, each with the name that the model sees.
    fn served(self) -> impl Iterator<Item = (ServerIx, &'a McpServerDef, String, &'a ServedTool)> {
        let servers = self.def.servers.iter().filter_map(move |at| {
            let server = self.program.plan().server(*at)?;
            Some(self.known(*at)?.whole(server).map(move |(name, tool)| (*at, server, name, tool)))
        });
        servers.flatten()
    }

    /// What a server offers of a declared tool.
    fn behind(self, tool: &ToolDef) -> Option<&'a ServedTool> {
        match &tool.backing {
            ToolBackingDef::Mcp { server, tool } => self.known(*server)?.tool(tool),
            ToolBackingDef::Implementation(_) | ToolBackingDef::Command(_) | ToolBackingDef::Workflow(_) => None,
        }
    }

    fn known(self, at: ServerIx) -> Option<&'a Offer> {
        let run = self.servers.iter().find(|run| run.server == at)?;
        match &run.phase {
            ServerPhase::Known(offer) => Some(offer),
            ServerPhase::New | ServerPhase::Asked | ServerPhase::BackingOff | ServerPhase::Failed(_) => None,
        }
    }
}

/// What a workflow behind a tool takes, unless the plan says otherwise.
pub(super) fn workflow_input(arguments: &Value) -> Value {
    arguments.get("input").cloned().unwrap_or_else(|| arguments.clone())
}
