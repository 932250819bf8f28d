//! Cancellation.

use std::sync::Arc;

use kneo_core::call::CallContext;
use tokio::sync::Notify;

use super::Checked;
use super::fixture::{Fixture, Setup};
use super::support::{Received, SOON, ask, context, expect, has_providers_code, only, requests};

pub(super) async fn a_cancelled_call_ends_at_once(fixture: &dyn Fixture) -> Checked {
    let setup = fixture.answering(&["never seen"]).await;
    let cancelled = context();
    cancelled.cancel.cancel();
    ends_cancelled(&setup, &cancelled).await
}

pub(super) async fn cancelling_ends_a_call(fixture: &dyn Fixture) -> Checked {
    let Some(setup) = fixture.hanging().await else { return Ok(false) };
    let cancelled = context();
    let started = async {
        // The call below is polled first, so that it is under way.
        tokio::task::yield_now().await;
        cancelled.cancel.cancel();
    };
    tokio::join!(biased; ends_cancelled(&setup, &cancelled), started).0
}

pub(super) async fn cancelling_ends_an_answer_under_way(fixture: &dyn Fixture) -> Checked {
    const BEGINNING: &str = "half of an answer, and then ";
    let Some(setup) = fixture.stalling(BEGINNING).await else { return Ok(false) };
    let (received, arrived) = (Received::default(), Arc::new(Notify::new()));
    let told = Arc::clone(&arrived);
    let cancelled = context().with_deltas(received.sink(move || told.notify_one()));
    let started = async {
        let begun = tokio::time::timeout(SOON, arrived.notified()).await;
        cancelled.cancel.cancel();
        begun.map_err(|_| format!("no text arrived for {SOON:?}"))
    };
    let ended = async { ends_cancelled_after(&setup, &cancelled, SOON * 2).await };
    let (ended, begun) = tokio::join!(biased; ended, started);
    begun?;
    let text = received.text();
    if !BEGINNING.starts_with(&text) {
        return Err(format!("the deltas are {text:?}, and the answer began {BEGINNING:?}"));
    }
    ended
}

async fn ends_cancelled(setup: &Setup, context: &CallContext) -> Checked {
    ends_cancelled_after(setup, context, SOON).await
}

async fn ends_cancelled_after(setup: &Setup, context: &CallContext, soon: std::time::Duration) -> Checked {
    match tokio::time::timeout(soon, setup.provider.generate(only(setup)?, context)).await {
        Ok(Err(error)) => has_providers_code(&error).map(|()| true),
        Ok(Ok(_)) => Err("a cancelled call gave an answer".to_owned()),
        Err(_) => Err(format!("a cancelled call went on for {soon:?}")),
    }
}

pub(super) async fn a_dropped_call_harms_no_other(fixture: &dyn Fixture) -> Checked {
    let setup = fixture.answering(&["first", "second"]).await;
    let [first, second] = requests(&setup, 2)? else { return Ok(false) };
    let dropped = context();
    {
        let mut call = std::pin::pin!(setup.provider.generate(first, &dropped));
        tokio::select! {
            biased;
            _ = &mut call => {}
            () = tokio::task::yield_now() => {}
        }
    }
    let answer = ask(&setup, second, &context()).await?;
    expect("text after a dropped call", answer.message.to_text().as_str(), "second")?;
    Ok(true)
}
