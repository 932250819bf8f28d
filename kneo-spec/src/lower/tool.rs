//! Tools and functions.

use kneo_core::plan::Effect;

use super::Lower;
use super::backing::Backings;
use crate::diagnostic::Code;
use crate::document::{Function, Raw, Tool};
use crate::shape::tool::{FUNCTION, TOOL};
use crate::syntax::NodeId;

const TOOLS: Backings = Backings {
    word: "tool",
    names: &["implementation", "command", "mcp", "agent", "http", "builtin"],
    none: Code::ToolNoBacking,
    several: Code::ToolMultipleBackings,
    effect: Effect::Write,
};

const FUNCTIONS: Backings = Backings {
    word: "function",
    names: &["implementation", "command", "http"],
    none: Code::FunctionNoBacking,
    several: Code::FunctionMultipleBackings,
    effect: Effect::Idempotent,
};

impl Lower<'_> {
    pub(super) fn tool(&mut self, node: NodeId, key: &str) -> Option<Tool<Raw>> {
        let fields = self.fields_of(node, key, &TOOL)?;
        let description = self.plain(fields.get("description"));
        Some(Tool {
            description: description.map(|text| text.value),
            parameters: self.schema(fields.get("parameters")),
            backing: self.backing(node, &fields, &TOOLS),
            running: self.running(&fields, &TOOLS),
        })
    }

    pub(super) fn function(&mut self, node: NodeId, key: &str) -> Option<Function<Raw>> {
        let fields = self.fields_of(node, key, &FUNCTION)?;
        self.plain(fields.get("description"));
        Some(Function { backing: self.backing(node, &fields, &FUNCTIONS), running: self.running(&fields, &FUNCTIONS) })
    }
}
