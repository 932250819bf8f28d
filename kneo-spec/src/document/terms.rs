//! What holds for running something again, where all is said or left out.

use kneo_core::plan::{Effect, OnUncertain};

use super::{Approval, Document, Function, Linked, Running, Server, Tool, ToolBacking};

/// What running something again would do, what happens when it was in flight at a crash, and who must agree.
pub(crate) struct Terms<'a> {
    pub(crate) effect: Effect,
    pub(crate) on_uncertain: OnUncertain,
    pub(crate) approval: &'a Approval<Linked>,
}

impl<'a> Terms<'a> {
    /// Nothing is asked, but by whoever finds a lost write.
    fn of(effect: Effect) -> Self {
        Self { effect, on_uncertain: OnUncertain::Ask, approval: &Approval::Never }
    }

    /// What is written, and of the rest this.
    fn under(self, written: &'a Running<Linked>) -> Self {
        let effect = written.effect.unwrap_or(self.effect);
        let on_uncertain = match &written.on_uncertain {
            Some(written) => written.value,
            // What may run again is never in doubt.
            None if effect != Effect::Write => OnUncertain::Ask,
            None => self.on_uncertain,
        };
        Self { effect, on_uncertain, approval: written.approval.as_ref().unwrap_or(self.approval) }
    }
}

impl Document<Linked> {
    /// A tool is a write unless the spec knows better. One that a server runs has the server's terms, and an agent that
    /// is asked none: each thing that it does has its own.
    pub(crate) fn terms_of_tool<'a>(&'a self, tool: &'a Tool<Linked>) -> Terms<'a> {
        let inherited = match &tool.backing {
            ToolBacking::Own(_) => None,
            ToolBacking::Agent(_) => Some(Terms::of(Effect::Idempotent)),
            ToolBacking::Mcp { server, .. } => self.servers.get(server.get()).map(|server| server.body.terms()),
        };
        inherited.unwrap_or_else(|| Terms::of(Effect::Write)).under(&tool.running)
    }
}

impl Server<Linked> {
    /// The terms of its tools.
    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms::of(Effect::Write).under(&self.tools.running)
    }
}

impl Function<Linked> {
    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms::of(Effect::Idempotent).under(&self.running)
    }
}
