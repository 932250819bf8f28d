//! Whether a request could be answered, found out without asking the model.

use kneo_core::call::{CallContext, CallError};
use kneo_core::provider::ModelRequest;
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::Value as Json;

use super::extra::Extra;
use super::provider::Settings;
use super::target::Target;
use crate::http::code::Code;
use crate::http::redact::redact;

/// So many models are named when the one that is asked for is not there.
const MOST_NAMED: usize = 10;

pub(super) async fn check(settings: &Settings, request: &ModelRequest, context: &CallContext) -> Result<(), CallError> {
    let extra = Extra::read(request.extra.as_ref(), &settings.parameters)?;
    let target = settings.addresses.target(&extra, context).await?;
    let Some(model) = settings.model(request) else {
        return Err(Code::ModelMissing.error("no model is named: the spec names one, or the host gives a default"));
    };
    let listed = match get(settings, &["models"], &target, context).await {
        Ok(list) => models(&list),
        // Some servers have single models and no list of them.
        Err(error) if &*error.code == Code::EndpointNotFound.as_str() => {
            return match get(settings, &["models", model], &target, context).await {
                Ok(found) if found.get("id").is_some() => Ok(()),
                Ok(_) | Err(_) => Err(error),
            };
        }
        Err(error) => return Err(error),
    };
    let Some(listed) = listed else {
        return Err(Code::EndpointNotFound.error(format!(
            "`{}` gives no list of models at `/models`; see that `base_url` ends before `/chat/completions`",
            target.address
        )));
    };
    if listed.iter().any(|listed| listed == model) {
        return Ok(());
    }
    // Aliases and deployments are not listed everywhere.
    match get(settings, &["models", model], &target, context).await {
        Ok(found) if found.get("id").is_some() => Ok(()),
        Ok(_) | Err(_) => Err(not_found(model, &listed, &target)),
    }
}

async fn get(
    settings: &Settings,
    resource: &[&str],
    target: &Target,
    context: &CallContext,
) -> Result<Json, CallError> {
    let request = settings.request(Method::GET, resource, target, context)?.header(ACCEPT, "application/json");
    let body = settings.receive(request, Some(settings.bounds.idle), target).await?;
    let bytes = body.whole().await?;
    // What is no JSON is no list either.
    Ok(serde_json::from_slice(&bytes).unwrap_or(Json::Null))
}

/// The names of the models that a server lists, as OpenAI does or as a bare list.
fn models(list: &Json) -> Option<Vec<String>> {
    let models = list.get("data").unwrap_or(list).as_array()?;
    let id = |model: &Json| model.get("id").and_then(Json::as_str).map(str::to_owned);
    Some(models.iter().filter_map(id).collect())
}

fn not_found(model: &str, listed: &[String], target: &Target) -> CallError {
    let mut named: Vec<&String> = listed.iter().collect();
    // Those that begin most like it come first.
    let alike = |name: &str| name.chars().zip(model.chars()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    named.sort_by_key(|name| std::cmp::Reverse(alike(name)));
    let shown: Vec<String> =
        named.iter().take(MOST_NAMED).map(|name| format!("`{}`", redact(name, target.key()))).collect();
    let more = listed.len().saturating_sub(MOST_NAMED);
    let shown = match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more", shown.join(", ")),
    };
    Code::ModelNotFound.error(format!("`{}` has no model `{model}`; it has {shown}", target.address))
}
