//! Text as models generate it: a preview that may be lost, and that nothing decides by.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kneo_core::call::Deltas;
use kneo_core::{Attempt, Path, RunId};

/// A piece of text of a turn that is not over yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delta {
    /// The run.
    pub run: RunId,
    /// The turn.
    pub turn: Path,
    /// Which try of it; a new one begins the text anew.
    pub attempt: Attempt,
    /// Counts the pieces of the attempt, from 0.
    pub index: u64,
    /// The text.
    pub text: Arc<str>,
}

/// Takes deltas of every run in this worker's hands. A sink must not block; one that does slows the model's stream.
pub trait DeltaSink: fmt::Debug + Send + Sync + 'static {
    /// Takes a piece of text.
    fn push(&self, delta: Delta);
}

/// The deltas of one attempt, numbered on their way to the sink.
pub(crate) fn of(sink: Option<&Arc<dyn DeltaSink>>, run: RunId, turn: &Path, attempt: Attempt) -> Deltas {
    let Some(sink) = sink.cloned() else { return Deltas::default() };
    let (turn, count) = (turn.clone(), AtomicU64::new(0));
    Deltas::new(move |text| {
        let index = count.fetch_add(1, Ordering::Relaxed);
        sink.push(Delta { run, turn: turn.clone(), attempt, index, text: Arc::from(text) });
    })
}
