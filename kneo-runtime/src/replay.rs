//! Rebuilds where a run stood from its journal: offline, with nothing decided and nothing performed.

use std::sync::Arc;

use kneo_core::plan::CompiledPlan;
use kneo_core::record::Stored;
use kneo_core::{RunId, Seq};

use crate::engine::{Program, State, evolve};
use crate::error::{BindError, Place, RuntimeError};

/// The state after some records of a run, from the first on.
///
/// No host is needed: a plan and a journal are enough, and a prefix of the journal gives the state at its end.
///
/// # Errors
/// [`RuntimeError::RequirementsMissing`] for a schema that cannot be compiled, [`RuntimeError::JournalMismatch`] for a
/// record that does not follow from those before it under this plan.
pub fn replay(plan: &Arc<CompiledPlan>, run: RunId, records: &[Stored]) -> Result<State, RuntimeError> {
    let program = Program::unbound(Arc::clone(plan)).map_err(|error| {
        RuntimeError::RequirementsMissing(Arc::new(BindError::schema(plan.plan().name.clone(), None, error)))
    })?;
    let mut state = State::new(Arc::new(program), run);
    fold(&mut state, records)?;
    Ok(state)
}

/// Folds further records into a state, and gives the place of the last.
pub(crate) fn fold(state: &mut State, records: &[Stored]) -> Result<Option<Seq>, RuntimeError> {
    for stored in records {
        let record = &stored.record;
        evolve(state, &record.entry, &record.actor).map_err(|mismatch| RuntimeError::JournalMismatch {
            place: Place { run: state.run(), path: record.path().clone() },
            seq: stored.seq.as_u64(),
            message: mismatch.to_string(),
        })?;
    }
    Ok(records.last().map(|stored| stored.seq))
}
