//! A worker takes the run: what was in flight is nobody's.

use kneo_core::event::{AfterLoss, EffectKind, Event};
use kneo_core::plan::{Effect, NodeKind, OnUncertain};
use kneo_core::{Failure, FailureKind, Fence, Path, RunOutcome, WorkerId};

use super::{Out, effect, human};
use crate::engine::state::State;

/// A run claimed this often without getting anywhere is given up.
const MAX_FRUITLESS: u32 = 20;

pub(super) fn claimed(state: &State, out: &mut Out, worker: WorkerId, fence: Fence, fruitless: u32) {
    out.push(Path::root(), Event::RunClaimed { worker, fence });
    if fruitless > MAX_FRUITLESS {
        let message = format!("the run was claimed {fruitless} times without getting on");
        let failure = Failure::new(FailureKind::DeadLetter, message);
        out.push(Path::root(), Event::RunEnded(Box::new(RunOutcome::Failed(failure))));
        return;
    }
    for (path, open) in &state.effects {
        let then = if open.cancelling || state.stopped || state.cancel_requested {
            AfterLoss::Nothing
        } else {
            after_loss(state, path, open.kind)
        };
        out.push(path.clone(), Event::EffectLost { attempt: open.attempt, then });
        match then {
            AfterLoss::Rerun => effect::intend(state, out, path, open.kind, open.attempt.next()),
            AfterLoss::Ask => human::ask_uncertain(state, out, path),
            AfterLoss::Fail | AfterLoss::Nothing => {}
        }
    }
}

/// A read, an idempotent call and a model's turn run again; a write does what its author declared.
fn after_loss(state: &State, path: &Path, kind: EffectKind) -> AfterLoss {
    let declared = match kind {
        EffectKind::Function => function(state, path),
        EffectKind::ToolCall => tool(state, path),
        EffectKind::ModelTurn | EffectKind::Discovery => Some((Effect::Idempotent, OnUncertain::Retry)),
    };
    match declared {
        Some((Effect::Read | Effect::Idempotent, _) | (Effect::Write, OnUncertain::Retry)) => AfterLoss::Rerun,
        Some((Effect::Write, OnUncertain::Fail)) => AfterLoss::Fail,
        // Whatever is not known to be harmless is asked about.
        Some((Effect::Write, OnUncertain::Ask)) | None => AfterLoss::Ask,
    }
}

fn function(state: &State, path: &Path) -> Option<(Effect, OnUncertain)> {
    let node = state.plan().node(state.steps.get(path)?.node)?;
    let NodeKind::Function(at) = node.kind else { return None };
    let def = state.plan().function(at)?;
    Some((def.effect, def.on_uncertain))
}

fn tool(state: &State, path: &Path) -> Option<(Effect, OnUncertain)> {
    let terms = super::call::call_at(state, path)?.terms()?;
    Some((terms.effect, terms.on_uncertain))
}
