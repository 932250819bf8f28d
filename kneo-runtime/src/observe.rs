//! The names of spans and their fields, in one place.

use kneo_core::event::EffectKind;
use kneo_core::run::RunKey;
use kneo_core::{Attempt, Path, Plan};
use tracing::Span;

/// A run in this worker's hands.
pub(crate) fn run(key: &RunKey) -> Span {
    tracing::info_span!("kneo.run", run = %key.run, namespace = %key.namespace)
}

/// One attempt of an effect; its parent is the run's span.
pub(crate) fn effect(kind: EffectKind, path: &Path, attempt: Attempt, plan: &Plan) -> Span {
    let attempt = attempt.as_u32();
    match kind {
        EffectKind::Function => tracing::info_span!("kneo.function", %path, attempt, place = plan.describe(path)),
        EffectKind::ModelTurn => tracing::info_span!("kneo.model_turn", %path, attempt, place = plan.describe(path)),
        EffectKind::Discovery => tracing::info_span!("kneo.discovery", %path, attempt, place = plan.describe(path)),
        EffectKind::ToolCall => tracing::info_span!("kneo.tool_call", %path, attempt, place = plan.describe(path)),
    }
}
