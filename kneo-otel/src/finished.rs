//! What has come to its end, as the observer notes it: spans are made of it elsewhere.

use std::sync::Arc;

use kneo_core::event::EffectKind;
use kneo_core::plan::NodeIx;
use kneo_core::task::TaskCause;
use kneo_core::trace::TraceContext;
use kneo_core::{Attempt, Failure, Path, TaskId, Timestamp, Value};
use opentelemetry::{KeyValue, StringValue};

use crate::price::Spent;
use crate::trace::Trace;

/// The most moments, and the most links, of one span.
const MAX_NOTES: usize = 128;

/// Something that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) trace: Arc<Trace>,
    pub(crate) path: Path,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) what: What,
    /// How it ended, in the words of records.
    pub(crate) status: &'static str,
    pub(crate) problem: Option<Problem>,
    pub(crate) notes: Notes,
    /// Another worker may have told of it: it is exported, and not counted.
    pub(crate) repeated: bool,
}

/// What has ended.
#[derive(Debug)]
pub(crate) enum What {
    /// The run.
    Run { claims: u32, spent: Spent },
    /// A visit of a node.
    Step { node: NodeIx, spent: Spent },
    /// A branch of a fork.
    Branch(u32),
    /// A turn of an agent, with all its attempts and calls.
    Turn(u32),
    /// A tool call that no attempt stands for: a workflow is behind it, or it was refused.
    Call(Called),
    /// One try of an effect.
    Attempt(Try),
    /// The wait for a person's decision.
    Wait { task: TaskId, cause: TaskCause },
}

/// One try of an effect.
#[derive(Debug)]
pub(crate) struct Try {
    pub(crate) attempt: Attempt,
    pub(crate) kind: EffectKind,
    pub(crate) spent: Spent,
    /// Why the model stopped.
    pub(crate) finish: Option<&'static str>,
    /// What is called, of a tool call.
    pub(crate) call: Option<Called>,
    /// Whether another try follows.
    pub(crate) retried: bool,
}

/// A tool call as a model wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) id: Arc<str>,
    /// `None` for a name that no tool has: it is the model's text, and may say anything.
    pub(crate) name: Option<Arc<str>>,
}

/// What went wrong, without a word of the failing party's text.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// The kind of failure, or what happened instead.
    pub(crate) kind: &'static str,
    /// What the failing party gave as its code.
    code: Option<Arc<str>>,
}

impl Problem {
    pub(crate) const fn new(kind: &'static str) -> Problem {
        Problem { kind, code: None }
    }

    pub(crate) fn of(failure: &Failure) -> Problem {
        Problem { kind: failure.kind.as_str(), code: failure.code.clone() }
    }

    /// The code, if it is one.
    pub(crate) fn code(&self) -> Option<&Arc<str>> {
        self.code.as_ref().filter(|code| is_word(code))
    }

    /// The value of `error.type`: the code, or else the kind.
    pub(crate) fn error_type(&self) -> StringValue {
        self.code().map_or_else(|| self.kind.into(), |code| Arc::clone(code).into())
    }
}

/// Whether a text is a word, as codes and ids are by contract; whatever else stands there may be somebody's text.
pub(crate) fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// What else there is to say of something: most of the time nothing.
#[derive(Default, Debug)]
pub(crate) struct Notes {
    pub(crate) moments: Vec<Moment>,
    pub(crate) moments_dropped: u32,
    pub(crate) links: Vec<TraceContext>,
    pub(crate) links_dropped: u32,
    pub(crate) content: Vec<Piece>,
}

/// Something that happened within a span.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) name: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) attributes: Vec<KeyValue>,
}

/// A piece of what people, models and tools say: leaves only where the host has asked for it.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) attribute: &'static str,
    pub(crate) said: Said,
}

/// What was said.
#[derive(Debug)]
pub(crate) enum Said {
    Text(Arc<str>),
    Value(Value),
    /// A model's answer in its stored form.
    Answer(Value),
}

impl Said {
    /// About how many bytes it takes to write it out.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Said::Text(text) => text.len() as u64,
            Said::Value(value) | Said::Answer(value) => value.size(),
        }
    }
}

impl Notes {
    /// About how many bytes of content there are.
    pub(crate) fn content_size(&self) -> u64 {
        self.content.iter().map(|piece| piece.said.size()).fold(0, u64::saturating_add)
    }

    pub(crate) fn moment(&mut self, name: &'static str, at: Timestamp, attributes: Vec<KeyValue>) {
        match self.moments.len() < MAX_NOTES {
            true => self.moments.push(Moment { name, at, attributes }),
            false => self.moments_dropped = self.moments_dropped.saturating_add(1),
        }
    }

    pub(crate) fn link(&mut self, to: Option<TraceContext>) {
        let Some(to) = to else { return };
        match self.links.len() < MAX_NOTES {
            true => self.links.push(to),
            false => self.links_dropped = self.links_dropped.saturating_add(1),
        }
    }

    pub(crate) fn say(&mut self, attribute: &'static str, said: Said) {
        self.content.push(Piece { attribute, said });
    }
}

#[cfg(test)]
mod tests {
    use kneo_core::FailureKind;

    use super::*;

    #[test]
    fn a_code_that_is_none_is_not_told() {
        let told = |code: &str| {
            let failure = Failure::new(FailureKind::Tool, "key=hunter2").with_code(code);
            Problem::of(&failure).error_type().to_string()
        };
        assert_eq!(told("provider_rate_limited"), "provider_rate_limited");
        assert_eq!(told("http.429"), "http.429");
        for text in ["", "no such user: hunter2", "größe", &"x".repeat(65)] {
            assert_eq!(told(text), "tool", "{text}");
        }
    }

    #[test]
    fn notes_are_bounded_and_what_is_left_out_is_counted() {
        let mut notes = Notes::default();
        let to: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        for _ in 0..MAX_NOTES + 3 {
            notes.moment("kneo.run.claimed", Timestamp::default(), Vec::new());
            notes.link(Some(to));
        }
        assert_eq!((notes.moments.len(), notes.moments_dropped), (MAX_NOTES, 3));
        assert_eq!((notes.links.len(), notes.links_dropped), (MAX_NOTES, 3));
    }
}
