//! LiteLLM's proxy, which many put before their models: PyPI `litellm[proxy]`. Some of its models it mocks itself, the
//! others it passes on to aimock.

use std::process::Command;

use kneo_core::message::{Arguments, StopReason};
use kneo_core::provider::{ModelRequest, Provider as _, ToolOffer};
use kneo_core::secret::Secret;
use kneo_core::{Usage, Value};
use kneo_providers::openai::{Answers, OpenAiProvider};

use super::super::openai::{Told, told};
use super::super::support::{ask, at};
use kneo_tests::programs;

use super::program::Program;

const KEY: &str = "sk-litellm-0123456789abcdefghij";

/// The models: two that LiteLLM mocks, and one behind another server.
fn configuration(behind: &str) -> String {
    format!(
        r#"
model_list:
  - model_name: mocked
    litellm_params: {{model: openai/gpt-4o-mini, api_key: none, mock_response: "größe 漢字 🎉 from litellm"}}
  - model_name: limited
    litellm_params: {{model: openai/gpt-4o-mini, api_key: none, mock_response: litellm.RateLimitError}}
  - model_name: behind
    litellm_params: {{model: openai/gpt-4o-mini, api_key: none, api_base: "{behind}"}}
general_settings: {{master_key: {KEY}}}
litellm_settings: {{num_retries: 0}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"#
    )
}

struct Servers {
    litellm: Program,
    /// Answers what LiteLLM passes on, if it is installed.
    aimock: Option<Program>,
}

async fn servers() -> Option<Servers> {
    let program = programs::find("litellm", "KNEO_TEST_LITELLM")?;
    let aimock = super::aimock::aimock(None, &[]).await;
    let behind = aimock.as_ref().map_or_else(|| "http://127.0.0.1:9/v1".to_owned(), Program::base_url);
    let complete = |command: &mut Command, port: u16| {
        command.args(["--config", "config.yaml", "--host", "127.0.0.1", "--port", &port.to_string()]);
        // Nothing is fetched, reported or loaded from elsewhere.
        command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env_remove("DATABASE_URL");
    };
    let files = [("config.yaml", configuration(&behind))];
    let litellm = Program::serve(&program, &files, "/health/liveliness", complete).await;
    Some(Servers { litellm, aimock })
}

fn request(model: &str, input: &str) -> ModelRequest {
    let mut request = ask("writer", 1, input);
    request.model = Some(model.into());
    request
}

async fn asked(provider: &OpenAiProvider, request: &ModelRequest) -> Told {
    told(provider, request, at("3#1/t1", 1)).await
}

/// One test, since the server takes seconds to start.
#[tokio::test]
async fn a_gateway_answers_streams_limits_and_passes_on() {
    let Some(servers) = servers().await else { return };
    for answers in [Answers::Streamed, Answers::Plain] {
        let key = Secret::new(KEY.to_owned());
        let provider = OpenAiProvider::builder().base_url(servers.litellm.base_url()).api_key(key).answers(answers);
        let provider = provider.build().unwrap();

        let answer = asked(&provider, &request("mocked", "hello")).await.answer.unwrap();
        assert_eq!(answer.message.to_text(), "größe 漢字 🎉 from litellm", "{answers:?}");
        assert_eq!(answer.stop, StopReason::End);
        assert!(answer.usage.input > 0 && answer.usage.output > 0, "{answers:?}: {:?}", answer.usage);

        let error = asked(&provider, &request("limited", "hello")).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_rate_limited", true), "{answers:?}: {error}");
        let error = asked(&provider, &request("nameless", "hello")).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_model_not_found", false), "{answers:?}: {error}");

        provider.check(&request("mocked", ""), &at("", 1)).await.unwrap();
        let error = provider.check(&request("nameless", ""), &at("", 1)).await.unwrap_err();
        assert_eq!(&*error.code, "provider_model_not_found", "{error}");
        assert!(error.message.contains("`mocked`") && error.message.contains("`behind`"), "{error}");

        if servers.aimock.is_some() {
            passes_on(&provider, answers).await;
        }
    }
}

/// What comes through two servers is what the last of them says.
async fn passes_on(provider: &OpenAiProvider, answers: Answers) {
    let answer = asked(provider, &request("behind", "greet")).await.answer.unwrap();
    assert_eq!(answer.message.to_text(), "größe 漢字 🎉👩‍👩‍👧, and more words than fit one piece", "{answers:?}");
    assert_eq!(answer.usage, Usage::new(11, 7), "{answers:?}");

    let mut weather = request("behind", "weather");
    let parameters = Value::from_json_text(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#).unwrap();
    weather.tools = vec![ToolOffer::new("get_weather", "Tells the weather", parameters)].into();
    let answer = asked(provider, &weather).await.answer.unwrap();
    let arguments: Vec<_> = answer.message.tool_calls().map(|call| call.arguments.clone()).collect();
    let city = |city: &str| Arguments::Parsed(Value::map([("city", Value::from(city))]).unwrap());
    assert_eq!((arguments, answer.stop), (vec![city("Łódź"), city("東京")], StopReason::ToolCalls), "{answers:?}");

    for (input, code) in [("limited", "provider_rate_limited"), ("context", "provider_context_too_long")] {
        let error = asked(provider, &request("behind", input)).await.answer.unwrap_err();
        assert_eq!(&*error.code, code, "{input}, {answers:?}: {error}");
    }
}
