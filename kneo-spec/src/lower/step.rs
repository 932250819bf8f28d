//! Steps.

use std::num::NonZeroU32;

use kneo_core::failure::FailureKind;
use kneo_core::name::Name;
use kneo_core::plan::Retry;

use super::fields::Choice;
use super::{At, Fields, Lower};
use crate::diagnostic::{Code, Diagnostic, tick};
use crate::document::{OnError, Raw, RawRef, Step, StepKind};
use crate::shape::step::{RETRY, STEP};
use crate::source::{Span, Spanned};
use crate::syntax::{Kind, NodeId};

/// Where a step stands in its workflow.
pub(super) enum Seat {
    /// Under this key, which is its id.
    Key(Spanned<Name>),
    /// In a list, at this place.
    Item(usize),
}

impl Lower<'_> {
    /// Reads a step.
    pub(super) fn step(&mut self, node: NodeId, seat: &Seat) -> Option<Step<Raw>> {
        let Kind::Map(_) = self.tree.node(node).kind else {
            let meant = self.meant(node, &STEP).unwrap_or_else(|| STEP.example.to_owned());
            self.no_construct(node, &STEP, format!("write `{meant}`"));
            return None;
        };
        // A graph node may leave its `id` to its key.
        let spared = if matches!(seat, Seat::Key(_)) { "id" } else { "" };
        let mut fields = self.fields_without(node, &STEP, spared)?;
        let id = self.step_id(&fields, seat);
        let nameless = id.is_none();
        let id = id.or_else(|| made_up(seat, fields.span))?;
        let kind = self.word_or_near(fields.get("kind"));
        let body = kind.and_then(|kind| {
            self.only(&mut fields, kind, "kind");
            if kind == "set" { self.set(&fields) } else { self.reference(&fields, kind) }
        });
        let (on_error, retry) = self.on_error(&fields, kind);
        // A kind that this version does not run may have fields of the same names.
        let fan_out = kind.and_then(|_| self.fan_out(&fields, seat));
        Some(Step {
            id,
            nameless,
            kind: body.unwrap_or(StepKind::Broken),
            when: self.expr(fields.get("when")),
            input: fields.get("input").map(|at| at.node),
            on_error,
            fallback_only: self.bool(fields.get("fallback_only")).filter(|only| only.value).map(|only| only.span),
            fan_out,
            idempotency_key: fields.get("idempotency_key").and_then(|at| {
                let text = self.template_node(at.node, "`idempotency_key`")?;
                Some(Spanned::new(text, self.span(at.node)))
            }),
            output: self.schema(fields.get("output_schema")),
            retry,
            timeout_ms: self.seconds(fields.get("timeout_seconds")),
            span: fields.span,
        })
    }

    fn step_id(&mut self, fields: &Fields, seat: &Seat) -> Option<Spanned<Name>> {
        let id = self.name(fields.get("id"));
        let Seat::Key(key) = seat else {
            return id;
        };
        if let Some(id) = id
            && id.value != key.value
        {
            self.report(
                Diagnostic::new(
                    Code::IdMismatch,
                    id.span,
                    format!("the id {} is not the node's key", tick(id.value.as_str())),
                )
                .label(key.span, "the key")
                .help(format!("write `id: {}`, or leave `id` out", key.value)),
            );
        }
        Some(key.clone())
    }

    fn reference(&mut self, fields: &Fields, kind: &str) -> Option<StepKind<Raw>> {
        let Some(at) = fields.get("ref") else {
            self.missing(fields.span, &STEP, "ref");
            return None;
        };
        if !matches!(self.tree.node(at.node).kind, Kind::Map(_)) {
            let name = self.name(Some(at))?;
            return Some(match kind {
                "agent" => StepKind::Agent(RawRef::Named(name)),
                "function" => StepKind::Function(RawRef::Named(name)),
                "human" => StepKind::Human(RawRef::Named(name)),
                _ => StepKind::Workflow(RawRef::Named(name)),
            });
        }
        Some(match kind {
            "agent" => StepKind::Agent(RawRef::Inline(Box::new(self.agent(at.node, "ref")?))),
            "function" => StepKind::Function(RawRef::Inline(Box::new(self.function(at.node, "ref")?))),
            "human" => StepKind::Human(RawRef::Inline(Box::new(self.human(at.node, "ref")?))),
            _ => StepKind::Workflow(RawRef::Inline(Box::new(self.workflow(at.node, "ref")?))),
        })
    }

    fn set(&mut self, fields: &Fields) -> Option<StepKind<Raw>> {
        let Some(at) = fields.get("set") else {
            self.missing(fields.span, &STEP, "set");
            return None;
        };
        let values = self.map(Some(at));
        if values.is_empty() {
            if matches!(self.tree.node(at.node).kind, Kind::Map(_)) {
                self.empty(at);
            }
            return None;
        }
        Some(StepKind::Set(values))
    }

    fn on_error(&mut self, fields: &Fields, kind: Option<&str>) -> (OnError<Raw>, Option<Spanned<Retry>>) {
        let retry = self.retry(fields, kind);
        let word = self.word(fields.get("on_error"));
        let fallback = self.name(fields.get("fallback_ref"));
        let value = word.as_ref().map_or("fail", |word| word.value);
        if let (Some(fallback), Some(at)) = (&fallback, fields.get("fallback_ref"))
            && value != "fallback"
        {
            self.report(
                Diagnostic::new(
                    Code::FallbackRef,
                    at.key.span,
                    format!("the fallback {} is never used", tick(fallback.value.as_str())),
                )
                .help("write `on_error: fallback`, or remove `fallback_ref`"),
            );
        }
        let on_error = match value {
            "continue" => OnError::Continue,
            "fallback" => match fallback {
                Some(fallback) => {
                    let span = fallback.span;
                    OnError::Fallback(fallback, span)
                }
                None => {
                    if fields.get("fallback_ref").is_none() {
                        let span = word.map_or(fields.span, |word| word.span);
                        self.report(
                            Diagnostic::new(
                                Code::FallbackRef,
                                span,
                                "`on_error: fallback` does not say which step takes over",
                            )
                            .help("add `fallback_ref:` with the id of another step of this workflow"),
                        );
                    }
                    OnError::Broken
                }
            },
            "retry" => {
                let again = retry.as_ref().is_some_and(|retry| retry.max_attempts.get() > 1);
                let broken = [fields.get("retry"), fields.get("max_retries")].into_iter().flatten().next().is_some()
                    && retry.is_none();
                if !again && !broken {
                    let span = word.map_or(fields.span, |word| word.span);
                    self.report(
                        Diagnostic::new(Code::RetryWithoutCount, span, "`on_error: retry` does not say how often")
                            .help(
                                "add `max_retries:`, 1 or more; only `kind:` `agent` and `function` can be tried again",
                            ),
                    );
                }
                OnError::Fail
            }
            _ => OnError::Fail,
        };
        let at = fields.get("retry").or_else(|| fields.get("max_retries"));
        (on_error, retry.zip(at).map(|(retry, at)| Spanned::new(retry, at.key.span)))
    }

    fn retry(&mut self, fields: &Fields, kind: Option<&str>) -> Option<Retry> {
        let short = fields.get("max_retries");
        let full = fields.get("retry");
        if let (Some(short), Some(full)) = (short, full) {
            self.report(
                Diagnostic::new(Code::TwoSpellings, full.key.span, "this step has both `max_retries` and `retry`")
                    .label(short.key.span, "the first")
                    .help("keep one; `max_retries: 2` is `retry: {max_attempts: 3}`"),
            );
        }
        if let Some(full) = full {
            return self.full_retry(full, kind, fields.get("output_schema").is_some());
        }
        let retries = self.small(short)?.value;
        Some(Retry { max_attempts: NonZeroU32::MIN.saturating_add(retries), ..Retry::default() })
    }

    fn full_retry(&mut self, at: &At, kind: Option<&str>, checked: bool) -> Option<Retry> {
        let fields = self.fields_at(at, &RETRY)?;
        let default = Retry::default();
        let initial = self.seconds(fields.get("initial_seconds"));
        let most = self.seconds(fields.get("max_seconds"));
        let initial_ms = initial.as_ref().map_or(default.initial_ms, |n| n.value);
        let max_ms = most.as_ref().map_or(default.max_ms.max(initial_ms), |n| n.value);
        if let Some(most) = &most
            && most.value < initial_ms
        {
            self.report(
                Diagnostic::new(Code::OutOfRange, most.span, "`max_seconds` is less than `initial_seconds`")
                    .help("make it at least as long"),
            );
        }
        let on = self.retry_on(fields.get("on"), kind, checked);
        Some(Retry {
            max_attempts: NonZeroU32::new(self.small(fields.get("max_attempts"))?.value)?,
            initial_ms,
            factor: self.number(fields.get("factor")).map_or(default.factor, |n| n.value),
            max_ms,
            jitter: self.bool(fields.get("jitter")).map_or(default.jitter, |b| b.value),
            on,
        })
    }

    fn retry_on(&mut self, at: Option<&At>, kind: Option<&str>, checked: bool) -> Vec<FailureKind> {
        let (Some(at), Some(items)) = (at, self.filled_list(at)) else {
            return Vec::new();
        };
        let Some(choice) = Choice::of(&at.field.kind) else {
            return Vec::new();
        };
        let words: Vec<_> = items.into_iter().filter_map(|item| self.word_node(item, "on", choice)).collect();
        let failures = words.into_iter().filter_map(|word| {
            let failure: FailureKind = word.value.parse().ok()?;
            let why = kind.and_then(|kind| Some((kind, never_again(failure, kind, checked)?)));
            if let Some((kind, why)) = why {
                let tried = if kind == "agent" { FailureKind::Provider } else { FailureKind::Function };
                self.report(
                    Diagnostic::new(
                        Code::RetryKind,
                        word.span,
                        format!("no attempt of this step is tried again after {}", tick(word.value)),
                    )
                    .primary(why)
                    .help(format!("write `{tried}` or `timeout`, or leave `on` out to try again after both")),
                );
            }
            Some(failure)
        });
        failures.collect()
    }
}

/// Why a failure is never followed by another attempt of a step of this kind; `None` when it is.
///
/// What is tried again is the call of a function, and a turn of an agent's model. `checked` says that the step holds its
/// output against a schema: a function may give another one the next time.
fn never_again(failure: FailureKind, kind: &str, checked: bool) -> Option<&'static str> {
    match (failure, kind) {
        (FailureKind::Timeout, _) | (FailureKind::Function, "function") | (FailureKind::Provider, "agent") => None,
        (FailureKind::InvalidOutput, "function") if checked => None,
        (FailureKind::InvalidOutput, "function") => Some("without `output_schema` every output fits"),
        (FailureKind::InvalidOutput, "agent") => Some("a model whose answer does not fit is asked again anyway"),
        (FailureKind::Provider, _) => Some("a function asks no model"),
        (FailureKind::Function, _) => Some("an agent calls no function"),
        (FailureKind::Tool, "agent") => Some("the model is told of a tool that failed, and may call it again"),
        (FailureKind::Tool, _) => Some("a function calls no tool"),
        (FailureKind::Limit, _) => Some("a bound that was reached stays reached"),
        (FailureKind::InvalidInput | FailureKind::InvalidOutput, _) => Some("a value that does not fit ends the step"),
        (FailureKind::Rejected, _) => Some("a person said no"),
        (FailureKind::Expired, _) => Some("nobody answered in time"),
        (FailureKind::Expression, _) => Some("an expression would fail again"),
        (FailureKind::Uncertain, _) => Some("whether it happened is for a person to say"),
        (_, _) => Some("it ends the run"),
    }
}

/// What a step without an id is called in messages about its other mistakes.
fn made_up(seat: &Seat, span: Span) -> Option<Spanned<Name>> {
    let place = match seat {
        Seat::Key(_) => return None,
        Seat::Item(place) => place + 1,
    };
    Name::new(format!("step {place}")).ok().map(|name| Spanned::new(name, span))
}
