//! Failures, and checks that foresee them.

use kneo_core::Usage;

use super::Checked;
use super::fixture::Fixture;
use super::support::{SOON, ask, context, expect, fail, has_providers_code, only, requests};

pub(super) async fn errors_have_a_providers_code(fixture: &dyn Fixture) -> Checked {
    let Some(setup) = fixture.failing().await else { return Ok(false) };
    match fail(&setup, &context()).await? {
        error if error.retryable => Ok(true),
        error => Err(format!("the failure can pass, but `{}` is not retryable", error.code)),
    }
}

pub(super) async fn a_failure_is_not_tried_again(fixture: &dyn Fixture) -> Checked {
    let Some(setup) = fixture.failing().await else { return Ok(false) };
    let Some(before) = setup.exchanges() else { return Ok(false) };
    fail(&setup, &context()).await?;
    expect("number of exchanges for one call", &setup.exchanges(), &Some(before + 1))?;
    Ok(true)
}

pub(super) async fn a_failure_that_cost_something_says_so(fixture: &dyn Fixture) -> Checked {
    let usage = Usage::new(40, 2);
    let Some(setup) = fixture.wasting(usage).await else { return Ok(false) };
    let error = fail(&setup, &context()).await?;
    expect("usage of a failure", &error.usage, &usage)?;
    Ok(true)
}

pub(super) async fn a_check_passes_what_is_answered(fixture: &dyn Fixture) -> Checked {
    const TEXTS: [&str; 2] = ["first", "second"];
    let setup = fixture.answering(&TEXTS).await;
    for (text, request) in TEXTS.iter().zip(requests(&setup, TEXTS.len())?) {
        match tokio::time::timeout(SOON, setup.provider.check(request, &context())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(format!("the check failed: {} ({error})", error.code)),
            Err(_) => return Err(format!("the check went on for {SOON:?}")),
        }
        let answer = ask(&setup, request, &context()).await?;
        expect("text after a check", answer.message.to_text().as_str(), *text)?;
    }
    Ok(true)
}

pub(super) async fn a_check_finds_a_model_that_is_not_there(fixture: &dyn Fixture) -> Checked {
    let Some(setup) = fixture.without_model().await else { return Ok(false) };
    match tokio::time::timeout(SOON, setup.provider.check(only(&setup)?, &context())).await {
        Ok(Err(error)) if error.retryable => Err(format!("`{}` is retryable, and no try will find it", error.code)),
        Ok(Err(error)) => has_providers_code(&error).map(|()| true),
        Ok(Ok(())) => Err("the check found nothing wrong".to_owned()),
        Err(_) => Err(format!("the check went on for {SOON:?}")),
    }
}
