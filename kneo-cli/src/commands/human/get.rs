//! `kneo human get`.

use std::fmt::Write as _;

use kneo::task::{TaskRow, TaskState};
use kneo::{Decision, Value};

use crate::answer::Answer;
use crate::exit::Exit;
use crate::id::TaskArg;
use crate::output::Output;
use crate::places::Places;
use crate::problem::Stop;
use crate::store_place::StoreArgs;
use crate::view;
use crate::visible::{block, lines};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The task: its id, or at least six of its first or last digits
    task: TaskArg,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let store = self.store.open().await?;
        let row = self.task.find(&store).await?;
        let mut places = Places::default();
        places.learn_run(&store, &row.run).await?;
        let answer = Answer::of(store, &row).await?;
        if output.json {
            let mut object = view::task(&row, &places);
            if let (Some(entries), Some(answer)) = (object.as_object_mut(), &answer) {
                entries.insert("decision".to_owned(), view::answer(answer));
            }
            output.object(&object)?;
        } else {
            output.text(&text(&row, answer.as_ref(), &places, &self.store.again()))?;
        }
        Ok(Exit::Done)
    }
}

fn text(row: &TaskRow, answer: Option<&Answer>, places: &Places, store_again: &str) -> String {
    let mut text = format!("{}\n", row.task);
    let mut line = |what: &str, value: &str| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {what:<9} {}", lines(value));
    };
    line("run", &row.run.run.to_string());
    line("place", &places.of(row.run.run, &row.path));
    line("state", if view::is_overdue(row) { "overdue" } else { row.state.as_str() });
    line("asked", &row.opened_at.to_string());
    if let Some(at) = row.deadline {
        line("until", &at.to_string());
    }
    if let Some(at) = row.escalated_at {
        line("escalated", &at.to_string());
    }
    match answer {
        Some(Answer { decision, by: Some(by), at }) => {
            line("decided", &format!("{} by {by} at {at}", decision.kind()));
        }
        Some(Answer { decision, by: None, .. }) => {
            line("stands", &format!("{}, since nobody answered", decision.kind()))
        }
        None => {}
    }
    let content = match answer.map(|answer| &answer.decision) {
        Some(
            Decision::Approve { comment: Some(reason) }
            | Decision::ApproveForRun { comment: Some(reason) }
            | Decision::Reject { reason: Some(reason) },
        ) => {
            line("reason", reason);
            None
        }
        Some(Decision::Select { option }) => {
            line("option", option);
            None
        }
        Some(Decision::Edit { content } | Decision::Provide { content }) => Some(content),
        Some(
            Decision::Approve { comment: None }
            | Decision::ApproveForRun { comment: None }
            | Decision::Reject { reason: None }
            | Decision::Retry,
        )
        | None => None,
    };
    for value in [&row.request.subject, &row.request.context] {
        if !matches!(value, Value::Null) {
            let _ = writeln!(text, "\n{}", block(&view::shown(value)));
        }
    }
    let _ = match &row.state {
        TaskState::Open => writeln!(text, "\n{}", view::waiting(row, places, store_again)),
        _ => writeln!(text, "\n{}", lines(&view::question(&row.request))),
    };
    if let Some(content) = content {
        let _ = writeln!(text, "\nThe answer:\n\n{}", block(&view::shown(content.value())));
    }
    text
}
