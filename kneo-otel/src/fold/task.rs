//! Waits for people.

use std::sync::Arc;

use kneo_core::event::{AfterExpiry, TaskDecided, TaskOpened};
use kneo_core::task::Decision;
use kneo_core::trace::TraceContext;
use kneo_core::{Path, Timestamp, Value};

use super::open::OpenWait;
use super::{Ending, Fold, Out};
use crate::attribute;
use crate::finished::{Notes, Problem, Said, What};

impl Fold {
    pub(super) fn task_opened(&mut self, path: &Path, at: Timestamp, opened: &TaskOpened, out: &Out<'_>) {
        let mut notes = Notes::default();
        if out.content {
            notes.say(attribute::TASK_DESCRIPTION, Said::Text(Arc::clone(&opened.request.description)));
        }
        let wait = OpenWait { task: opened.task, cause: opened.request.cause.clone(), since: at, notes };
        self.open.entry(path.clone()).or_default().wait = Some(wait);
    }

    pub(super) fn task_decided(
        &mut self,
        path: &Path,
        at: Timestamp,
        decided: &TaskDecided,
        from: Option<TraceContext>,
        out: &mut Out<'_>,
    ) {
        self.notes.link(from);
        if let Some(wait) = self.open.get_mut(path).and_then(|open| open.wait.as_mut()) {
            wait.notes.link(from);
            let answer = decided.decision.content();
            if out.content && answer != Value::Null {
                wait.notes.say(attribute::TASK_ANSWER, Said::Value(answer));
            }
        }
        if let Decision::Edit { content } = &decided.decision {
            self.call_edited(path, content.value());
        }
        self.task_over(path, Ending::new(at, decided.decision.kind().as_str()), out);
    }

    pub(super) fn task_expired(&mut self, path: &Path, at: Timestamp, then: &AfterExpiry, out: &mut Out<'_>) {
        let problem = match then {
            AfterExpiry::Fail => Some(Problem::new("expired")),
            AfterExpiry::Continue(_) => None,
        };
        self.task_over(path, Ending { at, status: "expired", problem }, out);
    }

    /// Notes something that happened to a task, and from where.
    pub(super) fn task_noted(&mut self, path: &Path, name: &'static str, at: Timestamp, from: Option<TraceContext>) {
        self.notes.link(from);
        if let Some(wait) = self.open.get_mut(path).and_then(|open| open.wait.as_mut()) {
            wait.notes.moment(name, at, Vec::new());
            wait.notes.link(from);
        }
    }

    pub(super) fn task_over(&mut self, path: &Path, ending: Ending, out: &mut Out<'_>) {
        if let Some(wait) = self.take_open(path, |open| open.wait.take()) {
            let what = What::Wait { task: wait.task, cause: wait.cause };
            self.emit(path.clone(), wait.since, what, ending, wait.notes, out);
        }
    }
}
