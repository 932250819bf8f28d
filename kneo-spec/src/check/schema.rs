//! Rules about JSON Schemas.

mod keyword;

use kneo_core::expr::{Pattern, PatternError};
use kneo_core::schema::Schema;

use self::keyword::{Holds, holds, known};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Document, JsonSchema, Linked};
use crate::syntax::{Key, Kind, Limits, NodeId, Tree};

/// What a pattern of many repetitions costs, in patterns.
const LARGE: usize = 40;

/// Every schema of the spec is a valid one, and refers to nothing outside itself.
pub(super) fn schemas(document: &Document<Linked>, tree: &Tree, limits: Limits, sink: &mut Diagnostics) {
    let outputs = document.outputs.iter().flatten();
    let all = document
        .inputs
        .iter()
        .chain(outputs.filter_map(|output| output.schema.as_ref()))
        .chain(document.tools.iter().filter_map(|tool| tool.body.parameters.as_ref()))
        .chain(document.agents.iter().filter_map(|agent| agent.body.output.as_ref()))
        .chain(
            document.workflows.iter().flat_map(|workflow| &workflow.body.steps).filter_map(|step| step.output.as_ref()),
        );
    let mut walk = Walk { tree, most: limits.patterns, left: limits.patterns, sink };
    for schema in all {
        if walk.schema(schema.node).is_none() {
            // One more would cost more than a spec may.
            return;
        }
        check(schema, tree, walk.sink);
    }
}

fn check(schema: &JsonSchema, tree: &Tree, sink: &mut Diagnostics) {
    let Err(error) = Schema::compile(&schema.value) else {
        return;
    };
    let span = tree.place_of_pointer(schema.node, &error.pointer);
    let diagnostic = Diagnostic::new(Code::Schema, span, "this is not a JSON Schema");
    sink.push(if error.pointer.ends_with("/type") {
        diagnostic.help("write `string`, `number`, `integer`, `boolean`, `object`, `array` or `null`")
    } else {
        diagnostic
            .primary(error.message.replace(['\n', '\r'], " "))
            .help("see https://json-schema.org/draft/2020-12/schema")
    });
}

/// A walk through all schemas inside a schema.
struct Walk<'a> {
    tree: &'a Tree,
    /// How many patterns all schemas may have.
    most: usize,
    /// How many of them may still come.
    left: usize,
    sink: &'a mut Diagnostics,
}

impl Walk<'_> {
    /// Looks at a schema and those inside it; `None` when there are too many patterns, which is reported.
    fn schema(&mut self, node: NodeId) -> Option<()> {
        let tree = self.tree;
        let mut waiting = vec![node];
        while let Some(node) = waiting.pop() {
            let Kind::Map(entries) = &tree.node(node).kind else {
                continue;
            };
            for entry in entries {
                match holds(&entry.key.text) {
                    Some(Holds::Schema) => waiting.push(entry.value),
                    Some(Holds::Schemas) => match &tree.node(entry.value).kind {
                        Kind::List(items) => waiting.extend(items),
                        Kind::Map(_) => waiting.push(entry.value),
                        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(..) | Kind::Error => {}
                    },
                    Some(Holds::Named) => {
                        if let Kind::Map(named) = &tree.node(entry.value).kind {
                            for entry in named {
                                waiting.push(entry.value);
                            }
                            if &*entry.key.text == "patternProperties" {
                                named.iter().try_for_each(|entry| self.pattern(&entry.key.text, entry.value))?;
                            }
                        }
                    }
                    Some(Holds::Pattern) => {
                        if let Kind::Text(text, _) = &tree.node(entry.value).kind {
                            self.pattern(text, entry.value)?;
                        }
                    }
                    Some(Holds::Other) => {}
                    None if entry.key.text.starts_with('$') || entry.key.text.starts_with("x-") => {}
                    None => self.unknown(&entry.key, entry.value),
                }
            }
        }
        Some(())
    }

    fn pattern(&mut self, source: &str, node: NodeId) -> Option<()> {
        let cost = match Pattern::new(source) {
            Err(PatternError::TooLarge) => LARGE,
            Ok(_) | Err(_) => 1,
        };
        let Some(left) = self.left.checked_sub(cost) else {
            let message = format!("the schemas of this spec have more than {} patterns", self.most);
            self.sink.push(
                Diagnostic::new(Code::SchemaTooMuch, self.tree.node(node).span, message)
                    .help("remove patterns, above all those of many repetitions"),
            );
            return None;
        };
        self.left = left;
        Some(())
    }

    fn unknown(&mut self, key: &Key, value: NodeId) {
        if self.sink.is_full() {
            return;
        }
        let written = self.tree.slice(self.tree.node(value).span);
        let help = if let Some(near) = self.sink.nearest(&key.text, known()) {
            format!("did you mean `{near}`?")
        } else {
            match &self.tree.node(value).kind {
                Kind::Text(text, _) if is_type(text) => {
                    format!("to declare a property, write `properties: {{{}: {{type: {written}}}}}`", key.text)
                }
                Kind::Map(_) => format!("to declare a property, write `properties: {{{}: {{…}}}}`", key.text),
                Kind::Null
                | Kind::Bool(_)
                | Kind::Int(_)
                | Kind::Float(_)
                | Kind::Text(..)
                | Kind::List(_)
                | Kind::Error => "remove it; a word of your own begins with `x-`".to_owned(),
            }
        };
        self.sink.push(
            Diagnostic::new(
                Code::SchemaKeyword,
                key.span,
                format!("{} is no keyword of JSON Schema, and constrains nothing", tick(&key.text)),
            )
            .help(help),
        );
    }
}

fn is_type(text: &str) -> bool {
    matches!(text, "string" | "number" | "integer" | "boolean" | "object" | "array" | "null")
}
