//! From events to spans.

mod effect;
mod step;
mod task;

use std::collections::BTreeMap;

use kneo::event::{Event, Parked};
use kneo::plan::{NodeKind, Plan, ScopeKind};
use kneo::record::Record;
use kneo::{Actor, Failure, Path, RunId, RunOutcome, RunStatus, Segment, Timestamp, Usage, Value};

use super::tree::ordered;
use super::values::shown;
use super::{Kind, Note, Phase, PhaseKind, Span, State, Trace};
use crate::view;

/// What is known of a run after some of its events.
pub(crate) struct Fold<'a> {
    plan: &'a Plan,
    with_values: bool,
    spans: Vec<Span>,
    places: BTreeMap<Path, usize>,
    /// What models asked for: the names of the tools, and the arguments.
    calls: BTreeMap<Path, (String, Option<Value>)>,
    /// The failures that were told, with their places: none is told again one level up.
    told: Vec<(Path, Failure)>,
    usage: Usage,
    events: u64,
    started: Timestamp,
    ended: Option<Timestamp>,
}

impl<'a> Fold<'a> {
    /// Before the first event.
    pub(crate) fn new(plan: &'a Plan, with_values: bool) -> Fold<'a> {
        Fold {
            plan,
            with_values,
            spans: Vec::new(),
            places: BTreeMap::new(),
            calls: BTreeMap::new(),
            told: Vec::new(),
            usage: Usage::default(),
            events: 0,
            started: Timestamp::default(),
            ended: None,
        }
    }

    /// Folds the next event.
    pub(crate) fn take(&mut self, record: &Record) {
        self.events = self.events.saturating_add(1);
        let (run, path, at) = (Path::root(), record.path(), record.at());
        match record.event() {
            Event::RunStarted(start) => {
                self.started = at;
                self.open(&run, Kind::Run, start.workflow.to_string(), at);
                self.note(&run, at, format!("started by {}", somebody(&record.actor)));
                self.value(&run, "input", start.input.value());
            }
            Event::RunClaimed { worker, .. } => {
                self.let_go(at, State::Lost);
                self.phase(&run, PhaseKind::Held, at, worker.to_string());
            }
            Event::RunParked { status, .. } => match status {
                Parked::Blocked | Parked::Queued => self.let_go(at, State::Completed),
                Parked::Running => {}
            },
            Event::RunEnded(outcome) => self.run_ended(at, outcome),
            Event::CancelRequested { reason } => {
                self.note(&run, at, format!("cancelled by {}: {reason}", somebody(&record.actor)));
            }
            Event::StepEntered { input, .. } => self.step_entered(path, at, input.as_ref()),
            Event::StepSkipped { .. } => self.step_passed(path, at, State::Skipped),
            Event::StepComputed { output, .. } => {
                self.step_passed(path, at, State::Completed);
                self.value(path, "output", output.value());
            }
            Event::StepCompleted { output } => self.step_completed(path, at, output),
            Event::StepFailed { failure, then } => self.step_failed(path, at, failure, *then),
            Event::BoundReached { bound, then } => self.bound_reached(path, at, *bound, then),
            Event::ForkTaken { started } => self.fork_taken(path, at, started),
            Event::BranchCompleted => self.close(path, at, State::Completed),
            Event::BranchFailed { failure } => self.close_failed(path, at, failure),
            Event::BranchCancelled => self.stop(path, at),
            Event::EffectIntended { attempt, kind, .. } => self.effect_intended(path, at, *attempt, *kind),
            Event::EffectSucceeded { output, usage, .. } => self.effect_succeeded(path, at, output, *usage),
            Event::EffectFailed { failure, usage, retry_at, .. } => {
                self.effect_failed(path, at, failure, *usage, *retry_at);
            }
            Event::EffectLost { then, .. } => self.effect_lost(path, at, *then),
            Event::EffectCancelled { .. } => self.effect_cancelled(path, at),
            Event::LateOutcome { attempt, summary } => {
                let said = if self.with_values { format!(": {summary}") } else { String::new() };
                self.note(path, at, format!("an outcome of attempt {} came too late{said}", attempt.as_u32()));
            }
            Event::CallRefused { reason, message } => self.call_refused(path, at, *reason, message),
            Event::CallDelegated { .. } => {
                let name = self.call_name(path);
                self.open(path, Kind::Tool, name, at);
            }
            Event::CallReturned => self.close(path, at, State::Completed),
            Event::CallFailed { failure } => self.close_failed(path, at, failure),
            Event::AnswerRefused { problem } => {
                let said = if self.with_values { format!(": {problem}") } else { String::new() };
                self.note(path, at, format!("the answer does not fit its schema{said}"));
            }
            Event::TaskOpened(opened) => self.task_opened(path, at, opened),
            Event::TaskDecided(decided) => self.task_decided(path, at, &record.actor, &decided.decision),
            Event::TaskReassigned { to, .. } => self.task_reassigned(path, at, &record.actor, to),
            Event::TaskExpired { then, .. } => self.task_expired(path, at, then),
            Event::TaskEscalated { .. } => self.note(path, at, "nobody has answered in time: escalated".to_owned()),
            Event::TaskWithdrawn { .. } => self.wait_over(path, at, State::Cancelled, "the question was withdrawn"),
            _ => {}
        }
    }

    /// The trace of what was folded; what has not ended is seen up to `now`.
    pub(crate) fn finish(self, run: RunId, status: RunStatus, now: Timestamp) -> Trace {
        let Fold { plan, mut spans, usage, events, started, ended, .. } = self;
        let last = spans.iter().flat_map(|span| [Some(span.start), span.end]).flatten().max().unwrap_or(started);
        let until = ended.unwrap_or(now.max(last));
        for span in spans.iter_mut().filter(|span| span.end.is_none()) {
            let waits = span
                .phases
                .last()
                .is_some_and(|phase| phase.end.is_none() && matches!(phase.kind, PhaseKind::Wait | PhaseKind::Pause));
            span.state = if waits { State::Waiting } else { span.state };
        }
        let unnamed = |span: &Span| span.kind == Kind::Fork && is_the_compilers(plan, &span.path);
        let spans = ordered(spans, unnamed);
        let workflow = spans.first().map(|span| span.name.clone()).unwrap_or_default();
        Trace { run, workflow, status, started, ended, until, usage, events, spans }
    }

    fn run_ended(&mut self, at: Timestamp, outcome: &RunOutcome) {
        let run = Path::root();
        let state = match outcome {
            RunOutcome::Completed(output) => {
                self.value(&run, "output", output.value());
                State::Completed
            }
            RunOutcome::Failed(failure) | RunOutcome::TimedOut(failure) | RunOutcome::Expired(failure) => {
                self.note_failure(&run, at, failure);
                State::Failed
            }
            RunOutcome::Cancelled => State::Cancelled,
        };
        self.let_go(at, State::Completed);
        // What is open now never ends by itself.
        for span in self.spans.iter_mut().filter(|span| span.end.is_none() && !span.path.is_root()) {
            end(span, at, State::Cancelled);
        }
        self.close(&run, at, state);
        self.ended = Some(at);
    }

    /// The run's worker has it no more.
    fn let_go(&mut self, at: Timestamp, state: State) {
        self.phase_over(&Path::root(), PhaseKind::Held, at, state, None, Usage::default());
    }

    fn open(&mut self, path: &Path, kind: Kind, name: String, at: Timestamp) {
        if self.places.contains_key(path) {
            return;
        }
        self.places.insert(path.clone(), self.spans.len());
        self.spans.push(Span {
            path: path.clone(),
            depth: 0,
            kind,
            name,
            start: at,
            end: None,
            state: State::Running,
            usage: Usage::default(),
            phases: Vec::new(),
            notes: Vec::new(),
            values: Vec::new(),
        });
    }

    fn span(&mut self, path: &Path) -> Option<&mut Span> {
        self.places.get(path).and_then(|at| self.spans.get_mut(*at))
    }

    fn close(&mut self, path: &Path, at: Timestamp, state: State) {
        if let Some(span) = self.span(path) {
            end(span, at, state);
        }
    }

    fn close_failed(&mut self, path: &Path, at: Timestamp, failure: &Failure) {
        self.note_failure(path, at, failure);
        self.close(path, at, State::Failed);
    }

    /// Tells of a failure, unless it is that of something within.
    fn note_failure(&mut self, path: &Path, at: Timestamp, failure: &Failure) {
        if !self.knows(path, failure) {
            self.note(path, at, view::failure(failure));
            self.told.push((path.clone(), failure.clone()));
        }
    }

    /// Whether a failure was told at a place or within, perhaps without the name of its branch.
    fn knows(&self, path: &Path, failure: &Failure) -> bool {
        let same = |told: &Failure| !told.message.is_empty() && failure.message.ends_with(&*told.message);
        self.told.iter().rev().any(|(place, told)| place.is_within(path) && same(told))
    }

    /// Ends everything at and below a place.
    fn stop(&mut self, path: &Path, at: Timestamp) {
        let within: Vec<usize> = self
            .places
            .range(path.clone()..)
            .take_while(|(place, _)| place.is_within(path))
            .map(|(_, at)| *at)
            .collect();
        for span in within {
            if let Some(span) = self.spans.get_mut(span).filter(|span| span.end.is_none()) {
                end(span, at, State::Cancelled);
            }
        }
    }

    fn phase(&mut self, path: &Path, kind: PhaseKind, at: Timestamp, text: String) {
        let state = if matches!(kind, PhaseKind::Wait | PhaseKind::Pause) { State::Waiting } else { State::Running };
        if let Some(span) = self.span(path) {
            span.phases.push(Phase { kind, start: at, end: None, state, usage: Usage::default(), text });
        }
    }

    /// Ends the last phase of a kind that is open; says whether there was one.
    fn phase_over(
        &mut self,
        path: &Path,
        kind: PhaseKind,
        at: Timestamp,
        state: State,
        text: Option<String>,
        usage: Usage,
    ) -> bool {
        let same = |phase: &&mut Phase| phase.end.is_none() && phase.kind.as_str() == kind.as_str();
        let phase = self.span(path).and_then(|span| span.phases.iter_mut().rev().find(same));
        let Some(phase) = phase else { return false };
        phase.end = Some(at);
        phase.state = state;
        phase.usage = usage;
        if let Some(text) = text {
            let before = std::mem::take(&mut phase.text);
            phase.text = if before.is_empty() { text } else { format!("{before}: {text}") };
        }
        true
    }

    fn note(&mut self, path: &Path, at: Timestamp, text: String) {
        if let Some(span) = self.span(path) {
            span.notes.push(Note { at, text });
        }
    }

    fn value(&mut self, path: &Path, what: &'static str, value: &Value) {
        if self.with_values
            && let Some(span) = self.span(path)
        {
            span.values.push((what, shown(value)));
        }
    }

    /// A step's name, with the visit where it was visited before.
    fn step_name(&self, path: &Path) -> (Kind, String) {
        let Some(Segment::Node { node, visit }) = path.last() else { return (Kind::Workflow, String::new()) };
        let Some(node) = self.plan.node(node) else { return (Kind::Workflow, "?".to_owned()) };
        let kind = match node.kind {
            NodeKind::Agent(_) => Kind::Agent,
            NodeKind::Function(_) => Kind::Function,
            NodeKind::Human(_) => Kind::Person,
            NodeKind::Workflow(_) => Kind::Workflow,
            NodeKind::Set(_) => Kind::Set,
            NodeKind::Fork(_) => Kind::Fork,
        };
        let name = if visit > 1 { format!("{} ({visit})", node.id) } else { node.id.to_string() };
        (kind, name)
    }
}

/// Whether a fork is the compiler's: the author wrote participants, or edges that are all followed.
fn is_the_compilers(plan: &Plan, path: &Path) -> bool {
    let Some(Segment::Node { node, .. }) = path.last() else { return false };
    let Some(node) = plan.node(node) else { return false };
    let from = match &node.kind {
        NodeKind::Fork(fork) => fork.from.and_then(|from| plan.node(from)),
        _ => None,
    };
    match from {
        Some(from) => node.id.as_str().strip_prefix(from.id.as_str()) == Some(":all"),
        None => plan.scope(node.scope).is_some_and(|scope| scope.kind == ScopeKind::Concurrent),
    }
}

/// Ends a span with all of its phases.
fn end(span: &mut Span, at: Timestamp, state: State) {
    span.end = Some(at);
    span.state = state;
    for phase in span.phases.iter_mut().filter(|phase| phase.end.is_none()) {
        phase.end = Some(at);
        phase.state = state;
    }
}

/// Who did it, for people.
fn somebody(actor: &Actor) -> String {
    match actor {
        Actor::Host => "the host".to_owned(),
        actor => actor.to_string(),
    }
}
