//! What the API answers (<https://platform.openai.com/docs/api-reference/chat/object>), as far as it is of use.
//!
//! A whole answer and a piece of a streamed one differ in the name of a choice's content alone. Unknown keys are passed
//! over: servers add their own.

use serde::Deserialize;
use serde_json::Value as Json;

/// A whole answer, a piece of one, or an error in place of either.
#[derive(Deserialize, Debug)]
pub(super) struct Completion {
    pub(super) object: Option<Json>,
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) usage: Option<WireUsage>,
    pub(super) error: Option<Json>,
}

#[derive(Deserialize, Debug)]
pub(super) struct Choice {
    pub(super) index: Option<u64>,
    #[serde(alias = "message")]
    pub(super) delta: Option<Delta>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Deserialize, Debug)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) tool_calls: Option<Vec<CallPiece>>,
}

#[derive(Deserialize, Debug)]
pub(super) struct CallPiece {
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) function: Option<FunctionPiece>,
}

#[derive(Deserialize, Debug)]
pub(super) struct FunctionPiece {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

#[derive(Deserialize, Debug)]
pub(super) struct WireUsage {
    pub(super) prompt_tokens: Option<u64>,
    pub(super) completion_tokens: Option<u64>,
}

impl Completion {
    /// Tells the calls of a whole answer apart by their places, since none of them goes on in another.
    pub(super) fn number_calls(&mut self) {
        for choice in self.choices.iter_mut().flatten() {
            let calls = choice.delta.iter_mut().filter_map(|delta| delta.tool_calls.as_mut()).flatten();
            (0..).zip(calls).for_each(|(at, call)| call.index = Some(at));
        }
    }

    /// The error that stands in place of an answer, if one does.
    pub(super) fn take_error(&mut self, whole: impl FnOnce() -> Option<Json>) -> Option<Json> {
        match self.error.take() {
            Some(error) => Some(error),
            // As vLLM once wrote it.
            None if self.object.as_ref().and_then(Json::as_str) == Some("error") => whole(),
            None => None,
        }
    }
}
