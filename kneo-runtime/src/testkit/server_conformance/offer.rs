//! What a server offers.

use std::sync::Arc;

use kneo_core::Value;
use kneo_core::provider::ToolOffer;
use kneo_core::tool_server::offer_digest;

use super::Checked;
use super::fixture::{Does, Seen, ServerFixture, SuiteTool};
use super::support::{call, expect, nothing, saw, tools};

fn echo(name: &str) -> SuiteTool {
    SuiteTool::new(name, Does::Echo)
}

pub(super) async fn nothing_is_started_before_it_is_asked(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&[echo("echo")]).await else { return Ok(false) };
    // Whatever is started in the background has its turn.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    if !saw(&setup, &Seen::Began, 0)? {
        return Ok(false);
    }
    tools(&setup).await?;
    saw(&setup, &Seen::Began, 1)
}

pub(super) async fn a_connection_is_used_again(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&[echo("echo")]).await else { return Ok(false) };
    for _ in 0..3 {
        tools(&setup).await?;
        call(&setup, "echo", nothing()).await?;
    }
    saw(&setup, &Seen::Began, 1)
}

pub(super) async fn the_whole_offer_is_given_in_order(fixture: &dyn ServerFixture) -> Checked {
    let mut schema = SuiteTool::new("b/rich.one", Does::Echo);
    schema.offer.description = Arc::from("Says “grüße” — to 世界 🦀, and \"quotes\".\nOn two lines.");
    schema.offer.parameters = Value::from_json_text(
        r#"{"type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {"a": {"type": "integer", "minimum": -5}, "b": {"enum": ["x", null, 1.5]}},
            "$defs": {"empty": {}}}"#,
    )
    .map_err(|error| format!("the suite's own schema is none: {error}"))?;
    let wanted = [echo("z"), schema, echo("A-1")];
    let Some(setup) = fixture.serving(&wanted).await else { return Ok(false) };
    let wanted: Vec<ToolOffer> = wanted.into_iter().map(|tool| tool.offer).collect();
    expect("offer", &tools(&setup).await?, &wanted)?;
    Ok(true)
}

pub(super) async fn a_large_offer_is_given_whole(fixture: &dyn ServerFixture) -> Checked {
    let wanted: Vec<SuiteTool> = (0..300).map(|number| echo(&format!("tool-{number}"))).collect();
    let Some(setup) = fixture.serving(&wanted).await else { return Ok(false) };
    let names = |tools: &[ToolOffer]| tools.iter().map(|tool| Arc::clone(&tool.name)).collect::<Vec<_>>();
    let wanted: Vec<ToolOffer> = wanted.into_iter().map(|tool| tool.offer).collect();
    expect("list of names", &names(&tools(&setup).await?), &names(&wanted))?;
    Ok(true)
}

pub(super) async fn an_offer_stays_what_it_is(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&[echo("a"), echo("b")]).await else { return Ok(false) };
    let digest = |tools: &[ToolOffer]| offer_digest(tools).map_err(|error| format!("the offer has no digest: {error}"));
    let first = digest(&tools(&setup).await?)?;
    call(&setup, "a", nothing()).await?;
    expect("digest of the offer", &digest(&tools(&setup).await?)?, &first)?;
    Ok(true)
}

pub(super) async fn no_tools_are_an_offer(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&[]).await else { return Ok(false) };
    expect("offer", &tools(&setup).await?, &Vec::new())?;
    Ok(true)
}
