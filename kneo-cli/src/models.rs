//! Models over HTTP, as a project sets them up.

use kneo::Name;
use kneo::provider::openai::{self, OpenAiBuilder, OpenAiError, OpenAiProvider};

use crate::input::file_problem;
use crate::problem::Problem;
use crate::project::{Answers, MaxTokens, ProviderConfig, StructuredOutput};
use crate::remedy;

/// The provider that there is without any setting, and its key.
pub(crate) const OPENAI: &str = "openai";
pub(crate) const OPENAI_KEY: &str = "OPENAI_API_KEY";

/// Providers that are there whatever is set, and are no others.
const OWN: [&str; 2] = ["dummy", "scripted"];

/// OpenAI itself.
pub(crate) fn hosted() -> Result<OpenAiProvider, Problem> {
    build(OPENAI, OpenAiProvider::builder().api_key_ref(name(OPENAI, OPENAI_KEY)?))
}

/// A provider of the project's.
pub(crate) fn configured(own: &str, config: &ProviderConfig) -> Result<OpenAiProvider, Problem> {
    if OWN.contains(&own) {
        let message = format!("provider `{own}`: this is the name of a provider that every project has");
        return Err(Problem::new("config_invalid", message).with_help("give it another name"));
    }
    let mut builder = OpenAiProvider::builder();
    if let Some(url) = &config.base_url {
        builder = builder.base_url(url);
    }
    if let Some(key) = &config.api_key_ref {
        builder = builder.api_key_ref(name(own, key)?);
    }
    if let Some(model) = &config.model {
        builder = builder.default_model(model.as_str());
    }
    for url in &config.allow_base_urls {
        builder = builder.allow_base_url(url);
    }
    for host in &config.plain_http {
        builder = builder.allow_plain_http(host);
    }
    for parameter in &config.allow_parameters {
        builder = builder.allow_parameter(parameter.as_str());
    }
    if let Some(path) = &config.root_certificates {
        let pem = std::fs::read(path).map_err(|error| file_problem("the root certificates", path, &error))?;
        builder = builder.root_certificates(pem);
    }
    build(own, bounded(spoken_to(builder, config), config))
}

/// The same provider, spoken to in the server's way.
fn spoken_to(mut builder: OpenAiBuilder, config: &ProviderConfig) -> OpenAiBuilder {
    if let Some(answers) = config.answers {
        builder = builder.answers(match answers {
            Answers::Streamed => openai::Answers::Streamed,
            Answers::Plain => openai::Answers::Plain,
        });
    }
    if let Some(how) = config.structured_output {
        builder = builder.structured_output(match how {
            StructuredOutput::JsonSchema => openai::StructuredOutput::JsonSchema,
            StructuredOutput::JsonObject => openai::StructuredOutput::JsonObject,
            StructuredOutput::Unsent => openai::StructuredOutput::Unsent,
        });
    }
    if let Some(name) = config.max_tokens {
        builder = builder.max_tokens(match name {
            MaxTokens::MaxCompletionTokens => openai::MaxTokens::MaxCompletionTokens,
            MaxTokens::MaxTokens => openai::MaxTokens::MaxTokens,
        });
    }
    match &config.proxy {
        Some(proxy) => builder.proxy(&proxy.0),
        None => builder,
    }
}

/// The same provider with the project's bounds.
fn bounded(mut builder: OpenAiBuilder, config: &ProviderConfig) -> OpenAiBuilder {
    if let Some(time) = config.deadline_seconds {
        builder = builder.deadline(time.0);
    }
    if let Some(time) = config.connect_timeout_seconds {
        builder = builder.connect_timeout(time.0);
    }
    if let Some(time) = config.idle_timeout_seconds {
        builder = builder.idle_timeout(time.0);
    }
    if let Some(bytes) = config.max_answer_bytes {
        builder = builder.max_answer_bytes(bytes.get());
    }
    if let Some(bytes) = config.max_header_bytes {
        builder = builder.max_header_bytes(bytes.get());
    }
    if let Some(bytes) = config.max_event_bytes {
        builder = builder.max_event_bytes(bytes.get());
    }
    builder
}

fn name(provider: &str, text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|error| Problem::new("config_invalid", format!("provider `{provider}`: {error}")))
}

fn build(provider: &str, builder: OpenAiBuilder) -> Result<OpenAiProvider, Problem> {
    builder.build().map_err(|error| {
        let code = error.code();
        // The setting has another name than what it sets.
        let said = match error {
            OpenAiError::Address { option: "allow_base_url", reason } => {
                OpenAiError::Address { option: "allow_base_urls", reason }
            }
            OpenAiError::Address { option: "allow_plain_http", reason } => {
                OpenAiError::Address { option: "plain_http", reason }
            }
            other => other,
        };
        let said = remedy::worded(code, &said.to_string());
        Problem::new(code, format!("provider `{provider}`: {said}"))
    })
}
