//! What the tests share.

use std::sync::Arc;

use kneo_core::plan::{CompiledPlan, Effect};
use kneo_runtime::testkit::PlanBuilder;

/// A plan of one step.
pub(crate) fn plan() -> Arc<CompiledPlan> {
    let mut plan = PlanBuilder::new("test".parse().unwrap());
    let work = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        scope.function("only", work);
    });
    plan.build(root).unwrap()
}
