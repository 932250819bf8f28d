//! All policy: which entries follow from a state and an input.

mod agent;
mod call;
mod claim;
mod discovery;
mod effect;
mod ending;
mod flow;
mod fork;
mod human;
mod retry;
mod step;
mod timer;

pub(super) use agent::agent_of;
pub(crate) use agent::name_of_two;
pub use call::check_edit;
pub(super) use call::{arguments as call_arguments, call_at};

use kneo_core::event::{Entry, Event, Parked, RunStarted};
use kneo_core::{Attempt, Digest, Fence, Path, RunStatus, Timestamp, WorkerId};

use super::state::{Ready, State};
use super::{EffectResult, PARK_AFTER};

/// What happens to a run, with the only time and randomness that deciding may use.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "time, randomness and what happens")]
pub struct Input {
    /// The time now.
    pub now: Timestamp,
    /// Random bytes, never used for another input.
    pub entropy: [u8; 32],
    /// What happens.
    pub kind: InputKind,
}

/// What happens to a run.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the driver makes each")]
pub enum InputKind {
    /// The run begins.
    Start(Box<RunStarted>),
    /// A worker has taken the run; effects that were open are nobody's.
    Claimed {
        /// The worker.
        worker: WorkerId,
        /// The epoch of its lease.
        fence: Fence,
        /// How often the run was claimed since it last got on, this claim included.
        fruitless: u32,
    },
    /// An effect is over.
    Outcome {
        /// Where.
        path: Path,
        /// Which try.
        attempt: Attempt,
        /// What became of it.
        result: EffectResult,
    },
    /// Whatever follows by itself; repeated until nothing does.
    Advance,
}

/// Says which entries follow. Nothing follows an input that does not fit the state.
///
/// An entry's time is never before that of the state's last entry.
#[must_use]
pub fn decide(state: &State, input: &Input) -> Vec<Entry> {
    let mut entries = Vec::new();
    decide_into(state, input, &mut entries);
    entries
}

/// As [`decide`], into a list that is empty and may have room.
pub fn decide_into(state: &State, input: &Input, entries: &mut Vec<Entry>) {
    let mut out = Out {
        at: input.now.max(state.last_at),
        entropy: Draw { entropy: input.entropy, drawn: 0 },
        entries: std::mem::take(entries),
    };
    decide_onto(state, input, &mut out);
    *entries = out.entries;
}

fn decide_onto(state: &State, input: &Input, out: &mut Out) {
    if state.outcome.is_some() {
        if let InputKind::Outcome { path, attempt, result } = &input.kind {
            effect::late(out, path, *attempt, result);
        }
        return;
    }
    match &input.kind {
        InputKind::Start(start) => {
            if state.start.is_none() {
                out.push(Path::root(), Event::RunStarted(start.clone()));
            }
        }
        InputKind::Claimed { worker, fence, fruitless } => claim::claimed(state, out, *worker, *fence, *fruitless),
        InputKind::Outcome { path, attempt, result } => effect::outcome(state, out, path, *attempt, result),
        InputKind::Advance => advance(state, out),
    }
}

/// The entries that are being decided.
struct Out {
    at: Timestamp,
    entropy: Draw,
    entries: Vec<Entry>,
}

impl Out {
    fn push(&mut self, path: Path, event: Event) {
        self.entries.push(Entry { at: self.at, path, event });
    }
}

/// Random bytes, as many as an input needs: the n-th draw is a digest of the entropy and n.
struct Draw {
    entropy: [u8; 32],
    drawn: u32,
}

impl Draw {
    fn id_bytes(&mut self) -> [u8; 10] {
        let mut seed = Vec::with_capacity(36);
        seed.extend_from_slice(&self.entropy);
        seed.extend_from_slice(&self.drawn.to_be_bytes());
        self.drawn = self.drawn.wrapping_add(1);
        let mut bytes = [0; 10];
        for (to, from) in bytes.iter_mut().zip(Digest::of(&seed).as_bytes()) {
            *to = *from;
        }
        bytes
    }

    /// A number in `0.0..1.0`.
    fn fraction(&mut self) -> f64 {
        let [a, b, c, d, ..] = self.id_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
    }
}

fn advance(state: &State, out: &mut Out) {
    if state.start.is_none() || state.status == RunStatus::Queued {
        return;
    }
    if ending::end(state, out) || timer::due(state, out) {
        return;
    }
    for ready in &state.ready {
        match ready {
            Ready::Step(path) => step::advance(state, out, path),
            Ready::Flow(base) => flow::advance(state, out, base),
        }
        if !out.entries.is_empty() {
            return;
        }
    }
    park(state, out);
}

/// Gives up the lease when nothing is in flight and nothing is tried again soon. A deadline, however near, keeps no
/// lease: what it ends is the wait for a person, who may answer from anywhere.
fn park(state: &State, out: &mut Out) {
    let waits = state.status == RunStatus::Running && state.effects.is_empty();
    if waits && state.next_attempt().is_none_or(|at| at > out.at.after(PARK_AFTER)) {
        let ready_at = state.next_timer_while_blocked();
        out.push(Path::root(), Event::RunParked { status: Parked::Blocked, ready_at });
    }
}
