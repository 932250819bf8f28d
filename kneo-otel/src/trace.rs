//! What all spans of a run share, and whether they are wanted.

use std::sync::Arc;

use kneo_core::plan::{CompiledPlan, Plan};
use kneo_core::run::RunKey;
use kneo_core::trace::TraceContext;
use opentelemetry::trace::{SpanKind, TraceContextExt as _, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample};

use crate::attribute::{self, Operation};
use crate::ids;

/// What all spans of a run share.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) run: RunKey,
    pub(crate) plan: Arc<CompiledPlan>,
    /// The span of whoever started the run.
    pub(crate) parent: Option<TraceContext>,
    /// `None`: nothing of the run is exported.
    pub(crate) sampled: Option<Sampled>,
}

/// What a sampler adds to what it wants.
#[derive(Debug)]
pub(crate) struct Sampled {
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) state: TraceState,
}

impl Trace {
    /// Asks the sampler, once for the whole run: a trace is kept or not as one.
    pub(crate) fn begin(
        run: &RunKey,
        plan: &Arc<CompiledPlan>,
        parent: Option<TraceContext>,
        sampler: Option<&dyn ShouldSample>,
    ) -> Trace {
        let sampled = sampler.and_then(|sampler| sample(run, plan, parent, sampler));
        Trace { run: run.clone(), plan: Arc::clone(plan), parent, sampled }
    }

    pub(crate) fn plan(&self) -> &Plan {
        self.plan.plan()
    }
}

fn sample(
    run: &RunKey,
    plan: &Arc<CompiledPlan>,
    parent: Option<TraceContext>,
    sampler: &dyn ShouldSample,
) -> Option<Sampled> {
    let workflow = plan.plan().name.to_shared();
    let context = parent.map(|parent| Context::new().with_remote_span_context(ids::remote(parent)));
    let name = Operation::Workflow.span_name(Some(&workflow));
    let known = [Operation::Workflow.attribute(), KeyValue::new(attribute::WORKFLOW, workflow)];
    let id = ids::trace(run.run, parent);
    let asked = sampler.should_sample(context.as_ref(), id, &name, &SpanKind::Internal, &known, &[]);
    match asked.decision {
        SamplingDecision::RecordAndSample => Some(Sampled { attributes: asked.attributes, state: asked.trace_state }),
        SamplingDecision::RecordOnly | SamplingDecision::Drop => None,
    }
}

#[cfg(test)]
mod tests {
    use kneo_core::{Namespace, RunId};
    use opentelemetry_sdk::trace::Sampler;

    use super::*;
    use crate::testing;

    fn sampled(sampler: &Sampler, run: u8, flags: Option<&str>) -> bool {
        let run = RunKey::new(Namespace::default(), RunId::from_bytes([run; 16]));
        let parent = |flags| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}").parse().unwrap();
        Trace::begin(&run, &testing::plan(), flags.map(parent), Some(sampler)).sampled.is_some()
    }

    #[test]
    fn the_host_s_sampler_decides_and_sees_the_flag_of_the_parent() {
        let by_parent = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        assert!(sampled(&by_parent, 1, None));
        assert!(sampled(&by_parent, 1, Some("01")));
        assert!(!sampled(&by_parent, 1, Some("00")));
        let off = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        assert!(!sampled(&off, 1, None));
        assert!(sampled(&off, 1, Some("01")));
        assert!(!sampled(&Sampler::AlwaysOff, 1, Some("01")));
    }

    #[test]
    fn a_share_of_the_traces_is_the_same_share_in_every_process() {
        let half = Sampler::TraceIdRatioBased(0.5);
        let kept: Vec<u8> = (0..=255).filter(|run| sampled(&half, *run, None)).collect();
        assert!((100..=156).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept, (0..=255).filter(|run| sampled(&half.clone(), *run, None)).collect::<Vec<_>>());
    }
}
