//! Where a run stands: what folding its entries gives.

mod agent;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kneo_core::event::{EffectKind, RunStarted, TaskOpened};
use kneo_core::message::Role;
use kneo_core::plan::{EdgeIx, NodeIx, Plan, ScopeIx, StepStatus};
use kneo_core::seal::Seal;
use kneo_core::task::Decision;
use kneo_core::{
    Actor, Attempt, Failure, Name, Path, RunId, RunOutcome, RunStatus, Segment, TaskId, Timestamp, Usage, Value,
};

pub(super) use agent::{AgentPhase, AgentRun, CallPhase, CallRun, Called, Edited, ServerPhase, ServerRun};

use super::program::Program;

/// The state of one run.
///
/// Only [`evolve`](super::evolve) changes it, and only by what an entry says: any prefix of a journal gives the state
/// that the live engine had there.
///
/// A *flow* is one thread of control: of the root workflow, of a nested one, of a branch, of a fallback. It carries a
/// value and stands before, in or behind one step. A *step* is live from the entry that enters it to the one that
/// settles it. An *effect* is open from its intent to its outcome.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    pub(super) program: Arc<Program>,
    pub(super) run: RunId,
    pub(super) start: Option<Box<RunStarted>>,
    pub(super) started_at: Timestamp,
    /// The time of the last entry; no later entry is earlier.
    pub(super) last_at: Timestamp,
    pub(super) status: RunStatus,
    pub(super) cancel_requested: bool,
    /// Nothing goes on: what is in flight ends, then the run.
    pub(super) stopped: bool,
    pub(super) outcome: Option<Box<RunOutcome>>,
    pub(super) marks: Vec<Arc<str>>,
    pub(super) usage: Usage,
    pub(super) steps_entered: u64,
    /// Running time before the present claim.
    pub(super) wall_used: Duration,
    pub(super) running_since: Option<Timestamp>,
    pub(super) scopes: BTreeMap<Path, ScopeRun>,
    pub(super) flows: BTreeMap<Path, Flow>,
    pub(super) steps: BTreeMap<Path, StepRun>,
    pub(super) effects: BTreeMap<Path, OpenEffect>,
    pub(super) tasks: BTreeMap<TaskId, OpenTask>,
    /// Tools about which nobody is asked any more.
    pub(super) granted: BTreeSet<Called>,
    pub(super) timers: BTreeSet<(Timestamp, Timer)>,
    /// What may have a next move; asking one that has none is harmless.
    pub(super) ready: BTreeSet<Ready>,
}

/// One run of a workflow.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct ScopeRun {
    pub(super) scope: ScopeIx,
    pub(super) first: NodeIx,
    pub(super) input: Value,
    /// By the node's place in the scope.
    pub(super) nodes: Vec<NodeRun>,
    pub(super) edge_visits: BTreeMap<EdgeIx, u32>,
    pub(super) entered: u32,
    /// Whether `max_steps` has made the flow jump; a second time it fails.
    pub(super) jumped: bool,
}

/// What a node of a [`ScopeRun`] has done: how often it was visited, and what the latest settled visit left behind.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct NodeRun {
    pub(super) visits: u32,
    pub(super) settled: Option<StepResult>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct StepResult {
    pub(super) status: StepStatus,
    pub(super) output: Option<Value>,
    pub(super) error: Option<Failure>,
    pub(super) decision: Option<Value>,
    pub(super) attempts: u32,
}

/// One thread of control, by its base: the path of the scope, branch or replaced step.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Flow {
    pub(super) kind: FlowKind,
    /// The scope in which its steps stand.
    pub(super) scope: Path,
    pub(super) value: Value,
    /// The role of the value in a conversation; `None` is that of a user.
    pub(super) role: Option<Role>,
    pub(super) at: FlowAt,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FlowKind {
    /// Of a workflow: the root's, or that of the step at its base.
    Scope,
    /// A branch of the fork above its base.
    Branch(u32),
    /// In the place of the step at its base.
    Fallback,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum FlowAt {
    /// About to enter a node.
    Enter(NodeIx),
    /// In a live step.
    In,
    /// Behind a settled step: about to choose an edge.
    Leave(NodeIx),
    /// A step failed and nothing handled it.
    Failed(Failure),
    /// At its end.
    End,
}

/// A step between entering and settling.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct StepRun {
    pub(super) node: NodeIx,
    /// The base of its flow.
    pub(super) flow: Path,
    pub(super) input: Value,
    pub(super) tries: Tries,
    pub(super) phase: Phase,
    pub(super) decision: Option<Value>,
    /// The failure that a fallback answers.
    pub(super) error: Option<Failure>,
    /// The idempotency key in the author's words, from the first attempt on.
    pub(super) key: Option<Name>,
}

/// How often something was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tries {
    /// The last attempt's number; 0 before the first.
    pub(super) attempts: u32,
    /// Attempts that failed; one that was lost is not counted.
    pub(super) failures: u32,
}

impl Tries {
    pub(super) fn next(self) -> Attempt {
        Attempt::new(self.attempts.saturating_add(1)).unwrap_or(Attempt::FIRST)
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Phase {
    /// Just entered.
    New,
    /// An effect at the step's own path is open.
    Running,
    /// Another attempt is due at its timer.
    BackingOff,
    /// It has failed for good, which is still to be said.
    Failing(Failure),
    /// Its time is over, and what is in flight below it was told to stop.
    TimedOut,
    /// A task is open.
    Asking(Ask),
    /// The task is answered.
    Answered(Ask, Answer),
    /// A nested flow runs: of a workflow, or of a fallback for this failure.
    Nested,
    /// Branches run.
    Forked(Vec<BranchRun>),
    /// An agent works.
    Agent(Box<AgentRun>),
}

/// What a task stands before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ask {
    /// A human step.
    Human,
    /// The call of a tool or function.
    Approval,
    /// A lost write.
    Uncertain,
}

/// What became of a task.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Answer {
    Decided { decision: Decision, by: Option<Actor>, at: Timestamp },
    Expired,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum BranchRun {
    /// Its condition did not hold.
    Skipped,
    Running,
    Completed(Value),
    Failed(Failure),
    Cancelled,
}

/// An effect between its intent and its outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the driver reads it")]
pub struct OpenEffect {
    /// Which try.
    pub attempt: Attempt,
    /// What kind.
    pub kind: EffectKind,
    /// When it started.
    pub intended_at: Timestamp,
    /// Until when the attempt may run.
    pub deadline: Option<Timestamp>,
    /// Whether it was told to stop: its outcome no longer matters.
    pub cancelling: bool,
}

/// A human task that waits.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the driver reads it")]
pub struct OpenTask {
    /// What waits.
    pub path: Path,
    /// The question.
    pub opened: Box<TaskOpened>,
    /// Whether the deadline passed and the task stayed open.
    pub escalated: bool,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    /// The next attempt of a step or turn.
    Backoff(Path),
    /// The longest time of a step of several effects.
    StepTimeout(Path),
    /// A task's deadline.
    Task(TaskId),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Ready {
    Step(Path),
    Flow(Path),
}

impl State {
    /// The state before the first entry.
    #[must_use]
    pub fn new(program: Arc<Program>, run: RunId) -> State {
        State {
            program,
            run,
            start: None,
            started_at: Timestamp::default(),
            last_at: Timestamp::default(),
            status: RunStatus::Queued,
            cancel_requested: false,
            stopped: false,
            outcome: None,
            marks: Vec::new(),
            usage: Usage::default(),
            steps_entered: 0,
            wall_used: Duration::ZERO,
            running_since: None,
            scopes: BTreeMap::new(),
            flows: BTreeMap::new(),
            steps: BTreeMap::new(),
            effects: BTreeMap::new(),
            tasks: BTreeMap::new(),
            granted: BTreeSet::new(),
            timers: BTreeSet::new(),
            ready: BTreeSet::new(),
        }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.program.plan()
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Where the run stands.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        self.status
    }

    /// How the run ended.
    #[must_use]
    pub fn outcome(&self) -> Option<&RunOutcome> {
        self.outcome.as_deref()
    }

    /// When the run started.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// The seal under which the run started.
    #[must_use]
    pub fn seal(&self) -> Option<Arc<Seal>> {
        self.start.as_ref()?.seal.clone()
    }

    /// Whether somebody asked for the run to stop.
    #[must_use]
    pub fn is_cancel_requested(&self) -> bool {
        self.cancel_requested
    }

    /// What all model calls have used.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The words that bounds have marked the run with, in order.
    #[must_use]
    pub fn marks(&self) -> &[Arc<str>] {
        &self.marks
    }

    /// The effects in flight, in the order of their paths.
    pub fn open_effects(&self) -> impl Iterator<Item = (&Path, &OpenEffect)> {
        self.effects.iter()
    }

    /// The effect in flight at a path.
    #[must_use]
    pub fn open_effect(&self, path: &Path) -> Option<&OpenEffect> {
        self.effects.get(path)
    }

    /// The tasks that wait, oldest first.
    pub fn open_tasks(&self) -> impl Iterator<Item = (TaskId, &OpenTask)> {
        self.tasks.iter().map(|(id, task)| (*id, task))
    }

    /// When something is due by itself: a retry, a deadline, a time limit.
    #[must_use]
    pub fn next_timer(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|(at, _)| *at);
        [timer, self.deadline(), self.wall_due()].into_iter().flatten().min()
    }

    /// [`State::next_timer`] for a run that is blocked, which uses no running time.
    #[must_use]
    pub fn next_timer_while_blocked(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|(at, _)| *at);
        [timer, self.deadline()].into_iter().flatten().min()
    }

    /// When something that failed is tried again.
    pub(super) fn next_attempt(&self) -> Option<Timestamp> {
        let backoffs = self.timers.iter().filter(|(_, timer)| matches!(timer, Timer::Backoff(_)));
        backoffs.map(|(at, _)| *at).next()
    }

    /// The paths of the live steps, outermost first.
    pub fn live_steps(&self) -> impl Iterator<Item = &Path> {
        self.steps.keys()
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.start.as_ref().and_then(|start| start.deadline)
    }

    /// When the running time is used up; a blocked run uses none.
    pub(super) fn wall_due(&self) -> Option<Timestamp> {
        let limit = Duration::from_millis(self.plan().limits.wall_ms?);
        Some(self.running_since?.after(limit.saturating_sub(self.wall_used)))
    }

    /// Whether an effect is in flight at a path or below: what it belongs to goes on only when it is really gone.
    pub(super) fn is_busy_within(&self, path: &Path) -> bool {
        self.effects.range(path.clone()..).take_while(|(at, _)| at.is_within(path)).next().is_some()
    }

    /// The step whose turn or call, or whose own effect, stands at a path.
    pub(super) fn owner(&self, path: &Path) -> Option<Path> {
        let mut owner = path.clone();
        while let Some(Segment::Turn(_) | Segment::Call(_) | Segment::Server(_)) = owner.last() {
            owner = owner.parent()?;
        }
        Some(owner)
    }

    /// The scope in which a live step stands.
    pub(super) fn scope_of(&self, step: &StepRun) -> Option<(&Path, &ScopeRun)> {
        let flow = self.flows.get(&step.flow)?;
        self.scopes.get_key_value(&flow.scope)
    }
}

impl ScopeRun {
    pub(super) fn node(&self, node: NodeIx) -> Option<&NodeRun> {
        let at = node.as_u32().checked_sub(self.first.as_u32())?;
        self.nodes.get(at as usize)
    }

    pub(super) fn node_mut(&mut self, node: NodeIx) -> Option<&mut NodeRun> {
        let at = node.as_u32().checked_sub(self.first.as_u32())?;
        self.nodes.get_mut(at as usize)
    }
}
