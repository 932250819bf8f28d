//! A plan with its identity.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use super::{NodeIx, NodeKind, OnError, OnMax, PLAN_VERSION, Plan, ToolBackingDef};
use crate::digest::Digest;
use crate::seal::Seal;
use crate::value::Value;

/// A checked plan, its canonical bytes and their digest.
///
/// The digest is of the RFC 8785 form of the plan with its version inside: two specs that differ in layout, comments
/// or the order of keys have the same one. Equality of compiled plans is equality of digests.
#[derive(Clone, Debug)]
pub struct CompiledPlan {
    plan: Arc<Plan>,
    digest: Digest,
    bytes: Bytes,
    origins: Origins,
    seal: Option<Arc<Seal>>,
}

/// Where the nodes of a plan stand in the spec; never part of the digest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origins {
    nodes: Vec<Option<Origin>>,
}

/// A place in a spec file.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Origin {
    /// The file as the author named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Why a plan cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// An index leads nowhere.
    #[error("the plan refers to {kind} {index}, which it does not have")]
    Dangling {
        /// What is referred to.
        kind: &'static str,
        /// The index.
        index: u32,
    },
    /// The nodes of a scope are not contiguous, or a node names another scope.
    #[error("the nodes of scope {scope} are not its own")]
    Scope {
        /// The scope's index.
        scope: u32,
    },
    /// A number has no canonical form.
    #[error("the plan has no canonical form: {0}")]
    Canonical(String),
}

/// Why stored bytes are not a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodePlanError {
    /// The bytes do not have the digest under which they are kept.
    #[error("the plan's bytes do not have the digest `{expected}`: the store is damaged")]
    Digest {
        /// The digest that they should have.
        expected: Digest,
    },
    /// The plan was written by a newer Kneo.
    #[error("the plan has format version {version}; this build reads up to {PLAN_VERSION}: upgrade it")]
    TooNew {
        /// The version.
        version: u64,
    },
    /// The bytes are not a plan.
    #[error("the bytes are not a plan: {0}")]
    Syntax(String),
    /// The plan is not whole.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Origin {
    /// A place in a spec file; line and column from 1.
    #[must_use]
    pub fn new(file: Arc<str>, line: u32, column: u32) -> Origin {
        Origin { file, line, column }
    }
}

impl Origins {
    /// Positions in the order of the plan's nodes.
    #[must_use]
    pub fn new(nodes: Vec<Option<Origin>>) -> Origins {
        Origins { nodes }
    }

    /// Where a node stands.
    #[must_use]
    pub fn node(&self, at: NodeIx) -> Option<&Origin> {
        self.nodes.get(at.as_usize()).and_then(Option::as_ref)
    }
}

impl CompiledPlan {
    /// Checks a plan and computes its canonical bytes and digest.
    ///
    /// # Errors
    /// An index that leads nowhere, or a value that has no canonical form.
    pub fn new(plan: Plan) -> Result<CompiledPlan, PlanError> {
        check(&plan)?;
        let bytes = serde_json_canonicalizer::to_vec(&plan).map_err(|e| PlanError::Canonical(e.to_string()))?;
        let bytes = Bytes::from(bytes);
        Ok(CompiledPlan {
            digest: Digest::of(&bytes),
            plan: Arc::new(plan),
            bytes,
            origins: Origins::default(),
            seal: None,
        })
    }

    /// Reads a stored plan; the digest is checked before anything is decoded.
    ///
    /// # Errors
    /// Damage, a newer format, or a plan that is not whole.
    pub fn decode(digest: Digest, bytes: Bytes) -> Result<CompiledPlan, DecodePlanError> {
        if Digest::of(&bytes) != digest {
            return Err(DecodePlanError::Digest { expected: digest });
        }
        #[derive(Deserialize)]
        struct Version {
            plan_version: u64,
        }
        let syntax = |error: serde_json::Error| DecodePlanError::Syntax(error.to_string());
        let Version { plan_version: version } = serde_json::from_slice(&bytes).map_err(syntax)?;
        if version > u64::from(PLAN_VERSION) {
            return Err(DecodePlanError::TooNew { version });
        }
        let plan: Plan = serde_json::from_slice(&bytes).map_err(syntax)?;
        check(&plan)?;
        Ok(CompiledPlan { plan: Arc::new(plan), digest, bytes, origins: Origins::default(), seal: None })
    }

    /// The same plan with the positions of its nodes.
    #[must_use]
    pub fn with_origins(mut self, origins: Origins) -> CompiledPlan {
        self.origins = origins;
        self
    }

    /// The same plan under a seal; whether it is of this plan is for a verifier to say.
    #[must_use]
    pub fn with_seal(mut self, seal: Seal) -> CompiledPlan {
        self.seal = Some(Arc::new(seal));
        self
    }

    /// The seal that came with the plan.
    #[must_use]
    pub fn seal(&self) -> Option<&Arc<Seal>> {
        self.seal.as_ref()
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The digest of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Where the nodes stand in the spec; empty for a plan that came from a store.
    #[must_use]
    pub fn origins(&self) -> &Origins {
        &self.origins
    }
}

impl PartialEq for CompiledPlan {
    fn eq(&self, other: &CompiledPlan) -> bool {
        self.digest == other.digest
    }
}

/// Refuses a constant that would not read back: the canonical form writes a large double without a fraction as an
/// integer, and integers beyond ±(2^53 − 1) are refused by readers.
fn reads_back(value: &Value) -> Result<(), PlanError> {
    match value {
        Value::Number(number) if number.as_i64().is_none() => {
            let number = number.as_f64();
            if number.fract() == 0.0 && number.abs() >= 9_007_199_254_740_992.0 {
                return Err(PlanError::Canonical(format!("{number} is beyond ±(2^53 − 1)")));
            }
            Ok(())
        }
        Value::List(list) => list.items().iter().try_for_each(reads_back),
        Value::Map(map) => map.iter().try_for_each(|(_, value)| reads_back(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Str(_) => Ok(()),
    }
}

/// Checks that every index leads somewhere, so that execution never has to ask.
fn check(plan: &Plan) -> Result<(), PlanError> {
    plan.schemas.iter().try_for_each(reads_back)?;
    plan.agents.iter().filter_map(|agent| agent.model.extra.as_ref()).try_for_each(reads_back)?;
    let within = |kind: &'static str, index: u32, len: usize| {
        if (index as usize) < len { Ok(()) } else { Err(PlanError::Dangling { kind, index }) }
    };
    // The canonical writer would put `null` in its place.
    let finite = |what: &str, number: f64| {
        if number.is_finite() { Ok(()) } else { Err(PlanError::Canonical(format!("{what} is {number}"))) }
    };
    let node = |at: NodeIx| within("node", at.as_u32(), plan.nodes.len());
    let schema =
        |at: Option<super::SchemaIx>| at.map_or(Ok(()), |at| within("schema", at.as_u32(), plan.schemas.len()));
    let on_max = |bound: &super::Bound| match &bound.on_max {
        OnMax::To { node: to, .. } => node(*to),
        OnMax::Fail | OnMax::Continue => Ok(()),
    };
    within("scope", plan.root.as_u32(), plan.scopes.len())?;
    for (index, scope) in (0u32..).zip(&plan.scopes) {
        node(scope.start)?;
        scope.max_steps.as_ref().map_or(Ok(()), on_max)?;
        let first = scope.first.as_usize();
        let own = first.checked_add(scope.len as usize).and_then(|end| plan.nodes.get(first..end));
        if !own.is_some_and(|nodes| nodes.iter().all(|node| node.scope.as_u32() == index)) {
            return Err(PlanError::Scope { scope: index });
        }
    }
    for entry in &plan.nodes {
        within("scope", entry.scope.as_u32(), plan.scopes.len())?;
        entry.out.iter().try_for_each(|edge| within("edge", edge.as_u32(), plan.edges.len()))?;
        schema(entry.output)?;
        finite("the factor of a retry", entry.policy.retry.factor)?;
        if let OnError::Fallback(to) = entry.policy.on_error {
            node(to)?;
        }
        match &entry.kind {
            NodeKind::Agent(at) => within("agent", at.as_u32(), plan.agents.len())?,
            NodeKind::Function(at) => within("function", at.as_u32(), plan.functions.len())?,
            NodeKind::Human(at) => within("human", at.as_u32(), plan.humans.len())?,
            NodeKind::Workflow(at) => within("scope", at.as_u32(), plan.scopes.len())?,
            NodeKind::Set(_) => {}
            NodeKind::Fork(fork) => {
                fork.from.map_or(Ok(()), node)?;
                fork.branches.iter().try_for_each(|branch| node(branch.start))?;
            }
        }
    }
    for edge in &plan.edges {
        node(edge.from)?;
        node(edge.to)?;
        edge.max_visits.as_ref().map_or(Ok(()), on_max)?;
    }
    for agent in &plan.agents {
        finite("a temperature", agent.model.temperature.unwrap_or_default())?;
        agent.tools.iter().try_for_each(|tool| within("tool", tool.as_u32(), plan.tools.len()))?;
        schema(agent.output)?;
        agent.servers.iter().try_for_each(|at| within("server", at.as_u32(), plan.servers.len()))?;
    }
    for tool in &plan.tools {
        schema(tool.parameters)?;
        match &tool.backing {
            ToolBackingDef::Mcp { server, .. } => within("server", server.as_u32(), plan.servers.len())?,
            ToolBackingDef::Workflow(at) => within("scope", at.as_u32(), plan.scopes.len())?,
            ToolBackingDef::Implementation(_) | ToolBackingDef::Command(_) => {}
        }
    }
    schema(plan.input)?;
    plan.outputs.iter().flatten().try_for_each(|output| schema(output.schema))
}
