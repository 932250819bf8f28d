//! Turns of models, calls of tools and functions, questions to servers.

use std::sync::Arc;

use kneo_core::event::{AfterLoss, EffectKind, Refusal};
use kneo_core::plan::NodeKind;
use kneo_core::{Attempt, Failure, Path, Payload, Segment, Timestamp, Usage, Value};

use super::open::{Asked, OpenAttempt, PlaceKind};
use super::{Ending, Fold, Out};
use crate::attribute;
use crate::finished::{Called, Notes, Piece, Problem, Said, Try, What};
use crate::place;
use crate::price::Spent;

impl Fold {
    pub(super) fn effect_intended(
        &mut self,
        path: &Path,
        at: Timestamp,
        attempt: Attempt,
        kind: EffectKind,
        out: &mut Out<'_>,
    ) {
        if let (EffectKind::ModelTurn, Some(Segment::Turn(turn))) = (kind, path.last())
            && self.place_mut(path).is_none()
        {
            // A turn lasts until its agent goes on.
            if let Some(step) = path.parent() {
                self.close_below(&step, &Ending::new(at, "completed"), out);
            }
            self.open_place(path.clone(), at, PlaceKind::Turn { turn, calls: Vec::new(), left: 0 });
        }
        let (call, arguments) = match (kind, self.asked(path)) {
            // What runs is a tool, so that its name is one.
            (EffectKind::ToolCall, Some(asked)) => (Some(called(asked, true)), asked.arguments.clone()),
            _ => (None, None),
        };
        let open = OpenAttempt { attempt, kind, since: at, call, arguments };
        self.open.entry(path.clone()).or_default().attempt = Some(open);
    }

    pub(super) fn effect_succeeded(
        &mut self,
        path: &Path,
        at: Timestamp,
        attempt: Attempt,
        output: &Payload,
        usage: Usage,
        out: &mut Out<'_>,
    ) {
        let spent = self.spend(path, usage, out);
        let value = output.value();
        let finish = match path.last() {
            Some(Segment::Turn(_)) => value.get("stop").and_then(Value::as_str).and_then(finish_reason),
            _ => None,
        };
        let add = |tried: &mut Try| {
            tried.spent = spent;
            tried.finish = finish;
        };
        let piece = result_piece(path, value).filter(|_| out.content);
        self.attempt_over(path, attempt, Ending::new(at, "succeeded"), piece, add, out);
        match path.last() {
            Some(Segment::Turn(_)) => self.answered(path, value, out),
            Some(Segment::Call(_)) => self.call_settled(path, at, out),
            // A function's result settles its step.
            Some(Segment::Node { .. }) => {
                if let (true, Some(step)) = (out.content, self.place_mut(path)) {
                    step.notes.say(attribute::STEP_OUTPUT, Said::Value(value.clone()));
                }
                self.close(path, &Ending::new(at, "completed"), out);
            }
            _ => {}
        }
    }

    pub(super) fn effect_failed(
        &mut self,
        path: &Path,
        at: Timestamp,
        attempt: Attempt,
        (failure, usage): (&Failure, Usage),
        retried: bool,
        out: &mut Out<'_>,
    ) {
        let spent = self.spend(path, usage, out);
        let add = |tried: &mut Try| {
            tried.spent = spent;
            tried.retried = retried;
        };
        let said = out.content.then(|| Said::Text(Arc::clone(&failure.message)));
        let piece = said.map(|said| Piece { attribute: attribute::ERROR_MESSAGE, said });
        self.attempt_over(path, attempt, Ending::failed(at, Problem::of(failure)), piece, add, out);
        if let Some(Segment::Call(_)) = path.last() {
            self.call_settled(path, at, out);
        }
    }

    pub(super) fn effect_lost(
        &mut self,
        path: &Path,
        at: Timestamp,
        attempt: Attempt,
        then: AfterLoss,
        out: &mut Out<'_>,
    ) {
        let ending = Ending { at, status: "lost", problem: Some(Problem::new("lost")) };
        self.attempt_over(path, attempt, ending, None, |tried| tried.retried = then == AfterLoss::Rerun, out);
        if let (AfterLoss::Fail, Some(Segment::Call(_))) = (then, path.last()) {
            self.call_settled(path, at, out);
        }
    }

    /// Ends the attempt of this number, if it is open: an outcome may also be what a person says of a lost one.
    pub(super) fn attempt_over(
        &mut self,
        path: &Path,
        attempt: Attempt,
        ending: Ending,
        piece: Option<Piece>,
        add: impl FnOnce(&mut Try),
        out: &mut Out<'_>,
    ) {
        let open = self.take_open(path, |open| open.attempt.take_if(|open| open.attempt == attempt));
        if let Some(open) = open {
            self.tried(path, open, ending, piece, add, out);
        }
    }

    /// Tells of an attempt that is over.
    pub(super) fn tried(
        &mut self,
        path: &Path,
        open: OpenAttempt,
        ending: Ending,
        piece: Option<Piece>,
        add: impl FnOnce(&mut Try),
        out: &mut Out<'_>,
    ) {
        let OpenAttempt { attempt, kind, since, call, arguments } = open;
        let mut tried = Try { attempt, kind, spent: Spent::default(), finish: None, call, retried: false };
        add(&mut tried);
        let mut notes = Notes::default();
        if let Some(arguments) = arguments {
            notes.say(attribute::TOOL_ARGUMENTS, Said::Value(arguments));
        }
        notes.content.extend(piece);
        self.emit(path.clone(), since, What::Attempt(tried), ending, notes, out);
    }

    pub(super) fn call_refused(
        &mut self,
        path: &Path,
        at: Timestamp,
        reason: Refusal,
        message: &Arc<str>,
        out: &mut Out<'_>,
    ) {
        let called = self.asked(path).map(|asked| called(asked, reason != Refusal::UnknownTool));
        let mut notes = Notes::default();
        if out.content {
            notes.say(attribute::ERROR_MESSAGE, Said::Text(Arc::clone(message)));
        }
        if let Some(called) = called {
            let ending = Ending { at, status: "refused", problem: Some(Problem::new(reason.as_str())) };
            self.emit(path.clone(), at, What::Call(called), ending, notes, out);
        }
        self.call_settled(path, at, out);
    }

    pub(super) fn call_delegated(&mut self, path: &Path, at: Timestamp, out: &Out<'_>) {
        let Some(asked) = self.asked(path) else { return };
        let (called, arguments) = (called(asked, true), asked.arguments.clone());
        let call = self.open_place(path.clone(), at, PlaceKind::Call(called));
        if let (true, Some(arguments)) = (out.content, arguments) {
            call.notes.say(attribute::TOOL_ARGUMENTS, Said::Value(arguments));
        }
    }

    pub(super) fn call_returned(&mut self, path: &Path, at: Timestamp, out: &mut Out<'_>) {
        self.close(path, &Ending::new(at, "succeeded"), out);
        self.call_settled(path, at, out);
    }

    pub(super) fn call_failed(&mut self, path: &Path, at: Timestamp, failure: &Failure, out: &mut Out<'_>) {
        self.close_failed(path, at, failure, out);
        self.call_settled(path, at, out);
    }

    /// Notes the calls that a model asked for.
    fn answered(&mut self, turn: &Path, answer: &Value, out: &Out<'_>) {
        let Some(Value::List(list)) = answer.get("calls") else { return };
        let asked = list.items().iter().map(|call| {
            let text = |key| call.get(key).and_then(Value::as_str).map_or_else(|| Arc::from(""), Arc::from);
            let arguments = call.get("arguments").or_else(|| call.get("malformed")).filter(|_| out.content);
            Asked { id: text("id"), name: text("name"), arguments: arguments.cloned() }
        });
        let asked: Vec<Asked> = asked.collect();
        if let Some(PlaceKind::Turn { calls, left, .. }) = self.place_mut(turn).map(|place| &mut place.kind) {
            *left = asked.len();
            *calls = asked;
        }
    }

    /// A call has its result: with the last one the turn is over.
    fn call_settled(&mut self, path: &Path, at: Timestamp, out: &mut Out<'_>) {
        let Some(turn) = path.parent() else { return };
        let Some(PlaceKind::Turn { left, .. }) = self.place_mut(&turn).map(|place| &mut place.kind) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.close(&turn, &Ending::new(at, "completed"), out);
        }
    }

    /// Puts the better form of its arguments in the place of those that the model gave.
    pub(super) fn call_edited(&mut self, path: &Path, arguments: &Value) {
        if let Some(asked) = self.asked_mut(path)
            && asked.arguments.is_some()
        {
            asked.arguments = Some(arguments.clone());
        }
    }

    /// What the model asked for at the path of a call.
    fn asked(&self, path: &Path) -> Option<&Asked> {
        let Some(Segment::Call(at)) = path.last() else { return None };
        let turn = path.segments().split_last().map(|(_, turn)| turn)?;
        match &self.open.get(turn)?.place.as_ref()?.kind {
            PlaceKind::Turn { calls, .. } => calls.get(at as usize),
            PlaceKind::Step { .. } | PlaceKind::Branch(_) | PlaceKind::Call(_) => None,
        }
    }

    fn asked_mut(&mut self, path: &Path) -> Option<&mut Asked> {
        let Some(Segment::Call(at)) = path.last() else { return None };
        match &mut self.place_mut(&path.parent()?)?.kind {
            PlaceKind::Turn { calls, .. } => calls.get_mut(at as usize),
            PlaceKind::Step { .. } | PlaceKind::Branch(_) | PlaceKind::Call(_) => None,
        }
    }

    /// Counts what a model used: for the run, and for its agent.
    fn spend(&mut self, path: &Path, used: Usage, out: &Out<'_>) -> Spent {
        if used.is_zero() {
            return Spent::default();
        }
        let trace = Arc::clone(&self.trace);
        let model = place::agent(trace.plan(), path).map(|agent| &agent.model);
        let spent = Spent::new(used, model, out.prices);
        self.spent += spent;
        let step = path.parent().and_then(|step| self.open.get_mut(&step)).and_then(|open| open.place.as_mut());
        if let Some(PlaceKind::Step { node, spent: by_agent }) = step.map(|place| &mut place.kind)
            && matches!(trace.plan().node(*node).map(|node| &node.kind), Some(NodeKind::Agent(_)))
        {
            *by_agent += spent;
        }
        spent
    }
}

fn called(asked: &Asked, known: bool) -> Called {
    Called { id: Arc::clone(&asked.id), name: known.then(|| Arc::clone(&asked.name)) }
}

/// What an effect at a path gave, as an attribute.
fn result_piece(path: &Path, value: &Value) -> Option<Piece> {
    let (attribute, said) = match path.last()? {
        Segment::Turn(_) => (attribute::OUTPUT_MESSAGES, Said::Answer(value.clone())),
        Segment::Call(_) => (attribute::TOOL_RESULT, Said::Value(value.clone())),
        Segment::Node { .. } => (attribute::FUNCTION_RESULT, Said::Value(value.clone())),
        _ => return None,
    };
    Some(Piece { attribute, said })
}

/// Why a model stopped, in the words of the conventions.
fn finish_reason(stop: &str) -> Option<&'static str> {
    match stop {
        "end" => Some("stop"),
        "tool_calls" => Some("tool_calls"),
        "length" => Some("length"),
        "content_filter" => Some("content_filter"),
        _ => None,
    }
}
