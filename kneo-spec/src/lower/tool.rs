//! Tools and functions.

use super::backing::Backings;
use super::{At, Fields, Lower};
use crate::diagnostic::{Code, Diagnostic, tick};
use crate::document::{Backing, Function, Raw, Running, Tool, ToolBacking};
use crate::shape::tool::{FUNCTION, TOOL};
use crate::syntax::NodeId;

const TOOLS: Backings = Backings {
    word: "tool",
    names: &["implementation", "command", "mcp", "agent", "http", "builtin"],
    none: Code::ToolNoBacking,
    several: Code::ToolMultipleBackings,
    add: "add `implementation:` with a name the host registers, `command:`, `agent:` or `mcp:`",
};

const FUNCTIONS: Backings = Backings {
    word: "function",
    names: &["implementation", "command", "http"],
    none: Code::FunctionNoBacking,
    several: Code::FunctionMultipleBackings,
    add: "add `implementation:` with a name the host registers, or `command:`",
};

impl Lower<'_> {
    pub(super) fn tool(&mut self, node: NodeId, key: &str) -> Option<Tool<Raw>> {
        let fields = self.fields_of(node, key, &TOOL)?;
        let description = self.plain(fields.get("description"));
        let parameters = self.schema(fields.get("parameters"));
        let backing = match self.backing_at(node, &fields, &TOOLS) {
            Some(at) if at.field.name == "agent" => {
                self.asked(&fields, &at);
                self.name(Some(&at)).map_or(ToolBacking::Own(Backing::Broken), ToolBacking::Agent)
            }
            Some(at) if at.field.name == "mcp" => self.served(&at).unwrap_or(ToolBacking::Own(Backing::Broken)),
            Some(at) => ToolBacking::Own(self.backing(&at)),
            None => ToolBacking::Own(Backing::Broken),
        };
        let asks = matches!(backing, ToolBacking::Agent(_));
        let running = match asks {
            true => Running { effect: None, on_uncertain: None, approval: self.approval(fields.get("approval")) },
            false => self.running(&fields),
        };
        Some(Tool {
            description: description.map(|text| text.value),
            parameters: parameters.filter(|_| !asks),
            backing,
            running,
        })
    }

    /// What an agent takes is settled, and what it did is never in doubt.
    fn asked(&mut self, fields: &Fields, agent: &At) {
        if let Some(at) = fields.get("parameters") {
            self.report(
                Diagnostic::new(
                    Code::AgentToolParameters,
                    at.key.span,
                    "these `parameters` are ignored: an agent takes one text, `input`",
                )
                .label(agent.key.span, "an agent is asked")
                .help("remove them"),
            );
        }
        for at in ["effect", "on_uncertain"].iter().filter_map(|name| fields.get(name)) {
            self.report(
                Diagnostic::new(
                    Code::FieldNotAllowed,
                    at.key.span,
                    format!("{} has no effect on a tool that asks an agent", tick(at.field.name)),
                )
                .primary("each thing that the agent does has its own")
                .help("remove it; write it on the tools of the agent"),
            );
        }
    }

    pub(super) fn function(&mut self, node: NodeId, key: &str) -> Option<Function<Raw>> {
        let fields = self.fields_of(node, key, &FUNCTION)?;
        self.plain(fields.get("description"));
        let at = self.backing_at(node, &fields, &FUNCTIONS);
        let backing = at.map_or(Backing::Broken, |at| self.backing(&at));
        Some(Function { backing, running: self.running(&fields) })
    }
}
