//! A driver without I/O: performs effects by definition, in an order that a seed chooses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kneo_core::event::{EffectKind, Entry, Event, RunStarted, TaskDecided};
use kneo_core::message::{Message, Part, Role, StopReason, ToolCall};
use kneo_core::plan::{CompiledPlan, NodeKind};
use kneo_core::provider::{ModelAnswer, ToolOffer};
use kneo_core::task::{Decision, DecisionKind, TaskCause};
use kneo_core::{
    Actor, Attempt, Failure, FailureKind, Fence, Name, Path, Payload, RunId, TaskId, Timestamp, Usage, Value, WorkerId,
};

use super::grammar::applied;
use crate::engine::{EffectRequest, EffectResult, Input, InputKind, Program, State, decide, effect_request, evolve};

/// The generator SplitMix64: one seed, one run.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

pub(super) struct Sim {
    pub(super) state: State,
    pub(super) journal: Vec<(Entry, Actor)>,
    pub(super) rng: Rng,
    pub(super) now: Timestamp,
    /// What a worker has in its hands; lost with it.
    pub(super) in_hand: BTreeSet<(Path, Attempt)>,
    fails: BTreeMap<Path, u8>,
    claims: u64,
    checks: Checks,
}

/// What must hold of any journal, watched entry by entry.
#[derive(Default)]
struct Checks {
    succeeded: BTreeSet<Path>,
    attempts: BTreeMap<Path, Attempt>,
    in_flight: BTreeSet<Path>,
    cancelled: bool,
    ended: bool,
    last: Timestamp,
    open_tasks: BTreeSet<TaskId>,
}

impl Checks {
    fn see(&mut self, entry: &Entry) {
        assert!(entry.at >= self.last, "time ran backwards");
        self.last = entry.at;
        assert!(!self.ended || matches!(entry.event, Event::LateOutcome { .. }), "something followed the end");
        match &entry.event {
            Event::EffectIntended { attempt, .. } => {
                assert!(!self.succeeded.contains(&entry.path), "{:?} ran again after its result", entry.path);
                assert!(!self.cancelled, "{:?} started after a cancel", entry.path);
                let last = self.attempts.insert(entry.path.clone(), *attempt);
                assert!(last.is_none_or(|last| last < *attempt), "{:?} did not count up", entry.path);
                assert!(self.in_flight.insert(entry.path.clone()), "{:?} runs twice at a time", entry.path);
            }
            Event::EffectSucceeded { .. } => {
                assert!(self.succeeded.insert(entry.path.clone()), "two results");
                self.in_flight.remove(&entry.path);
            }
            Event::EffectFailed { .. } | Event::EffectLost { .. } | Event::EffectCancelled { .. } => {
                assert!(self.in_flight.remove(&entry.path), "{:?} ended twice", entry.path);
            }
            Event::StepFailed { .. } | Event::StepCompleted { .. } | Event::CallReturned | Event::CallFailed { .. } => {
                let within = self.in_flight.iter().find(|path| path.is_within(&entry.path));
                assert!(within.is_none(), "{:?} is over before {within:?}", entry.path);
            }
            Event::CancelRequested { .. } => self.cancelled = true,
            Event::RunEnded(_) => {
                self.ended = true;
                assert!(self.open_tasks.is_empty(), "the run ended with open tasks");
            }
            Event::TaskOpened(opened) => assert!(self.open_tasks.insert(opened.task)),
            Event::TaskDecided(decided) => assert!(self.open_tasks.remove(&decided.task)),
            Event::TaskExpired { task, .. } | Event::TaskWithdrawn { task } => assert!(self.open_tasks.remove(task)),
            _ => {}
        }
    }
}

impl Sim {
    pub(super) fn start(plan: &Arc<CompiledPlan>, input: Value, seed: u64) -> Sim {
        Sim::start_with(plan, input, seed, None)
    }

    pub(super) fn start_with(plan: &Arc<CompiledPlan>, input: Value, seed: u64, deadline: Option<Timestamp>) -> Sim {
        let program = Arc::new(Program::unbound(Arc::clone(plan)).unwrap());
        let now = Timestamp::from_unix_millis(1_000_000);
        let run = RunId::new(now, [7; 10]);
        let mut sim = Sim {
            state: State::new(program, run),
            journal: Vec::new(),
            rng: Rng(seed),
            now,
            in_hand: BTreeSet::new(),
            fails: BTreeMap::new(),
            claims: 0,
            checks: Checks::default(),
        };
        let started = RunStarted {
            workflow: Name::new("flow").unwrap(),
            plan: plan.digest(),
            input: Payload::new(input).unwrap(),
            labels: Vec::new(),
            idempotency: None,
            holds: Vec::new(),
            deadline,
            seal: None,
        };
        sim.decide(InputKind::Start(Box::new(started)));
        sim.claim();
        sim
    }

    /// A worker takes the run; what another had in its hands is lost.
    pub(super) fn claim(&mut self) {
        self.claims += 1;
        self.in_hand.clear();
        let worker = WorkerId::new(self.now, [self.claims as u8; 10]);
        self.decide(InputKind::Claimed { worker, fence: Fence::new(self.claims), fruitless: 1 });
        self.settle();
    }

    pub(super) fn decide(&mut self, kind: InputKind) -> usize {
        let mut entropy = [0; 32];
        for chunk in entropy.chunks_mut(8) {
            chunk.copy_from_slice(&self.rng.next().to_be_bytes());
        }
        let entries = decide(&self.state, &Input { now: self.now, entropy, kind });
        let count = entries.len();
        entries.into_iter().for_each(|entry| self.fold(entry, Actor::Host));
        count
    }

    pub(super) fn fold(&mut self, entry: Entry, actor: Actor) {
        self.checks.see(&entry);
        evolve(&mut self.state, &entry, &actor).unwrap();
        self.journal.push((entry, actor));
    }

    /// Advances until nothing follows, then takes what was started into the worker's hands.
    pub(super) fn settle(&mut self) {
        for turn in 0.. {
            assert!(turn < 10_000, "a loop without end");
            if self.decide(InputKind::Advance) == 0 {
                break;
            }
        }
        let open = self.state.open_effects().map(|(path, effect)| (path.clone(), effect.attempt)).collect();
        self.in_hand = open;
    }

    /// Something from outside, at the time of now.
    pub(super) fn external(&mut self, path: Path, event: Event, actor: Actor) {
        let at = self.now.max(self.checks.last);
        self.fold(Entry { at, path, event }, actor);
        self.settle();
    }

    pub(super) fn cancel(&mut self) {
        self.external(Path::root(), Event::CancelRequested { reason: Arc::from("enough") }, Actor::Host);
    }

    pub(super) fn answer(&mut self, task: TaskId, decision: Decision) {
        let open = self.state.open_tasks().find(|(id, _)| *id == task).unwrap().1.clone();
        let decided = TaskDecided { task, decision, digest: open.opened.digest };
        let ana = Actor::trusted(Name::new("ana").unwrap());
        self.external(open.path, Event::TaskDecided(Box::new(decided)), ana);
    }

    /// The outcome that the effect has by definition.
    pub(super) fn perform(&mut self, path: &Path) -> EffectResult {
        let effect = *self.state.open_effect(path).unwrap();
        if effect.cancelling {
            // Some stop when told, some give a result all the same.
            return if self.rng.below(2) == 0 { EffectResult::Cancelled } else { EffectResult::Value(Value::Null) };
        }
        match effect_request(&self.state, path).unwrap() {
            EffectRequest::Function { function, input, .. } => {
                let name = self.state.plan().function(function).unwrap().name.clone();
                self.call(path, name.as_str(), &input)
            }
            EffectRequest::ToolCall { arguments, .. } | EffectRequest::ServerCall { arguments, .. } => {
                EffectResult::Value(arguments)
            }
            EffectRequest::Discovery { .. } => {
                let any = || Value::from_json_text(r#"{"type": "object", "required": ["q"]}"#).unwrap();
                EffectResult::Offer(["look", "fetch", "touch"].map(|name| ToolOffer::new(name, "", any())).into())
            }
            EffectRequest::ModelTurn { request, .. } => {
                let said = request.messages[0].to_text();
                let usage = Usage::new(3, 2);
                if let Some(bad) = request.agent.strip_prefix("shaped") {
                    let text = match request.turn <= bad.parse().unwrap() {
                        true => "see above".to_owned(),
                        false => Value::map([("v", Value::from(format!("a({said})")))]).unwrap().to_text().to_string(),
                    };
                    let message = Message::text(Role::Assistant, text);
                    return EffectResult::Answer(Box::new(ModelAnswer::new(message, StopReason::End, usage)));
                }
                let turns: u32 = request.agent.trim_start_matches("agent").parse().unwrap();
                EffectResult::Answer(Box::new(if request.turn <= turns {
                    let call = |id: &str, tool: &ToolOffer| {
                        let arguments = Value::map([("q", Value::from(id)), ("input", Value::from(id))]).unwrap();
                        Part::ToolCall(ToolCall::new(id, Arc::clone(&tool.name), arguments))
                    };
                    let (first, last) = (request.tools.first().unwrap(), request.tools.last().unwrap());
                    let message = Message::new(Role::Assistant, vec![call("1", first), call("2", last)]);
                    ModelAnswer::new(message, StopReason::ToolCalls, usage)
                } else {
                    ModelAnswer::new(Message::text(Role::Assistant, format!("a({said})")), StopReason::End, usage)
                }))
            }
        }
    }

    fn call(&mut self, path: &Path, name: &str, input: &Value) -> EffectResult {
        if name == "fails" {
            return EffectResult::failed(Failure::new(FailureKind::Function, "it always fails"));
        }
        if let Some((k, fails)) = name.strip_prefix("flaky").and_then(|rest| rest.split_once('.')) {
            let failed = self.fails.entry(path.clone()).or_default();
            if *failed < fails.parse().unwrap() {
                *failed += 1;
                return EffectResult::failed(Failure::new(FailureKind::Function, "not yet"));
            }
            return EffectResult::Value(applied(k.parse().unwrap(), input));
        }
        EffectResult::Value(applied(name.trim_start_matches('f').parse().unwrap(), input))
    }

    /// Finishes one effect that is in the worker's hands.
    pub(super) fn finish(&mut self, path: Path, attempt: Attempt) {
        let result = self.perform(&path);
        self.outcome(path, attempt, result);
    }

    pub(super) fn outcome(&mut self, path: Path, attempt: Attempt, result: EffectResult) {
        self.in_hand.remove(&(path.clone(), attempt));
        self.decide(InputKind::Outcome { path, attempt, result });
        self.settle();
    }

    /// The decision that fits a task and leads to the expected result.
    pub(super) fn decide_task(&mut self, task: TaskId) {
        let open = self.state.open_tasks().find(|(id, _)| *id == task).unwrap().1.clone();
        let decision = if open.opened.request.actions.contains(&DecisionKind::Retry) {
            match self.rng.below(2) {
                0 => Decision::Retry,
                _ => {
                    // A person who looked it up says what the write gave.
                    let input = &open.opened.request.subject;
                    let name = self.function_at(&open.path);
                    let k = name.trim_start_matches('f').parse().unwrap();
                    Decision::Provide { content: Payload::new(applied(k, input)).unwrap() }
                }
            }
        } else {
            match &open.opened.request.cause {
                TaskCause::Approval { of } if *of == "touch" => match self.rng.below(5) {
                    0 => Decision::reject_because("no"),
                    1 => Decision::ApproveForRun { comment: None },
                    2 => Decision::Edit { content: Payload::new(Value::map([("q", Value::Null)]).unwrap()).unwrap() },
                    3 => Decision::Edit { content: Payload::new(Value::from("no object")).unwrap() },
                    _ => Decision::approve(),
                },
                TaskCause::Approval { of } if *of == "refused" => Decision::reject(),
                _ if self.human_at(&open.path).is_some_and(|human| *human == "refuses") => Decision::reject(),
                _ => Decision::approve(),
            }
        };
        self.answer(task, decision);
    }

    fn human_at(&self, path: &Path) -> Option<&Name> {
        let Some(kneo_core::Segment::Node { node, .. }) = path.last() else { return None };
        let NodeKind::Human(at) = self.state.plan().node(node)?.kind else { return None };
        self.state.plan().human(at).map(|human| &human.name)
    }

    /// Whether somebody is there to answer: one who may be away is, until the time is over, only now and then.
    fn is_there(&mut self, task: TaskId) -> bool {
        let open = self.state.open_tasks().find(|(id, _)| *id == task).unwrap().1.clone();
        open.opened.deadline.is_none() || open.escalated || self.rng.below(4) == 0
    }

    /// Whether an attempt in the worker's hands ends, now or when it is told to.
    fn ends(&self, path: &Path) -> bool {
        let cancelling = self.state.open_effect(path).is_some_and(|open| open.cancelling);
        let hangs = match effect_request(&self.state, path) {
            Ok(EffectRequest::Function { function, .. }) => {
                self.state.plan().function(function).unwrap().name == "hangs"
            }
            _ => false,
        };
        cancelling || !hangs
    }

    fn function_at(&self, path: &Path) -> String {
        let Some(kneo_core::Segment::Node { node, .. }) = path.last() else { panic!("not a step") };
        let NodeKind::Function(at) = self.state.plan().node(node).unwrap().kind else { panic!("not a function") };
        self.state.plan().function(at).unwrap().name.to_string()
    }

    /// Lets time pass until the next timer.
    pub(super) fn tick(&mut self) {
        if let Some(at) = self.state.next_timer() {
            self.now = self.now.max(at);
            if self.state.status() == kneo_core::RunStatus::Blocked {
                self.claim();
            } else {
                self.settle();
            }
        }
    }

    /// Makes one move that can be made.
    pub(super) fn step(&mut self, lose_leases: bool) {
        let effects: Vec<(Path, Attempt)> = self.in_hand.iter().filter(|(path, _)| self.ends(path)).cloned().collect();
        let mut tasks: Vec<TaskId> = self.state.open_tasks().map(|(id, _)| id).collect();
        tasks.retain(|task| self.is_there(*task));
        let timer = usize::from(self.state.next_timer().is_some());
        let lose = usize::from(lose_leases && self.rng.below(8) == 0);
        let pick = self.rng.below(effects.len() + tasks.len() + timer + lose);
        if let Some((path, attempt)) = effects.get(pick).cloned() {
            self.finish(path, attempt);
        } else if let Some(task) = tasks.get(pick.saturating_sub(effects.len())).copied() {
            self.decide_task(task);
            if self.state.status() == kneo_core::RunStatus::Blocked {
                self.claim();
            }
        } else if pick < effects.len() + tasks.len() + timer {
            self.tick();
        } else {
            self.claim();
        }
        if lose_leases && self.rng.below(16) == 0 {
            self.late_outcome();
        }
    }

    /// An outcome of an attempt that is no longer wanted.
    fn late_outcome(&mut self) {
        let intents: Vec<(Path, Attempt)> = self
            .journal
            .iter()
            .filter_map(|(entry, _)| match &entry.event {
                Event::EffectIntended { attempt, .. } => Some((entry.path.clone(), *attempt)),
                _ => None,
            })
            .collect();
        if intents.is_empty() {
            return;
        }
        let (path, attempt) = intents[self.rng.below(intents.len())].clone();
        if self.state.open_effect(&path).is_none_or(|open| open.attempt != attempt) {
            let before = self.journal.len();
            self.outcome(path, attempt, EffectResult::Value(Value::from("too late")));
            let late = |(entry, _): &(Entry, Actor)| matches!(entry.event, Event::LateOutcome { .. });
            assert!(self.journal[before..].iter().any(late), "a late outcome is recorded");
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state.outcome().is_some()
    }

    pub(super) fn count(&self, kind: EffectKind) -> usize {
        let is = |entry: &Entry| matches!(&entry.event, Event::EffectIntended { kind: k, .. } if *k == kind);
        self.journal.iter().filter(|(entry, _)| is(entry)).count()
    }
}
