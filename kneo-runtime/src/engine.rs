//! The engine: what a run does next, as two pure functions.
//!
//! [`decide`] holds all policy: given a state and an input it says which entries follow, and changes nothing.
//! [`evolve`] only folds: given an entry it changes the state, and decides nothing — no expression, no check, no clock.
//! So decision code may change while old journals stay valid.
//!
//! ```text
//! loop {                                      // one turn of a run's actor
//!     for input in waiting { for entry in decide(&state, input) { evolve(&mut state, entry) } }
//!     while let entries = decide(&state, Advance) and not empty { evolve each }
//!     commit everything at once; then start the effects that are open and stop those that are not
//! }
//! ```
//!
//! # What stands where
//!
//! | Input | comes when | and leads to |
//! | --- | --- | --- |
//! | [`InputKind::Start`] | a host starts a run | `run_started` |
//! | [`InputKind::Claimed`] | a worker takes the run | `run_claimed`; what was in flight is `effect_lost` and runs again, asks or fails |
//! | [`InputKind::Outcome`] | an effect is over | `effect_succeeded`, `effect_failed`, `effect_cancelled`, `late_outcome` |
//! | [`InputKind::Advance`] | always, until nothing follows | everything else: timers that are due, moves of flows and steps, parking, the end |
//!
//! Decisions of people, cancel requests and reassignments are facts from outside: they are folded, then `Advance`.

mod decide;
mod environment;
mod evolve;
mod offer;
mod program;
mod request;
mod state;
mod toolbox;
mod transcript;

pub(crate) use decide::name_of_two;
pub use decide::{Input, InputKind, check_edit, decide, decide_into};
pub use evolve::{Mismatch, evolve};
pub(crate) use offer::{accept, model_name, usable};
pub use program::{HostTool, Program, Versions};
pub use request::{EffectRequest, effect_request};
pub use state::{OpenEffect, OpenTask, State};
pub use transcript::{answer_to_value, value_to_answer};

use std::time::Duration;

use kneo_core::provider::{ModelAnswer, ToolOffer};
use kneo_core::{Failure, Usage, Value};

/// The numbered behaviour of this engine: written into every record, never reused. It rises with each change of what a
/// journal means, from the first release on.
pub const REVISION: u16 = 1;

/// A run that waits longer than this for its next attempt gives up its lease.
pub const PARK_AFTER: Duration = Duration::from_secs(30);

/// How many tool calls of one turn run at the same time.
pub const MAX_PARALLEL_CALLS: usize = 8;

/// What became of an effect.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the driver reports each")]
pub enum EffectResult {
    /// A function or tool gave a value.
    Value(Value),
    /// A model answered.
    Answer(Box<ModelAnswer>),
    /// A server said which tools it offers.
    Offer(Vec<ToolOffer>),
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
        /// What it cost all the same.
        usage: Usage,
    },
    /// It was told to stop, and has.
    Cancelled,
}

impl EffectResult {
    /// A failure that cost nothing.
    #[must_use]
    pub fn failed(failure: Failure) -> EffectResult {
        EffectResult::Failed { failure, usage: Usage::default() }
    }
}

#[cfg(test)]
mod tests;
