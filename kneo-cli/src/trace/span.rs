use std::time::Duration;

use kneo::{Path, RunId, RunStatus, Timestamp, Usage};

/// What took how long in a run.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) run: RunId,
    pub(crate) workflow: String,
    pub(crate) status: RunStatus,
    pub(crate) started: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    /// The end of what is seen: when the run ended, or now.
    pub(crate) until: Timestamp,
    pub(crate) usage: Usage,
    /// How many events there are.
    pub(crate) events: u64,
    /// The run first, each span after the one that it is in, and beside others in the order of their beginnings.
    pub(crate) spans: Vec<Span>,
}

/// A place in a run, and when something happened there.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) path: Path,
    /// In how many other spans it is.
    pub(crate) depth: usize,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) start: Timestamp,
    /// `None` has not ended.
    pub(crate) end: Option<Timestamp>,
    pub(crate) state: State,
    /// What models used here and in what is within.
    pub(crate) usage: Usage,
    pub(crate) phases: Vec<Phase>,
    pub(crate) notes: Vec<Note>,
    /// What went in and came out, if it was asked for: what it is, and its text.
    pub(crate) values: Vec<(&'static str, String)>,
}

/// What a span is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Run,
    Agent,
    Function,
    Person,
    Workflow,
    Set,
    Fork,
    Branch,
    Turn,
    Tool,
    /// A server is asked for its tools.
    Discovery,
}

/// How a span or a phase stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Running,
    /// It waits for a person or for a time.
    Waiting,
    Completed,
    Failed,
    Skipped,
    Cancelled,
    /// A tool call that was answered without running the tool.
    Refused,
    /// Its worker was lost.
    Lost,
}

/// Something that takes time at a place.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) kind: PhaseKind,
    pub(crate) start: Timestamp,
    pub(crate) end: Option<Timestamp>,
    pub(crate) state: State,
    pub(crate) usage: Usage,
    /// Why it failed, whom it waits for, what was decided.
    pub(crate) text: String,
}

/// What takes the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PhaseKind {
    /// The try of this number.
    Attempt(u32),
    /// A person is asked.
    Wait,
    /// Until the next try.
    Pause,
    /// A worker has the run.
    Held,
}

/// Something that happened at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) at: Timestamp,
    pub(crate) text: String,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Kind::Run => "run",
            Kind::Agent => "agent",
            Kind::Function => "function",
            Kind::Person => "person",
            Kind::Workflow => "workflow",
            Kind::Set => "set",
            Kind::Fork => "fork",
            Kind::Branch => "branch",
            Kind::Turn => "turn",
            Kind::Tool => "tool",
            Kind::Discovery => "discovery",
        }
    }
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Waiting => "waiting",
            State::Completed => "completed",
            State::Failed => "failed",
            State::Skipped => "skipped",
            State::Cancelled => "cancelled",
            State::Refused => "refused",
            State::Lost => "lost",
        }
    }

    /// One character for it.
    pub(crate) const fn mark(self) -> char {
        match self {
            State::Running => '…',
            State::Waiting => '?',
            State::Completed => '✓',
            State::Failed | State::Lost => '✗',
            State::Skipped => '–',
            State::Cancelled => '⊘',
            State::Refused => '!',
        }
    }
}

impl PhaseKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            PhaseKind::Attempt(_) => "attempt",
            PhaseKind::Wait => "wait",
            PhaseKind::Pause => "pause",
            PhaseKind::Held => "held",
        }
    }
}

impl Trace {
    /// How long the run has taken.
    pub(crate) fn took(&self) -> Duration {
        self.until.since(self.started)
    }
}

impl Span {
    /// How long it took, or has taken so far.
    pub(crate) fn took(&self, until: Timestamp) -> Duration {
        self.end.unwrap_or(until).since(self.start)
    }
}

impl Phase {
    /// How long it took, or has taken so far.
    pub(crate) fn took(&self, until: Timestamp) -> Duration {
        self.end.unwrap_or(until).since(self.start)
    }
}
