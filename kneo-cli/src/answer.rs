//! What was answered to a question.

use std::sync::Arc;

use kneo::event::{AfterExpiry, Event};
use kneo::store::Store;
use kneo::task::{TaskRow, TaskState};
use kneo::{Actor, Decision, Timestamp};

use crate::problem::Problem;
use crate::{host, journal, places};

/// An answer; a row of the store tells only its kind.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) decision: Decision,
    /// Nobody if it stands because nobody answered in time.
    pub(crate) by: Option<Actor>,
    pub(crate) at: Timestamp,
}

impl Answer {
    /// The answer to a question that has one.
    pub(crate) async fn of(store: Arc<dyn Store>, task: &TaskRow) -> Result<Option<Answer>, Problem> {
        if matches!(task.state, TaskState::Open | TaskState::Withdrawn) {
            return Ok(None);
        }
        let run = places::row(&store, &task.run).await?;
        let mut answer = None;
        journal::read(&host::client(store)?, run.key.run, run.tail, |event| {
            let (decision, by) = match event.event() {
                Event::TaskDecided(decided) if decided.task == task.task => {
                    (&decided.decision, Some(event.record.actor.clone()))
                }
                Event::TaskExpired { task: expired, then: AfterExpiry::Continue(decision) }
                    if *expired == task.task =>
                {
                    (decision, None)
                }
                _ => return,
            };
            answer = Some(Answer { decision: decision.clone(), by, at: event.record.at() });
        })
        .await?;
        Ok(answer)
    }
}
