//! An answer, put together from its pieces.

use std::sync::{Mutex, PoisonError};

use kneo_core::Usage;
use kneo_core::call::{CallError, Deltas};
use kneo_core::message::{Message, Part, Role, StopReason, ToolCall};
use kneo_core::provider::ModelAnswer;

use super::tool_name::ToolNames;
use super::wire::{CallPiece, Choice, Completion, WireUsage};
use crate::http::code::Code;
use crate::http::redact::redact;
use crate::http::veil::Veil;

/// More tool calls at once than any model asks for.
const MOST_CALLS: usize = 1_024;

/// What an exchange has cost so far, which is told also when it fails.
#[derive(Debug, Default)]
pub(super) struct Spent(Mutex<Usage>);

impl Spent {
    /// The usage that the server told last: where it tells several, each counts from the beginning.
    pub(super) fn usage(&self) -> Usage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, usage: &WireUsage) {
        let usage = Usage::new(usage.prompt_tokens.unwrap_or(0), usage.completion_tokens.unwrap_or(0));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = usage;
    }
}

/// An answer whose end has not arrived.
pub(super) struct Assembly<'a> {
    deltas: &'a Deltas,
    names: &'a ToolNames,
    spent: &'a Spent,
    turn: u32,
    veil: Veil,
    text: String,
    calls: Vec<PartialCall>,
    /// Whether a choice was seen at all, and whether the model declined.
    begun: bool,
    refused: bool,
    finish: Option<String>,
}

#[derive(Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(
        deltas: &'a Deltas,
        names: &'a ToolNames,
        spent: &'a Spent,
        turn: u32,
        veil: Veil,
    ) -> Assembly<'a> {
        let (text, calls, finish) = (String::new(), Vec::new(), None);
        Assembly { deltas, names, spent, turn, veil, text, calls, begun: false, refused: false, finish }
    }

    /// Whether the model has said why it stopped: nothing of the answer is still to come.
    pub(super) fn is_complete(&self) -> bool {
        self.finish.is_some()
    }

    /// Takes a piece.
    ///
    /// # Errors
    /// A piece that no answer can have.
    pub(super) fn take(&mut self, piece: Completion) -> Result<(), CallError> {
        if let Some(usage) = &piece.usage {
            self.spent.tell(usage);
        }
        piece.choices.into_iter().flatten().try_for_each(|choice| self.take_choice(choice))
    }

    fn take_choice(&mut self, choice: Choice) -> Result<(), CallError> {
        if choice.index.unwrap_or(0) != 0 {
            return Err(Code::MalformedAnswer.error("the answer has several choices, and one was asked for"));
        }
        self.begun = true;
        if let Some(delta) = choice.delta {
            if let Some(text) = delta.content {
                self.say(&text);
            }
            if let Some(refusal) = delta.refusal.filter(|refusal| !refusal.is_empty()) {
                self.refused = true;
                self.say(&refusal);
            }
            delta.tool_calls.into_iter().flatten().try_for_each(|piece| self.take_call(piece))?;
        }
        // Some servers send an empty reason with every piece.
        self.finish = choice.finish_reason.filter(|reason| !reason.is_empty()).or(self.finish.take());
        Ok(())
    }

    fn say(&mut self, text: &str) {
        let shown = self.veil.push(text);
        self.show(&shown);
    }

    fn show(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.push_str(text);
            self.deltas.push(text);
        }
    }

    /// Adds a piece to its call.
    ///
    /// Pieces of one call have one index. Where servers send none, or the same for all calls, a new id or name begins a
    /// new call.
    fn take_call(&mut self, piece: CallPiece) -> Result<(), CallError> {
        let id = piece.id.unwrap_or_default();
        let (name, arguments) = match piece.function {
            Some(function) => (function.name.unwrap_or_default(), function.arguments.unwrap_or_default()),
            None => (String::new(), String::new()),
        };
        let goes_on = |call: &PartialCall| {
            let same_id = id.is_empty() || call.id.is_empty() || call.id == id;
            let named_again = !name.is_empty() && !call.name.is_empty() && (id.is_empty() || call.id != id);
            call.index == piece.index && same_id && !(piece.index.is_none() && named_again)
        };
        let count = self.calls.len();
        match self.calls.iter_mut().rev().find(|call| goes_on(call)) {
            Some(call) => {
                if call.id.is_empty() {
                    call.id = id;
                }
                // Some servers repeat the name with every piece.
                if call.name != name {
                    call.name.push_str(&name);
                }
                call.arguments.push_str(&arguments);
            }
            None if count >= MOST_CALLS => {
                return Err(Code::AnswerTooLarge.error(format!("the answer has more than {MOST_CALLS} tool calls")));
            }
            None => self.calls.push(PartialCall { index: piece.index, id, name, arguments }),
        }
        Ok(())
    }

    /// The whole answer.
    ///
    /// # Errors
    /// An answer that is not whole, or whose end means nothing.
    pub(super) fn finish(mut self) -> Result<ModelAnswer, CallError> {
        let Some(reason) = self.finish.take() else {
            return Err(match self.begun {
                true => Code::StreamCut.error("the answer ended before the model had said why it stopped"),
                false => Code::MalformedAnswer.error("the answer has no choices"),
            });
        };
        let rest = self.veil.finish();
        self.show(&rest);
        let stop = match stop_reason(&reason, !self.calls.is_empty(), self.veil.key())? {
            _ if self.refused => StopReason::ContentFilter,
            stop => stop,
        };
        let calls = self.calls();
        let text = (!self.text.is_empty() || calls.is_empty()).then(|| Part::Text(self.text.as_str().into()));
        let parts = text.into_iter().chain(calls.into_iter().map(Part::ToolCall)).collect();
        Ok(ModelAnswer::new(Message::new(Role::Assistant, parts), stop, self.spent.usage()))
    }

    /// The calls, each with an id that no other has.
    fn calls(&mut self) -> Vec<ToolCall> {
        let mut calls: Vec<ToolCall> = Vec::new();
        for (at, call) in (1..).zip(std::mem::take(&mut self.calls)) {
            let is_taken = call.id.is_empty() || calls.iter().any(|earlier| *earlier.id == call.id);
            let id = if is_taken { format!("call_{}_{at}", self.turn) } else { self.veil.cover(call.id) };
            let name = self.names.meant(&self.veil.cover(call.name));
            calls.push(ToolCall::from_text(id, name, &self.veil.cover(call.arguments)));
        }
        calls
    }
}

/// Why the model stopped, in our words; what it did counts where it says otherwise.
fn stop_reason(reason: &str, has_calls: bool, key: Option<&str>) -> Result<StopReason, CallError> {
    match reason {
        "stop" | "tool_calls" | "function_call" | "end_turn" | "eos" | "eos_token" | "stop_sequence" => {
            Ok(if has_calls { StopReason::ToolCalls } else { StopReason::End })
        }
        "length" | "max_tokens" | "model_length" => Ok(StopReason::Length),
        "content_filter" => Ok(StopReason::ContentFilter),
        // As OpenRouter and DeepSeek say that the server behind them failed.
        "error" | "insufficient_system_resource" => {
            Err(Code::ServerError.error(format!("the server broke the answer off (`{reason}`)")))
        }
        other => {
            let message = format!("the model stopped for an unknown reason, `{}`", redact(other, key));
            Err(Code::MalformedAnswer.error(message))
        }
    }
}

#[cfg(test)]
mod tests;
