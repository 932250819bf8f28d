//! The plan of a test: the spec's own, with nothing behind it that leaves the process.

use std::sync::Arc;

use kneo::Name;
use kneo::plan::{BackingDef, CompiledPlan, HttpDef, TlsDef, ToolBackingDef, Transport};

use crate::problem::Problem;

/// The one provider of a test.
pub(super) const PROVIDER: &str = "test";

/// The same plan with models, functions, tools and servers that the test plays.
///
/// Everything that a run decides stays: who is asked, what is checked, tried again, approved and counted.
pub(super) fn offline(plan: &Arc<CompiledPlan>) -> Result<Arc<CompiledPlan>, Problem> {
    let unusable =
        |error: &dyn std::fmt::Display| Problem::new("plan_unreadable", format!("the plan of a test: {error}"));
    let provider = Name::new(PROVIDER).map_err(|error| unusable(&error))?;
    let mut body = (**plan.plan()).clone();
    for agent in &mut body.agents {
        agent.model.provider = provider.clone();
        agent.model.extra = None;
    }
    for function in &mut body.functions {
        function.backing = BackingDef::Implementation(function.name.clone());
    }
    for tool in &mut body.tools {
        match tool.backing {
            ToolBackingDef::Workflow(_) => {}
            ToolBackingDef::Implementation(_) | ToolBackingDef::Command(_) | ToolBackingDef::Mcp { .. } => {
                tool.backing = ToolBackingDef::Implementation(tool.name.clone());
            }
        }
    }
    for server in &mut body.servers {
        let (headers, bearer_ref, tls) = (Vec::new(), None, TlsDef::default());
        server.transport =
            Transport::Http(HttpDef { url: Arc::from("http://test.invalid/"), headers, bearer_ref, tls });
        // What the real server says of its tools is not known here.
        server.tools.expect_digest = None;
    }
    body.compile().map_err(|error| unusable(&error))
}
