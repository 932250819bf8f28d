//! How far an agent is: its conversation, its servers, the calls of its turn.

use std::sync::Arc;

use kneo_core::message::{Message, ToolCall, ToolResult};
use kneo_core::plan::{ServerIx, ToolIx};
use kneo_core::{Failure, Name, Usage, Value};

use super::{Answer, Ask, Tries};
use crate::engine::offer::Offer;

#[derive(Clone, PartialEq, Debug)]
pub(in crate::engine) struct AgentRun {
    /// The conversation without the system prompt.
    pub(in crate::engine) messages: Vec<Arc<Message>>,
    pub(in crate::engine) turn: u32,
    pub(in crate::engine) usage: Usage,
    pub(in crate::engine) tries: Tries,
    pub(in crate::engine) phase: AgentPhase,
    /// The servers of its tools.
    pub(in crate::engine) servers: Vec<ServerRun>,
    /// How many answers did not fit the agent's schema.
    pub(in crate::engine) refused: u32,
}

/// What an agent knows of one of its servers.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::engine) struct ServerRun {
    pub(in crate::engine) server: ServerIx,
    pub(in crate::engine) tries: Tries,
    pub(in crate::engine) phase: ServerPhase,
}

#[derive(Clone, PartialEq, Debug)]
pub(in crate::engine) enum ServerPhase {
    /// About to be asked for its tools.
    New,
    Asked,
    BackingOff,
    Known(Arc<Offer>),
    /// The agent fails once no other server is being asked.
    Failed(Failure),
}

#[derive(Clone, PartialEq, Debug)]
pub(in crate::engine) enum AgentPhase {
    /// Servers are asked for their tools, before the first turn.
    Discovering,
    /// About to ask the model.
    Turn,
    /// The model is asked.
    Asked,
    /// Another attempt is due at its timer.
    BackingOff,
    /// The model wants tools.
    Calls(Vec<CallRun>),
    /// The model has said everything.
    Answer(Arc<str>),
    /// The turn failed for good.
    Failing(Failure),
}

#[derive(Clone, PartialEq, Debug)]
pub(in crate::engine) struct CallRun {
    pub(in crate::engine) call: ToolCall,
    /// What it calls; `None` is nothing that the agent has.
    pub(in crate::engine) tool: Option<Called>,
    /// The arguments in a person's better form.
    pub(in crate::engine) edited: Option<Edited>,
    /// The answer was cut at its longest: the call may lack a part even if it reads well.
    pub(in crate::engine) cut: bool,
    pub(in crate::engine) tries: Tries,
    pub(in crate::engine) phase: CallPhase,
}

#[derive(Clone, PartialEq, Debug)]
pub(in crate::engine) enum CallPhase {
    New,
    Running,
    /// A workflow runs behind it.
    Delegated,
    /// Its time is over, and what is in flight below it was told to stop.
    TimedOut,
    Asking(Ask),
    Answered(Ask, Answer),
    Done(ToolResult),
}

/// What a call calls.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::engine) enum Called {
    /// A tool of the plan.
    Declared(ToolIx),
    /// A tool of a server, by the server's name for it.
    Served(ServerIx, Arc<str>),
}

/// Arguments that a person has changed.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::engine) struct Edited {
    pub(in crate::engine) arguments: Value,
    pub(in crate::engine) by: Option<Name>,
}
