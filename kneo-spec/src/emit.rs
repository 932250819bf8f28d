//! From a valid document to a plan. Total: what could go wrong was reported before.

mod part;
mod schema;
mod scope;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use kneo_core::name::Name;
use kneo_core::plan::{
    CompiledPlan, Limits, NodeIx, Origin, Origins, OutputDef, PLAN_VERSION, Plan, PlanError, SchemaIx, ScopeIx,
};
use kneo_core::value::Value;

use crate::check::{Valid, names_of};
use crate::document::{Agent, Component, Document, Function, Human, JsonSchema, Linked, Server, Tool};
use crate::link::Layout;
use crate::source::{SourceMap, Span};
use crate::tests::Test;
use schema::Schemas;

/// Writes the plan of a valid document.
///
/// # Errors
///
/// Only when this crate broke a rule of plans, which is a bug in it.
pub(crate) fn emit(
    document: &Valid<Document<Linked>>,
    layout: &Layout,
    sources: &SourceMap,
) -> Result<Arc<CompiledPlan>, PlanError> {
    let document = document.get();
    let mut emitter = Emitter {
        document,
        layout,
        plan: Plan {
            plan_version: PLAN_VERSION,
            name: plan_name(document, layout)?,
            root: ScopeIx::new(0),
            scopes: Vec::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
            agents: Vec::new(),
            tools: Vec::new(),
            servers: Vec::new(),
            functions: Vec::new(),
            humans: Vec::new(),
            schemas: Vec::new(),
            input: None,
            outputs: None,
            limits: Limits {
                max_steps: document.limits.max_steps,
                wall_ms: document.limits.wall_ms,
                deadline_ms: document.limits.deadline_ms,
            },
        },
        agents: Placed::new(),
        tools: Placed::new(),
        servers: Placed::new(),
        functions: Placed::new(),
        humans: Placed::new(),
        schemas: Schemas::default(),
        origins: Vec::new(),
    };
    emitter.plan.input = document.inputs.as_ref().map(|schema| emitter.schema(schema));
    for at in layout.scopes() {
        emitter.scope(*at);
    }
    emitter.plan.outputs = emitter.outputs();
    let origins = emitter.origins.iter().map(|span| origin(sources, *span)).collect();
    let plan = CompiledPlan::new(emitter.plan)?;
    Ok(Arc::new(plan.with_origins(Origins::new(origins))))
}

/// The tests of a valid document, with the names that agents have in the plan.
pub(crate) fn tests(document: &Valid<Document<Linked>>, sources: &SourceMap) -> Vec<Test> {
    let document = document.get();
    let mut agents: HashMap<&str, &Name> = HashMap::new();
    for agent in &document.agents {
        agents.extend(names_of(agent).map(|name| (name, planned(agent))));
    }
    let of = |test: &crate::document::Test| {
        let mut body = test.body.clone();
        for (agent, _) in &mut body.models {
            if let Some(name) = agents.get(agent.as_str()) {
                *agent = (*name).clone();
            }
        }
        if let Some(origin) = origin(sources, test.name.span) {
            body.origin = origin;
        }
        body
    };
    document.tests.iter().map(of).collect()
}

/// The name that an agent has in the plan.
fn planned(agent: &Component<Agent<Linked>>) -> &Name {
    &agent.body.name.as_ref().unwrap_or(&agent.name).value
}

/// What writing a plan carries along.
struct Emitter<'a> {
    document: &'a Document<Linked>,
    layout: &'a Layout,
    plan: Plan,
    agents: Placed<Agent<Linked>>,
    tools: Placed<Tool<Linked>>,
    servers: Placed<Server<Linked>>,
    functions: Placed<Function<Linked>>,
    humans: Placed<Human<Linked>>,
    schemas: Schemas,
    /// Where each node was written.
    origins: Vec<Span>,
}

/// Where the components that are in the plan already stand in it.
struct Placed<T> {
    places: HashMap<(usize, Option<u64>), u32>,
    of: PhantomData<fn() -> T>,
}

impl<T> Placed<T> {
    fn new() -> Self {
        Self { places: HashMap::new(), of: PhantomData }
    }

    /// The plan index of a component, and whether it must be written now. Two uses of a component
    /// that differ in `variant` are two entries.
    fn place(&mut self, at: usize, variant: Option<u64>) -> (u32, bool) {
        let next = index_of(self.places.len());
        let place = *self.places.entry((at, variant)).or_insert(next);
        (place, place == next)
    }
}

impl Emitter<'_> {
    fn schema(&mut self, schema: &JsonSchema) -> SchemaIx {
        self.schema_of(&schema.value)
    }

    fn schema_of(&mut self, schema: &Value) -> SchemaIx {
        SchemaIx::new(index_of(self.schemas.place(schema, &mut self.plan.schemas)))
    }

    fn outputs(&mut self) -> Option<Vec<OutputDef>> {
        let document = self.document;
        let outputs = document.outputs.as_ref()?;
        Some(
            outputs
                .iter()
                .map(|output| OutputDef {
                    name: output.name.value.clone(),
                    value: output.value.code.clone(),
                    schema: output.schema.as_ref().map(|schema| self.schema(schema)),
                })
                .collect(),
        )
    }
}

/// The spec's name, or else the root workflow's.
fn plan_name(document: &Document<Linked>, layout: &Layout) -> Result<Name, PlanError> {
    let root = layout.root().and_then(|at| document.workflows.get(at));
    let own = document.name.as_ref().map(|name| name.value.clone());
    // INVARIANT: a valid document has a root workflow.
    own.or_else(|| root.map(|root| root.name.value.clone())).ok_or(PlanError::Dangling { kind: "scope", index: 0 })
}

/// A spec has at most a quarter of a million values, so every index fits.
fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn origin(sources: &SourceMap, span: Span) -> Option<Origin> {
    let file = sources.file(span.file())?;
    let position = file.position(span.start());
    Some(Origin::new(file.name().into(), index_of(position.line), index_of(position.column)))
}

/// The plan index of the node at an offset from the first.
fn node_at(first: u32, offset: usize) -> NodeIx {
    NodeIx::new(first.saturating_add(index_of(offset)))
}
