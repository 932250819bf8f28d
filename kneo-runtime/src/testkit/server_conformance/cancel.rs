//! What is not wanted any more.

use std::sync::Arc;

use tokio::time::timeout;

use super::Checked;
use super::fixture::{Does, Seen, ServerFixture, ServerSetup, SuiteTool};
use super::support::{SOON, call, context, fail, has_code, nothing, saw, sees, tools};

fn hanging() -> [SuiteTool; 2] {
    [SuiteTool::new("hang", Does::Hang), SuiteTool::new("echo", Does::Echo)]
}

fn called() -> Seen {
    Seen::Called(Arc::from("hang"))
}

fn called_off() -> Seen {
    Seen::CalledOff(Arc::from("hang"))
}

/// Waits until a call is on its way: seen by the server, or, where that cannot be told, given time to be.
async fn is_on_its_way(setup: &ServerSetup) -> Result<(), String> {
    if !sees(setup, &called()).await? {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

pub(super) async fn a_call_that_is_cancelled_before_is_not_made(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&[SuiteTool::new("echo", Does::Echo)]).await else { return Ok(false) };
    let cancelled = context();
    cancelled.cancel.cancel();
    fail(&setup, "echo", &cancelled).await?;
    call(&setup, "echo", nothing()).await?;
    // Where it cannot be told, what was told is enough.
    saw(&setup, &Seen::Called(Arc::from("echo")), 1).map(|_| true)
}

pub(super) async fn cancelling_ends_a_call_and_the_server_is_told(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&hanging()).await else { return Ok(false) };
    let cancelled = context();
    let cancel = async {
        let on_its_way = is_on_its_way(&setup).await;
        cancelled.cancel.cancel();
        on_its_way
    };
    let (ended, on_its_way) = tokio::join!(biased; fail(&setup, "hang", &cancelled), cancel);
    on_its_way?;
    let error = ended?;
    if error.retryable {
        return Err(format!("a call that was cancelled is an error that passes: {error:?}"));
    }
    sees(&setup, &called_off()).await.map(|_| true)
}

pub(super) async fn dropping_a_call_tells_the_server(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&hanging()).await else { return Ok(false) };
    let context = context();
    tokio::select! {
        biased;
        result = setup.server.call("hang", nothing(), &context) => {
            return Err(format!("a call that gives nothing gave {result:?}"));
        }
        on_its_way = is_on_its_way(&setup) => on_its_way?,
    }
    sees(&setup, &called_off()).await
}

pub(super) async fn a_cancelled_call_harms_no_other(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&hanging()).await else { return Ok(false) };
    let (cancelled, other) = (context(), context());
    let on_its_way = async {
        let on_its_way = is_on_its_way(&setup).await;
        cancelled.cancel.cancel();
        on_its_way
    };
    let both = async { tokio::join!(biased; fail(&setup, "hang", &cancelled), on_its_way) };
    tokio::select! {
        biased;
        result = setup.server.call("hang", nothing(), &other) => {
            return Err(format!("a call that was not cancelled ended with the other: {result:?}"));
        }
        (ended, on_its_way) = both => {
            on_its_way?;
            ended?;
        }
    }
    tools(&setup).await?;
    call(&setup, "echo", nothing()).await?;
    Ok(true)
}

pub(super) async fn a_question_that_is_cancelled_before_is_not_asked(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&[SuiteTool::new("echo", Does::Echo)]).await else { return Ok(false) };
    let cancelled = context();
    cancelled.cancel.cancel();
    match timeout(SOON, setup.server.tools(&cancelled)).await {
        Ok(Err(error)) => has_code(&error)?,
        Ok(Ok(_)) => return Err("a cancelled question was answered".to_owned()),
        Err(_) => return Err(format!("a cancelled question went on for {SOON:?}")),
    }
    tools(&setup).await?;
    saw(&setup, &Seen::Asked, 1).map(|_| true)
}
