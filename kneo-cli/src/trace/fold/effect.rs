//! Turns of models, calls of tools and functions, questions to servers about their tools.

use kneo::event::{AfterLoss, EffectKind, Refusal};
use kneo::{Attempt, Failure, Path, Payload, Segment, Timestamp, Usage, Value};

use super::super::{Kind, PhaseKind, State};
use super::Fold;
use crate::view;

impl Fold<'_> {
    pub(super) fn effect_intended(&mut self, path: &Path, at: Timestamp, attempt: Attempt, kind: EffectKind) {
        match kind {
            // It is the step's own.
            EffectKind::Function => {}
            EffectKind::ModelTurn => {
                let turn = match path.last() {
                    Some(Segment::Turn(turn)) => turn,
                    _ => 0,
                };
                self.open(path, Kind::Turn, format!("turn {turn}"), at);
            }
            EffectKind::ToolCall => self.open_call(path, at),
            EffectKind::Discovery => {
                let server = match path.last() {
                    Some(Segment::Server(server)) => self.plan.server(server),
                    _ => None,
                };
                let name = format!("tools of {}", server.map_or("?", |server| server.name.as_str()));
                self.open(path, Kind::Discovery, name, at);
            }
        }
        self.phase_over(path, PhaseKind::Pause, at, State::Completed, None, Usage::default());
        self.phase(path, PhaseKind::Attempt(attempt.as_u32()), at, String::new());
    }

    pub(super) fn effect_succeeded(&mut self, path: &Path, at: Timestamp, output: &Payload, usage: Usage) {
        self.spend(path, usage);
        self.attempt_over(path, at, State::Completed, None, usage);
        let value = output.value();
        match path.last() {
            Some(Segment::Turn(_)) => self.answered(path, value),
            _ => self.value(path, "output", value),
        }
        self.close(path, at, State::Completed);
    }

    pub(super) fn effect_failed(
        &mut self,
        path: &Path,
        at: Timestamp,
        failure: &Failure,
        usage: Usage,
        retry_at: Option<Timestamp>,
    ) {
        self.spend(path, usage);
        self.attempt_over(path, at, State::Failed, Some(view::failure(failure)), usage);
        self.told.push((path.clone(), failure.clone()));
        match retry_at {
            Some(_) => self.phase(path, PhaseKind::Pause, at, "until the next attempt".to_owned()),
            // What becomes of a step is told of the step.
            None if matches!(path.last(), Some(Segment::Node { .. })) => {}
            None => self.close(path, at, State::Failed),
        }
    }

    pub(super) fn effect_lost(&mut self, path: &Path, at: Timestamp, then: AfterLoss) {
        let then = match then {
            AfterLoss::Rerun => "its worker was lost: it runs again",
            AfterLoss::Ask => "its worker was lost: somebody is asked",
            AfterLoss::Fail | AfterLoss::Nothing => "its worker was lost",
        };
        self.attempt_over(path, at, State::Lost, Some(then.to_owned()), Usage::default());
    }

    pub(super) fn effect_cancelled(&mut self, path: &Path, at: Timestamp) {
        self.attempt_over(path, at, State::Cancelled, None, Usage::default());
        if !matches!(path.last(), Some(Segment::Node { .. })) {
            self.close(path, at, State::Cancelled);
        }
    }

    pub(super) fn call_refused(&mut self, path: &Path, at: Timestamp, reason: Refusal, message: &str) {
        self.open_call(path, at);
        let why = match reason {
            Refusal::UnknownTool => "the agent has no such tool",
            Refusal::MalformedArguments => "the arguments are not JSON",
            Refusal::InvalidArguments => "the arguments do not fit the schema of the tool",
            Refusal::Rejected => "a person said no",
            Refusal::Expired => "nobody answered in time",
            _ => reason.as_str(),
        };
        let said = if self.with_values { format!(": {message}") } else { String::new() };
        self.note(path, at, format!("{why}{said}"));
        self.close(path, at, State::Refused);
    }

    /// A call of a tool, whose name and arguments its turn has told.
    pub(super) fn open_call(&mut self, path: &Path, at: Timestamp) {
        let name = self.call_name(path);
        self.open(path, Kind::Tool, name, at);
        if let Some(arguments) = self.calls.get_mut(path).and_then(|(_, arguments)| arguments.take()) {
            self.value(path, "arguments", &arguments);
        }
    }

    pub(super) fn call_name(&self, path: &Path) -> String {
        match (self.calls.get(path), path.last()) {
            (Some((name, _)), _) => format!("tool {name}"),
            (None, Some(Segment::Call(at))) => format!("tool call {}", at.saturating_add(1)),
            (None, _) => "tool".to_owned(),
        }
    }

    /// A model's turn names the tools that are called below it.
    fn answered(&mut self, turn: &Path, answer: &Value) {
        let calls = match answer.get("calls") {
            Some(Value::List(calls)) => calls.items(),
            _ => &[],
        };
        for (at, call) in (0u32..).zip(calls) {
            let name = call.get("name").and_then(Value::as_str).unwrap_or("?").to_owned();
            let arguments = call.get("arguments").or_else(|| call.get("malformed")).cloned();
            self.calls.insert(turn.child(Segment::Call(at)), (name, arguments));
        }
        if let Some(text) = answer.get("text").filter(|text| text.as_str().is_some_and(|text| !text.is_empty())) {
            self.value(turn, "answer", text);
        }
    }

    fn attempt_over(&mut self, path: &Path, at: Timestamp, state: State, text: Option<String>, usage: Usage) {
        self.phase_over(path, PhaseKind::Attempt(0), at, state, text, usage);
    }

    fn spend(&mut self, path: &Path, usage: Usage) {
        self.usage += usage;
        if let Some(span) = self.span(path) {
            span.usage += usage;
        }
    }
}
