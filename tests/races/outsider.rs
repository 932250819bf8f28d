//! People and hosts who add facts from outside.

use std::sync::Arc;

use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{Entry, Event, TaskDecided};
use kneo_core::store::{CommitError, Committed};
use kneo_core::task::{Decision, TaskRow, TaskState};
use kneo_core::{Actor, CommitId, Path};
use kneo_tests::schedule::pause;
use kneo_tests::seed::Rng;

use super::world::{World, record};

/// What an outsider was told.
pub(crate) type Told = Result<Committed, CommitError>;

/// Waits for the run's next question and decides it; `None` if none comes.
pub(crate) async fn decide(world: &World, by: Actor, decision: Decision) -> Option<Told> {
    let open = |task: &TaskRow| task.state == TaskState::Open;
    let task = world.until(|| world.tasks().into_iter().find(open)).await?;
    Some(decide_task(world, &task, by, decision).await)
}

/// Decides a question that was seen open a while ago.
pub(crate) async fn decide_task(world: &World, task: &TaskRow, by: Actor, decision: Decision) -> Told {
    world.dawdle(6).await;
    let decided = TaskDecided { task: task.task, decision, digest: task.digest };
    say(world, by, task.path.clone(), Event::TaskDecided(Box::new(decided))).await
}

/// Asks for the run to stop.
pub(crate) async fn cancel(world: &World, by: Actor) -> Told {
    say(world, by, Path::root(), Event::CancelRequested { reason: Arc::from("enough") }).await
}

/// Commits a fact. Some lose the answer and submit the same commit again: they are told the same.
async fn say(world: &World, by: Actor, path: Path, event: Event) -> Told {
    let entry = Entry { at: world.now(), path, event };
    let id = CommitId::new(world.now(), world.draw(Rng::bytes));
    let records = [record(by, entry)];
    let commit = Commit::new(id, world.key.clone(), Author::External, LeaseChange::Keep, records).unwrap();
    pause().await;
    let told = world.submit(commit.clone());
    if world.draw(|rng| rng.one_in(3)) {
        pause().await;
        let again = world.submit(commit);
        match (&told, &again) {
            (Ok(first), Ok(second)) => assert_eq!(first, second, "the same commit was answered differently"),
            (Ok(_), Err(error)) => panic!("a commit that succeeded was refused when it came again: {error}"),
            (Err(first), Ok(_)) => panic!("a commit that was refused succeeded when it came again: {first}"),
            (Err(_), Err(_)) => {}
        }
    }
    told
}
