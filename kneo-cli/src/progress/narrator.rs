//! From events to words.

use std::collections::BTreeMap;
use std::sync::Arc;

use kneo::event::{AfterLoss, Event, Parked};
use kneo::plan::{NodeKind, Plan};
use kneo::{Path, RunEvent, Segment, Timestamp, Usage};
use owo_colors::OwoColorize;

use super::readable;
use crate::calls::Calls;

/// What an event means for somebody who watches.
pub(super) enum News {
    /// Nothing to tell.
    Nothing,
    /// Something begins.
    Begun(String),
    /// Something is over.
    Over(String),
    /// Something that is seldom.
    Notable(String),
}

/// Follows a run.
pub(super) struct Narrator {
    plan: Arc<Plan>,
    /// What is under way, and since when.
    open: BTreeMap<Path, (String, Timestamp)>,
    calls: Calls,
    usage: Usage,
}

impl Narrator {
    pub(super) fn new(plan: Arc<Plan>) -> Narrator {
        Narrator { plan, open: BTreeMap::new(), calls: Calls::default(), usage: Usage::default() }
    }

    /// What is under way, in one line.
    pub(super) fn summary(&self) -> String {
        let mut parts: Vec<&str> = self.open.values().map(|(what, _)| what.as_str()).collect();
        let more = parts.len().saturating_sub(3);
        parts.truncate(3);
        let mut text = parts.join(", ");
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        if !self.usage.is_zero() {
            let between = if text.is_empty() { "" } else { " · " };
            text.push_str(&format!("{between}{} tokens", self.usage.total()));
        }
        text
    }

    pub(super) fn take(&mut self, event: &RunEvent) -> News {
        let (path, at) = (event.record.path(), event.record.at());
        match event.event() {
            Event::EffectIntended { attempt, .. } => {
                let what = self.place(path);
                self.open.insert(path.clone(), (what.clone(), at));
                let again = if attempt.as_u32() > 1 { format!(" (attempt {attempt})") } else { String::new() };
                News::Begun(format!("{} {what}{again}", "→".cyan()))
            }
            Event::EffectSucceeded { usage, .. } => {
                self.usage += *usage;
                self.calls.learn(event);
                let tokens = if usage.is_zero() { String::new() } else { format!(", {} tokens", usage.total()) };
                let (what, took) = self.close(path, at);
                News::Over(format!("{} {what} {}", "✓".green(), format!("({took}{tokens})").dimmed()))
            }
            Event::EffectFailed { failure, usage, retry_at, .. } => {
                self.usage += *usage;
                let (what, took) = self.close(path, at);
                let again = match retry_at {
                    Some(then) => format!("; again in {}", readable(then.since(at))),
                    None => String::new(),
                };
                News::Over(format!("{} {what} {} {failure}{again}", "✗".red(), format!("({took})").dimmed()))
            }
            Event::EffectCancelled { .. } => {
                let (what, took) = self.close(path, at);
                News::Over(format!("{} {what} was stopped {}", "✗".yellow(), format!("({took})").dimmed()))
            }
            Event::EffectLost { then, .. } => {
                self.open.remove(path);
                let follows = match then {
                    AfterLoss::Rerun => "it runs again",
                    AfterLoss::Ask => "an operator is asked",
                    AfterLoss::Fail => "it fails",
                    AfterLoss::Nothing => "it was to stop",
                };
                News::Notable(format!(
                    "{} {} was in flight when its worker was lost: {follows}",
                    "!".yellow(),
                    self.place(path)
                ))
            }
            Event::CallRefused { message, .. } => {
                News::Notable(format!("{} {} was refused: {message}", "!".yellow(), self.place(path)))
            }
            Event::StepComputed { .. } => News::Over(format!("{} {}", "✓".green(), self.place(path))),
            Event::StepSkipped { .. } => News::Over(format!("{} {} is skipped", "-".dimmed(), self.place(path))),
            Event::StepFailed { failure, .. } if !self.is_single_effect(path) => {
                News::Notable(format!("{} {} failed: {failure}", "✗".red(), self.place(path)))
            }
            Event::BoundReached { .. } => {
                News::Notable(format!("{} {} reached its bound", "!".yellow(), self.place(path)))
            }
            Event::TaskOpened(task) => {
                let who = task.assignees.first().map_or_else(String::new, |name| format!(" asks {name}"));
                News::Notable(format!("{} {}{who}: {}", "?".yellow(), self.place(path), task.request.description))
            }
            Event::TaskDecided(decided) => News::Over(format!(
                "{} {}: {} by {}",
                "✓".green(),
                self.place(path),
                decided.decision.kind(),
                event.record.actor
            )),
            Event::TaskExpired { .. } => {
                News::Notable(format!("{} {}: nobody answered in time", "!".yellow(), self.place(path)))
            }
            Event::CancelRequested { reason } => News::Notable(format!("{} cancel requested: {reason}", "!".yellow())),
            Event::RunParked { status: Parked::Blocked, ready_at: Some(then) } if *then > at => {
                News::Notable(format!("{} waits until {then}", "…".dimmed()))
            }
            _ => News::Nothing,
        }
    }

    fn place(&self, path: &Path) -> String {
        self.calls.place(&self.plan, path)
    }

    fn close(&mut self, path: &Path, at: Timestamp) -> (String, String) {
        match self.open.remove(path) {
            Some((what, since)) => (what, readable(at.since(since))),
            None => (self.place(path), "…".to_owned()),
        }
    }

    /// A function's failure was told when its last attempt failed.
    fn is_single_effect(&self, path: &Path) -> bool {
        let node = match path.last() {
            Some(Segment::Node { node, .. }) => self.plan.node(node),
            _ => None,
        };
        node.is_some_and(|node| matches!(node.kind, NodeKind::Function(_)))
    }
}
