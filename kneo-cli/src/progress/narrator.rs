//! From events to words.

use std::collections::BTreeMap;
use std::sync::Arc;

use kneo::event::{AfterBound, AfterExpiry, AfterFailure, AfterLoss, Event, Refusal};
use kneo::plan::{NodeIx, Plan};
use kneo::task::Decision;
use kneo::{Actor, Failure, Path, RunEvent, Timestamp, Usage};
use owo_colors::OwoColorize;

use super::readable;
use super::told::Told;
use crate::calls::Calls;
use crate::view;
use crate::visible::{line, lines};

/// What an event means for somebody who watches.
pub(super) enum News {
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
    told: Told,
    /// Questions that are not told yet: whoever is asked, or shown how the run stands, sees them in full.
    questions: BTreeMap<Path, String>,
    usage: Usage,
}

impl Narrator {
    pub(super) fn new(plan: Arc<Plan>) -> Narrator {
        let (open, questions) = (BTreeMap::new(), BTreeMap::new());
        Narrator { plan, open, calls: Calls::default(), told: Told::default(), questions, usage: Usage::default() }
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

    /// The person at the terminal is asked about a place.
    pub(super) fn asked(&mut self, path: &Path) {
        self.questions.remove(path);
    }

    /// Whether the failure of the run was told.
    pub(super) fn has_told(&self, failure: &Failure) -> bool {
        self.told.knows_of_run(failure)
    }

    /// Takes an event that was told before, elsewhere.
    pub(super) fn learn(&mut self, event: &RunEvent) {
        self.take(event);
        self.told = Told::default();
        self.questions.clear();
    }

    /// Takes the next event; nothing, or what there is to tell, in order.
    pub(super) fn take(&mut self, event: &RunEvent) -> Vec<News> {
        let path = event.record.path();
        let mut news = Vec::new();
        match event.event() {
            // Nobody is asked before what is in flight is over, so it is told now.
            Event::EffectIntended { .. } => {
                news.extend(std::mem::take(&mut self.questions).into_values().map(News::Notable))
            }
            Event::TaskDecided(_) | Event::TaskExpired { .. } => {
                news.extend(self.questions.remove(path).map(News::Notable));
            }
            Event::TaskWithdrawn { .. } => self.asked(path),
            _ => {}
        }
        news.extend(self.news(event));
        news
    }

    fn news(&mut self, event: &RunEvent) -> Option<News> {
        let (path, at) = (event.record.path(), event.record.at());
        Some(match event.event() {
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
                self.told.tell(path, failure);
                let (what, took) = self.close(path, at);
                let again = match retry_at {
                    Some(then) => format!("; again in {}", readable(then.since(at))),
                    None => String::new(),
                };
                let (took, failure) = (format!("({took})"), told(failure));
                News::Over(format!("{} {what} {} {failure}{again}", "✗".red(), took.dimmed()))
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
                self.notable(path, &format!(" was in flight when its worker was lost: {follows}"))
            }
            // That a person said no, or nothing, was told.
            Event::CallRefused { reason: Refusal::Rejected | Refusal::Expired, .. } => return None,
            Event::CallRefused { message, .. } => self.notable(path, &format!(" was refused: {}", lines(message))),
            Event::CallDelegated { .. } => {
                let what = self.place(path);
                self.open.insert(path.clone(), (what.clone(), at));
                News::Begun(format!("{} {what}", "→".cyan()))
            }
            Event::CallReturned => {
                let (what, took) = self.close(path, at);
                News::Over(format!("{} {what} {}", "✓".green(), format!("({took})").dimmed()))
            }
            Event::CallFailed { failure } => {
                let known = self.told.knows(path, failure);
                self.told.tell(path, failure);
                let (what, took) = self.close(path, at);
                let why = if known { "failed".to_owned() } else { told(failure) };
                News::Over(format!("{} {what} {} {why}", "✗".red(), format!("({took})").dimmed()))
            }
            Event::AnswerRefused { problem } => self
                .notable(path, &format!(" gave an answer that does not fit, and is asked again: {}", lines(problem))),
            Event::StepComputed { .. } => News::Over(format!("{} {}", "✓".green(), self.place(path))),
            Event::StepSkipped { .. } => News::Over(format!("{} {} is skipped", "-".dimmed(), self.place(path))),
            Event::StepFailed { failure, then } => return self.failed(path, failure, *then),
            Event::BoundReached { then, .. } => {
                let follows = match then {
                    AfterBound::Fail => "and fails".to_owned(),
                    AfterBound::Continue => "and goes on".to_owned(),
                    AfterBound::To { node, .. } => format!("and goes on with {}", self.node(*node)),
                };
                self.notable(path, &format!(" reached its bound {follows}"))
            }
            Event::TaskOpened(task) => {
                let asks = match task.assignees.first() {
                    Some(name) => format!(" asks {name}: {}", lines(&view::asked(&task.request))),
                    None => format!(" asks: {}", lines(&view::asked(&task.request))),
                };
                let text = format!("{} {}{asks}", "?".yellow(), self.place(path));
                if self.open.is_empty() {
                    self.questions.insert(path.clone(), text);
                    return None;
                }
                News::Notable(text)
            }
            Event::TaskDecided(decided) => self.decided(path, &decided.decision, &event.record.actor),
            Event::TaskExpired { then, .. } => {
                let follows = match then {
                    AfterExpiry::Fail => String::new(),
                    AfterExpiry::Continue(decision) => format!("; {} stands", said(decision)),
                };
                self.told.refuse(path);
                self.notable(path, &format!(": nobody answered in time{follows}"))
            }
            Event::TaskEscalated { .. } => self.notable(path, ": nobody answered in time; the question stays open"),
            Event::CancelRequested { reason } => {
                News::Notable(format!("{} {} asked for the end: {}", "!".yellow(), event.record.actor, lines(reason)))
            }
            _ => return None,
        })
    }

    /// What becomes of a step that failed; the failure itself only if nothing told it before.
    fn failed(&mut self, path: &Path, failure: &Failure, then: AfterFailure) -> Option<News> {
        let known = self.told.knows(path, failure);
        self.told.tell(path, failure);
        let why = if known { String::new() } else { format!(": {}", told(failure)) };
        let follows = match then {
            AfterFailure::Propagate if known => return None,
            AfterFailure::Propagate => {
                return Some(News::Notable(self.marked("✗".red(), path, &format!(" failed{why}"))));
            }
            AfterFailure::Continue => "the run goes on".to_owned(),
            AfterFailure::Fallback(to) => format!("{} runs in its place", self.node(to)),
        };
        Some(self.notable(path, &format!(" failed{why}; {follows}")))
    }

    fn decided(&mut self, path: &Path, decision: &Decision, by: &Actor) -> News {
        let remark = match decision {
            Decision::Approve { comment: Some(text) }
            | Decision::ApproveForRun { comment: Some(text) }
            | Decision::Reject { reason: Some(text) }
            | Decision::Select { option: text } => format!(": {}", lines(text)),
            Decision::Approve { comment: None }
            | Decision::ApproveForRun { comment: None }
            | Decision::Reject { reason: None }
            | Decision::Edit { .. }
            | Decision::Provide { .. }
            | Decision::Retry => String::new(),
        };
        let text = format!(": {} by {by}{remark}", decision.kind());
        if let Decision::Reject { .. } = decision {
            self.told.refuse(path);
            return News::Over(self.marked("✗".yellow(), path, &text));
        }
        News::Over(self.marked("✓".green(), path, &text))
    }

    fn notable(&self, path: &Path, text: &str) -> News {
        News::Notable(self.marked("!".yellow(), path, text))
    }

    /// A line about a place; about the branches, where the author gave the place no name.
    fn marked(&self, mark: impl std::fmt::Display, path: &Path, text: &str) -> String {
        let place = self.place(path);
        let place = if place.is_empty() { "a branch" } else { &place };
        format!("{mark} {place}{text}")
    }

    fn place(&self, path: &Path) -> String {
        self.calls.place(&self.plan, path)
    }

    fn node(&self, at: NodeIx) -> String {
        self.plan.node(at).map_or_else(String::new, |node| node.id.to_string())
    }

    fn close(&mut self, path: &Path, at: Timestamp) -> (String, String) {
        match self.open.remove(path) {
            Some((what, since)) => (what, readable(at.since(since))),
            None => (self.place(path), "…".to_owned()),
        }
    }
}

/// A failure in words, which others may have written.
fn told(failure: &Failure) -> String {
    lines(&view::failure(failure))
}

/// A decision in a few words.
fn said(decision: &Decision) -> String {
    match decision {
        Decision::Select { option } => format!("`{}`", line(option)),
        Decision::Approve { .. }
        | Decision::ApproveForRun { .. }
        | Decision::Reject { .. }
        | Decision::Edit { .. }
        | Decision::Provide { .. }
        | Decision::Retry => decision.kind().to_string(),
    }
}
