//! Questions to people.

use kneo::event::{AfterExpiry, TaskOpened};
use kneo::task::{Decision, TaskCause};
use kneo::{Actor, Name, Path, Segment, Timestamp, Usage};

use super::super::values::capped;
use super::super::{PhaseKind, State};
use super::{Fold, somebody};
use crate::view;

impl Fold<'_> {
    pub(super) fn task_opened(&mut self, path: &Path, at: Timestamp, opened: &TaskOpened) {
        if matches!(path.last(), Some(Segment::Call(_))) {
            self.open_call(path, at);
        }
        let why = match &opened.request.cause {
            TaskCause::Approval { of } => format!(" about {of}"),
            TaskCause::Uncertain { of } => format!(" whether {of} happened"),
            _ => String::new(),
        };
        self.phase(path, PhaseKind::Wait, at, format!("asks {}{why}", people(&opened.assignees)));
        if self.with_values
            && let Some(span) = self.span(path)
        {
            span.values.push(("question", capped(&view::question(&opened.request))));
        }
        self.value(path, "about", &opened.request.subject);
    }

    pub(super) fn task_decided(&mut self, path: &Path, at: Timestamp, by: &Actor, decision: &Decision) {
        let remark = match decision {
            Decision::Approve { comment: remark }
            | Decision::ApproveForRun { comment: remark }
            | Decision::Reject { reason: remark } => remark.as_deref().map(str::to_owned),
            Decision::Select { option } => Some(option.to_string()),
            Decision::Edit { content } | Decision::Provide { content } => {
                self.value(path, "decision", content.value());
                None
            }
            Decision::Retry => None,
        };
        let remark = remark.filter(|_| self.with_values).map_or_else(String::new, |remark| format!(": {remark}"));
        let text = format!("{} by {}{remark}", decision.kind(), somebody(by));
        self.wait_over(path, at, State::Completed, &text);
    }

    pub(super) fn task_reassigned(&mut self, path: &Path, at: Timestamp, by: &Actor, to: &[Name]) {
        self.note(path, at, format!("{} passes the question to {}", somebody(by), people(to)));
    }

    pub(super) fn task_expired(&mut self, path: &Path, at: Timestamp, then: &AfterExpiry) {
        match then {
            AfterExpiry::Fail => self.wait_over(path, at, State::Failed, "nobody answered in time"),
            AfterExpiry::Continue(decision) => {
                let text = format!("nobody answered in time: counts as {}", decision.kind());
                self.wait_over(path, at, State::Completed, &text);
            }
        }
    }

    pub(super) fn wait_over(&mut self, path: &Path, at: Timestamp, state: State, text: &str) {
        self.phase_over(path, PhaseKind::Wait, at, state, Some(text.to_owned()), Usage::default());
    }
}

fn people(names: &[Name]) -> String {
    if names.is_empty() {
        return "anybody".to_owned();
    }
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(" or ")
}
