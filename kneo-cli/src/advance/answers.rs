//! Who answers the questions of a run.

use std::collections::BTreeSet;
use std::io;

use kneo::task::TaskRow;
use kneo::{Actor, DecisionKind, TaskId};

use crate::lines::Lines;
use crate::output::{Output, is_attended};
use crate::problem::Problem;

/// Who is there to answer.
#[derive(Debug)]
pub(crate) struct Answers {
    /// The person at the terminal.
    person: Option<Actor>,
    /// In whose name whatever can be approved is approved.
    approve_as: Option<Actor>,
}

/// How a question is answered.
pub(super) enum Way {
    /// It is approved in this name.
    Approve(Actor),
    /// The person at the terminal is asked, and decides in this name.
    Ask(Actor),
    /// It is left to others.
    Leave,
}

impl Answers {
    /// The person at the terminal, if there is one and the output is for people.
    pub(crate) fn new(output: Output, by: &Actor, approve_as: Option<Actor>) -> Answers {
        let is_there = is_attended() && !output.json && !output.quiet;
        Answers { person: is_there.then(|| by.clone()), approve_as }
    }

    /// How to answer a question.
    pub(super) fn way(&self, task: &TaskRow) -> Way {
        let approver = self.approve_as.as_ref().filter(|name| is_for(task, name));
        let can_approve = task.request.actions.contains(&DecisionKind::Approve);
        let person = self.person.as_ref().filter(|person| is_for(task, person));
        match (approver, person) {
            (Some(name), _) if can_approve => Way::Approve(name.clone()),
            (_, Some(person)) => Way::Ask(person.clone()),
            // Who approves in a name may say more in it.
            (Some(name), None) if self.person.is_some() => Way::Ask(name.clone()),
            _ => Way::Leave,
        }
    }
}

/// Whether somebody may decide a task.
fn is_for(task: &TaskRow, somebody: &Actor) -> bool {
    task.assignees.is_empty() || somebody.name().is_some_and(|name| task.assignees.contains(name))
}

/// What was said at the terminal.
#[derive(Default)]
pub(super) struct Desk {
    lines: Option<Lines>,
    /// Questions that were left open, and are not asked again.
    pub(super) left: BTreeSet<TaskId>,
}

impl Desk {
    pub(super) fn lines(&mut self) -> Result<&mut Lines, Problem> {
        let lines = match self.lines.take() {
            Some(lines) => lines,
            None => Lines::read().map_err(|error: io::Error| {
                Problem::new("threads_unavailable", format!("cannot start a thread: {error}"))
            })?,
        };
        Ok(self.lines.insert(lines))
    }
}
