//! From tree to document: reads every construct by its field table.
//!
//! Never fails: what cannot be represented is reported and left out, and everything else is read,
//! so that one pass reports all problems.

mod agent;
mod backing;
mod fields;
mod human;
mod join;
mod meant;
mod root;
mod scalar;
mod server;
mod step;
mod test;
mod tool;
mod workflow;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Agent, Broken, Component, Document, Function, Home, Human, Raw, Server, Tool, Workflow};
use crate::source::{Span, Spanned};
use crate::syntax::{NodeId, Tree};
use fields::{At, Fields};
use kneo_core::name::Name;

/// Reads a document from a tree.
///
/// `None` when the root is not a mapping, which is reported.
pub(crate) fn lower(tree: &Tree, sink: &mut Diagnostics) -> Option<Document<Raw>> {
    let mut cx = Lower {
        tree,
        sink,
        templates: false,
        agents: Vec::new(),
        functions: Vec::new(),
        humans: Vec::new(),
        workflows: Vec::new(),
        tools: Vec::new(),
        servers: Vec::new(),
        broken: Broken::default(),
    };
    cx.root()
}

/// What reading a document carries along.
struct Lower<'a> {
    tree: &'a Tree,
    sink: &'a mut Diagnostics,
    /// Whether `{{ }}` is a hole in fields that were plain text in the published v1.
    templates: bool,
    agents: Vec<Component<Agent<Raw>>>,
    functions: Vec<Component<Function<Raw>>>,
    humans: Vec<Component<Human<Raw>>>,
    workflows: Vec<Component<Workflow<Raw>>>,
    tools: Vec<Component<Tool<Raw>>>,
    servers: Vec<Component<Server<Raw>>>,
    broken: Broken,
}

impl Lower<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.sink.push(diagnostic);
    }

    fn span(&self, node: NodeId) -> Span {
        self.tree.node(node).span
    }
}

fn component<T>(home: Home, name: Spanned<Name>, body: T) -> Component<T> {
    Component { home, name, body }
}
